"""Checks of the parameters of SelectiveClassifier."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from sklearn.utils import check_scalar

from .._utils.checks import check_choice, check_finite
from .._utils.text import represent
from .inner_classifier import check_inner_classifier

__all__ = ["check_coverage", "check_parameters"]


def check_coverage(coverage: Any) -> None:
    """Raise a TypeError or ValueError unless a coverage is between 0 and 1."""
    check_scalar(coverage, "coverage", Real, min_val=0, max_val=1, include_boundaries="neither")
    check_finite(coverage, "coverage")


def check_parameters(selective: Any) -> None:
    """Raise a TypeError or ValueError for a parameter of a wrong type or value."""
    check_inner_classifier(selective.estimator)
    if selective.precision is not None and selective.threshold is not None:
        raise ValueError(
            f"precision == {represent(selective.precision)} and threshold == "
            f"{represent(selective.threshold)}, which exclude each other; set one of them to None"
        )
    inside: dict[str, Any] = {"min_val": 0, "max_val": 1, "include_boundaries": "neither"}
    if selective.precision is not None:
        check_scalar(selective.precision, "precision", Real, **inside)
        check_finite(selective.precision, "precision")
    if selective.threshold is not None:
        check_scalar(selective.threshold, "threshold", Real, min_val=0, max_val=1)
        check_finite(selective.threshold, "threshold")
    check_scalar(selective.confidence, "confidence", Real, **inside)
    check_finite(selective.confidence, "confidence")
    if isinstance(selective.temperature, str):
        check_choice(selective.temperature, "temperature", ("auto",))
    else:
        check_scalar(
            selective.temperature, "temperature", Real, min_val=0, include_boundaries="neither"
        )
        check_finite(selective.temperature, "temperature")
    if isinstance(selective.cv, Integral) and not isinstance(selective.cv, bool):
        check_scalar(selective.cv, "cv", Integral, min_val=2)
    elif isinstance(selective.cv, (bool, str, type(None))) or not (
        hasattr(selective.cv, "split") or hasattr(selective.cv, "__iter__")
    ):
        raise TypeError(
            f"cv is {represent(selective.cv)}; expected an int >= 2, a splitter or an iterable of "
            "(train, test). For a classifier that is fitted, pass FrozenEstimator(model)"
        )
