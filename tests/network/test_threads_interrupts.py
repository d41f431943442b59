"""Interrupts while threads start or settings of torch change."""

import os
import signal
import subprocess
import sys
import threading

import pytest
import torch

from ser_estimators._network.threads import interrupts_delayed, one_thread_per_operation

HANG = """
import os, signal
import numpy as np
from concurrent.futures import ThreadPoolExecutor
from ser_estimators._network.threads import thread_pool

signal.signal(signal.SIGINT, signal.default_int_handler)
submit = ThreadPoolExecutor.submit
def interrupted(self, *args, **kwargs):
    future = submit(self, *args, **kwargs)
    ThreadPoolExecutor.submit = submit
    os.kill(os.getpid(), signal.SIGINT)
    return future
ThreadPoolExecutor.submit = interrupted
try:
    thread_pool(3)
except KeyboardInterrupt:
    print("interrupted")
"""

posix_only = pytest.mark.skipif(os.name != "posix", reason="sends signals")


@pytest.fixture(autouse=True)
def interrupts_are_raised():
    """Install Python's handler: processes that a shell starts in the background ignore signals."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@posix_only
def test_process_ends_after_an_interrupt_while_threads_start():
    done = subprocess.run(
        [sys.executable, "-c", HANG], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "interrupted\n"
    assert done.returncode == 0


@posix_only
def test_interrupts_wait_for_the_end_of_the_section():
    steps = []
    with pytest.raises(KeyboardInterrupt), interrupts_delayed():  # noqa: PT012
        os.kill(os.getpid(), signal.SIGINT)
        steps.append("complete")
    assert steps == ["complete"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_other_threads_need_no_delay():
    entered = []

    def enter():
        with interrupts_delayed():
            entered.append(True)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert entered == [True]


@posix_only
def test_number_of_threads_is_restored_after_an_interrupt(monkeypatch):
    from ser_estimators._network import threads

    before, in_fresh_thread, calls = torch.get_num_threads(), threads._in_fresh_thread, []

    def interrupted(function):
        calls.append(function)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return in_fresh_thread(function)

    monkeypatch.setattr(threads, "_in_fresh_thread", interrupted)
    with pytest.raises(KeyboardInterrupt), one_thread_per_operation():
        pass
    assert torch.get_num_threads() == before == in_fresh_thread(torch.get_num_threads)
