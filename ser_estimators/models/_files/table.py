"""The table of all estimators that model files can hold.

An estimator is added by an entry of the `KINDS` of one of the modules below, see `Kind`. Files
refer to it by its name, and nothing is imported that is not in the table.
"""

from __future__ import annotations

from typing import Any

from . import (
    kinds_encoder,
    kinds_linear,
    kinds_own,
    kinds_pipelines,
    kinds_selective,
    kinds_svm,
    kinds_trees,
)
from .errors import MismatchError, UnsupportedError
from .kind import Kind

__all__ = ["KINDS", "REFUSED", "kind_named", "kind_of", "without_search"]

KINDS: dict[str, Kind] = {
    kind.name: kind
    for module in (
        kinds_own,
        kinds_encoder,
        kinds_linear,
        kinds_svm,
        kinds_trees,
        kinds_pipelines,
        kinds_selective,
    )
    for kind in module.KINDS
}
# Public estimators of this package that model files cannot hold, with the reason. A test reads it.
REFUSED: dict[str, str] = {}
# Searches are replaced by the estimator that they have found.
_SEARCHES = (
    "GridSearchCV",
    "RandomizedSearchCV",
    "HalvingGridSearchCV",
    "HalvingRandomSearchCV",
)


def kind_named(name: Any) -> Kind:
    """Return the kind of estimator that a file names."""
    if not isinstance(name, str) or name not in KINDS:
        raise MismatchError(
            f"it has the estimator {name!r:.80}, which this version of ser_estimators does not "
            "know",
            "update ser_estimators, or save the model again",
        )
    return KINDS[name]


def kind_of(estimator: Any) -> Kind:
    """Return the kind of an estimator.

    Raises
    ------
    UnsupportedError
        If model files cannot hold it.
    """
    found = type(estimator)
    kind = KINDS.get(found.__name__)
    if kind is None or kind.load() is not found:
        base = next((base for base in found.__mro__[1:] if base.__name__ in KINDS), None)
        reason = "" if base is None else f", a subclass of {base.__name__}"
        package = found.__module__.partition(".")[0]
        raise UnsupportedError(
            f"it contains a {found.__qualname__} ({package}{reason}), which model files cannot "
            "hold",
            is_sentence=True,
        )
    return kind


def without_search(estimator: Any) -> Any:
    """Return the best estimator of a search, or the estimator itself."""
    while type(estimator).__name__ in _SEARCHES and type(estimator).__module__.startswith(
        "sklearn."
    ):
        if not hasattr(estimator, "best_estimator_"):
            raise UnsupportedError(
                f"it contains a {type(estimator).__name__} without best_estimator_, which is not "
                "fitted, or was with refit=False",
                is_sentence=True,
            )
        estimator = estimator.best_estimator_
    return estimator
