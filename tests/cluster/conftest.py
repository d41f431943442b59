import numpy as np
import pytest

from .helpers import two_workers


@pytest.fixture(scope="package")
def client():
    """Return the client of a cluster of two processes."""
    pytest.importorskip("distributed")
    with two_workers() as client:
        yield client


@pytest.fixture
def paths(voices):
    return np.array(voices.data)
