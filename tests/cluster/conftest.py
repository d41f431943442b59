import warnings

import numpy as np
import pytest

from .helpers import two_workers


@pytest.fixture(scope="package")
def shared_client():
    """Return the client of a cluster that all tests share, because it takes seconds to start."""
    pytest.importorskip("distributed")
    with two_workers() as client:
        yield client


@pytest.fixture
def client(shared_client):
    """Return the client of a cluster of two processes."""
    # Each task of scikit-learn brings the filters of this process, in which warnings are errors.
    # They may stay in a worker after nested tasks, which change them in several threads. Dask's
    # reader of Parquet files then fails, because it causes a warning of pandas.
    shared_client.run(warnings.simplefilter, "default")
    return shared_client


@pytest.fixture
def paths(voices):
    return np.array(voices.data)
