"""ser adapt: a model that has heard labeled recordings."""

from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ser_estimators import (
    AcousticFeatures,
    SpeakerNormalizer,
    ViewVotingClassifier,
    adapt_model,
    load_model,
    save_model,
)
from ser_estimators.models import ModelCard, model_info


@pytest.fixture
def safe_file(model):
    card = ModelCard(corpora=["acted"], limitations="Acted speech.")
    return save_model(model, "model.safetensors", card=card)


def test_adapts_and_saves(run, model, safe_file, folder):
    done = run("adapt", folder, "-m", safe_file, "-o", "own.safetensors")
    assert (done.status, done.out) == (0, "")
    assert done.err.splitlines() == [
        "36 clips, 6 speakers, 3 emotions: anger, neutral, sadness",
        "Saved own.safetensors",
    ]
    paths = sorted(map(str, folder.rglob("*.wav")))
    expected = adapt_model(model, paths, [path.split("/")[-2] for path in paths])
    found = load_model("own.safetensors")
    np.testing.assert_allclose(found.predict_proba(paths), expected.predict_proba(paths), atol=1e-6)
    assert np.abs(found.predict_proba(paths) - model.predict_proba(paths)).max() > 0.01
    card = model_info("own.safetensors")["card"]
    assert card["limitations"] == "Acted speech. Adapted to 36 clips of recordings."
    assert card["corpora"] == ["acted"]


def test_how_far(run, model, model_file, folder, voices):
    run("adapt", folder, "-m", model_file, "-o", "own.safetensors", "--C", 1e-9)
    found = load_model("own.safetensors").predict_proba(voices.data)
    np.testing.assert_allclose(found, model.predict_proba(voices.data), atol=1e-4)
    done = run("adapt", folder, "-m", model_file, "-o", "own.safetensors", "--C", 0)
    assert done.status == 2


def test_other_labels(run, model_file, voices):
    rows = [f"{path},emotion {index % 2}" for index, path in enumerate(voices.data[:6])]
    Path("labels.csv").write_text("\n".join(["path,emotion", *rows]))
    done = run("adapt", "labels.csv", "-m", model_file, "-o", "own.safetensors")
    assert done.status == 1
    assert "y contains 'emotion 0', which the model does not predict" in done.err
    assert not Path("own.safetensors").exists()


def test_unreadable_recordings(run, model_file, voices):
    rows = [f"{path},{emotion}" for path, emotion in zip(voices.data, voices.target, strict=True)]
    Path("bad.wav").write_bytes(b"RIFF")
    Path("labels.csv").write_text("\n".join(["path,emotion", *rows[:6], "bad.wav,anger"]))
    done = run("adapt", "labels.csv", "-m", model_file, "-o", "own.safetensors")
    assert done.status == 1
    assert "bad.wav" in done.err
    assert not Path("own.safetensors").exists()


def test_speakers_of_the_recordings(run, folder):
    """They are used if the new model will predict with speakers."""
    paths = sorted(map(str, folder.rglob("*.wav")))
    emotions = [path.split("/")[-2] for path in paths]
    speakers = [path.split("/")[-3] for path in paths]
    voting = ViewVotingClassifier(LogisticRegression(), normalizer=SpeakerNormalizer())
    model = make_pipeline(AcousticFeatures(), StandardScaler(), voting)
    model.fit(paths, emotions, viewvotingclassifier__groups=speakers)
    save_model(model, "normalized.safetensors")
    options = ["adapt", folder, "-m", "normalized.safetensors", "-o", "own.safetensors"]
    for option, groups in (("", None), ("--with-speakers", speakers)):
        assert run(*options, *filter(None, [option])).status == 0
        expected = adapt_model(model, paths, emotions, groups=groups)
        found = load_model("own.safetensors").predict_proba(paths)
        np.testing.assert_allclose(found, expected.predict_proba(paths), atol=1e-6)


def test_speakers_that_are_unknown_or_of_no_use(run, model_file, folder, voices):
    rows = [f"{path},{emotion}" for path, emotion in zip(voices.data, voices.target, strict=True)]
    Path("labels.csv").write_text("\n".join(["path,emotion", *rows]))
    options = ["-m", model_file, "-o", "own.safetensors", "--with-speakers"]
    done = run("adapt", "labels.csv", *options)
    assert done.status == 2
    assert "nothing in 'labels.csv' says who speaks" in done.err
    done = run("adapt", folder, *options)
    assert done.status == 2
    assert "the model does not adapt to speakers" in done.err


def test_labels_that_are_numbers(run, voices):
    paths, numbers = voices.data, np.unique(voices.target, return_inverse=True)[1]
    model = make_pipeline(AcousticFeatures(), StandardScaler(), LogisticRegression())
    joblib.dump(model.fit(paths, numbers), "numbers.joblib")
    rows = [f"{path},{number}" for path, number in zip(paths, numbers, strict=True)]
    Path("labels.csv").write_text("\n".join(["path,emotion", *rows]))
    done = run("adapt", "labels.csv", "-m", "numbers.joblib", "-o", "own.joblib")
    assert done.status == 0
    expected = adapt_model(model, paths, numbers)
    found = joblib.load("own.joblib")
    np.testing.assert_allclose(found.predict_proba(paths), expected.predict_proba(paths))
