"""Clips of unequal length: their frames, and batches with little padding."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ser_estimators._network.lengths import batches_by_length, count_frames


def test_count_frames():
    clips = np.zeros((3, 2, 6), dtype=np.float32)
    clips[0, 1, :4] = 1
    clips[1, 0, 5] = 1
    assert count_frames(clips).tolist() == [4, 6, 1]
    assert count_frames(clips, np.array([6, 6, 6])).tolist() == [4, 6, 1]
    # What is known to be padding is not read.
    assert count_frames(clips, np.array([4, 3, 2])).tolist() == [4, 1, 1]


@given(
    lengths=st.lists(st.integers(1, 100_000) | st.integers(1, 50), min_size=1, max_size=100),
    batch_size=st.integers(1, 40),
)
def test_batches_contain_each_clip_once_with_little_padding(lengths, batch_size):
    n_frames = np.array(lengths)
    positions = np.arange(len(lengths))
    batches = [positions[part] for part in batches_by_length(n_frames, batch_size)]
    assert sorted(np.concatenate(batches)) == positions.tolist()
    for batch in batches:
        assert 1 <= len(batch) <= batch_size
        assert n_frames[batch].max() * len(batch) <= 2 * n_frames[batch].sum()


def test_clips_of_similar_length_keep_their_order():
    assert list(batches_by_length(np.array([5, 3, 9, 4, 8]), 2)) == [
        slice(0, 2), slice(2, 4), slice(4, 6)
    ]  # fmt: skip
    (short, long) = batches_by_length(np.array([5, 6, 900, 4]), 4)
    assert short.tolist() == [0, 1, 3]
    assert long.tolist() == [2]
