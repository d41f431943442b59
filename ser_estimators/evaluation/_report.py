"""What an evaluation found: predictions, and scores with intervals."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_scalar

from ._leaks import Leak
from ._metrics import Interval
from ._text import render_text

__all__ = ["EvaluationReport", "Fold", "Protocol"]

_SUMMARY = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy (UAR)",
    "macro_f1": "macro F1",
    "log_loss": "log loss",
    "calibration_error": "calibration error",
}


@dataclass(frozen=True)
class Fold:
    """One split: what was trained on, what was tested, and how training went.

    Parameters
    ----------
    train, test : ndarray of int
        Positions of the clips in X. With another corpus as test set, `test` refers to X_test.
    fit_seconds : float >= 0
        Duration of the fit in seconds, with the inner search if there was one.
    best_params : dict or None, default=None
        Parameters that the inner search selected.
    history : list of dict or None, default=None
        Learning curve: the ``history_`` of the step that has one, such as `CNNEmbedder`.
    """

    train: NDArray[np.int64]
    test: NDArray[np.int64]
    fit_seconds: float
    best_params: dict[str, Any] | None = None
    history: list[dict[str, Any]] | None = None


@dataclass(frozen=True)
class Protocol:
    """One way of splitting the clips, with predictions and scores.

    Parameters
    ----------
    name : {"speaker-independent", "custom splits", "random split", "other corpus"}
        In "custom splits" and "random split", speakers appear in both training and test.
    description : str
        How the clips were split, in a few sentences.
    folds : list of Fold
    clips : list of path-like or of 1-D ndarray
        The tested clips, in the order of the arrays below.
    y_true, y_pred : ndarray of shape (n_tested,)
        Labels.
    probabilities : ndarray of shape (n_tested, n_classes) or None
        None if the estimator has no ``predict_proba``.
    speakers : ndarray of shape (n_tested,)
    classes : ndarray of shape (n_classes,)
        Columns of the probabilities, sorted.
    scores : Interval
        Scores over all tested clips, with intervals over speakers.
    leaks : list of Leak or None
        Pairs of clips in training and test that are the same recording; None if nothing was
        searched.
    shared_speakers : list, default=[]
        Speakers that appear in both training and test of a split.
    """

    name: str
    description: str
    folds: list[Fold]
    clips: list[Any]
    y_true: NDArray[Any]
    y_pred: NDArray[Any]
    probabilities: NDArray[np.float64] | None
    speakers: NDArray[Any]
    classes: NDArray[Any]
    scores: Interval
    leaks: list[Leak] | None
    shared_speakers: list[Any] = field(default_factory=list)

    @property
    def is_honest(self) -> bool:
        """Whether no speaker and no recording appears in both training and test of a split.

        False as well with ``check_leaks=False``, which leaves it unknown.
        """
        return not self.shared_speakers and self.leaks == []

    @property
    def tested(self) -> NDArray[np.int64]:
        """Positions of the tested clips in X (or X_test), in the order of the arrays."""
        return np.concatenate([fold.test for fold in self.folds])

    @property
    def confidence(self) -> NDArray[np.float64] | None:
        """Probability of the predicted class of each tested clip, of shape (n_tested,)."""
        if self.probabilities is None:
            return None
        columns = np.searchsorted(self.classes, self.y_pred)
        return np.asarray(self.probabilities[np.arange(len(columns)), columns])

    def summary(self) -> list[tuple[str, float, float, float]]:
        """Return (score, value, low, high) for every score that is a single number."""
        rows = []
        for name, title in _SUMMARY.items():
            value = getattr(self.scores.value, name)
            if value is not None:
                low, high = getattr(self.scores.low, name), getattr(self.scores.high, name)
                rows.append((title, float(value), float(low), float(high)))
        return rows

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
        """Return (speaker, balanced accuracy, number of clips), by increasing accuracy."""
        rows = []
        for speaker in np.unique(self.speakers):
            own = self.speakers == speaker
            truth, right = self.y_true[own], (self.y_true == self.y_pred)[own]
            recalls = [right[truth == name].mean() for name in np.unique(truth)]
            rows.append((str(speaker), float(np.mean(recalls)), int(own.sum())))
        return sorted(rows, key=lambda row: row[1])

    def mistakes(self, n: int) -> list[int]:
        """Return the positions, among the tested clips, of the `n` most confident mistakes."""
        if self.confidence is None:
            return []
        wrong = np.flatnonzero(self.y_true != self.y_pred)
        order = np.argsort(-self.confidence[wrong], kind="stable")
        return [int(i) for i in wrong[order][:n]]


@dataclass(frozen=True)
class EvaluationReport:
    """Result of `evaluate`: prints as a table, and becomes a web page with `to_html`.

    Parameters
    ----------
    name : str
        Name of the system that was evaluated.
    estimator : str
        The ``repr`` of the estimator.
    protocols : dict of str to Protocol
        Splits, predictions and scores, by name. The main protocol comes first.
    confidence : float in (0, 1)
        Confidence level of all intervals.
    versions : dict of str to str
        Versions of packages, by name.
    sr : int > 0, default=16000
        Sampling rate of clips that are waveforms, in Hz.

    See Also
    --------
    evaluate : Evaluate a classifier and return a report.
    compare : Compare several reports.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from ser_estimators.evaluation import evaluate
    >>> clips = list(np.random.default_rng(0).normal(size=(12, 900)))
    >>> report = evaluate(
    ...     DummyClassifier(), clips, ["anger", "fear"] * 6, np.repeat(["a", "b", "c"], 4), cv=3
    ... )
    >>> for score, value, low, high in report.main.summary()[:1]:
    ...     print(f"{score} {value:.2f}, between {low:.2f} and {high:.2f}")
    accuracy 0.50, between 0.50 and 0.50
    """

    name: str
    estimator: str
    protocols: dict[str, Protocol]
    confidence: float
    versions: dict[str, str]
    sr: int = 16000

    @property
    def main(self) -> Protocol:
        """The first protocol: that of `cv`, or the other corpus."""
        return next(iter(self.protocols.values()))

    def to_frame(self) -> Any:
        """Return every score that is a single number as a pandas DataFrame, one row per score.

        Returns
        -------
        pandas.DataFrame
            With columns protocol, score, value, low and high.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                "to_frame needs pandas, which is not installed; run 'pip install pandas', or use "
                "the rows that Protocol.summary() returns"
            ) from error
        rows = [
            (name, *row) for name, protocol in self.protocols.items() for row in protocol.summary()
        ]
        return pd.DataFrame(rows, columns=["protocol", "score", "value", "low", "high"])

    def to_html(self, path: str | os.PathLike[str], *, n_mistakes: int = 8) -> Path:
        """Write the report as a single page that needs neither network nor scripts.

        Parameters
        ----------
        path : path-like
            File to write.
        n_mistakes : int >= 0, default=8
            Number of most confident mistakes that are shown with waveform and player. Their sound
            is stored in the page, about 40 kB per second.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        TypeError, ValueError
            If `n_mistakes` is not an integer, or is negative.
        """
        from ._html import render_page

        check_scalar(n_mistakes, "n_mistakes", Integral, min_val=0)
        path = Path(path)
        path.write_text(render_page(self, n_mistakes), encoding="utf-8")
        return path

    def __str__(self) -> str:
        return render_text(self)

    def _repr_html_(self) -> str:
        from ._html import render_summary

        return render_summary(self)
