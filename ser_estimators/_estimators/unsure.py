"""The label of clips that a classifier is not sure of."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_scalar

from .._utils.checks import check_finite
from .._utils.text import represent

__all__ = [
    "AUTO",
    "UNSURE",
    "answers_above",
    "answers_of",
    "check_threshold",
    "check_unsure",
    "most_probable",
    "unsure_label",
    "unsure_label_of",
]

AUTO = "auto"
UNSURE = "unsure"
_UNSURE_NUMBER = -1


def unsure_label(classes: NDArray[Any], unsure: Any = AUTO, *, is_needed: bool = True) -> Any:
    """Return the label of unsure answers, as a value of the type of other labels.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
    unsure : object, default="auto"
        "auto" is "unsure" for strings, and for numbers -1 or a lower one that is no class.
    is_needed : bool, default=True
        Otherwise, the result is None if "auto" has no value for the classes.

    Raises
    ------
    TypeError, ValueError
        If it is a class, or of another type than the classes.
    """
    if not (isinstance(unsure, str) and unsure == AUTO):
        return _check(unsure, classes)
    try:
        if _is_text(classes):
            return _check(UNSURE, classes)
        if classes.dtype.kind not in "if":
            # No other value is a boolean, so that these labels have to be converted.
            other = "" if classes.dtype.kind == "b" else ", or set SelectiveClassifier(unsure=...)"
            raise ValueError(
                f"the labels are {represent(classes.tolist())} ({classes.dtype.name}), a type "
                f"without a value for unsure answers; fit on strings or signed integers{other}"
            )
        return _check(min(_UNSURE_NUMBER, classes.min().item() - 1), classes)
    except ValueError:
        if is_needed:
            raise
        return None


def check_unsure(y: NDArray[Any], unsure: Any, *, is_needed: bool) -> None:
    """Raise as `unsure_label` does, for training labels; leave invalid labels to the classifier."""
    try:
        classes = np.unique(y)
    except TypeError:  # a missing label, for example, which the classifier reports
        return
    if classes.dtype.kind != "O" or _is_text(classes):  # most classifiers refuse other objects
        unsure_label(classes, unsure, is_needed=is_needed)


def _check(label: Any, classes: NDArray[Any]) -> Any:
    """Return a label as a Python value if it can stand beside the classes."""
    is_text, shown = _is_text(classes), represent(classes.tolist())
    is_number = isinstance(label, Real) and not isinstance(label, bool)
    if not (isinstance(label, str) if is_text else is_number or classes.dtype.kind == "O"):
        raise TypeError(
            f"unsure == {represent(label)}, must be {'a string' if is_text else 'a number'} as the "
            f"labels are: {shown}"
        )
    if label in classes.tolist():
        raise ValueError(
            f"unsure == {represent(label)}, which is one of the labels, {shown}; set another value "
            "with SelectiveClassifier(unsure=...)"
        )
    if not is_text and classes.dtype.kind != "O":
        fits = classes.dtype.kind == "f" or (
            isinstance(label, Integral)
            and classes.dtype.kind in "iu"
            and np.iinfo(classes.dtype).min <= int(label) <= np.iinfo(classes.dtype).max
        )
        if not fits:
            raise ValueError(
                f"unsure == {represent(label)}, which does not fit the type of the labels, "
                f"{classes.dtype.name}"
            )
        return classes.dtype.type(label).item()
    return label


def _is_text(classes: NDArray[Any]) -> bool:
    is_object = classes.dtype.kind == "O"
    return classes.dtype.kind in "UTS" or (is_object and all(isinstance(c, str) for c in classes))


def answers_of(
    classes: NDArray[Any], probabilities: NDArray[Any], threshold: float, unsure: Any
) -> NDArray[Any]:
    """Return the most probable labels, and that of unsure answers below a threshold.

    Strings may be longer than those of the classes.
    """
    labels = most_probable(classes, probabilities)
    is_unsure = probabilities.max(axis=1) < threshold
    if not is_unsure.any():
        return labels
    if classes.dtype.kind in "US":
        dtype = np.promote_types(classes.dtype, np.asarray(unsure, dtype=classes.dtype.kind).dtype)
        labels = labels.astype(dtype)
    labels[is_unsure] = unsure
    return labels


def most_probable(classes: NDArray[Any], probabilities: NDArray[Any]) -> NDArray[Any]:
    """Return the labels of the highest probability, (n_clips,)."""
    return np.asarray(classes[np.argmax(probabilities, axis=1)])


def unsure_label_of(model: Any) -> Any:
    """Return the label of unsure answers of a fitted model, None if it always answers."""
    model = getattr(model, "best_estimator_", model)
    while hasattr(model, "steps"):
        model = model.steps[-1][1]
    return getattr(model, "unsure_", None)


def answers_above(model: Any, probabilities: NDArray[Any], threshold: float) -> NDArray[Any]:
    """Return the answers of any fitted classifier with another threshold than its own."""
    classes, unsure = np.asarray(model.classes_), unsure_label_of(model)
    if unsure is None:
        unsure = unsure_label(classes)
    return answers_of(classes, probabilities, threshold, unsure)


def check_threshold(threshold: Any, model: Any) -> None:
    """Raise if a threshold is not between 0 and 1, or if the model cannot use one."""
    if threshold is None:
        return
    check_scalar(threshold, "threshold", Real, min_val=0, max_val=1)
    check_finite(threshold, "threshold")
    if not hasattr(model, "predict_proba"):
        raise ValueError(
            f"threshold == {threshold:g}, but the {type(model).__name__} has no predict_proba; "
            "leave it out, or use a model with probabilities"
        )
    if hasattr(model, "classes_") and unsure_label_of(model) is None:
        unsure_label(np.asarray(model.classes_))
