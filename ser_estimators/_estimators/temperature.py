"""Temperature scaling: probabilities that are as sure as they are right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

__all__ = ["MIN_PROBABILITY", "best_temperature", "log_of", "scale_probabilities"]

Floats = NDArray[np.float64]

# The temperature is searched between these powers of ten.
_MIN_POWER, _MAX_POWER = -1.0, 2.0
_MIN_LOG = np.log(np.finfo(np.float64).eps)
# Forests give probabilities of zero, of which a single wrong one would flatten all others.
MIN_PROBABILITY = 1e-6


def best_temperature(scores: Floats, columns: NDArray[np.intp]) -> float:
    """Return the temperature with the lowest log loss.

    Parameters
    ----------
    scores : ndarray of shape (n_clips, n_classes)
        Log-probabilities, up to a constant for each clip.
    columns : ndarray of shape (n_clips,)
        Columns of the true classes.

    Returns
    -------
    float in [0.1, 100]
        1 if there are no clips.
    """
    if not len(scores):
        return 1.0
    rows = np.arange(len(scores))

    def loss(power: float) -> float:
        logs = log_softmax(scores / 10**power, axis=1)[rows, columns]
        return -float(np.maximum(logs, _MIN_LOG).mean())  # as in sklearn.metrics.log_loss

    return float(10 ** minimize_scalar(loss, bounds=(_MIN_POWER, _MAX_POWER)).x)


def log_of(probabilities: Floats) -> Floats:
    """Return logarithms, which are finite."""
    return np.log(np.maximum(probabilities, MIN_PROBABILITY))


def scale_probabilities(probabilities: Floats, temperature: float) -> Floats:
    """Divide log-probabilities by a temperature, and normalize them again."""
    return np.exp(log_softmax(log_of(probabilities) / temperature, axis=1))
