"""Log-probabilities of any classifier, without rounding for linear ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

__all__ = ["log_probabilities"]

_SMALLEST = np.finfo(np.float64).tiny


def log_probabilities(
    estimator: Any, X: NDArray[Any], classes: NDArray[Any]
) -> NDArray[np.float64]:
    """Return finite logarithms of the probabilities of a classifier, (n_clips, n_classes).

    Where classes are far apart, probabilities are rounded to zero, and their logarithms to the same
    number. Those of a discriminant analysis or logistic regression are computed from its scores.

    Parameters
    ----------
    estimator : fitted classifier
        Of a fold, which may lack classes.
    X : ndarray of shape (n_clips, n_features)
    classes : ndarray of shape (n_classes,)
        All labels, sorted, in the order of the columns of the result.
    """
    logarithms = np.full((len(X), len(classes)), np.log(_SMALLEST))
    columns = np.searchsorted(classes, estimator.classes_)
    logarithms[:, columns] = _log_probabilities(estimator, X)
    return logarithms


def _log_probabilities(estimator: Any, X: NDArray[Any]) -> NDArray[np.float64]:
    last = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    is_softmax = type(last) is LinearDiscriminantAnalysis or (
        type(last) is LogisticRegression and last.solver != "liblinear"
    )
    if is_softmax:
        scores = estimator.decision_function(X)
        if scores.ndim == 1:  # of the second of two classes
            scores = np.column_stack([np.zeros_like(scores), scores])
        return np.asarray(log_softmax(scores.astype(np.float64), axis=1))
    return np.log(np.maximum(estimator.predict_proba(X), _SMALLEST))
