"""Threads that run each torch operation on one thread, without changing global settings."""

from __future__ import annotations

import signal
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
    """Set torch's number of threads for the calling thread only.

    ``torch.set_num_threads`` also changes the default of threads that start later. This default is
    restored.
    """
    with _default_lock, interrupts_delayed():
        torch.get_num_threads()  # initializes the thread, which would take the default later
        default = _in_fresh_thread(torch.get_num_threads)
        torch.set_num_threads(n_threads)
        _in_fresh_thread(lambda: torch.set_num_threads(default))


@contextmanager
def interrupts_delayed() -> Iterator[None]:
    """Delay Ctrl-C until the end of the ``with`` statement."""
    received: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    # Only the main thread is interrupted, and a handler that is not Python's cannot be restored.
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield
        return
    signal.signal(signal.SIGINT, lambda number, frame: received.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if received:
            signal.raise_signal(signal.SIGINT)


@contextmanager
def one_thread_per_operation() -> Iterator[int]:
    """Run every torch operation of the calling thread on one thread; yield the previous number.

    The number of threads within an operation changes the order of sums and therefore the rounding,
    which training amplifies: with torch's own threads, the same seed gives one model in a notebook
    and another in a worker of GridSearchCV. Whole operations run in parallel instead.
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
    # All threads start now, because each one briefly changes the default of the others.
    all_started = threading.Barrier(n_threads)
    try:
        list(pool.map(lambda _: all_started.wait(), range(n_threads)))
    except BaseException:
        # After an interrupt, threads would wait forever for those that were not started.
        all_started.abort()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    return pool


def _in_fresh_thread(function: Callable[[], Result]) -> Result:
    results: list[Result] = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join()
    return results[0]
