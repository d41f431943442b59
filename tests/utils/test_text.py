"""Texts of bounded length."""

from hypothesis import given
from hypothesis import strategies as st

from ser_estimators._utils.text import listed


@given(values=st.lists(st.text() | st.integers() | st.binary(), max_size=300))
def test_lists_are_short(values):
    assert len(listed(values)) < 800


def test_short_lists_are_complete():
    assert listed(["a", 1, None]) == "'a', 1, None"
    assert listed(range(12)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more"
    assert listed([]) == ""
    assert listed(["a" * 100]) == "'" + "a" * 27 + "..." + "a" * 28 + "'"
