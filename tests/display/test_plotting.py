"""What all displays do alike: imports, axes, single clips and titles."""

import json
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from ser_estimators import CNNEmbedder, MFCCTransformer
from ser_estimators.display import (
    EmbeddingDisplay,
    SpectrogramDisplay,
    TrainingHistoryDisplay,
    WaveformDisplay,
)
from ser_estimators.exceptions import AudioLevelWarning, AudioReadError

from .helpers import HISTORY, chirp, emotions


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
def test_missing_matplotlib_is_reported_with_the_remedy(name, draw_it, monkeypatch):
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
def test_figures_are_created_only_without_axes(draw_on):
    ax = plt.figure().subplots()
    display = draw_on(ax)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert len(plt.get_fignums()) == 1
    display = draw_on(None)
    assert display.figure_ is not ax.figure
    assert len(plt.get_fignums()) == 2


def test_constructor_only_stores_its_arguments():
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
        (["a.wav", "b.wav"], TypeError, r"clip is a list of 2 items that begins with \['a.wav'\]"),
        ([Path("a.wav")], TypeError, "pass one at a time, such as clip"),
        (None, TypeError, r"clip is None \(NoneType\); expected one audio path or one 1-D"),
        (0.5, TypeError, r"clip is 0.5 \(float\)"),
        (np.zeros((2, 9)), ValueError, r"clip is an array of shape \(2, 9\); .* pass a row"),
        ([[0.0], [0.0, 1.0]], ValueError, r"clip is a list of several clips; .* pass clip\[0\]"),
        ([], AudioReadError, "it contains no samples"),
        ([np.nan, 0.0], AudioReadError, "1 of its 2 samples are NaN"),
        ("no_such_file.wav", AudioReadError, "Could not read 'no_such_file.wav'"),
    ],
)
def test_invalid_clip_is_refused(display, clip, error, match):
    with pytest.raises(error, match=match):
        display.from_clip(clip)
    assert not plt.get_fignums()


@pytest.mark.parametrize("display", [WaveformDisplay, SpectrogramDisplay])
def test_silence_is_drawn_with_a_warning(display):
    with pytest.warns(AudioLevelWarning, match="1 of 1 clip is silent"):
        shown = display.from_clip(np.zeros(8000))
    shown.figure_.canvas.draw()


@pytest.mark.parametrize("display", [WaveformDisplay, SpectrogramDisplay])
@pytest.mark.parametrize("n_samples", [1, 2, 300])
def test_shortest_clips_are_drawn(display, n_samples):
    display.from_clip(np.ones(n_samples)).figure_.canvas.draw()


@pytest.mark.parametrize("display", [WaveformDisplay, SpectrogramDisplay])
def test_title_is_the_file_name(display, voices):
    path = Path(voices.data[0])
    assert display.from_clip(path).ax_.get_title() == path.name
    assert display.from_clip(str(path), name="mine").ax_.get_title() == "mine"
    assert display.from_clip(chirp()).ax_.get_title() == ""


def test_unusual_titles_can_be_drawn():
    name = "cost_$5_\\frac{_" + 100 * "x" + "_end$\udcff.wav"
    display = WaveformDisplay.from_clip(chirp(), name=name)
    display.figure_.canvas.draw()
    title = display.ax_.get_title()
    assert len(title) == 52
    assert title.startswith("cost_$5_")
    assert title.endswith("_end$?.wav")


@pytest.mark.parametrize(
    ("display", "message"),
    [
        (WaveformDisplay([]), r"waveform has the shape \(0,\)"),
        (WaveformDisplay(np.zeros((9, 2))), r"waveform has the shape \(9, 2\)"),
        (
            WaveformDisplay(["a.wav"]),
            "dtype <U5; expected at least one number.*Use from_clip for a file",
        ),
        (WaveformDisplay([0, np.nan, 1]), "waveform contains NaN or infinity at 1 of 3 samples"),
        (WaveformDisplay([0, 1], sr=0), "sr == 0, must be > 0"),
        (
            SpectrogramDisplay(np.full((2, 3), np.nan)),
            "values contains NaN or infinity at 6 of 6 places",
        ),
        (
            SpectrogramDisplay(np.ones((2, 3)), fmin=9000),
            "fmin == 9000 Hz, must be at least 0 and below fmax, which is 8000.0 Hz",
        ),
    ],
)
def test_values_that_cannot_be_drawn_are_reported(display, message):
    with pytest.raises(ValueError, match=message):
        display.plot()
