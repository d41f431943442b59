"""The label of clips that a classifier is not sure of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.text import represent

__all__ = [
    "AUTO",
    "UNSURE",
    "answers_above",
    "answers_of",
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
        "auto" is "unsure" for strings and -1 for numbers.
    is_needed : bool, default=True
        Otherwise, the result is None if "auto" has no value for the type of the classes.

    Raises
    ------
    TypeError, ValueError
        If it is a class, or of another type than the classes.
    """
    kind, shown = classes.dtype.kind, represent(classes.tolist())
    is_text = kind in "UTS" or (kind == "O" and all(isinstance(one, str) for one in classes))
    if isinstance(unsure, str) and unsure == AUTO:
        label: Any = UNSURE if is_text else _UNSURE_NUMBER
        if kind in "bu" or (kind == "O" and not is_text):
            if not is_needed:
                return None
            raise ValueError(
                f"the labels are {shown} ({classes.dtype.name}), a type without a value for "
                "unsure answers; fit on strings or signed integers, or pass unsure"
            )
    else:
        label = unsure
    if kind != "O" and (isinstance(label, str) != is_text or np.ndim(label)):
        raise TypeError(
            f"unsure == {represent(label)}, must be {'a string' if is_text else 'a number'} as the "
            f"labels are: {shown}"
        )
    if any(label == one for one in classes.tolist()):
        raise ValueError(
            f"unsure == {represent(label)}, which is one of the labels: {shown}; pass another value"
        )
    if not is_text and kind != "O" and label != classes.dtype.type(label):
        raise ValueError(
            f"unsure == {represent(label)}, which does not fit the type of the labels, "
            f"{classes.dtype.name}"
        )
    return label if is_text or kind == "O" else classes.dtype.type(label).item()


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
