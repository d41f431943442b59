"""Conditions of a stress test: what may be passed, and what each function takes."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._utils.text import represent, type_name
from ..conditions import standard_conditions

__all__ = ["AS_RECORDED", "STANDARD", "Condition", "check_conditions"]

AS_RECORDED = "as recorded"
STANDARD = "standard"
_EXPECTED = (
    'expected "standard", a list of their names, or a dict of functions by name, such as '
    '{"quiet": lambda waveform, sr: 0.1 * waveform}'
)
_MAX_NAME = 80  # characters


@dataclass(frozen=True)
class Condition:
    """A function that changes waveforms, with its name.

    Parameters
    ----------
    name : str
    function : callable
    needs_rng, needs_others : bool
        Whether it has parameters of the names `rng` and `others`.
    """

    name: str
    function: Callable[..., Any]
    needs_rng: bool
    needs_others: bool


def check_conditions(conditions: Any) -> list[Condition]:
    """Return the conditions that a user named or passed.

    Parameters
    ----------
    conditions : {"standard"}, sequence of str, or dict of str to callable

    Raises
    ------
    TypeError
        If it is something else, or if a function does not take a waveform and a sampling rate.
    ValueError
        If there are none, if a name is unknown or occurs twice, or if it is that of the clips as
        they are.
    """
    standard = standard_conditions()
    if isinstance(conditions, str) and conditions == STANDARD:
        functions: Mapping[str, Any] = standard
    elif isinstance(conditions, Mapping):
        functions = conditions
    elif isinstance(conditions, Sequence) and not isinstance(conditions, (str, bytes)):
        functions = {}
        for name in conditions:
            if not isinstance(name, str):
                raise TypeError(
                    f"conditions contains {represent(name)} ({type_name(name)}); {_EXPECTED}"
                )
            if name not in standard:
                raise ValueError(_about_unknown(name, standard))
            if name in functions:
                raise ValueError(f"conditions contains {name!r} twice; expected distinct names")
            functions[name] = standard[name]
    elif isinstance(conditions, str):
        hint = f"pass [{conditions!r}]" if conditions in standard else _EXPECTED
        raise ValueError(f"conditions is {represent(conditions)}; {hint}")
    else:
        raise TypeError(
            f"conditions is {represent(conditions)} ({type_name(conditions)}); {_EXPECTED}"
        )
    if not functions:
        raise ValueError(f"conditions is empty; {_EXPECTED}")
    return [_check(name, function) for name, function in functions.items()]


def _about_unknown(name: str, standard: Mapping[str, Any]) -> str:
    similar = difflib.get_close_matches(name, standard, n=3, cutoff=0.4)
    known = f"did you mean {' or '.join(map(repr, similar))}?" if similar else _EXPECTED
    return (
        f"conditions contains {represent(name)}, which is not a standard condition; {known} "
        "See ser_estimators.conditions.standard_conditions for all names"
    )


def _check(name: Any, function: Any) -> Condition:
    if not isinstance(name, str):
        raise TypeError(f"conditions has the name {represent(name)}; expected names as strings")
    if not name.strip() or len(name) > _MAX_NAME or not name.isprintable():
        raise ValueError(
            f"conditions has the name {represent(name)}; expected 1 to {_MAX_NAME} characters in "
            "one line"
        )
    if name == AS_RECORDED:
        raise ValueError(
            f"conditions has the name {name!r}, which is that of the clips as they are, and is "
            "always tested; choose another name"
        )
    if not callable(function):
        raise TypeError(
            f"conditions[{name!r}] is {represent(function)} ({type_name(function)}); expected a "
            "function of a waveform and its sampling rate"
        )
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some functions that are written in C have none
        return Condition(name, function, needs_rng=False, needs_others=False)
    named = {key for key in ("rng", "others") if key in signature.parameters}
    try:
        signature.bind(None, None, **dict.fromkeys(named))
    except TypeError as error:
        raise TypeError(
            f"conditions[{name!r}] is a function of {signature}, which cannot be called as "
            f"function(waveform, sr{''.join(f', {key}={key}' for key in sorted(named))}): {error}. "
            "Set other parameters with functools.partial"
        ) from None
    return Condition(name, function, "rng" in named, "others" in named)
