"""Threads that do not fight: each runs torch operations on one thread, and no setting changes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

__all__ = ["one_thread_per_operation", "thread_pool"]

Result = TypeVar("Result")

_default_lock = threading.Lock()


def set_own_num_threads(n_threads: int) -> None:
    """Set torch's number of threads for the calling thread alone.

    ``torch.set_num_threads`` also changes the number that threads started later begin with, which
    is the user's to decide: it is put back.
    """
    with _default_lock:
        torch.get_num_threads()  # a thread that has not asked yet would take the default later on
        default = _in_fresh_thread(torch.get_num_threads)
        torch.set_num_threads(n_threads)
        _in_fresh_thread(lambda: torch.set_num_threads(default))


@contextmanager
def one_thread_per_operation() -> Iterator[int]:
    """Let every torch operation of the calling thread use one thread; give the number before.

    Within an operation the number of threads changes the order of sums and so the rounding, which
    training amplifies: with torch's own threads the same seed gives one model in a notebook and
    another in a worker of GridSearchCV. We run whole operations side by side instead.
    """
    before = torch.get_num_threads()
    try:
        set_own_num_threads(1)
        yield before
    finally:
        set_own_num_threads(before)


def thread_pool(n_threads: int) -> ThreadPoolExecutor:
    """Return a pool whose threads run torch operations on one thread each."""
    pool = ThreadPoolExecutor(
        n_threads,
        thread_name_prefix="ser_estimators",
        initializer=set_own_num_threads,
        initargs=(1,),
    )
    # All threads start now, because for an instant each changes what others begin with.
    all_started = threading.Barrier(n_threads)
    list(pool.map(lambda _: all_started.wait(), range(n_threads)))
    return pool


def _in_fresh_thread(function: Callable[[], Result]) -> Result:
    results: list[Result] = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join()
    return results[0]
