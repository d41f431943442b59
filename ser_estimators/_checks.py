"""Checks of parameters that scikit-learn's `check_scalar` leaves out, and fits that fail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from numbers import Number
from typing import Any

__all__ = ["check_choice", "check_finite", "restored_on_failure"]


def check_choice(value: Any, name: str, choices: Iterable[Any]) -> None:
    """Raise unless a parameter is one of some values."""
    choices = tuple(choices)
    # An array equals each of its elements, which is no answer.
    is_one = isinstance(value, (str, Number, type(None)))
    if not (is_one and any(value == choice for choice in choices)):
        listed = ", ".join(map(repr, choices))
        raise ValueError(f"{name} == {value!r}, must be one of {listed}.")


def check_finite(value: float, name: str) -> None:
    """Raise for NaN and infinity, which `check_scalar` lets through."""
    if not abs(value) < float("inf"):
        raise ValueError(f"{name} == {value}, must be finite.")


@contextmanager
def restored_on_failure(estimator: Any) -> Iterator[None]:
    """Give an estimator back all attributes that it had, if what is done to it fails."""
    before = vars(estimator).copy()
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
