"""Result of a stress test: predictions under each condition, and their scores."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._audio.segment import columns_of
from .._utils.checks import check_choice
from .._utils.frames import make_frame
from .._utils.text import listed, printable, readable, represent
from .._utils.writing import write_file
from ._conditions import AS_RECORDED
from ._groups import groups_of
from ._metrics import score_of_guessing
from ._stress_scores import ConditionScore, score_condition
from ._text import counted, shorten

__all__ = ["StressTest"]

_SCORES = ("balanced_accuracy", "difference", "accuracy_kept", "labels_kept")
EMOTION = "emotion"


# Arrays neither compare to a single truth value nor have a short repr.
@dataclass(frozen=True, eq=False, repr=False)
class StressTest:
    """Result of `stress_test`: prints as a table, and becomes a web page with `to_html`.

    Parameters
    ----------
    name : str
        Name of the system that was tested.
    predictions : dict of str to ndarray of shape (n_tested,)
        Predicted labels by name of the condition, those of the clips "as recorded" first.
    y_true : ndarray of shape (n_tested,)
        Labels.
    speakers : ndarray of shape (n_tested,) or None
        None if the speakers are unknown; there are no intervals then.
    clips : list of path-like or of 1-D ndarray
        The tested clips, in the order of the arrays; None for a waveform if the result was loaded
        with `StressTest.from_json`.
    metadata : dict of str to ndarray of shape (n_tested,), default={}
        Values for each tested clip by name of a column, such as "sex".
    failures : dict of str to str, default={}
        Reason for each condition that could not be tested.
    confidence : float in (0, 1), default=0.95
        Confidence level of all intervals.
    description : str, default=""
        Which clips were tested, in a sentence.
    corpus : str, default=""
        Name of the corpus.
    sr : int > 0, default=16000
        Sampling rate of the waveforms that were changed, in Hz.
    date : str, default=""
        Start of the test in UTC, in ISO 8601 format.

    See Also
    --------
    stress_test : Test a fitted model.
    ser_estimators.display.StressTestDisplay : The scores as a plot.

    Examples
    --------
    >>> import numpy as np
    >>> from ser_estimators.evaluation import StressTest
    >>> emotions = np.array(["anger", "fear"] * 4)
    >>> noisy = np.array(["anger", "anger", "anger", "fear"] * 2)
    >>> stress = StressTest(
    ...     "CNN", {"as recorded": emotions, "white noise 20 dB": noisy}, emotions,
    ...     np.repeat(["a", "b"], 4), [None] * 8,
    ... )
    >>> stress
    StressTest(name='CNN', 1 condition, 8 clips, 2 speakers)
    >>> for score in stress.summary():
    ...     print(f"{score.condition}: {score.balanced_accuracy[0]:.2f}")
    as recorded: 1.00
    white noise 20 dB: 0.75
    """

    name: str
    predictions: dict[str, NDArray[Any]]
    y_true: NDArray[Any]
    speakers: NDArray[Any] | None
    clips: list[Any]
    metadata: dict[str, NDArray[Any]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    confidence: float = 0.95
    description: str = ""
    corpus: str = ""
    sr: int = 16000
    date: str = ""

    def __post_init__(self) -> None:
        if (first := next(iter(self.predictions), None)) != AS_RECORDED:
            raise ValueError(
                f"predictions begins with {represent(first)}; expected {AS_RECORDED!r}, the "
                "predictions of the clips as they are, and then those under each condition"
            )
        lengths = {name: len(labels) for name, labels in self.predictions.items()}
        lengths |= {"y_true": len(self.y_true), "clips": len(self.clips)}
        if self.speakers is not None:
            lengths["speakers"] = len(self.speakers)
        lengths |= {name: len(values) for name, values in self.metadata.items()}
        wrong = [name for name, length in lengths.items() if length != len(self.y_true)]
        if wrong or not len(self.y_true):
            raise ValueError(
                f"y_true has {len(self.y_true)} labels, and {listed(wrong)} other numbers of "
                "values; expected one value for each of at least one clip"
            )

    @property
    def conditions(self) -> list[str]:
        """Names of the conditions that were tested, without the clips as recorded."""
        return [name for name in self.predictions if name != AS_RECORDED]

    @property
    def classes(self) -> NDArray[Any]:
        """Labels of the tested clips, sorted."""
        return np.unique(self.y_true)

    @property
    def chance(self) -> float:
        """Balanced accuracy of guessing: one divided by the number of classes with clips."""
        return score_of_guessing(self.y_true)["balanced_accuracy"]

    @property
    def n_speakers(self) -> int:
        """Number of speakers, 0 if they are unknown."""
        return 0 if self.speakers is None else len(np.unique(self.speakers))

    def summary(self) -> list[ConditionScore]:
        """Return the scores of all clips, as recorded and under each condition."""
        return self._scores(np.ones(len(self.y_true), dtype=bool), "")

    def by_class(self) -> dict[str, list[ConditionScore]]:
        """Return the scores of the clips of each emotion, of which the accuracy is the recall."""
        return {
            str(name): self._scores(self.y_true == name, str(name))
            for name in self.classes.tolist()
        }

    def by_metadata(self) -> dict[str, dict[str, list[ConditionScore]]]:
        """Return the scores for each value of each column of the metadata.

        Columns with a single value or with more than 12 are left out.
        """
        return {
            column: {value: self._scores(part, value) for value, part in parts.items()}
            for column, parts in groups_of(self.metadata).items()
        }

    def to_frame(self, by: str | None = None) -> Any:
        """Return the scores as a pandas DataFrame.

        Parameters
        ----------
        by : str or None, default=None
            None for one row per condition; "emotion" for one row per condition and emotion; the
            name of a column of the metadata, such as "sex", for one per condition and value.

        Returns
        -------
        pandas.DataFrame
            With the columns condition; ``by``, unless it is None; balanced_accuracy (the recall for
            an emotion), difference, accuracy_kept and labels_kept, each with ``..._low`` and
            ``..._high``; and n_clips.

        Raises
        ------
        ImportError
            If pandas is not installed.
        ValueError
            If there is no such column.
        """
        if by is None:
            rows = self.summary()
        else:
            groups = {EMOTION: self.by_class(), **self.by_metadata()}
            check_choice(by, "by", (None, *groups))
            # All groups of a condition beside each other.
            rows = [row for scores in zip(*groups[by].values(), strict=True) for row in scores]
        columns: dict[str, list[Any]] = {"condition": [row.condition for row in rows]}
        if by is not None:
            columns[by] = [readable(row.group) for row in rows]
        for name in _SCORES:
            for place, end in enumerate(("", "_low", "_high")):
                columns[f"{name}{end}"] = [getattr(row, name)[place] for row in rows]
        columns["n_clips"] = [row.n_clips for row in rows]
        return make_frame(columns, caller="to_frame", instead="the rows that summary() returns")

    def clips_frame(self) -> Any:
        """Return the predictions for every tested clip as a pandas DataFrame.

        Returns
        -------
        pandas.DataFrame
            With the columns path (None for a waveform), start, end and channel as far as there are
            segments, speaker and y_true, and one with the predictions under each condition.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        paths = [
            readable(os.fspath(clip)) if isinstance(clip, (str, os.PathLike)) else None
            for clip in self.clips
        ]
        known = [None] * len(paths) if self.speakers is None else self.speakers
        columns = {"path": paths, **columns_of(self.clips), "speaker": known}
        columns |= {"y_true": self.y_true, **self.predictions}
        return make_frame(columns, caller="clips_frame", instead="the dict `predictions`")

    def to_html(self, path: str | os.PathLike[str]) -> Path:
        """Write the result as a single page that needs neither network nor scripts.

        If writing fails, a page that was there before is unchanged.

        Parameters
        ----------
        path : path-like
            File to write.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        from ._stress_html import render_stress_page

        return write_file(path, render_stress_page(self))

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Save the result as JSON, for `from_json`.

        The file contains predictions, labels, speakers and the paths of the clips, but no audio and
        no pickled objects.

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
        from ._stress_saved import dump_stress

        text = dump_stress(self)
        if path is not None:
            write_file(path, text)
        return text

    @classmethod
    def from_json(cls, path: str | os.PathLike[str]) -> StressTest:
        """Load a result that `to_json` has saved. Scores are computed again.

        Parameters
        ----------
        path : path-like
            File to read.

        Returns
        -------
        StressTest
            It prints as the saved one.

        Raises
        ------
        OSError
            If the file cannot be read.
        ValueError
            If it is not such a file, or one of another format.
        """
        from ._stress_saved import parse_stress

        try:
            return cls(**parse_stress(Path(path).read_text(encoding="utf-8")))
        except ValueError as error:
            raise ValueError(
                f"Could not load a stress test from '{printable(os.fspath(path))}': {error}; "
                "expected a file that StressTest.to_json has written"
            ) from error

    def _scores(self, part: NDArray[np.bool_], group: str) -> list[ConditionScore]:
        speakers = None if self.speakers is None else self.speakers[part]
        before = self.predictions[AS_RECORDED][part]
        return [
            score_condition(
                self.y_true[part],
                before,
                after[part],
                speakers,
                condition=name,
                group=group,
                confidence=self.confidence,
            )
            for name, after in self.predictions.items()
        ]

    def __str__(self) -> str:
        from ._stress_text import render_stress

        return render_stress(self)

    def __repr__(self) -> str:
        parts = [
            f"name={shorten(repr(self.name), 60)}",
            counted(len(self.conditions), "condition"),
            counted(len(self.y_true), "clip"),
            counted(self.n_speakers, "speaker") if self.n_speakers else "unknown speakers",
        ]
        return f"StressTest({', '.join(parts)})"

    def _repr_html_(self) -> str:
        from ._stress_html import render_stress_summary

        return render_stress_summary(self)
