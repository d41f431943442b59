"""On which host a message originates, where that is not obvious."""

from __future__ import annotations

import multiprocessing
import socket
import sys

__all__ = ["on_host"]

# Modules of programs that start workers without the module multiprocessing: Dask without a nanny,
# and Spark.
_WORKERS = {"distributed.cli.dask_worker", "pyspark.worker"}


def on_host() -> str:
    """Return " on the host 'name'" in a worker, and an empty string elsewhere.

    A worker may run on another computer than the program of the user, and see other files.
    """
    if multiprocessing.parent_process() is None and _WORKERS.isdisjoint(sys.modules):
        return ""
    return f" on the host '{socket.gethostname()}'"
