"""Parameter checks in addition to `sklearn.utils.check_scalar`, and recovery from failed fits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from numbers import Integral, Number
from typing import Any

import numpy as np

__all__ = ["check_choice", "check_finite", "check_sizes", "is_missing", "restored_on_failure"]


def check_choice(value: Any, name: str, choices: Iterable[Any]) -> None:
    """Raise if a parameter is not one of the allowed values."""
    choices = tuple(choices)
    # The comparison of an array would return one value for each element.
    is_one = isinstance(value, (str, Number, type(None)))
    if not (is_one and any(value == choice for choice in choices)):
        listed = ", ".join(map(repr, choices))
        raise ValueError(f"{name} == {value!r:.200}, must be one of {listed}.")


def check_finite(value: float, name: str) -> None:
    """Raise for NaN and infinity, which `check_scalar` accepts."""
    if not abs(value) < float("inf"):
        raise ValueError(f"{name} == {value}, must be finite.")


def check_sizes(sizes: Any, name: str) -> None:
    """Raise unless a parameter is a nonempty sequence of positive integers."""
    if isinstance(sizes, str) or np.ndim(sizes) != 1 or not len(sizes):
        raise ValueError(f"{name} == {sizes!r:.200}, must be a sequence of integers.")
    for size in sizes:
        if isinstance(size, bool) or not isinstance(size, Integral):
            raise TypeError(f"{name} == {sizes!r:.200}, must contain integers.")
        if size < 1:
            raise ValueError(f"{name} == {sizes!r:.200}, must contain integers >= 1.")


def is_missing(value: Any) -> bool:
    """Return whether a value is None, NaN, or pandas' NA or NaT."""
    if isinstance(value, (float, np.floating)):
        return bool(np.isnan(value))
    return value is None or type(value).__name__ in ("NAType", "NaTType")


@contextmanager
def restored_on_failure(estimator: Any) -> Iterator[None]:
    """Restore all attributes of an estimator if the body of the ``with`` statement raises."""
    before = vars(estimator).copy()
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
