"""Statistics of MFCCs over time: values of NumPy, padding, and clips of few frames."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ser_estimators._features.frame_statistics import frame_statistics


def by_numpy(clip):
    clip = clip.astype(float)
    slow = clip[:, 4:] - clip[:, :-4]
    return np.concatenate(
        [
            clip.mean(axis=1),
            clip.std(axis=1),
            np.abs(clip[:, 1:] - clip[:, :-1]).mean(axis=1),
            np.sqrt((slow**2).mean(axis=1)),
        ]
    )


@given(
    lengths=st.lists(st.integers(5, 40), min_size=1, max_size=5),
    n_rows=st.integers(1, 6),
    seed=st.integers(0, 999),
)
def test_statistics_are_those_of_numpy_without_padding(lengths, n_rows, seed):
    rng = np.random.default_rng(seed)
    padded = rng.normal(30, 20, size=(len(lengths), n_rows, 45)).astype(np.float32)
    table = frame_statistics(padded, np.array(lengths))
    assert table.dtype == np.float32
    assert table.shape == (len(lengths), 4 * n_rows)
    for clip, length, found in zip(padded, lengths, table, strict=True):
        np.testing.assert_allclose(found, by_numpy(clip[:, :length]), rtol=1e-4, atol=1e-4)


def test_differences_of_short_clips_are_zero():
    clips = np.arange(15, dtype=np.float32).reshape(3, 1, 5) + 1
    table = frame_statistics(clips, np.array([1, 2, 4]))
    np.testing.assert_allclose(
        table, [[1, 0, 0, 0], [6.5, 0.5, 1, 0], [12.5, np.sqrt(1.25), 1, 0]], atol=1e-4
    )


def test_what_is_left_of_a_mean_is_zero():
    rng = np.random.default_rng(0)
    clips = rng.normal(-200, 50, size=(20, 3, 90)).astype(np.float32)
    clips -= clips.mean(axis=2, keepdims=True)
    assert clips.mean(axis=2).any()
    assert not frame_statistics(clips, np.full(20, 90))[:, :3].any()


def test_a_long_clip_is_as_exact_as_a_short_one():
    rng = np.random.default_rng(0)
    part = rng.normal(-300, 5, size=(2, 1000)).astype(np.float32)
    once = frame_statistics(part[None], np.array([1000]))
    often = frame_statistics(np.tile(part, 500)[None], np.array([500_000]))
    np.testing.assert_allclose(often, once, rtol=2e-3)
