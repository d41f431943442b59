"""Public classes: their names in pickles, and errors for former parameters."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

__all__ = ["check_moved", "moved_parameters", "public"]

Class = TypeVar("Class", bound=type)
Function = TypeVar("Function", bound=Callable[..., Any])


def public(cls: Class) -> Class:
    """Set the module of a class to the package.

    Pickles then refer to ``ser_estimators.Name``, and load even if the class moves to another file.
    """
    cls.__module__ = "ser_estimators"
    return cls


def moved_parameters(places: Mapping[str, str]) -> Callable[[Function], Function]:
    """Make ``__init__`` raise a TypeError that names the new place of a former parameter.

    Parameters
    ----------
    places : dict of str to str
        Replacement of each former parameter, by name.
    """

    def decorate(init: Function) -> Function:
        @functools.wraps(init)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> None:
            check_moved(self, kwargs, places)
            init(self, *args, **kwargs)

        return wrapper  # type: ignore[return-value]

    return decorate


def check_moved(estimator: Any, params: Mapping[str, Any], places: Mapping[str, str]) -> None:
    """Raise a TypeError if one of some parameters has moved."""
    for name in params:
        # A subclass may have a parameter of this name.
        if name in places and name not in estimator._get_param_names():
            owner = type(estimator).__name__
            raise TypeError(f"{owner} no longer has the parameter {name!r}; use {places[name]}")
