"""Cells of tables: times in every spelling."""

import re
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_estimators.datasets._cells import seconds_of


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (2, 2.0),
        (np.float32(0.5), 0.5),
        ("1.5", 1.5),
        (" 1,5 s", 1.5),
        (".5", 0.5),
        ("1e-1", 0.1),
        ("01:02.5", 62.5),
        ("1:01:02,5", 3662.5),
        ("0 days 00:00:01.250000", 1.25),
        ("2 days 01:00:00", 176400.0),
        (timedelta(seconds=1.5), 1.5),
        (np.timedelta64(1500, "ms"), 1.5),
        (np.timedelta64("NaT"), None),
        (float("nan"), None),
        (None, None),
        ("", None),
        ("NaT", None),
    ],
)
def test_times(value, seconds):
    assert seconds_of(value) == seconds


@pytest.mark.parametrize("value", ["x", "1:2:3:4", "1.2.3", "12h", True, [1], "inf", float("inf")])
def test_no_times(value):
    with pytest.raises(ValueError, match=re.escape(repr(value))):
        seconds_of(value)


@given(st.floats(0, 1e6))
def test_every_way_of_writing_a_time_is_read(seconds):
    pandas = pytest.importorskip("pandas")
    delta = timedelta(seconds=seconds)
    assert seconds_of(repr(seconds)) == seconds
    assert seconds_of(str(pandas.Timedelta(delta))) == pytest.approx(seconds, abs=1e-6)
    assert seconds_of(str(delta)) == pytest.approx(seconds, abs=1e-6)
    assert seconds_of(np.timedelta64(delta)) == pytest.approx(seconds, abs=1e-6)
