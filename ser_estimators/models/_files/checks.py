"""Checks of the attributes of fitted estimators, by which a table describes each estimator.

A check is called with a value and with the sizes that earlier checks of the same estimator have
named, such as the number of features. It raises `MismatchError` if the value cannot be one of a
fitted estimator. The same checks run before a model is saved and after it is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import MismatchError

__all__ = [
    "FLOATS",
    "Check",
    "array",
    "check_all",
    "check_finite_array",
    "choice",
    "either",
    "flag",
    "integer",
    "items",
    "labels",
    "mapping",
    "names",
    "number",
    "text",
]

Check = Callable[[Any, dict[str, int]], None]
# An axis: its size, the name of a size, or None for any size.
Axis = int | str | None

FLOATS = ("float32", "float64")
_INTEGERS = ("int32", "int64")
_LABELS = "UObiuf"
# Elements that are looked at together, so that a check takes little memory.
_BLOCK = 1 << 16


def check_all(
    values: Mapping[str, Any], checks: Mapping[str, Check], optional: Iterable[str], owner: str
) -> dict[str, int]:
    """Check the attributes of an estimator.

    Parameters
    ----------
    values : dict
        Attributes by name.
    checks : dict of str to Check
        In the order in which they are called.
    optional : iterable of str
        Attributes that may be missing.
    owner : str
        Name of the estimator, for messages.

    Returns
    -------
    dict of str to int
        The sizes that the checks have named.

    Raises
    ------
    MismatchError
        If an attribute is missing, unknown, or not what is expected.
    """
    sizes: dict[str, int] = {}
    if unknown := sorted(set(values) - set(checks)):
        raise MismatchError(f"{owner} has the unknown attribute {unknown[0]!r:.80}")
    for name, check in checks.items():
        if name not in values:
            if name in optional:
                continue
            raise MismatchError(f"{owner} lacks the attribute {name!r}")
        try:
            check(values[name], sizes)
        except MismatchError as error:
            raise MismatchError(f"{name} of {owner} {error}") from None
    return sizes


def array(
    *axes: Axis,
    dtypes: Iterable[str] = FLOATS,
    low: float | None = None,
    high: float | None = None,
    is_finite: bool = True,
) -> Check:
    """Check an array: its type, its shape and the range of its values, which are not NaN."""
    dtypes = tuple(dtypes)

    def check(value: Any, sizes: dict[str, int]) -> None:
        if not isinstance(value, np.ndarray) or value.dtype.name not in dtypes:
            raise MismatchError(f"is {_kind(value)}; expected an array of {' or '.join(dtypes)}")
        if len(value.shape) != len(axes):
            raise MismatchError(f"has the shape {value.shape}; expected {len(axes)} axes")
        expected = tuple(
            _size(axis, found, sizes) for axis, found in zip(axes, value.shape, strict=True)
        )
        if value.shape != expected:
            raise MismatchError(f"has the shape {value.shape}; expected {expected}")
        if is_finite:
            check_finite_array(value)
        if value.size and (low is not None or high is not None):
            least, most = value.min(), value.max()
            # Negated, so that NaN is outside every range.
            if not ((low is None or least >= low) and (high is None or most <= high)):
                raise MismatchError(
                    f"has values from {least:.6g} to {most:.6g}; expected {_range(low, high)}"
                )

    return check


def check_finite_array(value: NDArray[Any]) -> None:
    """Raise if an array contains NaN or infinity."""
    if value.dtype.kind != "f":
        return
    flat = value.reshape(-1, order="A") if value.flags.forc else value.ravel()
    for start in range(0, flat.size, _BLOCK):
        if not np.isfinite(flat[start : start + _BLOCK]).all():
            raise MismatchError("contains NaN or infinity")


def labels(size: str) -> Check:
    """Check a vector of different labels, whose number is named."""

    def check(value: Any, sizes: dict[str, int]) -> None:
        if not isinstance(value, np.ndarray) or value.ndim != 1 or value.dtype.kind not in _LABELS:
            raise MismatchError(f"is {_kind(value)}; expected a vector of labels")
        _size_of(len(value), size, sizes)
        if not len(value) or len(set(value.tolist())) < len(value):
            raise MismatchError("has no labels, or some twice")

    return check


def names(size: str) -> Check:
    """Check the names of features."""

    def check(value: Any, sizes: dict[str, int]) -> None:
        if not isinstance(value, np.ndarray) or value.ndim != 1 or value.dtype != object:
            raise MismatchError(f"is {_kind(value)}; expected a vector of names")
        _size_of(len(value), size, sizes)
        if not all(isinstance(name, str) for name in value):
            raise MismatchError("has names that are not strings")

    return check


def text(max_length: int) -> Check:
    """Check a string."""

    def check(value: Any, sizes: dict[str, int]) -> None:
        if not isinstance(value, str) or len(value) > max_length:
            raise MismatchError(f"is {_kind(value)}; expected at most {max_length} characters")

    return check


def integer(low: int, high: int = 1 << 53, *, size: str | None = None) -> Check:
    """Check an integer, which may be a size that is named."""

    def check(value: Any, sizes: dict[str, int]) -> None:
        is_integer = isinstance(value, Integral) and not isinstance(value, (bool, np.bool_))
        if not is_integer or not low <= value <= high:
            raise MismatchError(f"is {value!r:.80}; expected an integer, {_range(low, high)}")
        if size is not None:
            _size_of(int(value), size, sizes)

    return check


def number(low: float | None = None, high: float | None = None) -> Check:
    """Check a finite number."""

    def check(value: Any, sizes: dict[str, int]) -> None:
        is_number = isinstance(value, Real) and not isinstance(value, (bool, np.bool_))
        if not is_number or not abs(value) < float("inf"):
            raise MismatchError(f"is {value!r:.80}; expected a finite number")
        if (low is not None and value < low) or (high is not None and value > high):
            raise MismatchError(f"is {value!r:.80}; expected {_range(low, high)}")

    return check


def flag(value: Any, sizes: dict[str, int]) -> None:
    """Check a bool."""
    if not isinstance(value, (bool, np.bool_)):
        raise MismatchError(f"is {value!r:.80}; expected True or False")


def choice(*choices: Any) -> Check:
    """Check that a value is one of several strings, or None."""

    def check(value: Any, sizes: dict[str, int]) -> None:
        if not isinstance(value, (str, type(None))) or value not in choices:
            expected = ", ".join(map(repr, choices))
            raise MismatchError(f"is {value!r:.80}; expected one of {expected}")

    return check


def either(*checks: Check) -> Check:
    """Check that one of several checks accepts a value."""

    def check(value: Any, sizes: dict[str, int]) -> None:
        reasons = []
        for each in checks:
            try:
                each(value, sizes)
            except MismatchError as error:
                reasons.append(error)
            else:
                return
        raise reasons[-1]

    return check


def items(check_item: Check, size: str | None = None) -> Check:
    """Check every element of a list, whose length may be named."""

    def check(value: Any, sizes: dict[str, int]) -> None:
        if not isinstance(value, list):
            raise MismatchError(f"is {_kind(value)}; expected a list")
        if size is not None:
            _size_of(len(value), size, sizes)
        for number_, item in enumerate(value):
            try:
                check_item(item, sizes)
            except MismatchError as error:
                raise MismatchError(f"has at position {number_} a value that {error}") from None

    return check


def mapping(checks: Mapping[str, Check], optional: Iterable[str] = ()) -> Check:
    """Check a dict with known keys."""

    def check(value: Any, sizes: dict[str, int]) -> None:
        if not isinstance(value, dict) or not set(value) <= set(checks):
            raise MismatchError(f"is {_kind(value)}; expected a dict of {', '.join(checks)}")
        for name, each in checks.items():
            if name in value:
                try:
                    each(value[name], sizes)
                except MismatchError as error:
                    raise MismatchError(f"has an entry {name!r} that {error}") from None
            elif name not in optional:
                raise MismatchError(f"lacks the entry {name!r}")

    return check


def _size(axis: Axis, found: int, sizes: dict[str, int]) -> int:
    if axis is None:
        return found
    return sizes.setdefault(axis, found) if isinstance(axis, str) else axis


def _size_of(found: int, name: str, sizes: dict[str, int]) -> None:
    if sizes.setdefault(name, found) != found:
        raise MismatchError(f"has {found} elements; expected {sizes[name]}")


def _range(low: float | None, high: float | None) -> str:
    if high is None or high == 1 << 53:
        return f"{low} or more"
    return f"at most {high}" if low is None else f"{low} to {high}"


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype.name} of shape {value.shape}"
    return f"a {type(value).__name__}"
