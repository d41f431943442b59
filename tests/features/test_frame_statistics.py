"""Statistics of MFCCs over time: values of NumPy, padding, and clips of few frames."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_estimators._features.frame_statistics import frame_statistics, standardization


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
    assert table.shape == (len(lengths), 4 * n_rows)
    for clip, length, found in zip(padded, lengths, table, strict=True):
        np.testing.assert_allclose(found, by_numpy(clip[:, :length]), rtol=1e-4, atol=1e-4)


def test_differences_of_short_clips_are_zero():
    clips = np.arange(15, dtype=np.float32).reshape(3, 1, 5) + 1
    table = frame_statistics(clips, np.array([1, 2, 4]))
    np.testing.assert_allclose(table, [[1, 0, 0, 0], [6.5, 0.5, 1, 0], [12.5, np.sqrt(1.25), 1, 0]])


def test_frames_of_zeros_are_left_out():
    rng = np.random.default_rng(0)
    clip = rng.normal(size=(3, 12)).astype(np.float32)
    expected = frame_statistics(clip[None], np.array([12]))
    before = np.pad(clip, ((0, 0), (7, 0)))[None]
    np.testing.assert_allclose(frame_statistics(before, np.array([19])), expected, rtol=1e-6)
    inside = np.insert(clip, [6] * 5, 0.0, axis=1)[None]
    found = frame_statistics(inside, np.array([17])).reshape(4, 3)
    np.testing.assert_allclose(found[:2], expected.reshape(4, 3)[:2], rtol=1e-6)
    steps = np.abs(np.diff(clip))[:, [0, 1, 2, 3, 4, 6, 7, 8, 9, 10]]  # not across the gap
    np.testing.assert_allclose(found[2], steps.mean(axis=1), rtol=1e-6)
    assert not frame_statistics(np.zeros((1, 3, 4), dtype=np.float32), np.array([1])).any()


def test_a_long_clip_is_as_exact_as_a_short_one():
    rng = np.random.default_rng(0)
    part = rng.normal(-300, 5, size=(2, 1000)).astype(np.float32)
    once = frame_statistics(part[None], np.array([1000]))
    often = frame_statistics(np.tile(part, 500)[None], np.array([500_000]))
    np.testing.assert_allclose(often, once, rtol=2e-3)


def standardized(clips, weights=None):
    table = frame_statistics(clips, np.full(len(clips), clips.shape[2]))
    center, factor = standardization(table, weights)
    return (table - center) * factor


@pytest.mark.parametrize("scale", [1e-20, 1e-5, 1.0, 1e5, 1e18])
def test_columns_are_standardized_at_any_scale(scale):
    rng = np.random.default_rng(0)
    clips = rng.normal(3, 2, size=(40, 3, 20)).astype(np.float32)
    found = standardized((clips * scale).astype(np.float32))
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(found.std(axis=0), 1 / np.sqrt(12), rtol=1e-4)
    np.testing.assert_allclose(found, standardized(clips), atol=1e-4)


@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("how", ["mean", "mean and variance"])
def test_what_is_left_of_a_normalization_is_zero(scale, how):
    rng = np.random.default_rng(0)
    clips = scale * rng.normal(-200, 50, size=(20, 3, 90))
    clips -= clips.mean(axis=2, keepdims=True)
    if how == "mean and variance":
        clips /= clips.std(axis=2, keepdims=True)
    clips = clips.astype(np.float32)
    assert clips.mean(axis=2).any()
    found = standardized(clips).reshape(20, 4, 3)
    assert not found[:, 0].any()
    assert found[:, 1].any() == (how == "mean")
    assert found[:, 2].any()


def test_weights_are_copies_in_any_order():
    rng = np.random.default_rng(0)
    table = frame_statistics(rng.normal(size=(30, 2, 9)).astype(np.float32), np.full(30, 9))
    weights = rng.integers(0, 4, size=30)
    copies = np.repeat(table, weights, axis=0)
    expected = standardization(table, weights)
    np.testing.assert_array_equal(standardization(rng.permutation(copies), None), expected)


@pytest.mark.parametrize("seed", range(5))
def test_constant_columns_with_weights_are_zero(seed):
    table = np.full((48, 8), np.float32(0.1), dtype=np.float64)
    weights = np.random.default_rng(seed).uniform(size=48)
    center, factor = standardization(table, weights)
    np.testing.assert_allclose(center, 0.1, rtol=1e-6)
    assert not factor.any()
