"""use_dask on a cluster of processes: the same results, data sent once, files decoded once."""

import os
import socket
import threading

import joblib
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate

from ser_estimators import make_ser_pipeline
from ser_estimators._audio.files import read_audio
from ser_estimators._audio.workers import map_clips
from ser_estimators.cluster import use_dask
from ser_estimators.evaluation import evaluate
from ser_estimators.exceptions import AudioReadError

from ..helpers import Opens, needs_inotify
from .helpers import SMALL, CountedPath, Witness, children_of_workers

pytest.importorskip("distributed")


def opens_of_one_decode(path):
    with Opens(os.path.dirname(path)) as opens:
        read_audio(path, 16000)
    return opens.counts[os.path.basename(path)]


@needs_inotify
def test_search_is_that_of_one_process_and_decodes_each_file_once(client, paths, voices):
    grid = {"cnn__max_epochs": [1, 2], "lr__C": [0.1, 1.0]}

    def search(memory):
        pipe = make_ser_pipeline(
            recordings="studio", random_state=0, memory=os.path.abspath(memory)
        ).set_params(**SMALL)
        search = GridSearchCV(pipe, grid, cv=GroupKFold(2), error_score="raise")
        return search.fit(paths, voices.target, groups=voices.speakers)

    once = opens_of_one_decode(voices.data[0])
    folders = {os.path.dirname(path) for path in voices.data}  # one for each speaker
    with Opens(*folders) as opens, use_dask(client):
        found = search("shared")
    assert set(opens.counts.values()) == {once * len(folders)}
    assert len(opens.counts) * len(folders) == len(paths)

    expected = search("other")
    names = [name for name in expected.cv_results_ if not name.endswith("_time")]
    assert "split1_test_score" in names
    for name in names:
        np.testing.assert_array_equal(found.cv_results_[name], expected.cv_results_[name])
    np.testing.assert_array_equal(found.predict_proba(paths), expected.predict_proba(paths))


def test_workers_have_one_thread_and_start_no_process(client, paths, voices):
    y = voices.target
    with use_dask(client):
        found = cross_validate(Witness(), paths, y, cv=6, return_estimator=True)
        (several,) = cross_validate(
            Witness(n_jobs=3), paths, y, cv=[([0, 1, 2, 3, 4, 5], [6])], return_estimator=True
        )["estimator"]
    pids = {*client.run(os.getpid).values()}
    for estimator in found["estimator"]:
        assert estimator.torch_threads_ == 1
        assert estimator.is_own_thread_
        assert {estimator.pid_} | estimator.nested_pids_ <= pids
    assert not several.is_own_thread_  # threads are used on request only
    assert children_of_workers(client) == []


def test_number_of_cores_of_the_cluster_is_no_number_of_threads(client):
    def threads(n_jobs):
        return set(map_clips(lambda clip: threading.get_ident(), ["a"] * 50, n_jobs=n_jobs))

    with use_dask(client):
        assert joblib.effective_n_jobs(None) == 2
        assert threads(None) == threads(1) == {threading.get_ident()}
        assert threading.get_ident() not in threads(2)


@pytest.mark.parametrize("task", ["search", "evaluate"])
def test_paths_travel_once(client, voices, task):
    # joblib sends arrays of less than a kilobyte, 8 bytes for each object, with every task.
    X = np.array([CountedPath(path) for path in voices.data] * 4, dtype=object)
    y, groups = np.tile(voices.target, 4), np.tile(voices.speakers, 4)
    CountedPath.pickled.clear()
    with use_dask(client):
        if task == "search":
            search = GridSearchCV(Witness(), {"n_jobs": [None, 1, 2]}, cv=GroupKFold(6))
            search.fit(X, y, groups=groups)
        else:
            evaluate(Witness(), X, y, groups, cv=6, check_leaks=False)
    assert CountedPath.pickled == dict.fromkeys(voices.data, 1)


def test_file_that_is_missing_on_a_worker(client, paths, voices):
    gone = os.path.abspath("gone.wav")
    X = np.append(paths, gone)
    y, groups = [*voices.target, "anger"], [*voices.speakers, voices.speakers[0]]
    search = GridSearchCV(
        make_ser_pipeline(recordings="studio", random_state=0).set_params(**SMALL),
        {"lr__C": [0.1, 1.0]},
        cv=GroupKFold(2),
        error_score="raise",
    )
    expected = f"'{gone}' .*there is no such file on the host '{socket.gethostname()}'; check"
    with use_dask(client), pytest.raises(AudioReadError, match=expected) as caught:
        search.fit(X, y, groups=groups)
    assert caught.value.failures[0][1] == gone


def test_evaluation_is_that_of_one_process(client, paths, voices):
    pipe = make_ser_pipeline(recordings="studio", random_state=0).set_params(**SMALL)

    def run(**arguments):
        report = evaluate(pipe, paths, voices.target, voices.speakers, cv=3, **arguments)
        return report.main

    with use_dask(client):
        found = run(resume="folds", param_grid={"lr__C": [0.1, 1.0]})
    expected = run(param_grid={"lr__C": [0.1, 1.0]})
    np.testing.assert_array_equal(found.probabilities, expected.probabilities)
    np.testing.assert_array_equal(found.y_pred, expected.y_pred)
    assert [fold.best_params for fold in found.folds] == [
        fold.best_params for fold in expected.folds
    ]


def test_the_current_client_is_the_default(client):
    with use_dask():
        assert joblib.effective_n_jobs(None) == 2
    assert joblib.effective_n_jobs(None) == 1


def test_no_client(client, monkeypatch):
    import distributed

    def no_client():
        raise ValueError("No global client found and no address provided")

    monkeypatch.setattr(distributed, "get_client", no_client)
    with pytest.raises(ValueError, match="there is no client of a Dask cluster; create one"):
        use_dask().__enter__()


def test_dask_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(ImportError, match=r"pip install 'ser_estimators\[dask\]'"):
        use_dask().__enter__()
