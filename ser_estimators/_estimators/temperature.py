"""Temperature scaling: how certain the probabilities of a classifier should be."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.metrics import log_loss
from sklearn.utils import check_scalar

from .._utils.checks import check_finite
from .._utils.text import represent

__all__ = [
    "MIN_PROBABILITY",
    "best_temperature",
    "check_temperature",
    "log_of",
    "scale_probabilities",
]

Floats = NDArray[np.float64]

# The temperature is searched between these powers of ten.
_MIN_POWER, _MAX_POWER = -1.0, 2.0
# Forests give probabilities of zero, of which a single wrong one would flatten all others.
MIN_PROBABILITY = 1e-6


def check_temperature(temperature: Any) -> None:
    """Raise unless a temperature is "auto" or a positive number."""
    if isinstance(temperature, str):
        if temperature != "auto":
            raise ValueError(
                f"temperature == {represent(temperature)}, must be 'auto' or a number > 0"
            )
        return
    check_scalar(temperature, "temperature", Real, min_val=sys.float_info.min)
    check_finite(temperature, "temperature")


def best_temperature(
    scores: Sequence[NDArray[Any]], labels: Sequence[NDArray[Any]], classes: NDArray[Any]
) -> float:
    """Return the temperature with the lowest log loss on clips that were left out of training.

    Parameters
    ----------
    scores : sequence of ndarray of shape (n_clips, n_classes)
        Log-probabilities of the clips of each fold, up to a constant.
    labels : sequence of ndarray of shape (n_clips,)
        Labels of these clips.
    classes : ndarray of shape (n_classes,)
        Labels, in the order of the columns.

    Returns
    -------
    float
        1.0 if there are no folds.
    """
    if not scores:
        return 1.0
    logits, y = np.concatenate(scores), np.concatenate(labels)

    def loss(power: float) -> float:
        probabilities = np.exp(log_softmax(logits / 10**power, axis=1))
        return log_loss(y, probabilities, labels=classes)

    return float(10 ** minimize_scalar(loss, bounds=(_MIN_POWER, _MAX_POWER)).x)


def log_of(probabilities: Floats) -> Floats:
    """Return logarithms, which are finite."""
    return np.log(np.maximum(probabilities, MIN_PROBABILITY))


def scale_probabilities(probabilities: Floats, temperature: float) -> Floats:
    """Divide log-probabilities by a temperature, and normalize them again."""
    return np.exp(log_softmax(log_of(probabilities) / temperature, axis=1))
