"""Threads: one per operation, without changes of other settings."""

import threading

import pytest
import torch

from ser_estimators._network.threads import one_thread_per_operation, thread_pool


@pytest.fixture(autouse=True)
def _two_threads():
    """Use more than one thread, of which one would be hard to tell from no change."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_number_of_threads_is_restored_after_success_and_failure():
    before = torch.get_num_threads()
    with one_thread_per_operation() as n_threads:
        assert n_threads == before
        assert torch.get_num_threads() == 1
        with one_thread_per_operation() as inner:
            assert inner == 1
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
    with pytest.raises(RuntimeError, match="failed"), one_thread_per_operation():
        raise RuntimeError("failed")
    assert torch.get_num_threads() == before


def in_fresh_thread(function):
    results = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join()
    return results[0]


def test_setting_does_not_affect_other_threads():
    before = torch.get_num_threads()
    entered, leave, seen = threading.Event(), threading.Event(), []

    def other():
        with one_thread_per_operation() as n_threads:
            seen.append(n_threads)
            entered.set()
            leave.wait(10)

    overlapping = threading.Thread(target=other)
    with one_thread_per_operation():
        overlapping.start()
        assert entered.wait(10)
        with thread_pool(3) as pool:
            assert set(pool.map(lambda _: torch.get_num_threads(), range(20))) == {1}
            assert in_fresh_thread(torch.get_num_threads) == before
    assert torch.get_num_threads() == before
    leave.set()
    overlapping.join()
    assert seen == [before]
    assert torch.get_num_threads() == in_fresh_thread(torch.get_num_threads) == before
