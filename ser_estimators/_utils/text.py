"""Texts of bounded length for messages, whatever the values that they name."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

__all__ = ["listed"]

_MAX_ITEMS, _MAX_LENGTH = 10, 60


def listed(values: Iterable[Any]) -> str:
    """Return the ``repr`` of at most ten values, each shortened, and how many more there are."""
    values = list(values)
    shown = [f"{value!r:.{_MAX_LENGTH}}" for value in islice(values, _MAX_ITEMS)]
    more = len(values) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
