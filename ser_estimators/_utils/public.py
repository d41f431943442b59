"""Public classes: where pickles find them, and where their former parameters have gone."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

__all__ = ["check_moved", "moved_parameters", "public"]

Class = TypeVar("Class", bound=type)
Function = TypeVar("Function", bound=Callable[..., Any])


def public(cls: Class) -> Class:
    """Let a class name the package as its module.

    Pickles then refer to ``ser_estimators.Name``, and load whatever file the class moves to.
    """
    cls.__module__ = "ser_estimators"
    return cls


def moved_parameters(places: Mapping[str, str]) -> Callable[[Function], Function]:
    """Make ``__init__`` raise a TypeError that names the new place of a former parameter.

    Parameters
    ----------
    places : dict of str to str
        What to write instead, by the former name.
    """

    def decorate(init: Function) -> Function:
        @functools.wraps(init)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> None:
            check_moved(type(self).__name__, kwargs, places)
            init(self, *args, **kwargs)

        return wrapper  # type: ignore[return-value]

    return decorate


def check_moved(owner: str, params: Mapping[str, Any], places: Mapping[str, str]) -> None:
    """Raise a TypeError if one of some parameters has moved."""
    for name in params:
        if name in places:
            raise TypeError(f"{owner} no longer has the parameter {name!r}; use {places[name]}")
