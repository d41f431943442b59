"""SelectiveClassifier: a classifier with its calibration."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from .checks import Check, array, integer, labels, mapping, names, number
from .errors import MismatchError
from .kind import Kind
from .kinds_own import check_settings
from .kinds_pipelines import fitted_classifier

__all__ = ["KINDS"]

_CURVE = ("threshold", "answered", "precision", "low")


def _check_threshold(value: Any, sizes: dict[str, int]) -> None:
    if type(value) is not float or not (0 <= value <= 1 or value == float("inf")):
        raise MismatchError(f"is {value!r:.80}; expected 0 to 1, or infinity")


def _check_unsure(value: Any, sizes: dict[str, int]) -> None:
    if not isinstance(value, (str, int, float, type(None))):
        raise MismatchError(f"is {value!r:.80}; expected a label")


def _calibration(prefix: str) -> dict[str, Check]:
    curve = array(f"{prefix}thresholds", dtypes=("float64",), low=0, high=1)
    return {
        f"{prefix}temperature_": number(sys.float_info.min),
        f"{prefix}threshold_": _check_threshold,
        f"{prefix}coverage_curve_": mapping(dict.fromkeys(_CURVE, curve)),
        f"{prefix}conformal_scores_": array(None, 2, dtypes=("float64",), low=0, high=1),
    }


def _verify(estimator: Any, sizes: Mapping[str, int]) -> None:
    inner, classes = estimator.estimator_, estimator.classes_
    if not np.array_equal(getattr(inner, "classes_", ()), classes):
        raise MismatchError("SelectiveClassifier has other classes than its classifier")
    if not hasattr(inner, "predict_proba"):
        raise MismatchError("SelectiveClassifier has a classifier without predict_proba")
    label = estimator.unsure_
    is_text = all(isinstance(one, str) for one in classes.tolist())
    if label is not None and (label in classes.tolist() or isinstance(label, str) != is_text):
        raise MismatchError(f"SelectiveClassifier has the label {label!r:.80} of unsure answers")
    if label is None and max(estimator.threshold_, estimator.speaker_threshold_) > 0:
        raise MismatchError("SelectiveClassifier has a threshold, and no label of unsure answers")
    n_features = getattr(inner, "n_features_in_", None)
    if getattr(estimator, "n_features_in_", n_features) != n_features:
        raise MismatchError("SelectiveClassifier has another number of columns than its classifier")


KINDS = (
    Kind(
        "SelectiveClassifier",
        "ser_estimators",
        {
            "estimator_": fitted_classifier,
            "classes_": labels("classes"),
            "unsure_": _check_unsure,
            **_calibration(""),
            **_calibration("speaker_"),
            "n_features_in_": integer(1, size="features"),
            "feature_names_in_": names("features"),
        },
        ("n_features_in_", "feature_names_in_"),
        verify=_verify,
        check_parameters=check_settings,
    ),
)
