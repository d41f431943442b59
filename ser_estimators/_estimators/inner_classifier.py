"""The classifier inside another one."""

from __future__ import annotations

from typing import Any

from sklearn.base import is_classifier

from .._utils.text import represent

__all__ = ["check_inner_classifier"]


def check_inner_classifier(estimator: Any) -> None:
    """Raise a TypeError unless a parameter is a classifier with probabilities."""
    is_estimator = hasattr(estimator, "fit") and not isinstance(estimator, type)
    if not is_estimator or not is_classifier(estimator):
        raise TypeError(f"estimator is {represent(estimator)}; expected a classifier")
    if not hasattr(estimator, "predict_proba"):
        raise TypeError(
            f"estimator is {represent(estimator)}, which has no predict_proba; expected a "
            "classifier with probabilities, such as one in a CalibratedClassifierCV"
        )
