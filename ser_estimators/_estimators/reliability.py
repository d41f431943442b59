"""How far the probabilities of predictions can be trusted."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .jackknife import half_width, ratio

__all__ = ["ReliabilityBin", "calibration_error", "reliability_bins"]

Floats = NDArray[np.float64]


class ReliabilityBin(NamedTuple):
    """Predictions whose probabilities are in one range.

    Parameters
    ----------
    start, stop : float in [0, 1]
        Range of the probability of the predicted label.
    confidence : float
        Mean of these probabilities; NaN without clips.
    accuracy : float
        Share of the predictions that are right; NaN without clips.
    low, high : float
        Ends of the confidence interval of the accuracy, from leaving out each speaker in turn. NaN
        if the clips are those of fewer than two speakers.
    n_clips : int >= 0

    Examples
    --------
    >>> from ser_estimators.evaluation import ReliabilityBin
    >>> found = ReliabilityBin(0.8, 0.9, 0.84, 0.71, 0.62, 0.8, 48)
    >>> f"{found.n_clips} clips: {found.confidence:.2f} on average, {found.accuracy:.2f} right"
    '48 clips: 0.84 on average, 0.71 right'
    """

    start: float
    stop: float
    confidence: float
    accuracy: float
    low: float
    high: float
    n_clips: int


def reliability_bins(
    confidence: Floats,
    right: NDArray[np.bool_],
    speakers: NDArray[Any] | None,
    *,
    n_bins: int,
    level: float,
) -> list[ReliabilityBin]:
    """Compare probabilities with the share of right predictions, in bins of equal width.

    Parameters
    ----------
    confidence : ndarray of shape (n_clips,)
        Probability of the predicted label.
    right : ndarray of shape (n_clips,)
        Whether it is the true label.
    speakers : ndarray of shape (n_clips,) or None
    n_bins : int > 0
    level : float in (0, 1)
        Confidence level of the intervals.
    """
    people = np.zeros(len(confidence), dtype=np.intp)
    if speakers is not None:
        people = np.unique(speakers, return_inverse=True)[1]
    places = np.clip((confidence * n_bins).astype(int), 0, n_bins - 1)
    sums = np.zeros((people.max(initial=0) + 1, n_bins, 3))  # (n_speakers, n_bins, 3)
    np.add.at(sums, (people, places), np.column_stack([np.ones(len(right)), confidence, right]))
    n, total, n_right = sums.sum(axis=0).T
    left_out = ratio(n_right - sums[..., 2], n - sums[..., 0])
    half = half_width(left_out, level)
    half = np.where((sums[..., 0] > 0).sum(axis=0) > 1, half, np.nan)
    accuracy = ratio(n_right, n)
    columns = (
        np.arange(n_bins) / n_bins,
        np.arange(1, n_bins + 1) / n_bins,
        ratio(total, n),
        accuracy,
        np.maximum(accuracy - half, 0.0),
        np.minimum(accuracy + half, 1.0),
    )
    return [
        ReliabilityBin(*map(float, row[:-1]), int(row[-1]))  # type: ignore[call-arg, arg-type]
        for row in zip(*columns, n, strict=True)
    ]


def calibration_error(bins: list[ReliabilityBin]) -> float:
    """Return the mean distance between confidence and accuracy over clips; NaN without clips."""
    gaps = [one.n_clips * abs(one.confidence - one.accuracy) for one in bins if one.n_clips]
    n_clips = sum(one.n_clips for one in bins)
    return float(sum(gaps) / n_clips) if n_clips else float("nan")
