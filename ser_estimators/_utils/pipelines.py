"""Iteration over the estimators inside pipelines, unions, searches and ensembles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["iter_steps"]


def iter_steps(estimator: Any) -> Iterator[tuple[str, Any]]:
    """Yield an estimator and every estimator inside it, outermost first.

    An estimator is inside another if it is a parameter of it, or an element of a parameter that is
    a list: the steps of a ``Pipeline``, the transformers of a ``FeatureUnion`` or a
    ``ColumnTransformer``, and the estimators of a search, a stack or another meta-estimator. If
    ``fit`` created a fitted copy, such as ``best_estimator_``, the copy is yielded.

    Parameters
    ----------
    estimator : estimator instance
        Fitted or not.

    Yields
    ------
    prefix : str
        Prefix of the parameters of this estimator in ``set_params`` of the outermost one: "" for
        the outermost estimator itself, "cnn__" for a step of a pipeline, and "estimator__cnn__" for
        a step of a pipeline in a search.
    step : estimator instance
        ``"passthrough"``, ``"drop"`` and None are skipped.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.pipeline import Pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from ser_estimators._utils.pipelines import iter_steps
    >>> pipe = Pipeline([("scale", StandardScaler()), ("lr", LogisticRegression())])
    >>> for prefix, step in iter_steps(GridSearchCV(pipe, {"lr__C": [0.1, 1.0]})):
    ...     print(repr(prefix), type(step).__name__)
    '' GridSearchCV
    'estimator__' Pipeline
    'estimator__scale__' StandardScaler
    'estimator__lr__' LogisticRegression
    """
    yield "", estimator
    fitted = _fitted_copies(estimator)
    for name, inner in _inner_estimators(estimator):
        for prefix, step in iter_steps(fitted.get(name, inner)):
            yield f"{name}__{prefix}", step


def _inner_estimators(estimator: Any) -> Iterator[tuple[str, Any]]:
    """Yield the estimators among the parameters, with their names in ``set_params``."""
    if not hasattr(estimator, "get_params"):
        return
    for name, value in estimator.get_params(deep=False).items():
        if _is_estimator(value):
            yield name, value
        elif isinstance(value, (list, tuple)):
            # (name, estimator), or (name, estimator, columns) in a ColumnTransformer.
            for entry in value:
                if isinstance(entry, (list, tuple)) and len(entry) > 1 and _is_estimator(entry[1]):
                    yield entry[0], entry[1]


def _fitted_copies(estimator: Any) -> dict[str, Any]:
    """Return the fitted copies of inner estimators, by the names of the originals.

    A ``Pipeline`` and a ``FeatureUnion`` have none, because their own steps are fitted.
    """
    copies = {name: copy for name, copy, *_ in getattr(estimator, "transformers_", ())}
    copies |= getattr(estimator, "named_estimators_", {})
    for attribute in ("estimator_", "best_estimator_"):
        if hasattr(estimator, attribute):
            copies["estimator"] = getattr(estimator, attribute)
    if hasattr(estimator, "final_estimator_"):
        copies["final_estimator"] = estimator.final_estimator_
    return {name: copy for name, copy in copies.items() if _is_estimator(copy)}


def _is_estimator(value: Any) -> bool:
    return hasattr(value, "fit") and not isinstance(value, type)
