"""A cluster of two processes, and what the tests send to it."""

import os
import threading
from collections import Counter
from contextlib import contextmanager
from typing import ClassVar

import joblib
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from ser_estimators._audio.workers import map_clips

# Clips of half a second are enough for this network.
SMALL = {"cnn__network__channels": (4, 8), "cnn__embedding_dim": 8, "cnn__max_epochs": 2}


@contextmanager
def two_workers():
    """Start a scheduler and two worker processes of one thread each."""
    from distributed import Client, LocalCluster

    with (
        # Any free port, because two runs of the tests may have clusters at the same time.
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


class CountedPath(str):
    """A path that counts how often it is pickled in this process; a plain string elsewhere."""

    pickled: ClassVar[Counter] = Counter()

    def __reduce_ex__(self, protocol):
        self.pickled[str(self)] += 1
        return str, (str(self),)


class Witness(ClassifierMixin, BaseEstimator):
    """Observes where and how it is fitted, and works in parallel itself."""

    def __init__(self, n_jobs=None):
        self.n_jobs = n_jobs

    def fit(self, X, y):
        import torch

        self.classes_ = np.unique(y)
        self.pid_ = os.getpid()
        self.torch_threads_ = torch.get_num_threads()
        self.threads_ = set(map_clips(_thread, X, n_jobs=self.n_jobs))
        self.is_own_thread_ = self.threads_ == {threading.get_ident()}
        tasks = (joblib.delayed(os.getpid)() for _ in range(8))
        self.nested_pids_ = set(joblib.Parallel(n_jobs=2)(tasks))
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def _thread(clip):
    return threading.get_ident()


def children_of_workers(client):
    """Return the command lines of all processes that workers have started."""
    return [line for lines in client.run(_children).values() for line in lines]


def _children():
    import psutil

    return [" ".join(child.cmdline()) for child in psutil.Process().children(recursive=True)]
