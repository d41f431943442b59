"""Scores under a condition and their distance from the scores as recorded, with intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._estimators.jackknife import half_width

__all__ = ["ConditionScore", "Estimate", "score_condition"]

# (value, low, high); the ends are NaN if there is no interval.
Estimate = tuple[float, float, float]

Floats = NDArray[np.float64]


class ConditionScore(NamedTuple):
    """Scores of some clips under one condition, beside those of the same clips as recorded.

    Each score is a tuple ``(value, low, high)``, with the ends of its confidence interval; they are
    NaN with a single speaker.

    Parameters
    ----------
    condition : str
    group : str
        What the clips share, such as an emotion; empty for all clips.
    balanced_accuracy : tuple of float
        Under this condition. For the clips of one emotion, it is the recall.
    difference : tuple of float
        Balanced accuracy minus that of the clips as recorded.
    accuracy_kept : tuple of float
        Balanced accuracy divided by that of the clips as recorded; NaN if that is 0.
    labels_kept : tuple of float
        Fraction of clips that are predicted as they are as recorded, whether right or wrong.
    n_clips : int > 0

    Examples
    --------
    >>> from ser_estimators.evaluation import ConditionScore
    >>> nan = float("nan")
    >>> found = ConditionScore("gain -20 dB", "fear", (0.5, nan, nan), (-0.1, nan, nan),
    ...                        (0.83, nan, nan), (0.9, nan, nan), 24)
    >>> value, low, high = found.accuracy_kept
    >>> f"{found.condition}: {value:.0%} of the recall of {found.group} is kept"
    'gain -20 dB: 83% of the recall of fear is kept'
    """

    condition: str
    group: str
    balanced_accuracy: Estimate
    difference: Estimate
    accuracy_kept: Estimate
    labels_kept: Estimate
    n_clips: int


class _Sums(NamedTuple):
    """Sums over clips by speaker, from which the scores are computed.

    Parameters
    ----------
    n, right, right_before : ndarray of shape (..., n_classes)
        Number of clips of each class, and how many are right under the condition and as recorded.
    same : ndarray of shape (...,)
        Number of clips with the same prediction.
    """

    n: Floats
    right: Floats
    right_before: Floats
    same: Floats


def score_condition(
    y_true: NDArray[Any],
    before: NDArray[Any],
    after: NDArray[Any],
    speakers: NDArray[Any] | None,
    *,
    condition: str,
    group: str = "",
    confidence: float,
) -> ConditionScore:
    """Compute the scores of some clips under a condition.

    Each speaker is left out in turn with all their clips, as in `score_with_intervals`. Because
    they are left out of both predictions, the intervals of differences are paired.

    Parameters
    ----------
    y_true, before, after : ndarray of shape (n_clips,)
        True labels, and those predicted as recorded and under the condition.
    speakers : ndarray of shape (n_clips,) or None
        None if they are unknown, and there are no intervals.
    condition, group : str
    confidence : float in (0, 1)
    """
    sums = _sum_by_speaker(y_true, before, after, speakers)
    total = _Sums(*(values.sum(axis=0) for values in sums))
    left_out = _Sums(
        *(whole - values for whole, values in zip(total, sums, strict=True))  # n_speakers rows
    )

    def estimate(score: Callable[[_Sums], Floats], least: float, most: float) -> Estimate:
        value, half = float(score(total)), float(half_width(score(left_out), confidence))
        if np.isnan(value) or np.isnan(half):
            return value, np.nan, np.nan
        return value, max(value - half, least), min(value + half, most)

    return ConditionScore(
        condition,
        group,
        balanced_accuracy=estimate(_accuracy, 0.0, 1.0),
        difference=estimate(lambda s: _accuracy(s) - _accuracy_before(s), -1.0, 1.0),
        accuracy_kept=estimate(
            lambda s: _ratio(_accuracy(s), _accuracy_before(s)), 0.0, float("inf")
        ),
        labels_kept=estimate(lambda s: _ratio(s.same, s.n.sum(axis=-1)), 0.0, 1.0),
        n_clips=len(y_true),
    )


def _sum_by_speaker(
    y_true: NDArray[Any],
    before: NDArray[Any],
    after: NDArray[Any],
    speakers: NDArray[Any] | None,
) -> _Sums:
    names, of_class = np.unique(y_true, return_inverse=True)
    # Clips of unknown speakers count as those of one, which has no interval.
    people, of_speaker = np.unique(
        np.zeros(len(y_true)) if speakers is None else speakers, return_inverse=True
    )
    places = of_speaker * len(names) + of_class

    def add_up(values: NDArray[Any]) -> Floats:
        sums = np.bincount(places, values.astype(float), minlength=len(people) * len(names))
        return sums.reshape(len(people), len(names)).astype(np.float64)

    return _Sums(
        add_up(np.ones(len(y_true))),
        add_up(after == y_true),
        add_up(before == y_true),
        add_up(after == before).sum(axis=-1),
    )


def _accuracy(sums: _Sums) -> Floats:
    return _balanced(sums.right, sums.n)


def _accuracy_before(sums: _Sums) -> Floats:
    return _balanced(sums.right_before, sums.n)


def _balanced(right: Floats, n: Floats) -> Floats:
    """Return the mean of the recalls of classes with clips."""
    recalls = np.where(n > 0, _ratio(right, n), 0.0)
    return _ratio(recalls.sum(axis=-1), (n > 0).sum(axis=-1))


def _ratio(numerator: Any, denominator: Any) -> Floats:
    """Divide; the result is NaN where the denominator is zero."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(denominator > 0, numerator / denominator, np.nan))
