"""Scores of predictions, with confidence intervals that resample speakers: pure functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

__all__ = [
    "Interval",
    "Scores",
    "SpeakerCounts",
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
class SpeakerCounts:
    """All that the scores need, added up by speaker, so that speakers can be resampled.

    Parameters
    ----------
    confusion : ndarray of shape (n_speakers, n_classes, n_classes)
        Clips by true class (row) and predicted class (column).
    log_loss : ndarray of shape (n_speakers,) or None
        Sum of the log losses; None without probabilities.
    bins : ndarray of shape (n_speakers, n_bins, 3) or None
        Number of clips, sum of confidence and number of right ones, by bin of confidence.
    """

    confusion: Floats
    log_loss: Floats | None
    bins: Floats | None


@dataclass(frozen=True)
class Scores:
    """Scores of one set of clips, or of many resampled sets along the first axis.

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
        Speakers that were resampled.
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
) -> SpeakerCounts:
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
    SpeakerCounts
        With the speakers in sorted order.
    """
    names, index = np.unique(speakers, return_inverse=True)
    confusion = np.zeros((len(names), n_classes, n_classes))
    np.add.at(confusion, (index, y_true, y_pred), 1)
    if probabilities is None:
        return SpeakerCounts(confusion, None, None)
    losses = -np.log(np.maximum(probabilities[np.arange(len(y_true)), y_true], _MIN_PROBABILITY))
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == y_true
    bin_of = np.minimum((confidence * _N_BINS).astype(int), _N_BINS - 1)
    bins = np.zeros((len(names), _N_BINS, 3))
    np.add.at(bins, (index, bin_of), np.column_stack([np.ones_like(losses), confidence, right]))
    return SpeakerCounts(confusion, np.bincount(index, losses).astype(float), bins)


def score(counts: SpeakerCounts, weights: Floats) -> Scores:
    """Score clips whose speakers are counted so many times each.

    Parameters
    ----------
    counts : SpeakerCounts
    weights : ndarray of shape (..., n_speakers)
        How often each speaker counts; all ones for the plain scores.

    Returns
    -------
    Scores
        Classes without clips are left out of the means, as in
        ``sklearn.metrics.balanced_accuracy_score``. The calibration error is the expected
        calibration error over ten bins [1]_.

    References
    ----------
    .. [1] C. Guo et al., "On calibration of modern neural networks", ICML 2017.
    """
    confusion = np.tensordot(weights, counts.confusion, axes=1)
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
        log_loss = weights @ counts.log_loss / total
        bins = np.tensordot(weights, counts.bins, axes=1)
        calibration = np.abs(bins[..., 1] - bins[..., 2]).sum(axis=-1) / total
    return Scores(
        accuracy=right.sum(axis=-1) / total,
        balanced_accuracy=_mean_of_present(recall, of_class > 0),
        macro_f1=_mean_of_present(f1, of_class + as_class > 0),
        precision=precision,
        recall=recall,
        f1=f1,
        log_loss=log_loss,
        calibration_error=calibration,
        confusion=_ratio(confusion, of_class[..., None]),
    )


def score_with_intervals(
    counts: SpeakerCounts,
    *,
    confidence: float,
    n_resamples: int,
    rng: np.random.Generator,
) -> Interval:
    """Score predictions and bound each score by a bootstrap over speakers.

    Clips of one speaker are alike, so that clips are no independent draws: an interval that
    resamples them is far too narrow for the question how a new speaker would fare. Speakers are
    drawn with replacement, all their clips with them [1]_. Percentiles are widened for the small
    number of speakers ("expanded percentile interval" [2]_).

    Parameters
    ----------
    counts : SpeakerCounts
    confidence : float in (0, 1)
        Share of such intervals that should hold the truth.
    n_resamples : int > 0
    rng : numpy.random.Generator

    Returns
    -------
    Interval
        Ends are NaN with a single speaker: nothing can be said then.

    References
    ----------
    .. [1] C. A. Field and A. H. Welsh, "Bootstrapping clustered data", J. R. Statist. Soc. B 69(3),
       2007.
    .. [2] T. C. Hesterberg, "What teachers should know about the bootstrap", The American
       Statistician 69(4), 2015.
    """
    n_speakers = len(counts.confusion)
    value = score(counts, np.ones(n_speakers))
    draws = rng.multinomial(n_speakers, np.full(n_speakers, 1 / n_speakers), size=n_resamples)
    resampled = score(counts, draws.astype(float))
    low, high = _expanded_percentiles(n_speakers, confidence)

    def percentile(at: float) -> Callable[[Floats], Floats]:
        def of(values: Floats) -> Floats:
            if n_speakers < 2:
                return np.full(values.shape[1:], np.nan)
            all_nan = np.isnan(values).all(axis=0)
            filled = np.where(all_nan, 0.0, values)
            return np.where(all_nan, np.nan, np.nanquantile(filled, at, axis=0))

        return of

    return Interval(
        value,
        _map(resampled, percentile(low)),
        _map(resampled, percentile(high)),
        n_speakers,
        confidence,
    )


def _expanded_percentiles(n_speakers: int, confidence: float) -> tuple[float, float]:
    """Percentiles whose distance is that of a t interval on so few speakers."""
    if n_speakers < 2:
        return np.nan, np.nan
    t = stats.t.ppf((1 + confidence) / 2, n_speakers - 1)
    tail = float(stats.norm.cdf(-t * np.sqrt(n_speakers / (n_speakers - 1))))
    return tail, 1 - tail


def _map(scores: Scores, function: Callable[[Floats], Floats]) -> Scores:
    mapped: dict[str, Any] = {
        name: None if value is None else function(value) for name, value in vars(scores).items()
    }
    return Scores(**mapped)


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Divide, with NaN where the denominator is zero."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(denominator > 0, numerator / denominator, np.nan)


def _mean_of_present(values: Floats, present: NDArray[np.bool_]) -> Floats:
    return _ratio(np.where(present, values, 0.0).sum(axis=-1), present.sum(axis=-1).astype(float))
