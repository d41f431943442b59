"""Threads that run each torch operation on one thread, without changing global settings."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

__all__ = ["map_in_threads", "one_thread_per_operation", "thread_pool"]

Item = TypeVar("Item")
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


def map_in_threads(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Apply a function to every item, on as many threads as torch has, and yield in order.

    Each torch operation runs on one thread, so that results depend neither on the number of threads
    nor on the other items.
    """
    n_threads = min(torch.get_num_threads(), len(items))
    if n_threads <= 1:
        with one_thread_per_operation():
            results = [function(item) for item in items]
        yield from results
        return
    pool = thread_pool(n_threads)
    try:
        futures = [pool.submit(function, item) for item in items]
        for future in futures:
            yield future.result()
    finally:
        # After an error or an interrupt, pending items are not started.
        pool.shutdown(cancel_futures=True)


def _in_fresh_thread(function: Callable[[], Result]) -> Result:
    results: list[Result] = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join()
    return results[0]
