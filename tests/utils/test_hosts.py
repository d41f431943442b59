"""The host in messages: only where several computers may be involved."""

import socket
import subprocess
import sys

import joblib
import pytest

from ser_estimators._utils.hosts import on_host

HERE = f" on the host '{socket.gethostname()}'"


def test_process_of_the_user():
    printed = subprocess.run(
        [sys.executable, "-c", "from ser_estimators._utils.hosts import on_host; print(on_host())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed == "\n"


def test_worker_of_joblib():
    parallel = joblib.Parallel(n_jobs=2)
    assert parallel(joblib.delayed(on_host)() for _ in range(2)) == [HERE, HERE]


@pytest.mark.parametrize("module", ["pyspark.worker", "distributed.cli.dask_worker"])
def test_other_workers(module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, sys)
    assert on_host() == HERE
