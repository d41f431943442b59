"""Temperature scaling: how certain the probabilities of a classifier should be."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar
from scipy.special import log_softmax
from sklearn.metrics import log_loss
from sklearn.utils import check_scalar

from .._utils.checks import check_finite, is_missing
from .._utils.text import represent

__all__ = [
    "MIN_PROBABILITY",
    "best_temperature",
    "check_temperature",
    "interpolate_clips",
    "log_of",
    "scale_probabilities",
    "training_temperatures",
]

Floats = NDArray[np.float64]

# The temperature is searched between these powers of ten.
_MIN_POWER, _MAX_POWER = -1.0, 2.0
# On training clips, scores may be far apart.
_MAX_POWER_OF_TRAINING = 15.0
# Mean probability of the predicted class on training clips with their speakers. Of single clips, it
# is lower, the fewer speakers there are.
_CONFIDENCE, _SPEAKERS_TO_LEARN, _LOWEST, _UNKNOWN = 0.9, 2.0, 0.6, 0.7
# Forests give probabilities of zero, of which a single wrong one would flatten all others.
MIN_PROBABILITY = 1e-6


def check_temperature(temperature: Any) -> None:
    """Raise unless a temperature is "auto" or a positive number."""
    if isinstance(temperature, str):
        if temperature not in ("auto", "training"):
            raise ValueError(
                f"temperature == {represent(temperature)}, must be 'auto', 'training' or a number "
                "> 0"
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


def training_temperatures(
    alone: Floats, adapted: Floats, speakers: NDArray[Any] | None
) -> tuple[float, float]:
    """Return temperatures that make a classifier as sure of its training clips as it should be.

    Of clips whose speaker is known, networks are as sure as of their training clips, and right a
    little less often. Of single clips of a new speaker, they know less, the fewer speakers they
    were trained on. The numbers fit RAVDESS and nEMO, with 20 and 6 training speakers.

    Parameters
    ----------
    alone, adapted : ndarray of shape (n_clips, n_classes)
        Log-probabilities of the training clips, up to a constant, without and with speakers.
    speakers : ndarray of shape (n_clips,) or None
        None if they are unknown.
    """
    confidence = _UNKNOWN
    if speakers is not None:
        n_speakers = len({name for name in speakers if not is_missing(name)})
        confidence = float(
            np.clip(1 - _SPEAKERS_TO_LEARN / max(n_speakers, 1), _LOWEST, _CONFIDENCE)
        )
    return (
        temperature_of_confidence(alone, confidence),
        temperature_of_confidence(adapted, _CONFIDENCE),
    )


def interpolate_clips(codes: NDArray[np.intp], alone: float, adapted: float) -> Floats:
    """Return a number for each clip, between those without speakers and with many clips of each.

    The more other clips of its speaker there are, the surer a clip is. One that has none is
    predicted as without speakers.

    Parameters
    ----------
    codes : ndarray of shape (n_clips,)
        Number of the speaker of each clip, or -1.
    alone, adapted : float > 0
        Temperatures or weights, without speakers, and with many clips of each.
    """
    is_known = codes >= 0
    share = np.zeros(len(codes))
    share[is_known] = 1 - 1 / np.bincount(codes[is_known])[codes[is_known]]
    return alone ** (1 - share) * adapted**share


def temperature_of_confidence(scores: Floats, confidence: float) -> float:
    """Return the temperature with which the highest probability has a given mean."""

    def excess(power: float) -> float:
        return float(
            np.exp(log_softmax(scores / 10**power, axis=1)).max(axis=1).mean() - confidence
        )

    low, high = _MIN_POWER, _MAX_POWER_OF_TRAINING
    if excess(low) <= 0:
        return float(10**low)
    return float(10**high if excess(high) >= 0 else 10 ** brentq(excess, low, high))


def log_of(probabilities: Floats) -> Floats:
    """Return logarithms, which are finite."""
    return np.log(np.maximum(probabilities, MIN_PROBABILITY))


def scale_probabilities(probabilities: Floats, temperature: float) -> Floats:
    """Divide log-probabilities by a temperature, and normalize them again."""
    return np.exp(log_softmax(log_of(probabilities) / temperature, axis=1))
