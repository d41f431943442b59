"""Settings and data that all tests and docstring examples share."""

import os
from pathlib import Path

import hypothesis
import pytest

# A shared machine is slow at times, which is no defect.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")

# Without it scikit-learn leaves out its checks of the array API. scipy reads it when imported.
os.environ.setdefault("SCIPY_ARRAY_API", "1")


@pytest.fixture(autouse=True)
def _empty_working_folder(tmp_path, monkeypatch):
    """Run every test, and every docstring example, in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def voices(tmp_path_factory):
    """Make six synthetic speakers, three emotions, two clips of each: 36 files of half a second."""
    from ser_estimators.datasets import make_emotional_speech

    return make_emotional_speech(
        6,
        2,
        emotions=("anger", "neutral", "sadness"),
        n_syllables=2,
        out_dir=tmp_path_factory.mktemp("voices"),
        random_state=0,
    )


def _real_data(name):
    """Find recordings in a data folder beside the project, or where the environment says."""
    named = os.environ.get(f"SER_DATA_{name.upper().replace('-', '_')}")
    beside = sorted(Path(__file__).resolve().parent.parent.glob(f"*/data/{name}"))
    found = [Path(named)] if named else beside
    if not found:
        pytest.skip(f"no recordings: no folder ../*/data/{name} beside the project")
    return found[0]


@pytest.fixture(scope="session")
def ravdess_folder():
    """Find real recordings, or skip the test."""
    return _real_data("ravdess")


@pytest.fixture(scope="session")
def ravdess_48k_folder():
    """Find untouched recordings at 48 kHz, or skip the test."""
    return _real_data("ravdess-48k")
