"""Report of an evaluation: scores with intervals for each way of splitting the clips."""

from __future__ import annotations

import os
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

from sklearn.utils import check_scalar

from .._utils.frames import make_frame
from .._utils.text import printable
from .._utils.writing import write_file
from ._conditions import AS_RECORDED
from ._results import Fold, GroupScore, Protocol
from ._stress_results import StressTest
from ._stress_text import render_section
from ._text import render_text, shorten, warnings_about

__all__ = ["EvaluationReport", "Fold", "GroupScore", "Protocol"]


@dataclass(frozen=True, eq=False, repr=False)
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
    date : str, default=""
        Start of the evaluation in UTC, in ISO 8601 format.
    corpus : str, default=""
        Name of the corpus.

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
    >>> report
    EvaluationReport(name='DummyClassifier', balanced accuracy 0.500, 12 clips, 3 speakers)
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
    date: str = ""
    corpus: str = ""

    @property
    def main(self) -> Protocol:
        """The first protocol: that of `cv`, or the other corpus."""
        return next(iter(self.protocols.values()))

    @property
    def stress(self) -> StressTest | None:
        """The stress test of the first protocol, None without one."""
        main = self.main
        if not (main.conditions or main.failed_conditions):
            return None
        return StressTest(
            name=self.name,
            predictions={AS_RECORDED: main.y_pred, **main.conditions},
            y_true=main.y_true,
            speakers=main.speakers,
            clips=main.clips,
            metadata=main.metadata,
            failures=main.failed_conditions,
            confidence=self.confidence,
            description=" ".join([main.description, *warnings_about(main)]),
            corpus=self.corpus,
            sr=self.sr,
            date=self.date,
        )

    def to_frame(self) -> Any:
        """Return every score that is a single number as a pandas DataFrame, one row per score.

        ``report.main.clips_frame()`` returns the prediction for every clip.

        Returns
        -------
        pandas.DataFrame
            With columns protocol, score, value, low and high.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        rows = [
            (name, *row) for name, protocol in self.protocols.items() for row in protocol.summary()
        ]
        names = ("protocol", "score", "value", "low", "high")
        return make_frame(
            dict(zip(names, zip(*rows, strict=True), strict=True)),
            caller="to_frame",
            instead="the rows that Protocol.summary() returns",
        )

    def to_html(self, path: str | os.PathLike[str], *, n_mistakes: int = 8) -> Path:
        """Write the report as a single page that needs neither network nor scripts.

        If writing fails, a page that was there before is unchanged.

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
        OSError
            If the file cannot be written.
        TypeError, ValueError
            If `n_mistakes` is not an integer, or is negative.
        """
        from ._html import render_page

        check_scalar(n_mistakes, "n_mistakes", Integral, min_val=0)
        return write_file(path, render_page(self, n_mistakes))

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Save the report as JSON, for `from_json`.

        The file contains predictions, folds, settings and the paths of the clips, but no audio: of
        clips that are waveforms, only predictions. It contains no pickled objects, so that loading
        it runs no code. Parameters that an inner search selected are written as their ``repr`` if
        they are not numbers, strings, booleans or None.

        Parameters
        ----------
        path : path-like or None, default=None
            File to write. If writing fails, a file that was there before is unchanged. None writes
            no file.

        Returns
        -------
        str
            The JSON, in ASCII.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        from ._saved import dump_report

        text = dump_report(self)
        if path is not None:
            write_file(path, text)
        return text

    @classmethod
    def from_json(cls, path: str | os.PathLike[str]) -> EvaluationReport:
        """Load a report that `to_json` has saved. Scores are computed again.

        Parameters
        ----------
        path : path-like
            File to read.

        Returns
        -------
        EvaluationReport
            It prints as the saved one, and `compare` accepts it.

        Raises
        ------
        OSError
            If the file cannot be read.
        ValueError
            If it is not such a file, or one of another format.
        """
        from ._saved import parse_report

        try:
            return cls(**parse_report(Path(path).read_text(encoding="utf-8")))
        except ValueError as error:
            raise ValueError(
                f"Could not load a report from '{printable(os.fspath(path))}': {error}; expected a "
                "file that EvaluationReport.to_json has written"
            ) from error

    def __str__(self) -> str:
        text = render_text(self)
        if (stress := self.stress) is not None:
            text += f"\n\n{render_section(stress)}"
        return text

    def __repr__(self) -> str:
        name = shorten(repr(self.name), 60)
        found = self.main.describe() if self.protocols else "no protocols"
        return f"EvaluationReport(name={name}, {found})"

    def _repr_html_(self) -> str:
        from ._html import render_summary

        return render_summary(self)
