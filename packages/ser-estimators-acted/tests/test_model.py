"""The installed model: it loads, predicts, and says what it is and how it may be used."""

import doctest
import subprocess
import sys
from importlib.metadata import metadata, version
from pathlib import Path

import numpy as np
import pytest
import ser_estimators_acted

from ser_estimators.datasets import make_emotional_speech
from ser_estimators.exceptions import UnlikeAudioWarning
from ser_estimators.models import model_info

CARD = model_info(ser_estimators_acted.model_path())["card"]
EMOTIONS = ["anger", "calm", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"]
# The model warns of them, and should: synthetic voices and silence are unlike recordings.
NOT_RECORDINGS = pytest.mark.filterwarnings("ignore::ser_estimators.exceptions.UnlikeAudioWarning")


@pytest.fixture(scope="module")
def model():
    return ser_estimators_acted.load()


@pytest.fixture(scope="module")
def voices(tmp_path_factory):
    folder = tmp_path_factory.mktemp("voices")
    return make_emotional_speech(2, 1, n_syllables=3, out_dir=folder, random_state=0)


@NOT_RECORDINGS
def test_probabilities_of_files(model, voices):
    assert model.classes_.tolist() == EMOTIONS
    probabilities = model.predict_proba(voices.data)
    assert probabilities.shape == (len(voices.data), len(EMOTIONS))
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(
        model.predict(voices.data), model.classes_[probabilities.argmax(axis=1)]
    )
    assert len(np.unique(probabilities.round(6), axis=0)) == len(voices.data)


@NOT_RECORDINGS
def test_prediction_of_a_file_does_not_depend_on_others(model, voices):
    together = model.predict_proba(voices.data)
    alone = np.vstack([model.predict_proba([path]) for path in voices.data[:3]])
    np.testing.assert_allclose(alone, together[:3], atol=1e-5)


@pytest.mark.parametrize("n_samples", [1, 16000, 60 * 16000])
@pytest.mark.filterwarnings("ignore:.*shorter than")
@pytest.mark.filterwarnings("ignore:.*silen")
@NOT_RECORDINGS
def test_silence_and_unusual_lengths_have_finite_probabilities(model, n_samples):
    probabilities = model.predict_proba([np.zeros(n_samples)])
    assert np.isfinite(probabilities).all()


def test_warns_of_what_is_unlike_the_training_audio(model):
    clipped = np.sign(np.random.default_rng(0).normal(size=16000))
    with pytest.warns(UnlikeAudioWarning, match="1 of 1 clip is unlike .*: clip 1"):
        model.predict([clipped])


def test_file_that_is_not_audio_is_named(model, tmp_path):
    path = tmp_path / "page.wav"
    path.write_text("<!DOCTYPE html>")
    with pytest.raises(ValueError, match="page.wav'.*web page"):
        model.predict([str(path)])


def test_card_says_how_the_model_was_tested_and_what_it_was_not_tested_on():
    assert CARD["license"] == "cc-by-nc-sa-4.0"
    assert CARD["languages"] == ["en", "pl"]
    assert CARD["corpora"] == ["RAVDESS", "nEMO"]
    assert "held out" in CARD["evaluation"]
    for words in ("not tested on spontaneous", "telephone", "recordings of your own", "Commercial"):
        assert words in CARD["limitations"]
    names = list(CARD["scores"])
    assert "balanced accuracy (UAR)" in names
    assert [name for name in names if name.startswith("recall")] == [
        f"recall ({emotion})" for emotion in EMOTIONS
    ]
    assert sum("only, tested on" in name for name in names) == 2
    assert set(CARD["audio"]) == {"bandwidth", "duration", "level"}
    assert "date" not in CARD


def test_scores_are_better_than_guessing():
    for name, (value, *interval) in CARD["scores"].items():
        if name.startswith("balanced accuracy"):
            assert 1 / 6 < value < 1
            assert interval[0] < value < interval[1]


def test_distribution_has_the_license_and_the_card():
    assert version("ser-estimators-acted") == ser_estimators_acted.__version__
    found = metadata("ser-estimators-acted")
    assert found["License-Expression"] == "CC-BY-NC-SA-4.0"
    assert "Attribution-NonCommercial-ShareAlike 4.0" in license_text()
    for words in ('license: "cc-by-nc-sa-4.0"', "## Scores", "## Limitations"):
        assert words in found.get_payload()
    for requirement in found.get_all("Requires-Dist"):
        assert requirement.startswith("ser_estimators")


def license_text():
    from importlib.metadata import files

    (path,) = [path for path in files("ser-estimators-acted") if path.name == "LICENSE"]
    text = path.read_text(encoding="utf-8")
    for words in ("Livingstone", "10.5281/zenodo.1188976", "Christop", "lrec-main.1059"):
        assert words in text
    return text


def test_path_is_found_without_importing_large_packages():
    code = (
        "import sys, ser_estimators_acted; assert ser_estimators_acted.model_path().exists(); "
        "print('torch' in sys.modules, 'sklearn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_command_line_uses_the_model(voices):
    done = subprocess.run(
        [sys.executable, "-m", "ser_estimators", "predict", voices.data[0]],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].split()[1] in EMOTIONS
    assert f"ser_estimators_acted {ser_estimators_acted.__version__}" in done.stderr
    assert "non-commercial" in done.stderr


def test_examples_in_docstrings():
    found = doctest.testmod(ser_estimators_acted)
    assert (found.attempted > 5, found.failed) == (True, 0)


def test_model_file_is_small():
    assert 1e6 < Path(ser_estimators_acted.model_path()).stat().st_size < 4e6
