"""Public classes: their names in pickles, their documentation, and errors for former parameters."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any, TypeVar

__all__ = ["check_moved", "documentation_url", "moved_parameters", "public"]

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
