"""ser predict names recordings that are unlike the training audio, and ser info the ranges."""

import json

import joblib
import numpy as np
import pytest
import soundfile
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from ser_estimators import AcousticFeatures, AudioRanges, save_model


@pytest.fixture
def ranges_file(voices):
    """Save a model with ranges, and a noisy recording."""
    features = AcousticFeatures(features=("rms", "centroid"), statistics=("mean",))
    pipe = make_pipeline(AudioRanges(), features, LogisticRegression())
    pipe.fit(voices.data, voices.target, audioranges__groups=voices.speakers)
    soundfile.write("noisy.wav", np.random.default_rng(0).normal(size=8000) / 9, 16000)
    joblib.dump(pipe, "model.joblib")
    return save_model(pipe, "model.safetensors")


def test_one_note(run, ranges_file, voices):
    done = run("predict", "-m", ranges_file, *voices.data[:2], "noisy.wav")
    assert done.status == 0
    assert done.err.startswith("1 of 3 recordings is unlike the training audio, so its label is")
    assert "less noisy" not in done.err
    assert "noisier" in done.err
    assert done.err.endswith("train on such recordings too: noisy.wav\n")
    assert run("predict", "-q", "-m", ranges_file, "noisy.wav").err == ""
    assert run("predict", "-m", ranges_file, voices.data[0]).err == ""


def test_many_recordings_have_one_note(run, ranges_file, voices):
    """More than are predicted at once."""
    for number in range(40):
        soundfile.write(f"{number}.wav", soundfile.read("noisy.wav")[0], 16000)
    done = run("predict", "-m", ranges_file, *(f"{number}.wav" for number in range(40)))
    assert done.err.count("unlike") == 1
    assert done.err.startswith("40 of 40 recordings are")
    assert done.err.endswith("0.wav, 1.wav, 2.wav, 3.wav, 4.wav and 35 more\n")


def test_json(run, ranges_file, voices):
    done = run("predict", "-m", ranges_file, "--json", voices.data[0], "noisy.wav")
    alike, unlike = json.loads(done.out)
    assert "unlike" not in alike
    assert "noisier" in unlike["unlike"]


@pytest.mark.parametrize("name", ["model.safetensors", "model.joblib"])
def test_info_shows_the_ranges(run, ranges_file, name):
    done = run("info", name)
    assert done.status == 0
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert "training audio" in lines
    assert any(line.startswith("duration 0.") and line.endswith(" s") for line in lines)
    assert any(line.startswith("level -") and line.endswith(" dBFS") for line in lines)
