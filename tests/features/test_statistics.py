"""Statistics over frames: values of NumPy, missing values, and rows without values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_estimators._features.statistics import STATISTICS, is_statistic, summarize

ALL = (*STATISTICS, "p0", "p25", "p50", "p100")


def by_numpy(values, frame_seconds):
    times = np.arange(len(values)) * frame_seconds
    there = ~np.isnan(values)
    values, times = values[there], times[there]
    slope = np.polyfit(times, values, 1)[0] if len(values) > 1 else 0.0
    return [values.mean(), values.std(), values.min(), values.max(), np.ptp(values), slope,
            *np.percentile(values, [0, 25, 50, 100])]  # fmt: skip


@given(n_frames=st.integers(1, 60), seed=st.integers(0, 999), gaps=st.floats(0, 0.9))
def test_statistics_equal_numpy(n_frames, seed, gaps):
    rng = np.random.default_rng(seed)
    rows = rng.normal(3, 2, size=(3, n_frames)).astype(np.float32)
    rows[1, rng.random(n_frames) < gaps] = np.nan
    rows[1, rng.integers(n_frames)] = 1.5
    table = summarize(rows, ALL, frame_seconds=0.016).reshape(3, -1)
    assert table.dtype == np.float32
    for row, found in zip(rows, table, strict=True):
        expected = by_numpy(row.astype(float), 0.016)
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_order_is_rows_then_statistics():
    rows = np.array([[1, 3], [10, 30]], dtype=np.float32)
    table = summarize(rows, ("max", "mean"), frame_seconds=1.0)
    np.testing.assert_allclose(table, [3, 2, 30, 20])


def test_slope_is_per_second():
    line = 5 * np.arange(50, dtype=np.float32)[None] * 0.016
    assert summarize(line, ("slope",), frame_seconds=0.016)[0] == pytest.approx(5, rel=1e-5)


def test_statistics_of_a_row_without_values_are_zero():
    rows = np.full((2, 7), np.nan, dtype=np.float32)
    rows[0] = 2
    np.testing.assert_allclose(
        summarize(rows, ("mean", "p50", "slope"), frame_seconds=1.0), [2, 2, 0, 0, 0, 0]
    )


@pytest.mark.parametrize("name", ["mean", "slope", "p0", "p5", "p99", "p100"])
def test_valid_names(name):
    assert is_statistic(name)


@pytest.mark.parametrize("name", ["median", "p101", "p", "p-1", "p5.5", "", None, 3])
def test_invalid_names(name):
    assert not is_statistic(name)
