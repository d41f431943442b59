"""A worker that is killed during a search costs nothing but time."""

import os
import signal
import threading
import time

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, GroupKFold

from ser_estimators import make_ser_pipeline
from ser_estimators.cluster import use_dask

from .helpers import SMALL, two_workers

pytest.importorskip("distributed")


@pytest.mark.slow
def test_search_with_a_killed_worker_is_that_of_one_process(voices):
    # So many clips that joblib scatters the indices of each fold, many of which one worker has.
    X, y, groups = (np.tile(values, 8) for values in (voices.data, voices.target, voices.speakers))
    grid = {"cnn__max_epochs": [1, 2, 3], "lr__C": [0.1, 1.0]}

    def search():
        pipe = make_ser_pipeline(recordings="studio", random_state=0).set_params(**SMALL)
        search = GridSearchCV(pipe, grid, cv=GroupKFold(6), refit=False, error_score="raise")
        return search.fit(X, y, groups=groups).cv_results_

    with two_workers() as client:
        pids, killed = client.run(os.getpid), []

        def kill():
            """Kill the worker with most data of which there is no copy, once both have results."""
            while True:
                time.sleep(0.05)
                holders = client.who_has()
                finished = {at for key, at in holders.items() if "fit_and_score" in str(key)}
                sole = [at[0] for at in holders.values() if len(at) == 1]
                if finished and sole:
                    killed.append(max(sole, key=sole.count))
                    os.kill(pids[killed[0]], signal.SIGKILL)
                    return

        thread = threading.Thread(target=kill, daemon=True)
        with use_dask(client):
            thread.start()
            found = search()
        assert killed
        assert client.run(os.getpid).keys() != pids.keys()

    expected = search()
    for name in expected:
        if not name.endswith("_time"):
            np.testing.assert_array_equal(found[name], expected[name])
