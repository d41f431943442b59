"""Settings and fixtures that all tests and docstring examples share."""

import importlib.util
import os
import sys
from pathlib import Path

import hypothesis
import pytest

# No deadline, because a shared machine may be slow at times.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")

# The example of export_onnx needs an extra.
if importlib.util.find_spec("onnx") is None or importlib.util.find_spec("onnxruntime") is None:
    collect_ignore = ["ser_estimators/models/_onnx/export.py"]

# Without it, scikit-learn skips its array API checks. SciPy reads it on import.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

# Otherwise, threads of PyTorch wait for each other by spinning, which makes small networks fifteen
# times as slow while another worker uses the cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if "PYTEST_XDIST_WORKER" in os.environ:  # each worker has a core; tests of threads set their number
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# Processes that compile librosa's functions at the same time crash when they share the cache of
# numba (https://github.com/numba/numba/issues/10128): each worker has its own, kept in the
# environment.
if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    os.environ["NUMBA_CACHE_DIR"] = str(Path(sys.prefix, "numba_cache", worker))


@pytest.fixture(autouse=True)
def _empty_working_folder(tmp_path, monkeypatch):
    """Run every test and every docstring example in its own empty folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def voices(tmp_path_factory):
    """Make two half-second clips of each of three emotions by six synthetic speakers, 36 files."""
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
    """Find recordings in a data folder beside the project, or in a folder set by a variable."""
    named = os.environ.get(f"SER_DATA_{name.upper().replace('-', '_')}")
    beside = sorted(Path(__file__).resolve().parent.parent.glob(f"*/data/{name}"))
    found = [Path(named)] if named else beside
    if not found:
        pytest.skip(f"no recordings: ../*/data/{name} does not exist")
    return found[0]


@pytest.fixture(scope="session")
def ravdess_folder():
    """Return the folder of real recordings, or skip the test."""
    return _real_data("ravdess")


@pytest.fixture(scope="session")
def ravdess_48k_folder():
    """Return the folder of the original recordings at 48 kHz, or skip the test."""
    return _real_data("ravdess-48k")
