"""Scores of predictions, with confidence intervals over speakers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._estimators.jackknife import half_width, ratio

__all__ = [
    "Counts",
    "Interval",
    "Scores",
    "count_by_speaker",
    "score",
    "score_clips",
    "score_of_guessing",
    "score_with_intervals",
]

Floats = NDArray[np.float64]

# Bins of equal width in which confidence is compared with accuracy, see reference [1] of `score`.
_N_BINS = 10
# Smaller probabilities are raised to this in the log loss: in float32, they may round to zero.
_MIN_PROBABILITY = 1e-7


# Arrays neither compare to a single truth value nor have a short repr, here and below.
@dataclass(frozen=True, eq=False, repr=False)
class Counts:
    """Sums from which scores are computed, so that sets of clips can be added and subtracted.

    Parameters
    ----------
    confusion : ndarray of shape (..., n_classes, n_classes)
        Number of clips by true class (row) and predicted class (column).
    log_loss : ndarray of shape (...) or None
        Sum of the log losses; None without probabilities.
    bins : ndarray of shape (..., n_bins, 3) or None
        Number of clips, sum of confidences and number of correct predictions, by bin of
        confidence; None without probabilities.
    """

    confusion: Floats
    log_loss: Floats | None
    bins: Floats | None

    def total(self) -> Counts:
        """Return the sums over the first axis."""
        return self._map(lambda values: values.sum(axis=0))

    def all_but_one(self) -> Counts:
        """Return, for each item of the first axis, the sums over all other items."""
        return self._map(lambda values: values.sum(axis=0) - values)

    def _map(self, function: Callable[[Floats], Floats]) -> Counts:
        return Counts(
            function(self.confusion),
            None if self.log_loss is None else function(self.log_loss),
            None if self.bins is None else function(self.bins),
        )

    def __repr__(self) -> str:
        return f"Counts({self.confusion.sum():.0f} clips, shape {self.confusion.shape})"


@dataclass(frozen=True, eq=False, repr=False)
class Scores:
    """Scores of one set of clips, or of several along the first axis.

    Parameters
    ----------
    accuracy, balanced_accuracy, macro_f1 : ndarray of shape (...)
        In [0, 1].
    precision, recall, f1 : ndarray of shape (..., n_classes)
        In [0, 1]; NaN for the recall of a class without clips, and the precision of a class that
        is never predicted.
    log_loss, calibration_error : ndarray of shape (...) or None
        Nonnegative; None without probabilities.
    confusion : ndarray of shape (..., n_classes, n_classes)
        Fraction of each true class (row) that is predicted as each class (column).
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

    def __repr__(self) -> str:
        if np.ndim(self.accuracy):
            return f"Scores(of sets of clips, shape {np.shape(self.accuracy)})"
        names = ("accuracy", "balanced_accuracy", "macro_f1")
        values = [f"{name}={getattr(self, name):.3f}" for name in names]
        return f"Scores({', '.join(values)}, {self.recall.shape[-1]} classes)"


@dataclass(frozen=True, eq=False, repr=False)
class Interval:
    """Scores, and the lower and upper ends of their confidence intervals.

    Parameters
    ----------
    value, low, high : Scores
    n_speakers : int >= 0
        Number of speakers that the intervals are computed from; 0 if the speakers are unknown.
    confidence : float in (0, 1)
        Confidence level.
    """

    value: Scores
    low: Scores
    high: Scores
    n_speakers: int
    confidence: float

    def __repr__(self) -> str:
        value, low, high = (
            float(scores.balanced_accuracy) for scores in (self.value, self.low, self.high)
        )
        return (
            f"Interval(balanced accuracy {value:.3f}, {low:.3f} to {high:.3f} at level "
            f"{self.confidence:g}, n_speakers={self.n_speakers})"
        )


def count_by_speaker(
    y_true: NDArray[np.int64],
    y_pred: NDArray[np.int64],
    probabilities: Floats | None,
    speakers: NDArray[Any],
    n_classes: int,
) -> Counts:
    """Sum up predictions by speaker.

    Parameters
    ----------
    y_true, y_pred : ndarray of shape (n_clips,)
        Class indices.
    probabilities : ndarray of shape (n_clips, n_classes) or None
    speakers : ndarray of shape (n_clips,)
    n_classes : int > 0

    Returns
    -------
    Counts
        With speakers along the first axis, sorted.
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
    """Compute the scores of sets of clips.

    Parameters
    ----------
    counts : Counts

    Returns
    -------
    Scores
        Means ignore classes without clips, as in ``sklearn.metrics.balanced_accuracy_score``. The
        calibration error is the expected calibration error over ten bins [1]_. It is
        overestimated from few clips, because chance alone makes confidence and accuracy of a bin
        differ.

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
    recall = ratio(right, of_class)
    precision = ratio(right, as_class)
    f1 = np.where(of_class + as_class > 0, ratio(2 * right, of_class + as_class), np.nan)
    log_loss = calibration = None
    if counts.log_loss is not None and counts.bins is not None:
        log_loss = ratio(counts.log_loss, total)
        gaps = np.abs(counts.bins[..., 1] - counts.bins[..., 2])
        calibration = ratio(gaps.sum(axis=-1), total)
    return Scores(
        accuracy=ratio(right.sum(axis=-1), total),
        balanced_accuracy=_mean_of_present(recall, of_class > 0),
        macro_f1=_mean_of_present(f1, of_class + as_class > 0),
        precision=precision,
        recall=recall,
        f1=f1,
        log_loss=log_loss,
        calibration_error=calibration,
        confusion=ratio(confusion, of_class[..., None]),
    )


def score_of_guessing(y_true: NDArray[Any]) -> dict[str, float]:
    """Return the scores that need no information about a clip, from which a system should differ.

    Parameters
    ----------
    y_true : ndarray of shape (n_clips,)

    Returns
    -------
    dict of str to float
        The accuracy of always predicting the most frequent class; the balanced accuracy of any
        guess, 1 / (number of classes with clips); and the log loss of predicting the frequency of
        each class as its probability. Other scores are left out: for them, guessing has no single
        value.
    """
    _, n_clips = np.unique(y_true, return_counts=True)
    frequencies = n_clips / n_clips.sum()
    return {
        "accuracy": float(frequencies.max()),
        "balanced_accuracy": 1 / len(frequencies),
        "log_loss": float((frequencies * np.log(1 / frequencies)).sum()),
    }


def score_with_intervals(counts: Counts, *, confidence: float) -> Interval:
    """Compute scores and their confidence intervals, by a jackknife over speakers.

    Clips of one speaker are not independent, so intervals from resampling clips are far too narrow
    for the score of a new speaker. Here each speaker is left out in turn with all their clips; the
    spread of the resulting scores gives a standard error [1]_, and Student's t distribution
    accounts for the small number of speakers. The jackknife was preferred to the bootstrap, whose
    intervals are too narrow for fewer than six speakers, and, for scores such as the calibration
    error that are not a mean over speakers, for any number of them.

    Parameters
    ----------
    counts : Counts
        By speaker, the result of `count_by_speaker`.
    confidence : float in (0, 1)
        Fraction of such intervals that should contain the true value.

    Returns
    -------
    Interval
        The ends are NaN with a single speaker. So are those of the scores of a class if a single
        speaker has clips of it (for the precision: clips that are predicted as it). An interval of
        zero width shows that all speakers agree, not that the true value is known.

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
        half = half_width(getattr(left_out, name), confidence)
        half = np.where(is_spread.get(name, True), half, np.nan)
        low[name] = np.maximum(at - half, 0.0)
        high[name] = at + half if name == "log_loss" else np.minimum(at + half, 1.0)
    return Interval(value, Scores(**low), Scores(**high), len(counts.confusion), confidence)


def score_clips(
    classes: NDArray[Any],
    y_true: NDArray[Any],
    y_pred: NDArray[Any],
    probabilities: Floats | None,
    speakers: NDArray[Any] | None,
    *,
    confidence: float,
) -> Interval:
    """Compute the scores of predictions, with intervals if the speakers are known.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted; contains all labels.
    y_true, y_pred : ndarray of shape (n_clips,)
        Labels.
    probabilities : ndarray of shape (n_clips, n_classes) or None
    speakers : ndarray of shape (n_clips,) or None
    confidence : float in (0, 1)

    Returns
    -------
    Interval
    """
    counts = count_by_speaker(
        np.searchsorted(classes, y_true),
        np.searchsorted(classes, y_pred),
        probabilities,
        # Unknown speakers count as one, for which there are no intervals.
        np.zeros(len(y_true)) if speakers is None else speakers,
        len(classes),
    )
    scores = score_with_intervals(counts, confidence=confidence)
    return scores if speakers is not None else replace(scores, n_speakers=0)


def _of_several_speakers(counts: Counts) -> dict[str, NDArray[np.bool_]]:
    """Return which scores of single classes depend on more than one speaker."""
    of_class, as_class = counts.confusion.sum(axis=-1) > 0, counts.confusion.sum(axis=-2) > 0
    # both (n_speakers, n_classes)
    recall = of_class.sum(axis=0) > 1
    return {
        "recall": recall,
        "confusion": recall[:, None],
        "precision": as_class.sum(axis=0) > 1,
        "f1": (of_class | as_class).sum(axis=0) > 1,
    }


def _mean_of_present(values: Floats, present: NDArray[np.bool_]) -> Floats:
    return ratio(np.where(present, values, 0.0).sum(axis=-1), present.sum(axis=-1).astype(float))
