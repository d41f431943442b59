"""Probabilities of clips that a classifier was not fitted on."""

from __future__ import annotations

from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import check_cv

from .._audio.unlike import unlike_ignored
from .fit_routing import speakers_for_fit
from .speaker_folds import speaker_folds
from .speaker_routing import adapts_to_speakers, predict_probabilities
from .temperature import log_of

__all__ = ["HeldOut", "hold_out", "predict_held_out"]

Floats = NDArray[np.float64]


class HeldOut(NamedTuple):
    """Predictions for clips that were held out.

    Parameters
    ----------
    alone : ndarray of shape (n_clips, n_classes)
        Log-probabilities without speakers.
    adapted : ndarray of shape (n_clips, n_classes) or None
        The same with speakers; None if the classifier does not adapt to them.
    columns : ndarray of shape (n_clips,)
        Columns of the true classes.
    speakers : ndarray of shape (n_clips,) or None
    """

    alone: Floats
    adapted: Floats | None
    columns: NDArray[np.intp]
    speakers: NDArray[Any] | None


def hold_out(
    estimator: Any, X: Any, y: NDArray[Any], groups: NDArray[Any] | None, *, cv: Any, classes: Any
) -> HeldOut:
    """Fit clones of a classifier on some clips, and predict the others.

    Parameters
    ----------
    estimator : classifier
    X : list of clips, or array-like
    y : ndarray of shape (n_clips,)
    groups : ndarray of shape (n_clips,) or None
        Speakers.
    cv : int >= 2, splitter, or iterable of (train, test)
    classes : ndarray of shape (n_classes,)
        Sorted.

    Returns
    -------
    HeldOut
        Without clips if they cannot be divided. Clips of classes without training clips are left
        out.
    """
    parts = []
    for train, test in _folds(y, groups, cv):
        own, others = (None, None) if groups is None else (groups[train], groups[test])
        model = clone(estimator)
        model.fit(_take(X, train), y[train], **speakers_for_fit(model, own))
        parts.append(predict_held_out(model, _take(X, test), y[test], others, classes))
    if not parts:
        nothing = np.empty((0, len(classes)))
        return HeldOut(nothing, None, np.empty(0, dtype=np.intp), None)
    alone, adapted, columns, speakers = zip(*parts, strict=True)
    return HeldOut(
        np.concatenate(alone),
        None if adapted[0] is None else np.concatenate(adapted),
        np.concatenate(columns),
        None if groups is None else np.concatenate(speakers),
    )


def predict_held_out(
    model: Any, X: Any, y: NDArray[Any], groups: NDArray[Any] | None, classes: NDArray[Any]
) -> HeldOut:
    """Predict clips that a fitted classifier has not seen."""

    def predict(speakers: NDArray[Any] | None) -> Floats:
        probabilities = np.zeros((len(y), len(classes)))
        # A fold may lack a class.
        columns = np.searchsorted(classes, model.classes_)
        probabilities[:, columns] = predict_probabilities(inner, X, speakers)
        return log_of(probabilities)

    # Searches do not pass speakers on in prediction.
    inner = getattr(model, "best_estimator_", model)
    is_adapted = groups is not None and adapts_to_speakers(inner, "predict_proba")
    with unlike_ignored():  # the calibration says what a difference costs
        alone, adapted = predict(None), predict(groups) if is_adapted else None
    return HeldOut(alone, adapted, np.searchsorted(classes, y), groups)


def _folds(y: NDArray[Any], groups: NDArray[Any] | None, cv: Any) -> list[Any]:
    if isinstance(cv, Integral):
        return speaker_folds(y, groups, int(cv))
    folds = check_cv(cv, y, classifier=True).split(np.zeros(len(y)), y, groups)
    known = [(train, test[np.isin(y[test], y[train])]) for train, test in folds]
    return [fold for fold in known if len(fold[1]) and len(np.unique(y[fold[0]])) > 1]


def _take(X: Any, positions: NDArray[np.intp]) -> Any:
    """Return the clips at some positions, as a container of the same kind."""
    if hasattr(X, "iloc"):
        return X.iloc[positions]
    if isinstance(X, (list, tuple)):
        return [X[position] for position in positions]
    return X[positions]
