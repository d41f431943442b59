"""Recordings in folders, and models of them, that the tests of the command line share."""

import shutil
import sys

import joblib
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ser_estimators import AcousticFeatures

from .helpers import Runner


@pytest.fixture
def run(capsys, monkeypatch):
    """Return a function that runs the command in this process."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Runner(capsys, monkeypatch)


@pytest.fixture
def without_model_package(monkeypatch):
    """Hide the package with a trained model, which may be installed."""
    monkeypatch.setitem(sys.modules, "ser_estimators_acted", None)


@pytest.fixture(scope="package")
def folder(voices, tmp_path_factory):
    """Copy the voices to <speaker>/<emotion>/<file>."""
    root = tmp_path_factory.mktemp("folder") / "recordings"
    for path, emotion, speaker in zip(voices.data, voices.target, voices.speakers, strict=True):
        (root / speaker / emotion).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, root / speaker / emotion)
    return root


@pytest.fixture(scope="package")
def model(voices):
    """Fit a model that needs no torch."""
    features = AcousticFeatures(features=("rms", "centroid"), statistics=("mean",))
    pipe = make_pipeline(features, StandardScaler(), LogisticRegression())
    return pipe.fit(voices.data, voices.target)


@pytest.fixture(scope="package")
def model_file(model, tmp_path_factory):
    """Save this model."""
    path = tmp_path_factory.mktemp("model") / "model.joblib"
    joblib.dump(model, path)
    return path
