"""How the plots look, compared with the images in ``baseline_images``.

Images are compared by the means of cells of 8 by 8 pixels, in color. This tolerates the
anti-aliasing of other matplotlib versions and letters that are shifted by a pixel, for which a
comparison of single pixels would fail. It still detects a missing title, as another test verifies.
Plots of networks and of t-SNE have no baseline, because their results differ between versions.

After an intended change, redraw the baselines and inspect them:

    python -m tests.display.test_appearance
"""

from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from ser_estimators import MFCCTransformer
from ser_estimators.display import (
    EmbeddingDisplay,
    ReliabilityDisplay,
    SpectrogramDisplay,
    StressTestDisplay,
    TrainingHistoryDisplay,
    WaveformDisplay,
)

from .helpers import HISTORY, chirp, clusters, emotions, predictions, stress_test

BASELINES = Path(__file__).parent / "baseline_images"


def reliability(seed=0, **options):
    truth, probabilities, speakers = predictions(seed=seed)
    return ReliabilityDisplay.from_predictions(truth, probabilities, speakers=speakers, **options)


# Plots by the name of their baseline image.
IMAGES = {
    "waveform": lambda: WaveformDisplay.from_clip(chirp(0.2), name="chirp.wav"),
    "waveform_envelope": lambda: WaveformDisplay.from_clip(chirp(60), name="chirp.wav"),
    "mel": lambda: SpectrogramDisplay.from_clip(chirp(), name="chirp.wav"),
    "mfcc": lambda: SpectrogramDisplay.from_clip(chirp(), kind="mfcc", name="chirp.wav"),
    "mel_from_mfcc": lambda: SpectrogramDisplay.from_estimator(
        MFCCTransformer(n_mfcc=20), chirp(), name="chirp.wav"
    ),
    "history": lambda: TrainingHistoryDisplay.from_history(HISTORY),
    "emotions": lambda: EmbeddingDisplay.from_embedding(*emotions(), label_name="emotion"),
    "speakers": lambda: EmbeddingDisplay.from_embedding(*clusters(24, 4), label_name="speaker"),
    "reliability": lambda: reliability(name="probabilities"),
    "stress": lambda: StressTestDisplay.from_results(
        {"CNN": stress_test(), "SVM": stress_test(1)}, name="two systems"
    ),
}


# Plots that differ from a baseline as they would after a mistake.
CHANGED = [
    ("waveform", lambda: WaveformDisplay.from_clip(chirp(0.2))),  # no title
    ("waveform", lambda: WaveformDisplay.from_clip(chirp(0.2), sr=22050, name="chirp.wav")),
    ("waveform", lambda: WaveformDisplay.from_clip(-chirp(0.2), name="chirp.wav")),
    (
        "waveform",
        lambda: WaveformDisplay.from_clip(
            chirp(0.2), name="chirp.wav", line_kwargs={"color": "black"}
        ),
    ),
    ("waveform_envelope", lambda: WaveformDisplay.from_clip(chirp(60)[::-1], name="chirp.wav")),
    ("mel", lambda: SpectrogramDisplay.from_clip(chirp(), name="chirp.wav", cmap="inferno")),
    ("mel", lambda: SpectrogramDisplay.from_clip(chirp(), name="chirp.wav", colorbar=False)),
    ("mel", lambda: SpectrogramDisplay.from_clip(chirp(), name="chirp.wav", kind="mel_from_mfcc")),
    (
        "mfcc",
        lambda: SpectrogramDisplay.from_clip(
            chirp(), kind="mfcc", name="chirp.wav", mesh_kwargs={"vmin": -100}
        ),
    ),
    (
        "mel_from_mfcc",
        lambda: SpectrogramDisplay.from_estimator(
            MFCCTransformer(n_mfcc=24), chirp(), name="chirp.wav"
        ),
    ),
    ("history", lambda: TrainingHistoryDisplay.from_history(HISTORY, metrics=["accuracy", "loss"])),
    (
        "history",
        lambda: TrainingHistoryDisplay.from_history(
            [{k: v for k, v in row.items() if k != "valid_loss"} for row in HISTORY]
        ),
    ),
    ("history", lambda: TrainingHistoryDisplay.from_history(HISTORY, line_kwargs={"marker": ""})),
    ("emotions", lambda: EmbeddingDisplay.from_embedding(*emotions())),  # no title of the legend
    (
        "emotions",
        lambda: EmbeddingDisplay.from_embedding(
            emotions()[0], np.roll(emotions()[1], 10), label_name="emotion"
        ),
    ),
    (
        "emotions",
        lambda: EmbeddingDisplay.from_embedding(
            *emotions(), label_name="emotion", scatter_kwargs={"marker": "o"}
        ),
    ),
    (
        "speakers",
        lambda: EmbeddingDisplay.from_embedding(*clusters(23, 4), label_name="speaker"),
    ),
    ("reliability", lambda: reliability()),  # no title
    ("reliability", lambda: reliability(seed=1, name="probabilities")),
    ("reliability", lambda: reliability(n_bins=5, name="probabilities")),
    (
        "stress",
        lambda: StressTestDisplay.from_results({"CNN": stress_test(), "SVM": stress_test(1)}),
    ),
    (
        "stress",
        lambda: StressTestDisplay.from_results(
            {"CNN": stress_test(), "SVM": stress_test(2)}, name="two systems"
        ),
    ),
]


def save(draw, path):
    """Save a plot in matplotlib's default style, whatever the user's style is."""
    with plt.style.context("default"), mpl.rc_context({"figure.dpi": 60, "savefig.dpi": 60}):
        figure = draw().figure_
        figure.savefig(path, metadata={"Software": None}, pil_kwargs={"optimize": True})
        plt.close(figure)


def cells(path):
    """Return the means of cells of 8 by 8 pixels, (rows, columns, 3), from 0 to 255."""
    image = 255 * plt.imread(path)[..., :3]
    rows, columns = image.shape[0] // 8, image.shape[1] // 8
    return image[: rows * 8, : columns * 8].reshape(rows, 8, columns, 8, 3).mean(axis=(1, 3))


def difference(actual, expected):
    """Return the largest difference of a cell in any color, infinity if the sizes differ."""
    first, second = cells(actual), cells(expected)
    return np.abs(first - second).max() if first.shape == second.shape else np.inf


# On the scale from 0 to 255. Drawing again gives 0, and each change at least twice this value.
TOLERANCE = 25


@pytest.mark.skipif(
    mpl.__version_info__[:2] != (3, 11), reason="other versions of matplotlib draw other letters"
)
@pytest.mark.parametrize("name", IMAGES)
def test_plot_looks_like_its_baseline(name, tmp_path):
    save(IMAGES[name], f"{name}.png")
    assert difference(f"{name}.png", BASELINES / f"{name}.png") <= TOLERANCE, (
        f"compare {tmp_path / name}.png with {BASELINES / name}.png"
    )


@pytest.mark.parametrize(("name", "changed"), CHANGED)
def test_changed_plot_differs_from_the_baseline(name, changed):
    save(changed, "changed.png")
    assert difference("changed.png", BASELINES / f"{name}.png") > 2 * TOLERANCE


def test_baselines_are_small_and_all_used():
    assert {path.stem for path in BASELINES.iterdir()} == set(IMAGES)
    assert max(path.stat().st_size for path in BASELINES.iterdir()) < 30_000


@pytest.mark.parametrize("name", IMAGES)
def test_nothing_is_cut_off(name):
    """All texts and legends are inside the figure, and tick labels do not overlap."""
    figure = IMAGES[name]().figure_
    figure.canvas.draw()
    drawn = figure.get_tightbbox()  # in inches
    width, height = figure.get_size_inches()
    assert min(drawn.x0, drawn.y0) >= 0
    assert drawn.x1 <= width
    assert drawn.y1 <= height
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            if not axis.get_ticklabels():  # those of the axes below count
                continue
            texts = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
            boxes = [text.get_window_extent() for at, text in texts if low <= at <= high]
            assert not any(a.overlaps(b) for a, b in pairwise(boxes))


if __name__ == "__main__":
    for name, draw in IMAGES.items():
        save(draw, BASELINES / f"{name}.png")
