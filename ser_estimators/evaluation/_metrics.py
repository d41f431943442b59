"""Scores of predictions, with confidence intervals over speakers: pure functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

__all__ = [
    "Counts",
    "Interval",
    "Scores",
    "count_by_speaker",
    "score",
    "score_with_intervals",
]

Floats = NDArray[np.float64]

# Bins of equal width in which confidence is compared with accuracy, as in [1] of `score`.
_N_BINS = 10
# Probabilities under this are taken for it in the log loss, as float32 rounds them.
_MIN_PROBABILITY = 1e-7


@dataclass(frozen=True)
class Counts:
    """All that the scores need of a set of clips: sums, so that sets can be added and taken away.

    Parameters
    ----------
    confusion : ndarray of shape (..., n_classes, n_classes)
        Clips by true class (row) and predicted class (column).
    log_loss : ndarray of shape (...) or None
        Sum of the log losses; None without probabilities.
    bins : ndarray of shape (..., n_bins, 3) or None
        Number of clips, sum of confidence and number of right ones, by bin of confidence.
    """

    confusion: Floats
    log_loss: Floats | None
    bins: Floats | None

    def total(self) -> Counts:
        """Add up along the first axis."""
        return self._map(lambda values: values.sum(axis=0))

    def all_but_one(self) -> Counts:
        """Return the total without each item of the first axis in turn."""
        return self._map(lambda values: values.sum(axis=0) - values)

    def _map(self, function: Callable[[Floats], Floats]) -> Counts:
        return Counts(
            function(self.confusion),
            None if self.log_loss is None else function(self.log_loss),
            None if self.bins is None else function(self.bins),
        )


@dataclass(frozen=True)
class Scores:
    """Scores of one set of clips, or of many along the first axis.

    Parameters
    ----------
    accuracy, balanced_accuracy, macro_f1 : ndarray of shape (...)
    precision, recall, f1 : ndarray of shape (..., n_classes)
        NaN for the recall of a class without clips, and the precision of one never predicted.
    log_loss, calibration_error : ndarray of shape (...) or None
    confusion : ndarray of shape (..., n_classes, n_classes)
        Share of each true class (row) that was taken for each class (column).
    """

    accuracy: Floats
    balanced_accuracy: Floats
    macro_f1: Floats
    precision: Floats
    recall: Floats
    f1: Floats
    log_loss: Floats | None
    calibration_error: Floats | None
    confusion: Floats


@dataclass(frozen=True)
class Interval:
    """Scores, and the lower and upper ends of their confidence intervals.

    Parameters
    ----------
    value, low, high : Scores
    n_speakers : int
        Speakers whose spread the intervals come from.
    confidence : float in (0, 1)
    """

    value: Scores
    low: Scores
    high: Scores
    n_speakers: int
    confidence: float


def count_by_speaker(
    y_true: NDArray[np.int64],
    y_pred: NDArray[np.int64],
    probabilities: Floats | None,
    speakers: NDArray[Any],
    n_classes: int,
) -> Counts:
    """Add up predictions by speaker.

    Parameters
    ----------
    y_true, y_pred : ndarray of shape (n_clips,)
        Class indices.
    probabilities : ndarray of shape (n_clips, n_classes) or None
    speakers : ndarray of shape (n_clips,)
    n_classes : int

    Returns
    -------
    Counts
        With the speakers in sorted order along the first axis.
    """
    names, index = np.unique(speakers, return_inverse=True)
    confusion = np.zeros((len(names), n_classes, n_classes))
    np.add.at(confusion, (index, y_true, y_pred), 1)
    if probabilities is None:
        return Counts(confusion, None, None)
    losses = -np.log(np.maximum(probabilities[np.arange(len(y_true)), y_true], _MIN_PROBABILITY))
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == y_true
    bin_of = np.minimum((confidence * _N_BINS).astype(int), _N_BINS - 1)
    bins = np.zeros((len(names), _N_BINS, 3))
    np.add.at(bins, (index, bin_of), np.column_stack([np.ones_like(losses), confidence, right]))
    return Counts(confusion, np.bincount(index, losses).astype(float), bins)


def score(counts: Counts) -> Scores:
    """Score sets of clips.

    Parameters
    ----------
    counts : Counts

    Returns
    -------
    Scores
        Classes without clips are left out of the means, as in
        ``sklearn.metrics.balanced_accuracy_score``. The calibration error is the expected
        calibration error over ten bins [1]_; of few clips it comes out too high, as chance alone
        makes a gap in every bin.

    References
    ----------
    .. [1] C. Guo et al., "On calibration of modern neural networks", ICML 2017.
    """
    confusion = counts.confusion
    # confusion (..., n_classes, n_classes)
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    of_class, as_class, total = (
        confusion.sum(axis=-1),
        confusion.sum(axis=-2),
        confusion.sum((-2, -1)),
    )
    recall = _ratio(right, of_class)
    precision = _ratio(right, as_class)
    f1 = np.where(of_class + as_class > 0, _ratio(2 * right, of_class + as_class), np.nan)
    log_loss = calibration = None
    if counts.log_loss is not None and counts.bins is not None:
        log_loss = _ratio(counts.log_loss, total)
        gaps = np.abs(counts.bins[..., 1] - counts.bins[..., 2])
        calibration = _ratio(gaps.sum(axis=-1), total)
    return Scores(
        accuracy=_ratio(right.sum(axis=-1), total),
        balanced_accuracy=_mean_of_present(recall, of_class > 0),
        macro_f1=_mean_of_present(f1, of_class + as_class > 0),
        precision=precision,
        recall=recall,
        f1=f1,
        log_loss=log_loss,
        calibration_error=calibration,
        confusion=_ratio(confusion, of_class[..., None]),
    )


def score_with_intervals(counts: Counts, *, confidence: float) -> Interval:
    """Score predictions and bound each score by a jackknife over speakers.

    Clips of one speaker are alike, so that clips are no independent draws: an interval that
    resamples them is far too narrow for the question how a new speaker would fare. Here each
    speaker is left out in turn with all its clips, and the spread of the scores gives their
    standard error [1]_, which Student's t widens for the small number of speakers. It was chosen
    over the bootstrap, whose intervals are too narrow under six speakers, and for any number of
    them where a score is no mean of the speakers', as the calibration error.

    Parameters
    ----------
    counts : Counts
        By speaker, as `count_by_speaker` gives them.
    confidence : float in (0, 1)
        Share of such intervals that should hold the truth.

    Returns
    -------
    Interval
        Ends are NaN with a single speaker, and for a class that a single speaker has (or was taken
        for, where the precision is asked for): nothing can be said then. An interval without width
        says that all speakers agree, and not that the truth is known.

    References
    ----------
    .. [1] B. Efron and C. Stein, "The jackknife estimate of variance", The Annals of Statistics
       9(3), 1981.
    """
    value, left_out = score(counts.total()), score(counts.all_but_one())
    is_spread = _of_several_speakers(counts)
    low: dict[str, Any] = {}
    high: dict[str, Any] = {}
    for name, at in vars(value).items():
        if at is None:
            low[name] = high[name] = None
            continue
        half = _half_width(getattr(left_out, name), confidence)
        half = np.where(is_spread.get(name, True), half, np.nan)
        low[name] = np.maximum(at - half, 0.0)
        high[name] = at + half if name == "log_loss" else np.minimum(at + half, 1.0)
    return Interval(value, Scores(**low), Scores(**high), len(counts.confusion), confidence)


def _of_several_speakers(counts: Counts) -> dict[str, NDArray[np.bool_]]:
    """Tell which scores of single classes more than one speaker has a say in."""
    of_class, as_class = counts.confusion.sum(axis=-1) > 0, counts.confusion.sum(axis=-2) > 0
    # both (n_speakers, n_classes)
    recall = of_class.sum(axis=0) > 1
    return {
        "recall": recall,
        "confusion": recall[:, None],
        "precision": as_class.sum(axis=0) > 1,
        "f1": (of_class | as_class).sum(axis=0) > 1,
    }


def _half_width(left_out: Floats, confidence: float) -> Floats:
    """Half the width of a t interval, from the scores without each speaker."""
    is_known = ~np.isnan(left_out)  # a score may need the one speaker who has a class
    n = is_known.sum(axis=0)
    known = np.where(is_known, left_out, 0.0)
    squares = np.where(is_known, (known - _ratio(known.sum(axis=0), n)) ** 2, 0.0).sum(axis=0)
    with np.errstate(invalid="ignore"):
        t = stats.t.ppf((1 + confidence) / 2, np.where(n > 1, n - 1, np.nan))
    return np.asarray(t * np.sqrt(_ratio(n - 1, n) * squares))


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Divide, with NaN where the denominator is zero."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(denominator > 0, numerator / denominator, np.nan)


def _mean_of_present(values: Floats, present: NDArray[np.bool_]) -> Floats:
    return _ratio(np.where(present, values, 0.0).sum(axis=-1), present.sum(axis=-1).astype(float))
