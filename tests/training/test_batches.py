"""Batches: complete epochs, batch sizes, padding and prefetching."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ser_estimators._training.batches import (
    ClipDataset,
    OrderedBatches,
    Prefetch,
    TrainingBatches,
    coefficients_of,
    n_batches,
)


def numbered_clips(n_frames):
    """Return clips that contain only their number, which is also their target."""
    n_clips = len(n_frames)
    coefficients = np.zeros((n_clips, 2, 20), dtype=np.float32)
    coefficients += np.arange(n_clips, dtype=np.float32)[:, None, None]
    targets = np.arange(n_clips, dtype=np.float32)[:, None]
    return ClipDataset(coefficients, np.arange(n_clips), np.asarray(n_frames), targets)


@given(n_clips=st.integers(2, 500), batch_size=st.integers(2, 200), seed=st.integers(0, 99))
def test_batches_contain_each_clip_once_and_at_least_two_clips(n_clips, batch_size, seed):
    dataset = numbered_clips(np.ones(n_clips, dtype=int))
    batches = TrainingBatches(dataset, batch_size, np.random.default_rng(seed))
    sizes, seen = [], []
    for coefficients, targets in batches:
        sizes.append(len(targets))
        seen.extend(targets[:, 0].int().tolist())
        assert torch.equal(coefficients[:, 0, 0], targets[:, 0])
    assert len(sizes) == len(batches) == n_batches(n_clips, batch_size)
    assert sorted(seen) == list(range(n_clips))
    assert min(sizes) >= 2
    assert max(sizes) <= batch_size + 1
    assert max(sizes) - min(sizes) <= 1


def test_batches_are_cut_to_their_longest_clip_and_reshuffled():
    n_frames = np.array([3, 9, 5, 4])
    batches = TrainingBatches(numbered_clips(n_frames), 2, np.random.default_rng(0))
    orders = []
    for _ in range(4):
        epoch = [(x, targets[:, 0].int().numpy()) for x, targets in batches]
        orders.append([int(label) for _, labels in epoch for label in labels])
        assert [x.shape[2] for x, _ in epoch] == [n_frames[labels].max() for _, labels in epoch]
    assert len({tuple(order) for order in orders}) > 1


def test_long_clips_are_cropped_at_random_in_training_only():
    n_frames = np.array([2, 2, 3, 2, 20])
    dataset = numbered_clips(n_frames)
    dataset.coefficients[4, 0] = np.arange(20)  # the number of the frame
    assert dataset.max_frames == 8
    starts = []
    for seed in range(30):
        batches = list(TrainingBatches(dataset, 3, np.random.default_rng(seed)))
        assert max(x.shape[2] for x, _ in batches) == 8
        (part,) = (x[clip, 0] for x, t in batches for clip in torch.where(t[:, 0] == 4)[0])
        assert torch.equal(part, part[0] + torch.arange(8.0))
        starts.append(int(part[0]))
        for x, targets in batches:  # the other clips are as they were
            others = targets[:, 0] != 4
            assert torch.equal(x[others, 1, 0], targets[others, 0])
    assert min(starts) < 3
    assert max(starts) > 9
    assert max(starts) <= 12
    assert max(x.shape[2] for x in coefficients_of(dataset, 3)) == 20


def test_corpora_without_long_clips_draw_no_crops():
    rng, same = np.random.default_rng(0), np.random.default_rng(0)
    for _ in TrainingBatches(numbered_clips([2, 2, 3, 2, 8]), 3, rng):
        pass
    same.permutation(5)
    assert rng.random() == same.random()


def test_row_may_occur_in_a_dataset_several_times_or_not_at_all():
    whole = numbered_clips([3, 9, 5])
    dataset = ClipDataset(
        whole.coefficients, np.array([2, 0, 2]), whole.n_frames, whole.targets[[2, 0, 2]]
    )
    batches = list(OrderedBatches(dataset, 2))
    assert [x.shape[2] for x, _ in batches] == [5, 5]
    assert [targets[:, 0].tolist() for _, targets in batches] == [[2, 0], [2]]
    assert [x[:, 0, 0].tolist() for x in coefficients_of(dataset, 2)] == [[2, 0], [2]]


@given(batches=st.lists(st.integers(), max_size=6), begins=st.integers(0, 3))
def test_prefetched_batches_are_the_same_in_the_same_order(batches, begins):
    made = []

    def double(batch):
        made.append(batch)
        return 2 * batch

    with ThreadPoolExecutor(2) as pool:
        ahead = Prefetch(batches, double, pool)
        used = []
        for item in ahead:
            used.append(item)
            for _ in range(begins):  # repeated calls have no effect
                ahead.begin()
            assert len(made) <= len(used) + 1
    assert used == [2 * batch for batch in batches]
    assert made == batches


def test_next_batch_is_processed_while_one_is_used():
    is_made = threading.Event()

    def make(batch):
        if batch == 2:
            is_made.set()
        return batch

    with ThreadPoolExecutor(1) as pool:
        ahead = Prefetch([1, 2], make, pool)
        assert next(iter(ahead)) == 1
        ahead.begin()
        assert is_made.wait(timeout=60)


def test_error_of_a_prefetched_batch_is_raised_by_the_consumer():
    with ThreadPoolExecutor(1) as pool:
        ahead = iter(Prefetch([1, 0], lambda batch: 1 / batch, pool))
        assert next(ahead) == 1
        with pytest.raises(ZeroDivisionError):
            next(ahead)
