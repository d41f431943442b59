"""The displays: what they draw, what they refuse, and how their pictures look.

What is drawn is tested on the artists: their data, colours, markers and texts. How it looks is held
by small pictures in ``baseline_images``, which a reviewer can open. They are compared as means over
cells of 8 by 8 pixels, in colour: that forgives another version's anti-aliasing and a shift of
letters by a pixel, which make comparisons pixel by pixel fail everywhere but on the machine that
drew the baseline, and still notices a title that is gone. That it notices is tested as well.
What a network or t-SNE makes of clips is not held by pictures, because it differs between versions
of theirs. After a wanted change, draw the baselines anew and look at them:

    python -m tests.test_display
"""

import json
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import librosa
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import soundfile
from scipy.fft import idct
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from ser_estimators import CNNEmbedder, MFCCTransformer
from ser_estimators.display import (
    EmbeddingDisplay,
    SpectrogramDisplay,
    TrainingHistoryDisplay,
    WaveformDisplay,
)
from ser_estimators.exceptions import AudioLevelWarning, AudioReadError

mpl.use("Agg")
import matplotlib.pyplot as plt

BASELINES = Path(__file__).parent / "baseline_images"
SR = 16000
OKABE_ITO = ["#0072B2", "#E69F00", "#009E73", "#F0E442", "#D55E00", "#56B4E9", "#CC79A7"]
HISTORY = [
    {
        "epoch": epoch,
        "train_loss": 2 / epoch,
        "valid_loss": 2 / epoch + 0.05 * epoch,
        "train_accuracy": 1 - 0.8 / epoch,
        "valid_accuracy": 0.8 - 0.6 / epoch,
        "dur": 0.1,
    }
    for epoch in range(1, 13)
]


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def chirp(seconds=1.0):
    """Return a tone that rises from 200 to 6000 Hz and swells, the same on every machine."""
    time = np.arange(int(SR * seconds)) / SR
    phase = 2 * np.pi * (200 * time + (6000 - 200) / seconds * time**2 / 2)
    return (0.1 + 0.8 * time / seconds) * np.sin(phase)


def clusters(n_labels, n_each):
    """Return points around centres in eight dimensions, and labels from 1."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(1, n_labels + 1), n_each)
    centres = 3 * rng.normal(size=(n_labels, 8))
    return centres[labels - 1] + rng.normal(size=(len(labels), 8)), labels


def emotions(n_each=10):
    embedding, labels = clusters(8, n_each)
    names = ["anger", "calm", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"]
    return embedding, np.array(names)[labels - 1]


@pytest.fixture(scope="module")
def pipe(voices):
    """Fit a small pipeline."""
    cnn = CNNEmbedder(channels=(4, 8), embedding_dim=8, max_epochs=2, random_state=0)
    pipe = make_pipeline(MFCCTransformer(n_mfcc=20, hop_length=512), cnn, LogisticRegression())
    return pipe.fit(voices.data, voices.target)


# Pictures, and versions of them that differ as a mistake would make them differ.


PICTURES = {
    "waveform": lambda: WaveformDisplay.from_clip(chirp(0.2), name="chirp.wav"),
    "waveform_envelope": lambda: WaveformDisplay.from_clip(chirp(60), name="chirp.wav"),
    "mel": lambda: SpectrogramDisplay.from_clip(chirp(), name="chirp.wav"),
    "mfcc": lambda: SpectrogramDisplay.from_clip(chirp(), kind="mfcc", name="chirp.wav"),
    "picture": lambda: SpectrogramDisplay.from_estimator(
        MFCCTransformer(n_mfcc=20), chirp(), name="chirp.wav"
    ),
    "history": lambda: TrainingHistoryDisplay.from_history(HISTORY),
    "emotions": lambda: EmbeddingDisplay.from_embedding(*emotions(), label_name="emotion"),
    "speakers": lambda: EmbeddingDisplay.from_embedding(*clusters(24, 4), label_name="speaker"),
}
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
    ("mel", lambda: SpectrogramDisplay.from_clip(chirp(), name="chirp.wav", kind="picture")),
    (
        "mfcc",
        lambda: SpectrogramDisplay.from_clip(
            chirp(), kind="mfcc", name="chirp.wav", mesh_kwargs={"vmin": -100}
        ),
    ),
    (
        "picture",
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
]


def draw(picture, path):
    """Save a picture in matplotlib's own style, whatever the user's is."""
    with plt.style.context("default"), mpl.rc_context({"figure.dpi": 60, "savefig.dpi": 60}):
        figure = picture().figure_
        figure.savefig(path, metadata={"Software": None}, pil_kwargs={"optimize": True})
        plt.close(figure)


def cells(path):
    """Means over cells of 8 by 8 pixels, (rows, columns, 3), from 0 to 255."""
    image = 255 * plt.imread(path)[..., :3]
    rows, columns = image.shape[0] // 8, image.shape[1] // 8
    return image[: rows * 8, : columns * 8].reshape(rows, 8, columns, 8, 3).mean(axis=(1, 3))


def difference(actual, expected):
    """Largest difference of a cell in any colour, infinite for pictures of unequal size."""
    first, second = cells(actual), cells(expected)
    return np.abs(first - second).max() if first.shape == second.shape else np.inf


# Of 255. Drawing again gives 0, and each of the changes above at least twice as much as this.
TOLERANCE = 25


@pytest.mark.parametrize("name", PICTURES)
def test_picture_looks_as_it_did(name, tmp_path):
    draw(PICTURES[name], f"{name}.png")
    assert difference(f"{name}.png", BASELINES / f"{name}.png") <= TOLERANCE, (
        f"compare {tmp_path / name}.png with {BASELINES / name}.png"
    )


@pytest.mark.parametrize(("name", "changed"), CHANGED)
def test_a_changed_picture_is_noticed(name, changed):
    draw(changed, "changed.png")
    assert difference("changed.png", BASELINES / f"{name}.png") > 2 * TOLERANCE


def test_baselines_are_small_and_all_used():
    assert {path.stem for path in BASELINES.iterdir()} == set(PICTURES)
    assert max(path.stat().st_size for path in BASELINES.iterdir()) < 30_000


@pytest.mark.parametrize("name", PICTURES)
def test_nothing_is_cut_off(name):
    """Every text and legend lies inside its figure, and no tick label on another."""
    figure = PICTURES[name]().figure_
    figure.canvas.draw()
    drawn = figure.get_tightbbox()  # in inches
    width, height = figure.get_size_inches()
    assert min(drawn.x0, drawn.y0) >= 0
    assert drawn.x1 <= width
    assert drawn.y1 <= height
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            texts = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
            boxes = [text.get_window_extent() for at, text in texts if low <= at <= high]
            assert not any(a.overlaps(b) for a, b in pairwise(boxes))


# All displays.


def test_import_loads_nothing_heavy():
    code = (
        "import ser_estimators.display, sys, json\n"
        "print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "skorch", "librosa", "numba", "matplotlib"} & set(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("name", "draw_it"),
    [
        ("WaveformDisplay.from_clip", lambda: WaveformDisplay.from_clip("no.wav")),
        ("WaveformDisplay.plot", lambda: WaveformDisplay([0.0]).plot()),
        ("SpectrogramDisplay.from_clip", lambda: SpectrogramDisplay.from_clip("no.wav")),
        (
            "SpectrogramDisplay.from_estimator",
            lambda: SpectrogramDisplay.from_estimator(MFCCTransformer(), "no.wav"),
        ),
        ("SpectrogramDisplay.plot", lambda: SpectrogramDisplay([[0.0]]).plot()),
        (
            "TrainingHistoryDisplay.from_estimator",
            lambda: TrainingHistoryDisplay.from_estimator(CNNEmbedder()),
        ),
        ("TrainingHistoryDisplay.plot", lambda: TrainingHistoryDisplay.from_history(HISTORY)),
        (
            "EmbeddingDisplay.from_estimator",
            lambda: EmbeddingDisplay.from_estimator(CNNEmbedder(), [], []),
        ),
        ("EmbeddingDisplay.from_embedding", lambda: EmbeddingDisplay.from_embedding([], [])),
        ("EmbeddingDisplay.plot", lambda: EmbeddingDisplay([[0, 0]], ["a"]).plot()),
    ],
)
def test_without_matplotlib_the_remedy_is_said(name, draw_it, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    match = rf"{name} needs matplotlib, .* run: pip install 'ser_estimators\[plot\]'"
    with pytest.raises(ImportError, match=match):
        draw_it()


@pytest.mark.parametrize(
    "draw_on",
    [
        lambda ax: WaveformDisplay.from_clip(chirp(), ax=ax),
        lambda ax: SpectrogramDisplay.from_clip(chirp(), ax=ax),
        lambda ax: SpectrogramDisplay.from_estimator(MFCCTransformer(), chirp(), ax=ax),
        lambda ax: TrainingHistoryDisplay.from_history(HISTORY, metrics="loss", ax=ax),
        lambda ax: EmbeddingDisplay.from_embedding(*emotions(), ax=ax),
    ],
)
def test_figures_are_made_only_where_no_axes_are_given(draw_on):
    ax = plt.figure().subplots()
    display = draw_on(ax)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert len(plt.get_fignums()) == 1
    display = draw_on(None)
    assert display.figure_ is not ax.figure
    assert len(plt.get_fignums()) == 2


def test_constructor_only_stores():
    values = object()
    assert WaveformDisplay(values).waveform is values
    assert SpectrogramDisplay(values).values is values
    assert TrainingHistoryDisplay(values).history is values
    assert EmbeddingDisplay(values, None).coordinates is values
    assert not plt.get_fignums()


@pytest.mark.parametrize("display", [WaveformDisplay, SpectrogramDisplay])
@pytest.mark.parametrize(
    ("clip", "error", "match"),
    [
        (["a.wav", "b.wav"], TypeError, r"clip is a list of 2 that begins with \['a.wav'\]"),
        ([Path("a.wav")], TypeError, "pass one at a time, such as clip"),
        (None, TypeError, r"clip is None \(NoneType\); expected one audio path or one 1-D"),
        (0.5, TypeError, r"clip is 0.5 \(float\)"),
        (np.zeros((2, 9)), ValueError, r"clip is an array of shape \(2, 9\); .* pass a row"),
        ([[0.0], [0.0, 1.0]], ValueError, r"clip is a list of several clips; .* pass clip\[0\]"),
        ([], AudioReadError, "it holds no samples"),
        ([np.nan, 0.0], AudioReadError, "1 of its 2 samples are NaN"),
        ("no_such_file.wav", AudioReadError, "Could not read 'no_such_file.wav'"),
    ],
)
def test_a_clip_that_is_none_is_refused(display, clip, error, match):
    with pytest.raises(error, match=match):
        display.from_clip(clip)
    assert not plt.get_fignums()


@pytest.mark.parametrize("display", [WaveformDisplay, SpectrogramDisplay])
def test_silence_is_drawn_and_warned_of(display):
    with pytest.warns(AudioLevelWarning, match="1 of 1 clips are silent"):
        shown = display.from_clip(np.zeros(8000))
    shown.figure_.canvas.draw()


@pytest.mark.parametrize("display", [WaveformDisplay, SpectrogramDisplay])
@pytest.mark.parametrize("n_samples", [1, 2, 300])
def test_the_shortest_clips_are_drawn(display, n_samples):
    display.from_clip(np.ones(n_samples)).figure_.canvas.draw()


@pytest.mark.parametrize("display", [WaveformDisplay, SpectrogramDisplay])
def test_title_is_the_file_name(display, voices):
    path = Path(voices.data[0])
    assert display.from_clip(path).ax_.get_title() == path.name
    assert display.from_clip(str(path), name="mine").ax_.get_title() == "mine"
    assert display.from_clip(chirp()).ax_.get_title() == ""


def test_odd_titles_can_be_drawn():
    name = "cost_$5_\\frac{_" + 100 * "x" + "_end$\udcff.wav"
    display = WaveformDisplay.from_clip(chirp(), name=name)
    display.figure_.canvas.draw()
    title = display.ax_.get_title()
    assert len(title) == 52
    assert title.startswith("cost_$5_")
    assert title.endswith("_end$?.wav")


# Waveform.


def test_short_clip_is_drawn_sample_by_sample(voices):
    for clip in (chirp(0.2), chirp(0.2).astype(np.float32)):
        display = WaveformDisplay.from_clip(clip)
        time, samples = display.line_.get_data()
        np.testing.assert_allclose(samples, chirp(0.2), atol=1e-6)
        np.testing.assert_allclose(time, np.arange(3200) / SR)
    assert display.ax_.get_xlim() == (0, 0.2)
    assert display.ax_.get_xlabel() == "Time (s)"
    assert display.ax_.get_ylabel() == "Amplitude"


def test_file_is_read_as_the_estimators_read_it():
    stereo = np.column_stack([chirp(), np.zeros(SR)])
    soundfile.write("stereo.wav", stereo, SR, subtype="PCM_16")
    display = WaveformDisplay.from_clip("stereo.wav", sr=8000)
    assert display.waveform.shape == (8000,)
    assert display.sr == 8000
    assert display.ax_.get_xlim() == (0, 1)
    pcm = WaveformDisplay.from_clip((chirp() * 32767).astype(np.int16))
    np.testing.assert_allclose(pcm.waveform, chirp(), atol=1e-4)


def test_envelope_keeps_every_peak():
    clip = np.zeros(SR * 30)
    clip[[12345, 300000]] = 0.9, -0.7
    display = WaveformDisplay.from_clip(clip, max_columns=500)
    time, samples = display.line_.get_data()
    assert len(samples) == 1000
    assert samples.max() == np.float32(0.9)
    assert samples.min() == np.float32(-0.7)
    assert time[samples.argmax()] == pytest.approx(12345 / SR, abs=30 / 500)
    assert time[samples.argmin()] == pytest.approx(300000 / SR, abs=30 / 500)


def test_ten_minutes_are_drawn_fast():
    clip = np.random.default_rng(0).normal(0, 0.1, SR * 600).astype(np.float32)
    start = time.perf_counter()
    WaveformDisplay(clip).plot().figure_.canvas.draw()
    assert time.perf_counter() - start < 5  # in fact a tenth of a second
    assert len(plt.gca().lines[0].get_xdata()) == 4000


def test_waveform_parameters_are_checked():
    with pytest.raises(ValueError, match="sr == 0, must be >= 1"):
        WaveformDisplay.from_clip(chirp(), sr=0)
    with pytest.raises(TypeError, match="max_columns must be an instance of int"):
        WaveformDisplay.from_clip(chirp(), max_columns=2.5)
    display = WaveformDisplay.from_clip(chirp(), line_kwargs={"lw": 3, "c": "red"})
    assert (display.line_.get_linewidth(), display.line_.get_color()) == (3, "red")


# Spectrogram.


def test_mel_spectrogram_is_librosas_on_an_axis_in_hz():
    mfcc = MFCCTransformer(n_fft=512, hop_length=160, n_mels=40, fmin=50, fmax=7000)
    display = SpectrogramDisplay.from_clip(chirp(), transformer=mfcc)
    power = librosa.feature.melspectrogram(
        y=chirp(), sr=SR, n_fft=512, hop_length=160, n_mels=40, fmin=50, fmax=7000
    )
    np.testing.assert_allclose(display.values, librosa.power_to_db(power), atol=0.01)
    np.testing.assert_array_equal(display.mesh_.get_array(), display.values)

    edges = display.mesh_.get_coordinates()
    time, hertz = edges[0, :, 0], edges[:, 0, 1]
    np.testing.assert_allclose(time[:-1] + 0.005, np.arange(101) * 0.01, atol=1e-9)
    centres = librosa.mel_frequencies(42, fmin=50, fmax=7000)[1:-1]
    assert (hertz[:-1] < centres).all()
    assert (centres < hertz[1:]).all()
    assert (hertz[0], hertz[-1]) == display.ax_.get_ylim() == (50, 7000)
    inner = librosa.hz_to_mel(hertz[1:-1])
    np.testing.assert_allclose(np.diff(inner), np.diff(librosa.hz_to_mel(centres))[0], rtol=1e-6)

    ticks = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert ticks == ["250", "500", "1000", "2000", "4000"]
    assert display.ax_.get_ylabel() == "Frequency (Hz)"
    assert display.colorbar_.ax.get_ylabel() == "Power (dB)"
    assert display.colorbar_.extend == "neither"


def test_a_tone_lies_at_its_frequency_and_time():
    clip = np.zeros(SR * 2)
    clip[SR:] = np.sin(2 * np.pi * 3000 * np.arange(SR) / SR)
    for kind in ("mel", "picture"):
        display = SpectrogramDisplay.from_clip(clip, kind=kind)
        edges = display.mesh_.get_coordinates()
        row, _ = np.unravel_index(np.argmax(display.values), display.values.shape)
        assert edges[row, 0, 1] < 3000 * 1.05
        assert edges[row + 1, 0, 1] > 3000 / 1.05
        starts = np.argmax(display.values[row] > display.values.max() - 20)
        assert edges[0, starts, 0] == pytest.approx(1.0, abs=0.04)


@pytest.mark.parametrize(
    "parameters",
    [
        {"offset": 0.5},
        {"duration": 0.5},
        {"trim_db": 10.0},
        {"loudness": -30.0},
        {"preemphasis": 0.97},
        {"window": "boxcar"},
        {"win_length": 512},
        {"center": False},
        {"htk": True},
        {"mel_norm": None},
    ],
    ids=lambda parameters: next(iter(parameters)),
)
def test_mel_spectrogram_is_that_of_the_mfccs_whatever_the_parameters(parameters):
    # All coefficients hold what the mel spectrogram holds.
    mfcc = MFCCTransformer(n_mfcc=64).set_params(**parameters)
    display = SpectrogramDisplay.from_clip(chirp(), transformer=mfcc)
    expected = idct(mfcc.transform([chirp()])[0], axis=0, norm="ortho")
    np.testing.assert_allclose(display.values, expected, atol=1e-3)
    default = SpectrogramDisplay.from_clip(chirp(), transformer=MFCCTransformer(n_mfcc=64))
    assert display.values.shape != default.values.shape or not np.allclose(
        display.values, default.values, atol=0.1
    )


@pytest.mark.parametrize(
    ("parameters", "start"),
    [({}, 0), ({"offset": 0.5}, 0.5), ({"center": False}, 0.032), ({"sr": 8000}, 0)],
)
def test_time_is_that_of_the_clip(parameters, start):
    mfcc = MFCCTransformer().set_params(**parameters)
    display = SpectrogramDisplay.from_clip(chirp(), transformer=mfcc)
    assert display.start == pytest.approx(start)
    assert display.ax_.get_xlim()[0] == pytest.approx(start)
    edges = display.mesh_.get_coordinates()[0, :, 0]
    assert edges[:2].mean() == pytest.approx(start)


@pytest.mark.parametrize("kind", ["mel", "picture"])
@pytest.mark.parametrize("hz", [500, 3000, 6000])
def test_a_tone_lies_at_its_frequency_on_htks_scale(kind, hz):
    tone = np.sin(2 * np.pi * hz * np.arange(SR) / SR)
    mfcc = MFCCTransformer(htk=True)
    display = SpectrogramDisplay.from_clip(tone, kind=kind, transformer=mfcc)
    edges = display.mesh_.get_coordinates()[:, 0, 1]
    row = int(display.values[:, 5:-5].mean(axis=1).argmax())
    width = edges[row + 1] - edges[row]
    assert edges[row] - width / 2 <= hz <= edges[row + 1] + width / 2


def test_picture_leaves_derivatives_out():
    plain, with_deltas = (
        SpectrogramDisplay.from_clip(
            chirp(), kind="picture", transformer=MFCCTransformer(n_mfcc=20, deltas=deltas)
        )
        for deltas in (0, 2)
    )
    np.testing.assert_array_equal(with_deltas.values, plain.values)


@pytest.mark.parametrize(
    ("display", "message"),
    [
        (WaveformDisplay([]), r"waveform has the shape \(0,\)"),
        (WaveformDisplay(np.zeros((9, 2))), r"waveform has the shape \(9, 2\)"),
        (WaveformDisplay(["a.wav"]), "type <U5; expected numbers.*Take from_clip for a file"),
        (WaveformDisplay([0, np.nan, 1]), "1 of the 3 samples of waveform are NaN or inf"),
        (WaveformDisplay([0, 1], sr=0), "sr == 0, must be > 0"),
        (SpectrogramDisplay(np.full((2, 3), np.nan)), "values holds NaN or infinity, 6 of 6"),
        (
            SpectrogramDisplay(np.ones((2, 3)), fmin=9000),
            "fmin == 9000 Hz, must be from 0 to below",
        ),
    ],
)
def test_numbers_that_cannot_be_drawn_are_named(display, message):
    with pytest.raises(ValueError, match=message):
        display.plot()


@pytest.mark.parametrize("clips", ["clip.wav", Path("clip.wav"), iter(["clip.wav"])])
def test_an_embedding_of_what_is_no_list_of_clips_is_refused(pipe, clips):
    with pytest.raises(TypeError, match=r"X is the single path .*|X is a list_iterator; expected"):
        EmbeddingDisplay.from_estimator(pipe, clips, ["anger"])


@pytest.mark.parametrize(
    ("limits", "ticks"),
    [
        ({}, ["250", "500", "1000", "2000", "4000", "8000"]),
        ({"fmin": 300, "fmax": 900, "n_mels": 12}, ["300", "400", "500", "600", "700", "800"]),
    ],
)
def test_frequencies_are_round(limits, ticks):
    mfcc = MFCCTransformer(n_mfcc=12, n_fft=2048).set_params(**limits)
    ax = SpectrogramDisplay.from_clip(chirp(), transformer=mfcc).ax_
    assert [label.get_text() for label in ax.get_yticklabels()][: len(ticks)] == ticks


def test_mfcc_are_the_transformers_and_colours_leave_the_first_out():
    mfcc = MFCCTransformer(n_mfcc=13)
    display = SpectrogramDisplay.from_clip(chirp(), kind="mfcc", transformer=mfcc)
    np.testing.assert_array_equal(display.values, mfcc.transform([chirp()])[0])
    assert display.mesh_.get_clim() == tuple(np.percentile(display.values[1:], [2, 98]))
    assert display.colorbar_.extend == "both"
    assert display.ax_.get_ylabel() == "Coefficient"
    assert display.ax_.get_ylim() == (-0.5, 12.5)
    one = SpectrogramDisplay.from_clip(chirp(), kind="mfcc", transformer=MFCCTransformer(n_mfcc=1))
    one.figure_.canvas.draw()


def test_picture_of_all_coefficients_is_the_mel_spectrogram():
    mfcc = MFCCTransformer(n_mfcc=64)
    mel = SpectrogramDisplay.from_clip(chirp(), transformer=mfcc)
    picture = SpectrogramDisplay.from_clip(chirp(), kind="picture", transformer=mfcc)
    np.testing.assert_allclose(picture.values, mel.values, atol=1e-3)


def test_picture_is_what_the_network_sees(pipe, voices):
    """Up to the constants of each row that the network takes away, and one common factor."""
    import torch

    display = SpectrogramDisplay.from_estimator(pipe, voices.data[0])
    frames = pipe[0].transform(voices.data[:1])
    layer = pipe[1].net_.module_.picture
    seen = layer(torch.from_numpy(frames))[0][0, 0].numpy() * layer.std.numpy()
    seen = seen.reshape(display.values.shape) + layer.mean.numpy().reshape(-1, 1)
    factor = np.sqrt(20 / 64)  # rows to mel bands
    np.testing.assert_allclose(display.values, factor * seen, atol=1e-3)
    assert display.values.shape[0] == 20
    assert display.hop_length == 512
    # Decibels, on the scale of the mel spectrogram.
    mel = SpectrogramDisplay.from_estimator(pipe, voices.data[0], kind="mel")
    assert display.values.mean() == pytest.approx(mel.values.mean(), abs=0.01)


def test_spectrogram_finds_the_transformer(pipe, voices):
    search = GridSearchCV(pipe, {"logisticregression__C": [1.0]}, cv=2)
    with pytest.raises(TypeError, match="The GridSearchCV holds no MFCCTransformer; expected one"):
        SpectrogramDisplay.from_estimator(search, voices.data[0])
    search.best_estimator_ = make_pipeline(pipe[:-1], LogisticRegression())  # a nested pipeline
    for estimator in (pipe, search, pipe[0]):
        display = SpectrogramDisplay.from_estimator(estimator, voices.data[0], kind="mfcc")
        np.testing.assert_array_equal(display.values, pipe[0].transform(voices.data[:1])[0])


def test_transformer_is_left_as_it_was():
    mfcc = MFCCTransformer().fit(np.zeros((2, 100)))
    SpectrogramDisplay.from_clip(chirp(), transformer=mfcc)
    assert mfcc.n_features_in_ == 100


def test_long_clip_is_averaged_for_the_picture():
    values = np.tile(np.arange(10_000.0), (4, 1))
    display = SpectrogramDisplay(values, n_mels=4).plot(max_columns=100)
    np.testing.assert_allclose(display.mesh_.get_array()[0], 49.5 + 100 * np.arange(100))
    assert display.ax_.get_xlim() == (0, pytest.approx(9999.5 * 256 / SR))
    assert display.values is values


def test_spectrogram_parameters_are_checked():
    with pytest.raises(ValueError, match="kind == 'cqt', must be one of 'mel', 'mfcc', 'picture'"):
        SpectrogramDisplay.from_clip(chirp(), kind="cqt")
    with pytest.raises(ValueError, match="kind == 'cqt', must be one of 'mel', 'mfcc', 'picture'"):
        SpectrogramDisplay([[0.0]], kind="cqt").plot()
    with pytest.raises(TypeError, match="transformer is a Pipeline; .* Pass a pipeline to from_es"):
        SpectrogramDisplay.from_clip(chirp(), transformer=make_pipeline(MFCCTransformer()))
    with pytest.raises(ValueError, match="n_mfcc == 99, must be <= n_mels"):
        SpectrogramDisplay.from_clip(chirp(), transformer=MFCCTransformer(n_mfcc=99))
    with pytest.raises(ValueError, match=r"values has the shape \(3,\); expected \(n_rows"):
        SpectrogramDisplay([1.0, 2.0, 3.0]).plot()
    with pytest.raises(ValueError, match="max_columns == 0, must be >= 1"):
        SpectrogramDisplay.from_clip(chirp(), max_columns=0)


def test_colours_can_be_chosen():
    display = SpectrogramDisplay.from_clip(
        chirp(), kind="mfcc", cmap="viridis", colorbar=False, mesh_kwargs={"vmin": -5, "vmax": 5}
    )
    assert display.mesh_.get_clim() == (-5, 5)
    assert display.mesh_.get_cmap().name == "viridis"
    assert display.colorbar_ is None
    norm = mpl.colors.Normalize(-9, 9)
    display = SpectrogramDisplay.from_clip(chirp(), kind="mfcc", mesh_kwargs={"norm": norm})
    assert display.mesh_.get_clim() == (-9, 9)


def test_default_colour_map_reads_in_grey():
    colours = mpl.colormaps["magma"](np.linspace(0, 1, 64))[:, :3]
    assert (np.diff(colours @ [0.2126, 0.7152, 0.0722]) > 0).all()


# Training history.


def test_history_of_a_fitted_network(pipe):
    search = GridSearchCV(pipe, {})
    search.best_estimator_ = pipe
    for estimator in (pipe, pipe[1], search):
        display = TrainingHistoryDisplay.from_estimator(estimator)
        assert list(display.lines_) == [("loss", "training")]
        epochs, losses = display.lines_["loss", "training"].get_data()
        assert list(epochs) == [1, 2]
        assert list(losses) == [row["train_loss"] for row in pipe[1].history_]
        assert len(display.axes_) == 1
        assert display.ax_.get_ylabel() == "Loss"
        assert display.ax_.get_xlabel() == "Epoch"


def test_only_what_is_there_is_drawn():
    display = TrainingHistoryDisplay.from_history(HISTORY, name="a run")
    assert list(display.lines_) == [
        ("loss", "training"),
        ("loss", "validation"),
        ("accuracy", "training"),
        ("accuracy", "validation"),
    ]
    assert [ax.get_ylabel() for ax in display.axes_] == ["Loss", "Accuracy"]
    assert [ax.get_title() for ax in display.axes_] == ["a run", "a run"]
    assert display.axes_[1].get_ylim() == (0, 1.02)
    for ax in display.axes_:
        texts = [text.get_text() for text in ax.get_legend().get_texts()]
        assert texts == ["training", "validation"]
    accuracy = TrainingHistoryDisplay.from_history([{"valid_acc": 0.5}, {"valid_acc": 0.7}])
    (line,) = accuracy.lines_.values()
    assert list(line.get_xdata()) == [1, 2]  # counted, without an "epoch"
    assert accuracy.ax_.get_ylabel() == "Accuracy"


def test_values_that_are_none_are_left_out():
    history = [
        {"epoch": 1, "train_loss": 2.0, "valid_loss": None},
        {"epoch": 2, "train_loss": 1.0, "valid_loss": 1.5},
        {"epoch": 3, "train_loss": float("nan")},
        {"epoch": 4, "train_loss": float("inf"), "valid_loss": 1.2},
    ]
    for given in (history, tuple(history), pd.DataFrame(history)):
        display = TrainingHistoryDisplay.from_history(given)
        assert list(display.lines_["loss", "training"].get_xdata()) == [1, 2]
        assert list(display.lines_["loss", "validation"].get_xdata()) == [2, 4]


def test_training_and_validation_differ_in_more_than_colour():
    lines = TrainingHistoryDisplay.from_history(HISTORY).lines_
    training, validation = lines["loss", "training"], lines["loss", "validation"]
    assert training.get_linestyle() != validation.get_linestyle()
    assert training.get_marker() != validation.get_marker()
    assert training.get_color() != validation.get_color()


def test_epochs_are_whole_numbers_and_begin_at_the_first():
    one = TrainingHistoryDisplay.from_history(HISTORY[:1])
    one.figure_.canvas.draw()
    ticks = [tick for tick in one.ax_.get_xticks() if 0.5 <= tick <= 1.5]
    assert ticks == [1]
    # Another run on the same axes leaves the first one whole.
    both = TrainingHistoryDisplay.from_history(HISTORY)
    TrainingHistoryDisplay.from_history(HISTORY[:3], ax=both.axes_)
    assert both.ax_.get_xlim() == (0.5, 12.5)


def test_panels_and_axes_are_chosen():
    _, axes = plt.subplots(2)
    display = TrainingHistoryDisplay.from_history(HISTORY, ax=axes, metrics=["accuracy", "loss"])
    assert [ax.get_ylabel() for ax in axes] == ["Accuracy", "Loss"]
    assert display.figure_ is axes[0].figure
    with pytest.raises(ValueError, match="ax holds 1 axes for 2 metrics, loss and accuracy; exp"):
        TrainingHistoryDisplay.from_history(HISTORY, ax=axes[0])
    display = TrainingHistoryDisplay.from_history(HISTORY, ax=axes[0], metrics="accuracy")
    assert display.ax_ is axes[0]
    assert (
        TrainingHistoryDisplay.from_history(HISTORY, line_kwargs={"lw": 5})
        .lines_["loss", "training"]
        .get_linewidth()
        == 5
    )


@pytest.mark.parametrize(
    ("history", "error", "match"),
    [
        ([], ValueError, "nothing to draw: 0 epochs with no keys; expected finite numbers under"),
        ([{"epoch": 1, "dur": 2.0}], ValueError, "nothing to draw: 1 epochs with dur, epoch; exp"),
        ([{"train_loss": None}], ValueError, "nothing to draw: 1 epochs with train_loss"),
        ({"loss": [1, 2]}, TypeError, "history is a dict; expected a list of one dict an epoch"),
        ([1.0, 0.5], TypeError, "history is a list; expected a list of one dict an epoch"),
        (None, TypeError, "history is a NoneType"),
    ],
)
def test_other_histories_are_refused(history, error, match):
    with pytest.raises(error, match=match):
        TrainingHistoryDisplay.from_history(history)


@pytest.mark.parametrize(
    ("metrics", "match"),
    [
        (["loss", "f1"], "metrics == 'f1', must be one of 'loss', 'accuracy'"),
        ("accuracy", "history holds no accuracy, which metrics asks for; it has loss"),
        ([], "metrics is empty; expected 'loss', 'accuracy' or both"),
    ],
)
def test_other_metrics_are_refused(metrics, match):
    with pytest.raises(ValueError, match=match):
        TrainingHistoryDisplay.from_history([{"train_loss": 1.0}], metrics=metrics)


def test_estimators_without_history_are_refused():
    pipe = make_pipeline(MFCCTransformer(), CNNEmbedder(), LogisticRegression())
    with pytest.raises(NotFittedError, match="This CNNEmbedder instance is not fitted yet"):
        TrainingHistoryDisplay.from_estimator(pipe)
    with pytest.raises(TypeError, match="The LogisticRegression holds no CNNEmbedder, and nothing"):
        TrainingHistoryDisplay.from_estimator(LogisticRegression())


# Embedding.


def test_embedding_of_a_pipeline_is_what_its_classifier_sees(pipe, voices):
    expected = pipe[:-1].transform(voices.data)
    search = GridSearchCV(pipe, {})
    search.best_estimator_ = pipe
    for estimator in (pipe, pipe[:-1], search):
        display = EmbeddingDisplay.from_estimator(estimator, voices.data, voices.target)
        distances = np.linalg.norm(display.coordinates[:, None] - display.coordinates, axis=2)
        full = np.linalg.norm(expected[:, None] - expected, axis=2)
        assert (distances <= full + 1e-4).all()  # a projection brings nothing farther apart
        assert list(display.scatters_) == ["anger", "neutral", "sadness"]
    cnn = EmbeddingDisplay.from_estimator(
        pipe[1], pipe[0].transform(voices.data), voices.speakers, label_name="speaker"
    )
    np.testing.assert_allclose(cnn.coordinates, display.coordinates, atol=1e-4)
    assert len(cnn.scatters_) == 6
    assert cnn.legend_.get_title().get_text() == "speaker"


def test_last_step_that_only_predicts_is_left_out(voices):
    embedding, labels = emotions()
    scaled = make_pipeline(StandardScaler(), LogisticRegression()).fit(embedding, labels)
    display = EmbeddingDisplay.from_estimator(scaled, embedding, labels)
    expected = EmbeddingDisplay.from_embedding(scaled[0].transform(embedding), labels)
    np.testing.assert_allclose(display.coordinates, expected.coordinates)
    discriminant = make_pipeline(StandardScaler(), LinearDiscriminantAnalysis(n_components=2))
    discriminant.set_output(transform="pandas").fit(embedding, labels)
    display = EmbeddingDisplay.from_estimator(discriminant, embedding, labels, method=None)
    np.testing.assert_array_equal(display.coordinates, discriminant.transform(embedding))


def test_points_have_the_label_of_their_clip():
    embedding, labels = emotions()
    display = EmbeddingDisplay.from_embedding(embedding, labels)
    for label, points in display.scatters_.items():
        np.testing.assert_array_equal(points.get_offsets(), display.coordinates[labels == label])


def test_pca_says_how_much_it_shows():
    embedding = np.zeros((100, 3))
    embedding[:, 1] = np.repeat([-3.0, 3.0], 50)
    embedding[:, 2] = np.tile([-1.0, 1.0], 50)
    display = EmbeddingDisplay.from_embedding(embedding, np.arange(100) % 2)
    assert display.ax_.get_xlabel() == "Principal component 1 (90 % of variance)"
    assert display.ax_.get_ylabel() == "Principal component 2 (10 % of variance)"
    assert display.ax_.get_aspect() == 1


def test_tsne_keeps_groups_together_and_repeats_with_a_seed():
    embedding, labels = clusters(3, 8)
    with threadpool_limits(1):  # for so few clips, threads that wait for each other take seconds
        first, second = (
            EmbeddingDisplay.from_embedding(embedding, labels, method="tsne", random_state=0)
            for _ in range(2)
        )
    np.testing.assert_array_equal(first.coordinates, second.coordinates)
    distances = np.linalg.norm(first.coordinates[:, None] - first.coordinates, axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (labels[distances.argmin(axis=1)] == labels).mean() > 0.9
    assert list(first.ax_.get_xticks()) == list(first.ax_.get_yticks()) == []
    assert first.ax_.get_xlabel() == "t-SNE 1"


def test_lda_separates_what_differs_and_little_of_what_does_not():
    def nearest(display, labels):
        centres = np.array([display.coordinates[labels == k].mean(axis=0) for k in (1, 2, 3)])
        apart = np.linalg.norm(display.coordinates[:, None] - centres, axis=2)
        return np.mean(apart.argmin(axis=1) + 1 == labels)

    embedding, labels = clusters(3, 20)
    display = EmbeddingDisplay.from_embedding(embedding, labels, method="lda")
    assert nearest(display, labels) > 0.95
    assert display.ax_.get_xlabel() == "Discriminant 1"
    noise = np.random.default_rng(0).normal(size=(60, 64))
    display = EmbeddingDisplay.from_embedding(noise, labels, method="lda")
    assert nearest(display, labels) < 0.8
    # Without shrinkage the labels of noise would lie in three heaps.
    display.coordinates = LinearDiscriminantAnalysis().fit(noise, labels).transform(noise)
    assert nearest(display, labels) == 1


def test_colours_are_okabe_and_itos_and_shapes_differ():
    display = EmbeddingDisplay.from_embedding(*emotions())
    scatters = list(display.scatters_.values())
    colours = [mpl.colors.to_hex(s.get_facecolor()[0]).upper() for s in scatters]
    assert colours == [*OKABE_ITO, OKABE_ITO[0]]
    shapes = {s.get_paths()[0].vertices.tobytes() for s in scatters}
    assert len(shapes) == 8


def test_24_speakers_are_told_apart_without_colour():
    display = EmbeddingDisplay.from_embedding(*clusters(24, 2))
    looks = {
        (s.get_paths()[0].vertices.tobytes(), len(s.get_facecolor()) > 0)
        for s in display.scatters_.values()
    }
    assert len(looks) == 24
    # And by colour, shape and filling for as many as are allowed.
    display = EmbeddingDisplay.from_embedding(*clusters(168, 1))
    looks = {
        (s.get_paths()[0].vertices.tobytes(), len(s.get_facecolor()), s.get_edgecolor().tobytes())
        if not len(s.get_facecolor())
        else (s.get_paths()[0].vertices.tobytes(), 1, s.get_facecolor().tobytes())
        for s in display.scatters_.values()
    }
    assert len(looks) == 168


def test_every_edge_stands_out_from_white():
    for scatter in EmbeddingDisplay.from_embedding(*clusters(24, 2)).scatters_.values():
        linear = np.where(
            (rgb := scatter.get_edgecolor()[0, :3]) <= 0.04045,
            rgb / 12.92,
            ((rgb + 0.055) / 1.055) ** 2.4,
        )
        assert 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05) > 2.5


def test_legend_holds_labels_as_they_are():
    labels = ["_hidden", "$x$", "b", "_hidden", "$x$", "b"]
    display = EmbeddingDisplay.from_embedding(clusters(3, 2)[0], labels)
    display.figure_.canvas.draw()
    assert [t.get_text() for t in display.legend_.get_texts()] == ["$x$", "_hidden", "b"]
    numbers = EmbeddingDisplay.from_embedding(*clusters(11, 2))
    assert [t.get_text() for t in numbers.legend_.get_texts()] == [str(n) for n in range(1, 12)]


def test_labels_may_be_a_series_with_an_index_of_its_own():
    embedding, labels = emotions()
    series = pd.Series(labels, index=np.arange(len(labels))[::-1], dtype="category")
    display = EmbeddingDisplay.from_embedding(embedding, series)
    expected = EmbeddingDisplay.from_embedding(embedding, labels)
    for name, points in expected.scatters_.items():
        np.testing.assert_array_equal(display.scatters_[name].get_offsets(), points.get_offsets())


def test_points_style_can_be_chosen():
    display = EmbeddingDisplay.from_embedding(*emotions(), scatter_kwargs={"s": 5, "lw": 2})
    assert {float(s.get_sizes()[0]) for s in display.scatters_.values()} == {5.0}
    assert {float(s.get_linewidths()[0]) for s in display.scatters_.values()} == {2.0}


@pytest.mark.parametrize(
    ("embedding", "labels", "method", "error", "match"),
    [
        (np.eye(4), "abcd", "umap", ValueError, "method == 'umap', must be one of 'pca', 'tsne', "),
        (np.eye(4)[None], "a", "pca", ValueError, r"shape \(1, 4, 4\) and dtype float64; expected"),
        (np.full((3, 3), "x"), "abc", "pca", ValueError, "dtype <U1; expected numbers of shape"),
        (
            np.full((4, 2), np.inf),
            "abcd",
            "pca",
            ValueError,
            "holds NaN or infinity for 4 of 4 clips",
        ),
        (np.eye(4), "abc", "pca", ValueError, r"labels has the shape \(3,\) for 4 clips; expected"),
        (np.eye(2), "ab", "pca", ValueError, r"shape \(2, 2\); expected at least 3 clips and 2"),
        (np.ones((4, 1)), "abcd", "tsne", ValueError, r"shape \(4, 1\); expected at least 3 clips"),
        (np.ones((4, 3)), "abcd", "pca", ValueError, "All 4 clips have the same embedding"),
        (np.eye(4), "aabb", "lda", ValueError, "method='lda' finds 2 labels in 4 clips; expected"),
        (np.eye(4), "abcd", "lda", ValueError, "method='lda' finds 4 labels in 4 clips; expected"),
        (np.eye(4), "abcd", None, ValueError, r"coordinates has the shape \(4, 4\); expected"),
        (np.eye(3), ["a", None, "b"], "pca", ValueError, "1 of 3 clips have no label, the first i"),
        (np.eye(3), ["a", "b", np.nan], "pca", ValueError, "the first is clip 3; label them or"),
        (np.eye(3), ["a", 1, "b"], "pca", TypeError, "labels mixes different types, int and str"),
        (np.eye(200), range(200), "pca", ValueError, "labels holds 200 different values; at most"),
    ],
)
def test_other_embeddings_are_refused(embedding, labels, method, error, match):
    labels = list(labels)
    with pytest.raises(error, match=match):
        EmbeddingDisplay.from_embedding(embedding, labels, method=method)
    assert not plt.get_fignums()


def test_estimators_that_do_not_embed_are_refused(pipe, voices):
    match = "The LogisticRegression has no transform; expected a fitted CNNEmbedder"
    with pytest.raises(TypeError, match=match):
        EmbeddingDisplay.from_estimator(LogisticRegression(), voices.data, voices.target)
    with pytest.raises(TypeError, match=match):
        EmbeddingDisplay.from_estimator(
            make_pipeline(LogisticRegression()), voices.data, voices.target
        )
    with pytest.raises(ValueError, match=r"embedding is an array of shape \(36, 20, "):
        EmbeddingDisplay.from_estimator(pipe[0], voices.data, voices.target)
    with pytest.raises(NotFittedError, match="not fitted"):
        EmbeddingDisplay.from_estimator(CNNEmbedder(), np.ones((4, 3, 9)), list("abab"))
    with pytest.raises(ValueError, match="method == 'umap', must be one of"):
        EmbeddingDisplay.from_estimator(pipe, voices.data, voices.target, method="umap")


def test_wrong_labels_are_said_before_files_are_read(pipe):
    with pytest.raises(ValueError, match=r"labels has the shape \(1,\) for 2 clips"):
        EmbeddingDisplay.from_estimator(pipe, ["no.wav", "such.wav"], ["anger"])


if __name__ == "__main__":
    for name, picture in PICTURES.items():
        draw(picture, BASELINES / f"{name}.png")
