"""When a classifier answers: thresholds, precision of the answers, and sets of labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from .jackknife import ratio

__all__ = ["CURVE", "conformal_scores", "conformal_threshold", "precision_curve", "threshold_for"]

Floats = NDArray[np.float64]

_TOLERANCE = 1e-9  # of sums of weights, such as nine times 1 / 10
# Columns of a precision curve.
CURVE = ("threshold", "answered", "precision", "low")
_N_STEPS = 50  # shares of answered clips: 2 %, 4 % and so on


def precision_curve(
    confidence: Floats, right: NDArray[np.bool_], speakers: NDArray[Any] | None, level: float
) -> dict[str, Floats]:
    """Return the precision of the answers for rising shares of clips that are answered.

    Parameters
    ----------
    confidence : ndarray of shape (n_clips,)
        Probability of the most probable label of clips that were held out.
    right : ndarray of shape (n_clips,)
        Whether it is the true label.
    speakers : ndarray of shape (n_clips,) or None
        None, or a single speaker, counts each clip as independent of the others.
    level : float in (0, 1)
        Probability with which the true precision is at least the lower bound.

    Returns
    -------
    dict of str to ndarray of shape (n_thresholds,)
        ``threshold``, falling; ``answered``, the share of clips whose confidence is at least the
        threshold; ``precision``, the share of these that are right, and ``low``, its one-sided
        lower bound. That is the lower of two: of the binomial bound for independent clips, and of
        a t bound from leaving out each speaker in turn.
    """
    n_clips = len(confidence)
    if not n_clips:
        return {name: np.empty(0) for name in CURVE}
    ranked = np.sort(confidence)[::-1]
    sizes = np.ceil(n_clips * np.arange(1, _N_STEPS + 1) / _N_STEPS).astype(np.intp)
    thresholds = np.unique(ranked[sizes - 1])[::-1]
    people = np.arange(n_clips)
    if speakers is not None:
        people = np.unique(speakers, return_inverse=True)[1]
    # by threshold and speaker, (n_thresholds, n_speakers)
    answered, correct = (
        np.array([np.bincount(people, weights * (confidence >= t)) for t in thresholds], float)
        for weights in (np.ones(n_clips), right.astype(float))
    )
    n, k = answered.sum(axis=1), correct.sum(axis=1)
    # Clopper and Pearson; with no clip that is right, the bound is 0.
    low = np.where(k > 0, stats.beta.ppf(1 - level, np.maximum(k, 1), n - k + 1), 0.0)
    if speakers is not None and answered.shape[1] > 1:
        low = np.minimum(low, _bound_over_speakers(answered, correct, level))
    return {
        "threshold": thresholds,
        "answered": n / n_clips,
        "precision": k / n,
        "low": np.clip(low, 0.0, None),
    }


def _bound_over_speakers(answered: Floats, correct: Floats, level: float) -> Floats:
    """Return one-sided lower bounds of the precision, from leaving out each speaker."""
    n, k = answered.sum(axis=1), correct.sum(axis=1)
    left_out = ratio(k[:, None] - correct, n[:, None] - answered)
    # With the answers of a single speaker, nothing is known of others.
    is_known = (answered > 0).sum(axis=1) > 1
    n_speakers = answered.shape[1]
    centers = np.where(is_known[:, None], left_out, 0.0).mean(axis=1, keepdims=True)
    deviations = np.where(is_known[:, None], left_out - centers, 0.0)
    error = np.sqrt((n_speakers - 1) / n_speakers * np.square(deviations).sum(axis=1))
    t = stats.t.ppf(level, n_speakers - 1)
    return np.where(is_known, k / n - t * error, 0.0)


def threshold_for(curve: dict[str, Floats], precision: float) -> float:
    """Return the lowest threshold of a curve whose bound reaches a precision; else infinity."""
    reached = curve["threshold"][curve["low"] >= precision]
    return float(reached.min()) if len(reached) else float("inf")


def conformal_scores(
    probabilities: Floats, columns: NDArray[np.intp], speakers: NDArray[Any] | None
) -> Floats:
    """Return what the sets of labels are computed from.

    Parameters
    ----------
    probabilities : ndarray of shape (n_clips, n_classes)
        Of clips that were held out.
    columns : ndarray of shape (n_clips,)
        Columns of the true classes.
    speakers : ndarray of shape (n_clips,) or None

    Returns
    -------
    ndarray of shape (n_clips, 2)
        Probability of the true class, falling, and the share of new clips for which it is expected
        to be at least that high. Speakers have equal weights, among them the new one, about whom
        nothing is assumed.
    """
    truth = probabilities[np.arange(len(columns)), columns]
    people = np.arange(len(truth))
    if speakers is not None and len(np.unique(speakers)) > 1:
        people = np.unique(speakers, return_inverse=True)[1]
    n_clips = np.bincount(people)
    order = np.argsort(-truth, kind="stable")
    weights = 1 / ((len(n_clips) + 1) * n_clips[people[order]])
    return np.column_stack([truth[order], np.cumsum(weights)])


def conformal_threshold(scores: Floats, coverage: float) -> float:
    """Return the probability from which a label belongs to the set; 0 puts all labels in it."""
    enough = np.flatnonzero(scores[:, 1] >= coverage - _TOLERANCE)
    return float(scores[enough[0], 0]) if len(enough) else 0.0
