"""What an evaluation found: predictions, scores with intervals, and how they print."""

from __future__ import annotations

import html
import os
import textwrap
from dataclasses import dataclass, field
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_scalar

from ._leaks import Leak
from ._metrics import Interval

__all__ = ["EvaluationReport", "Fold", "Protocol"]

_WIDTH = 79  # characters of a terminal

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
        Positions of the clips. With another corpus as test set, `test` counts in that corpus.
    fit_seconds : float
    best_params : dict or None
        What the inner search chose, if there was one.
    history : list of dict or None
        The network's ``history_``, if a step has one.
    """

    train: NDArray[np.int64]
    test: NDArray[np.int64]
    fit_seconds: float
    best_params: dict[str, Any] | None = None
    history: list[dict[str, Any]] | None = None


@dataclass(frozen=True)
class Protocol:
    """One way of splitting, and what came of it.

    Parameters
    ----------
    name : str
        "speaker-independent", "custom splits" (speakers stand on both sides), "random split" or
        "other corpus".
    description : str
        The protocol in a sentence.
    folds : list of Fold
    clips : list
        The clips that were tested, paths or waveforms, in the order of the arrays below.
    y_true, y_pred : ndarray of shape (n_clips,)
        Labels.
    probabilities : ndarray of shape (n_clips, n_classes) or None
    speakers : ndarray of shape (n_clips,)
    classes : ndarray of shape (n_classes,)
    scores : Interval
        Scores over all tested clips, with intervals over speakers.
    leaks : list of Leak or None
        None if nobody looked.
    shared_speakers : list
        Speakers on both sides of a split.
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
        """Whether no speaker and no recording stands on both sides of a split, and both are known.

        False as well with ``check_leaks=False``, when nobody looked for recordings.
        """
        return not self.shared_speakers and self.leaks == []

    @property
    def tested(self) -> NDArray[np.int64]:
        """Positions of the tested clips in X (or X_test), in the order of the arrays."""
        return np.concatenate([fold.test for fold in self.folds])

    @property
    def confidence(self) -> NDArray[np.float64] | None:
        """Probability of the class that each clip was taken for, of shape (n_clips,)."""
        if self.probabilities is None:
            return None
        columns = np.searchsorted(self.classes, self.y_pred)
        return np.asarray(self.probabilities[np.arange(len(columns)), columns])

    def summary(self) -> list[tuple[str, float, float, float]]:
        """Return (score, value, low, high) for the scores of a single number."""
        rows = []
        for name, title in _SUMMARY.items():
            value = getattr(self.scores.value, name)
            if value is not None:
                low, high = getattr(self.scores.low, name), getattr(self.scores.high, name)
                rows.append((title, float(value), float(low), float(high)))
        return rows

    def by_class(self) -> list[tuple[str, dict[str, tuple[float, float, float]], int]]:
        """Return (class, {score: (value, low, high)}, clips) for each class."""
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
        """Return (speaker, balanced accuracy, clips), the hardest speaker first."""
        rows = []
        for speaker in np.unique(self.speakers):
            own = self.speakers == speaker
            truth, right = self.y_true[own], (self.y_true == self.y_pred)[own]
            recalls = [right[truth == name].mean() for name in np.unique(truth)]
            rows.append((str(speaker), float(np.mean(recalls)), int(own.sum())))
        return sorted(rows, key=lambda row: row[1])

    def mistakes(self, n: int) -> list[int]:
        """Return the positions of the clips that were most confidently mistaken."""
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
        What was evaluated.
    estimator : str
        Text of the estimator.
    protocols : dict of str to Protocol
        The honest one first.
    confidence : float in (0, 1)
        Of all intervals.
    versions : dict of str to str
    sr : int > 0, default=16000
        Rate of the clips in Hz, where they are waveforms.

    See Also
    --------
    evaluate : Makes reports.
    compare : Sets several side by side.

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
        """The first protocol: the one that was asked for."""
        return next(iter(self.protocols.values()))

    def to_frame(self) -> Any:
        """Return all scores of a single number as a pandas DataFrame, one row a score.

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
                "to_frame makes a pandas DataFrame, and pandas is not installed; install it with "
                "'pip install pandas', or take the rows of Protocol.summary()"
            ) from error
        rows = [
            (name, *row) for name, protocol in self.protocols.items() for row in protocol.summary()
        ]
        return pd.DataFrame(rows, columns=["protocol", "score", "value", "low", "high"])

    def to_html(self, path: str | os.PathLike[str], *, n_mistakes: int = 8) -> Path:
        """Write the report as one page that needs no network and no script.

        Parameters
        ----------
        path : path-like
            File to write.
        n_mistakes : int >= 0, default=8
            Most confidently mistaken clips to show, with waveform and player. Each holds its sound,
            about 40 kB a second.

        Returns
        -------
        pathlib.Path
            The file.
        """
        from ._html import render

        check_scalar(n_mistakes, "n_mistakes", Integral, min_val=0)
        path = Path(path)
        path.write_text(render(self, n_mistakes), encoding="utf-8")
        return path

    def __str__(self) -> str:
        lines = [*textwrap.wrap(f"Evaluation of {self.name}", _WIDTH), ""]
        for protocol in self.protocols.values():
            lines += [protocol.name, "-" * len(protocol.name)]
            lines += textwrap.wrap(protocol.description, _WIDTH)
            for warning in warnings_of(protocol):
                lines += textwrap.wrap(warning, _WIDTH, initial_indent="! ", subsequent_indent="  ")
            lines += ["", f"{'':<26}{'value':>8}   {percent(self.confidence)} interval"]
            lines += [
                f"{title:<26}{number(value):>8}   {interval(low, high)}"
                for title, value, low, high in protocol.summary()
            ]
            lines += ["", f"{'':<14}{'precision':>10}{'recall':>9}   {'':<15}{'F1':>7}{'clips':>8}"]
            for name, cells, n_clips in protocol.by_class():
                recall, low, high = cells["recall"]
                lines.append(
                    f"{shortened(name, 14):<14}"
                    f"{number(cells['precision'][0]):>10}{number(recall):>9}   "
                    f"{interval(low, high):<15}{number(cells['f1'][0]):>7}{n_clips:>8}"
                )
            lines.append("")
        lines += textwrap.wrap(about_intervals(self), _WIDTH)
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.protocols)
        rows = []
        titles = [row[0] for row in self.main.summary()]
        for title in titles:
            cells = []
            for protocol in self.protocols.values():
                _, value, low, high = next(row for row in protocol.summary() if row[0] == title)
                cells.append(f"<td>{number(value)} <small>{interval(low, high)}</small></td>")
            rows.append(f"<tr><th>{html.escape(title)}</th>{''.join(cells)}</tr>")
        return (
            f"<table><caption>{html.escape(self.name)}</caption>"
            f"<thead><tr><th></th>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        )


def warnings_of(protocol: Protocol) -> list[str]:
    """Return what a reader must know before believing the figures."""
    found = []
    n_shared = len(protocol.shared_speakers)
    if n_shared:
        found.append(
            f"{n_shared} {'speaker stands' if n_shared == 1 else 'speakers stand'} on both sides "
            "of a split: these figures say nothing of speakers that the model has not heard."
        )
    if protocol.leaks is None:
        found.append(
            "Nobody looked for recordings that stand on both sides of a split (check_leaks=False)."
        )
    elif protocol.leaks:
        n_leaks = len(protocol.leaks)
        found.append(
            f"{n_leaks} {'pair of clips is' if n_leaks == 1 else 'pairs of clips are'} one "
            "recording on both sides of a split."
        )
    return found


def about_intervals(report: EvaluationReport) -> str:
    """Say what the intervals are, or why there are none."""
    n_speakers = report.main.scores.n_speakers
    if n_speakers == 1:
        return "No intervals: one speaker says nothing of how far speakers differ."
    return (
        f"Intervals come from leaving out each of the {n_speakers} speakers in turn: they say how "
        "much another choice of speakers would change the figure."
    )


def percent(share: float) -> str:
    """Return a share as text: 95%, and 99.5% where that is meant."""
    return f"{100 * share:g}%"


def shortened(name: str, width: int) -> str:
    """Return a name, cut at its end if it is too wide for a column."""
    return name if len(name) <= width else f"{name[: width - 3].rstrip()}..."


def number(value: float, digits: int = 3) -> str:
    """Return a score as text, n/a where it is not defined."""
    return "n/a" if np.isnan(value) else f"{value:.{digits}f}"


def interval(low: float, high: float) -> str:
    """Return an interval as text, n/a where there is none."""
    return "n/a" if np.isnan(low) else f"{low:.3f} to {high:.3f}"
