"""Predictions and scores of one way of splitting the clips."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_scalar

from .._estimators.reliability import ReliabilityBin, reliability_bins
from ._answers import score_answers
from ._folds import Fold
from ._frames import clips_frame
from ._groups import groups_of
from ._leaks import Leak
from ._metrics import Interval, count_by_speaker, score_of_guessing, score_with_intervals
from ._sides import look_like_clip_numbers
from ._text import counted, shorten

__all__ = ["ADAPTED", "Fold", "GroupScore", "Protocol"]

# What is added to the name of a protocol.
ADAPTED = "adapted to each speaker, without labels"
_SUMMARY = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy (UAR)",
    "macro_f1": "macro F1",
    "log_loss": "log loss",
    "calibration_error": "calibration error",
}


class GroupScore(NamedTuple):
    """Score of the clips that share a value of a column, such as the sex of the speaker.

    Parameters
    ----------
    value : str
        The value that they share.
    balanced_accuracy : float in [0, 1]
    low, high : float
        Ends of its confidence interval; NaN with a single speaker.
    chance : float in (0, 1]
        One divided by the number of classes of these clips.
    n_clips : int > 0

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from ser_estimators.evaluation import evaluate
    >>> clips = list(np.random.default_rng(0).normal(size=(12, 900)))
    >>> emotions, speakers = ["anger", "fear"] * 6, np.repeat(["a", "b", "c"], 4)
    >>> sex = {"sex": np.repeat(["female", "male"], 6)}
    >>> report = evaluate(DummyClassifier(), clips, emotions, speakers, cv=3, metadata=sex)
    >>> for group in report.main.by_metadata()["sex"]:
    ...     print(f"{group.value}: {group.balanced_accuracy:.2f} on {group.n_clips} clips")
    female: 0.50 on 6 clips
    male: 0.50 on 6 clips
    """

    value: str
    balanced_accuracy: float
    low: float
    high: float
    chance: float
    n_clips: int


# Arrays neither compare to a single truth value nor have a short repr.
@dataclass(frozen=True, eq=False, repr=False)
class Protocol:
    """One way of splitting the clips, with predictions and scores.

    Parameters
    ----------
    name : {"speaker-independent", "custom splits", "random split", "other corpus", \
            "speakers unknown"}
        In "custom splits" and "random split", speakers appear in both training and test. In
        "speakers unknown", they may: the speakers were not passed. "..., adapted to each speaker,
        without labels" has predictions of the same models with the speakers of the test clips.
    description : str
        How the clips were split, in a few sentences.
    folds : list of Fold
    clips : list of path-like or of 1-D ndarray
        The tested clips, in the order of the arrays below; None for a waveform if the report was
        loaded with `EvaluationReport.from_json`.
    y_true, y_pred : ndarray of shape (n_tested,)
        Labels.
    probabilities : ndarray of shape (n_tested, n_classes) or None
        None if the estimator has no ``predict_proba``.
    speakers : ndarray of shape (n_tested,) or None
        None if the speakers are unknown; intervals are NaN then.
    classes : ndarray of shape (n_classes,)
        Columns of the probabilities, sorted.
    scores : Interval
        Scores over all tested clips, with intervals over speakers.
    leaks : list of Leak or None
        Pairs of clips in training and test that are the same recording; None if nothing was
        searched.
    shared_speakers : list, default=[]
        Speakers that appear in both training and test of a split.
    metadata : dict of str to ndarray of shape (n_tested,), default={}
        Values for each tested clip by name of a column, such as "sex" or "intensity".
    conditions : dict of str to ndarray of shape (n_tested,), default={}
        Labels that are predicted under each condition of a stress test; empty without one.
    failed_conditions : dict of str to str, default={}
        Reason for each condition that could not be tested.
    answered : ndarray of shape (n_tested,), bool, or None, default=None
        Whether a `SelectiveClassifier` answered. Where it was unsure, `y_pred` has the most
        probable label. None if the estimator always answers.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from ser_estimators.evaluation import evaluate
    >>> clips = list(np.random.default_rng(0).normal(size=(12, 900)))
    >>> emotions, speakers = ["anger", "fear"] * 6, np.repeat(["a", "b", "c"], 4)
    >>> report = evaluate(DummyClassifier(), clips, emotions, speakers, cv=3)
    >>> report.main.chance, report.main.is_honest
    (0.5, True)
    >>> [name for name, recall, n_clips in report.main.by_speaker()]
    ['a', 'b', 'c']
    """

    name: str
    description: str
    folds: list[Fold]
    clips: list[Any]
    y_true: NDArray[Any]
    y_pred: NDArray[Any]
    probabilities: NDArray[np.float64] | None
    speakers: NDArray[Any] | None
    classes: NDArray[Any]
    scores: Interval
    leaks: list[Leak] | None
    shared_speakers: list[Any] = field(default_factory=list)
    metadata: dict[str, NDArray[Any]] = field(default_factory=dict)
    conditions: dict[str, NDArray[Any]] = field(default_factory=dict)
    failed_conditions: dict[str, str] = field(default_factory=dict)
    answered: NDArray[np.bool_] | None = None

    def __repr__(self) -> str:
        return (
            f"Protocol({shorten(repr(self.name), 40)}, "
            f"{counted(len(self.folds), 'fold')}, {self.describe()})"
        )

    def describe(self) -> str:
        """Return the score and the number of clips and speakers, in a few words."""
        score = f"balanced accuracy {self.scores.value.balanced_accuracy:.3f}"
        return f"{score}, {counted(self.n_clips, 'clip')}, {self.describe_speakers()}"

    def describe_speakers(self) -> str:
        """Return the number of speakers, in words."""
        if self.speakers is None:
            return "unknown speakers"
        return counted(len(np.unique(self.speakers)), "speaker")

    @property
    def is_honest(self) -> bool:
        """Whether no speaker and no recording appears in both training and test of a split.

        False as well if that is unknown: without speakers, and with ``check_leaks=False``.
        """
        return self.knows_speakers and not self.shared_speakers and self.leaks == []

    @property
    def knows_speakers(self) -> bool:
        """Whether it is known which speakers appear in both training and test.

        The speakers of another corpus are other people, whatever their names.
        """
        return self.speakers is not None or self.name.startswith("other corpus")

    @property
    def is_adapted(self) -> bool:
        """Whether the models received the speakers of the test clips, without labels."""
        return self.name.endswith(ADAPTED)

    @property
    def has_clip_numbers(self) -> bool:
        """Whether the speakers look like the numbers of the clips."""
        return self.speakers is not None and look_like_clip_numbers(self.speakers)

    @property
    def tested(self) -> NDArray[np.int64]:
        """Positions of the tested clips in X (or X_test), in the order of the arrays."""
        return np.concatenate([fold.test for fold in self.folds])

    @property
    def n_clips(self) -> int:
        """Number of clips that were tested, each counted once."""
        return len(np.unique(self.tested))

    @property
    def confidence(self) -> NDArray[np.float64] | None:
        """Probability of the predicted class of each tested clip, of shape (n_tested,)."""
        if self.probabilities is None:
            return None
        columns = np.searchsorted(self.classes, self.y_pred)
        return np.asarray(self.probabilities[np.arange(len(columns)), columns])

    @property
    def chance(self) -> float:
        """Balanced accuracy of guessing: one divided by the number of classes with test clips."""
        return score_of_guessing(self.y_true)["balanced_accuracy"]

    def summary(self) -> list[tuple[str, float, float, float]]:
        """Return (score, value, low, high) for every score that is a single number."""
        rows = []
        for name, title in _SUMMARY.items():
            value = getattr(self.scores.value, name)
            if value is not None:
                low, high = getattr(self.scores.low, name), getattr(self.scores.high, name)
                rows.append((title, float(value), float(low), float(high)))
        if self.answered is not None:
            rows += score_answers(self)
        return rows

    def reliability(self, n_bins: int = 10) -> list[ReliabilityBin]:
        """Return how often predictions of about the same probability are right.

        The calibration error is the mean distance between both, over clips.

        Parameters
        ----------
        n_bins : int > 0, default=10
            Number of bins of equal width.

        Returns
        -------
        list of ReliabilityBin
            By rising probability; empty if the estimator has no ``predict_proba``.
        """
        check_scalar(n_bins, "n_bins", Integral, min_val=1)
        if self.probabilities is None:
            return []
        return reliability_bins(
            self.probabilities.max(axis=1),
            self.classes[self.probabilities.argmax(axis=1)] == self.y_true,
            self.speakers,
            n_bins=int(n_bins),
            level=self.scores.confidence,
        )

    def guessing(self) -> dict[str, float]:
        """Return the scores that need no information about a clip, by the names in `summary`.

        These are the accuracy of always predicting the most frequent class, the balanced accuracy
        of any guess, and the log loss of predicting the frequency of each class.
        """
        return {_SUMMARY[name]: value for name, value in score_of_guessing(self.y_true).items()}

    def by_class(self) -> list[tuple[str, dict[str, tuple[float, float, float]], int]]:
        """Return (class, {score: (value, low, high)}, number of clips) for each class."""
        rows = []
        for index, name in enumerate(self.classes):
            cells = {
                score: (
                    float(getattr(self.scores.value, score)[index]),
                    float(getattr(self.scores.low, score)[index]),
                    float(getattr(self.scores.high, score)[index]),
                )
                for score in ("precision", "recall", "f1")
            }
            rows.append((str(name), cells, int((self.y_true == name).sum())))
        return rows

    def by_speaker(self) -> list[tuple[str, float, int]]:
        """Return (speaker, balanced accuracy, number of clips), by increasing accuracy.

        Empty if the speakers are unknown.
        """
        if self.speakers is None:
            return []
        rows = []
        for speaker in np.unique(self.speakers):
            own = self.speakers == speaker
            rows.append((str(speaker), self._balanced_accuracy(own), int(own.sum())))
        return sorted(rows, key=lambda row: row[1])

    def by_fold(self) -> list[tuple[Fold, float, NDArray[Any] | None]]:
        """Return (fold, balanced accuracy, test speakers or None) for each fold."""
        rows = []
        for fold, part in self._parts():
            speakers = None if self.speakers is None else np.unique(self.speakers[part])
            rows.append((fold, self._balanced_accuracy(part), speakers))
        return rows

    def by_metadata(self) -> dict[str, list[GroupScore]]:
        """Return the balanced accuracy for each value of each column of the metadata.

        Columns with a single value or with more than 12 are left out.
        """
        return {
            name: [self._score_group(text, part) for text, part in parts.items()]
            for name, parts in groups_of(self.metadata).items()
        }

    def hidden_metadata(self) -> list[str]:
        """Return the columns of the metadata that `by_metadata` leaves out."""
        shown = self.by_metadata()
        return [str(name) for name in self.metadata if name not in shown]

    def mistakes(self, n: int) -> list[int]:
        """Return the positions, among the tested clips, of the `n` most confident mistakes."""
        if self.confidence is None:
            return []
        wrong = np.flatnonzero(self.y_true != self.y_pred)
        order = np.argsort(-self.confidence[wrong], kind="stable")
        return [int(i) for i in wrong[order][:n]]

    def clips_frame(self) -> Any:
        r"""Return the prediction for every tested clip as a pandas DataFrame, in the order of X.

        Returns
        -------
        pandas.DataFrame
            With the columns

            - ``clip``: position in X (or X_test), from 0;
            - ``path``: None for a waveform. Bytes of a file name that are not UTF-8 appear as
              escape sequences, such as ``\xfc``, so that the table can be written;
            - ``speaker``: None if the speakers are unknown;
            - ``fold``: number of the fold, from 1, as in the report;
            - ``y_true`` and ``y_pred``;
            - ``answered``, if the estimator may be unsure;
            - ``probability_...`` for each class, if the estimator has ``predict_proba``;
            - the metadata, under their own names, or as ``metadata_...`` if a column above has the
              same name.

        Raises
        ------
        ImportError
            If pandas is not installed.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.dummy import DummyClassifier
        >>> from ser_estimators.evaluation import evaluate
        >>> clips = list(np.random.default_rng(0).normal(size=(12, 900)))
        >>> emotions, speakers = ["anger", "fear"] * 6, np.repeat(["a", "b", "c"], 4)
        >>> report = evaluate(DummyClassifier(), clips, emotions, speakers, cv=3)
        >>> frame = report.main.clips_frame()
        >>> frame[["clip", "speaker", "fold", "y_true", "y_pred", "probability_fear"]].head(2)
           clip speaker  fold y_true y_pred  probability_fear
        0     0       a     3  anger  anger               0.5
        1     1       a     3   fear  anger               0.5
        >>> frame.to_csv("predictions.csv", index=False)
        """
        return clips_frame(self)

    def _parts(self) -> Iterator[tuple[Fold, slice]]:
        """Yield each fold with its part of the arrays."""
        stop = 0
        for fold in self.folds:
            start, stop = stop, stop + len(fold.test)
            yield fold, slice(start, stop)

    def _balanced_accuracy(self, part: Any) -> float:
        truth, right = self.y_true[part], (self.y_true == self.y_pred)[part]
        return float(np.mean([right[truth == name].mean() for name in np.unique(truth)]))

    def _score_group(self, value: str, part: NDArray[np.bool_]) -> GroupScore:
        # Clips of unknown speakers count as those of one, which has no interval.
        speakers = np.zeros(len(part)) if self.speakers is None else self.speakers
        counts = count_by_speaker(
            np.searchsorted(self.classes, self.y_true[part]),
            np.searchsorted(self.classes, self.y_pred[part]),
            None,
            speakers[part],
            len(self.classes),
        )
        found = score_with_intervals(counts, confidence=self.scores.confidence)
        at, low, high = (
            float(scores.balanced_accuracy) for scores in (found.value, found.low, found.high)
        )
        chance = score_of_guessing(self.y_true[part])["balanced_accuracy"]
        return GroupScore(value, at, low, high, chance, int(part.sum()))
