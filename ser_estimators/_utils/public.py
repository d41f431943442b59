"""Public classes: their names in pickles, their documentation, and former parameters."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any, NamedTuple, TypeVar

from .stack_level import find_stack_level

__all__ = ["Moved", "documentation_url", "moved_parameters", "public", "split_moved"]

Class = TypeVar("Class", bound=type)
Function = TypeVar("Function", bound=Callable[..., Any])

_PACKAGE = "ser_estimators"


def public(cls: Class) -> Class:
    """Set the module of a class to the package, and link an estimator to its page.

    Pickles then refer to ``ser_estimators.Name``, and load even if the class moves to another file.
    In notebooks, the diagram of an estimator has a link to its page of the API reference if the
    package declares where its documentation is published.
    """
    cls.__module__ = _PACKAGE
    # Documented in "HTML representation of estimators" of scikit-learn's guide for developers.
    if hasattr(cls, "_doc_link_template"):
        url = documentation_url()
        page = "/generated/{estimator_module}.{estimator_name}.html"
        cls._doc_link_module = _PACKAGE  # type: ignore[attr-defined]
        cls._doc_link_template = url + page if url else ""
    return cls


@functools.cache
def documentation_url() -> str:
    """Return the address of the published documentation, without a slash at its end.

    Returns
    -------
    str
        The URL named Documentation in ``[project.urls]`` of pyproject.toml; empty if there is none.
    """
    try:
        urls = metadata(_PACKAGE).get_all("Project-URL") or []
    except PackageNotFoundError:  # a copy of the source code that is not installed
        return ""
    named = dict(url.split(", ", maxsplit=1) for url in urls)
    return named.get("Documentation", "").rstrip("/")


class Moved(NamedTuple):
    """New place of a former parameter.

    Parameters
    ----------
    place : str
        What to write instead.
    name : str or None, default=None
        Name of the nested parameter that has replaced it, such as "network__channels". None if it
        has no replacement of the same meaning.
    """

    place: str
    name: str | None = None


def moved_parameters(places: Mapping[str, Moved]) -> Callable[[Function], Function]:
    """Make ``__init__`` accept former parameters, with a FutureWarning that names the new place.

    Parameters
    ----------
    places : dict of str to Moved
        Replacement of each former parameter, by name.
    """

    def decorate(init: Function) -> Function:
        @functools.wraps(init)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> None:
            current, nested = split_moved(self, kwargs, places)
            init(self, *args, **current)
            if nested:
                self.set_params(**nested)

        return wrapper  # type: ignore[return-value]

    return decorate


def split_moved(
    estimator: Any, params: Mapping[str, Any], places: Mapping[str, Moved]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the current parameters, and the nested ones that replace former parameters.

    Raises
    ------
    TypeError
        For a former parameter that has no replacement of the same meaning in this class.

    Warns
    -----
    FutureWarning
        For every other former parameter.
    """
    current, nested = {}, {}
    for name, value in params.items():
        # A subclass may have a parameter of this name.
        if name not in places or name in estimator._get_param_names():
            current[name] = value
            continue
        place, owner = places[name], type(estimator).__name__
        outer = (place.name or "").partition("__")[0]
        if outer not in estimator._get_param_names():
            raise TypeError(f"{owner} no longer has the parameter {name!r}; use {place.place}")
        warnings.warn(
            f"The parameter {name!r} of {owner} has moved and will be removed; use {place.place}",
            FutureWarning,
            stacklevel=find_stack_level(),
        )
        nested[str(place.name)] = value
    return current, nested
