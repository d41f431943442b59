"""Training: batches, schedule, and a result that no number of threads changes."""

import threading

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ser_estimators._training import (
    TrainingBatches,
    count_frames,
    learning_rate_factor,
    n_batches,
    one_thread_per_operation,
)


class Data:
    def __init__(self, X, y):
        self.X, self.y = X, y


@given(n_clips=st.integers(2, 500), batch_size=st.integers(2, 200), seed=st.integers(0, 99))
def test_batches_cover_each_clip_once_and_are_never_single(n_clips, batch_size, seed):
    X = np.arange(n_clips, dtype=np.float32)[:, None, None]
    dataset = Data(X, np.arange(n_clips))
    batches = TrainingBatches(
        dataset, batch_size, np.ones(n_clips, dtype=int), np.random.default_rng(seed)
    )
    sizes, seen = [], []
    for coefficients, y in batches:
        sizes.append(len(y))
        seen.extend(y.tolist())
        assert torch.equal(coefficients[:, 0, 0], y.float())
    assert len(sizes) == len(batches) == n_batches(n_clips, batch_size)
    assert sorted(seen) == list(range(n_clips))
    assert min(sizes) >= 2
    assert max(sizes) <= batch_size + 1
    assert max(sizes) - min(sizes) <= 1


def test_batches_are_cut_to_their_longest_clip_and_shuffled_anew():
    n_frames = np.array([3, 9, 5, 4])
    dataset = Data(np.ones((4, 2, 20), dtype=np.float32), np.arange(4))
    batches = TrainingBatches(dataset, 2, n_frames, np.random.default_rng(0))
    orders = []
    for _ in range(4):
        epoch = list(batches)
        orders.append([label for _, y in epoch for label in y.tolist()])
        assert [x.shape[2] for x, _ in epoch] == [n_frames[y.numpy()].max() for _, y in epoch]
    assert len({tuple(order) for order in orders}) > 1


def test_count_frames():
    clips = np.zeros((3, 2, 6), dtype=np.float32)
    clips[0, 1, :4] = 1
    clips[1, 0, 5] = 1
    assert count_frames(clips).tolist() == [4, 6, 1]


@given(n_steps=st.integers(1, 300), warmup=st.floats(0, 0.9))
def test_learning_rate_rises_then_falls_and_is_never_zero(n_steps, warmup):
    rates = [learning_rate_factor(s, n_steps=n_steps, warmup=warmup) for s in range(n_steps + 1)]
    assert min(rates) > 0
    assert max(rates) <= 1
    peak = int(np.argmax(rates))
    assert (np.diff(rates[: peak + 1]) >= 0).all()
    assert (np.diff(rates[peak:]) <= 0).all()
    assert rates[-1] <= 1e-3


def test_threads_are_given_back_after_success_and_failure():
    before = torch.get_num_threads()
    with one_thread_per_operation() as n_threads:
        assert n_threads == before
        assert torch.get_num_threads() == 1
        with one_thread_per_operation() as again:
            assert again == before
    assert torch.get_num_threads() == before
    with pytest.raises(RuntimeError, match="on purpose"), one_thread_per_operation():
        raise RuntimeError("on purpose")
    assert torch.get_num_threads() == before


def test_threads_are_given_back_when_uses_overlap():
    before = torch.get_num_threads()
    entered, leave = threading.Event(), threading.Event()
    seen = []

    def other():
        with one_thread_per_operation() as n_threads:
            seen.append(n_threads)
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with one_thread_per_operation():
        thread.start()
        assert entered.wait(10)
    leave.set()
    thread.join()
    assert seen == [before]
    assert torch.get_num_threads() == before
    fresh = []
    thread = threading.Thread(target=lambda: fresh.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert fresh == [before]
