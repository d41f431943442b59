"""Scores of models that were trained on one corpus and tested on others."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._utils.frames import make_frame
from .._utils.text import readable, represent, shorten
from ._text import counted, explain_few, format_score

__all__ = ["CorpusLeak", "CrossCorpus", "CrossScore"]

_WIDTH = 79  # characters of a line
_NAME_WIDTH = 16
_CELL_WIDTH = 18
_MAX_CELLS = 3  # in a line


class CrossScore(NamedTuple):
    """Score of a model that was trained on one corpus, on the clips of one corpus.

    Parameters
    ----------
    trained, tested : str
        Names of the corpora. If both are the same, speakers were held out in cross-validation.
    is_adapted : bool
        Whether the model received the speakers of the test clips, without labels.
    balanced_accuracy : float in [0, 1]
        Mean of the recalls of all emotions.
    low, high : float
        Ends of its confidence interval over speakers; NaN with a single speaker.
    n_clips, n_speakers : int > 0
        Number of test clips, and of their speakers.

    Examples
    --------
    >>> from ser_estimators.evaluation import CrossScore
    >>> CrossScore("ravdess", "nemo", False, 0.41, 0.35, 0.47, 1300, 9).balanced_accuracy
    0.41
    """

    trained: str
    tested: str
    is_adapted: bool
    balanced_accuracy: float
    low: float
    high: float
    n_clips: int
    n_speakers: int


class CorpusLeak(NamedTuple):
    """Recordings that are in both training and test of some scores, which are too high.

    Parameters
    ----------
    first, second : str
        Names of the corpora that have them; the same one if they cross the folds within it.
    n_pairs : int > 0
        Number of pairs of clips.
    """

    first: str
    second: str
    n_pairs: int


@dataclass(frozen=True, eq=False, repr=False)
class CrossCorpus:
    """Result of `cross_corpus`: prints as a matrix of corpora by corpora.

    Parameters
    ----------
    name : str
        Name of the system.
    emotions : list of str
        The emotions that all corpora have, and the only ones that were used.
    corpora : list of str
        Names of the corpora.
    scores : list of CrossScore
        One for each pair of corpora, and a second one if the model adapts to speakers.
    n_folds : dict of {str: int}
        Number of folds within each corpus.
    leaks : list of (str, str, int), default=[]
        Corpora that share recordings, or one corpus twice, whose folds do, with the number of pairs
        of clips. The scores of these corpora are too high.

    See Also
    --------
    cross_corpus : Train and test.

    Examples
    --------
    >>> from ser_estimators.evaluation import CrossCorpus, CrossScore
    >>> scores = [
    ...     CrossScore(trained, tested, False, value, value - 0.05, value + 0.05, 100, 4)
    ...     for trained, tested, value in [
    ...         ("a", "a", 0.7), ("a", "b", 0.4), ("b", "a", 0.3), ("b", "b", 0.6)
    ...     ]
    ... ]
    >>> found = CrossCorpus("CNN", ["anger", "sadness"], ["a", "b"], scores, {"a": 5, "b": 5})
    >>> found.matrix().tolist()
    [[0.7, 0.4], [0.3, 0.6]]
    >>> found.score("a", "b").balanced_accuracy
    0.4
    """

    name: str
    emotions: list[str]
    corpora: list[str]
    scores: list[CrossScore]
    n_folds: dict[str, int]
    leaks: list[CorpusLeak] = field(default_factory=list)

    def __repr__(self) -> str:
        return (
            f"CrossCorpus(name={shorten(represent(self.name), 40)}, "
            f"{len(self.corpora)} corpora, "
            f"{counted(len(self.emotions), 'emotion')})"
        )

    @property
    def is_adapted(self) -> bool:
        """Whether all pairs of corpora have scores that are adapted to speakers."""
        return sum(score.is_adapted for score in self.scores) == len(self.corpora) ** 2

    @property
    def chance(self) -> float:
        """Balanced accuracy of guessing."""
        return 1 / len(self.emotions)

    def score(self, trained: str, tested: str, *, adapted: bool = False) -> CrossScore:
        """Return the score of one pair of corpora.

        Parameters
        ----------
        trained, tested : str
            Names of corpora.
        adapted : bool, default=False
            Whether the model received the speakers of the test clips.

        Returns
        -------
        CrossScore

        Raises
        ------
        KeyError
            If there is no such score.
        """
        for score in self.scores:
            if score[:3] == (trained, tested, adapted):
                return score
        kind = " that is adapted to speakers" if adapted else ""
        raise KeyError(
            f"there is no score{kind} of a model trained on {trained!r} and tested on {tested!r}; "
            f"the corpora are {', '.join(self.corpora)}"
        )

    def matrix(self, *, adapted: bool = False) -> NDArray[np.float64]:
        """Return the balanced accuracies.

        Parameters
        ----------
        adapted : bool, default=False
            Whether the models received the speakers of the test clips.

        Returns
        -------
        ndarray of shape (n_corpora, n_corpora)
            Rows are the corpora that were trained on, and columns those that were tested, both in
            the order of `corpora`.
        """
        values = [
            [self.score(row, column, adapted=adapted).balanced_accuracy for column in self.corpora]
            for row in self.corpora
        ]
        return np.array(values)

    def to_frame(self) -> Any:
        """Return the scores as a pandas DataFrame, one row for each.

        Returns
        -------
        pandas.DataFrame
            With the attributes of `CrossScore` as columns.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        columns = {
            name: [getattr(score, name) for score in self.scores] for name in CrossScore._fields
        }
        return make_frame(columns, caller="to_frame", instead="scores")

    def to_json(self) -> str:
        """Return everything as JSON, with null for intervals that do not exist.

        Returns
        -------
        str
        """
        content = asdict(self) | {
            "chance": self.chance,
            "leaks": [leak._asdict() for leak in self.leaks],
            "scores": [
                {
                    name: None if value != value else value  # NaN
                    for name, value in score._asdict().items()
                }
                for score in self.scores
            ],
        }
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"

    def __str__(self) -> str:
        lines = [
            *textwrap.wrap(self.name, _WIDTH),
            *textwrap.wrap(
                f"{counted(len(self.emotions), 'shared emotion')}: "
                f"{', '.join(map(str, self.emotions))}",
                _WIDTH,
            ),
            "",
            *self._table(adapted=False),
        ]
        if self.is_adapted:
            lines += ["", *self._table(adapted=True)]
        for leak in self.leaks:
            lines += ["", *textwrap.wrap(_explain_leak(leak), _WIDTH, subsequent_indent="  ")]
        lines += ["", *textwrap.wrap(self._explanation(), _WIDTH)]
        return readable("\n".join(lines))

    def _table(self, *, adapted: bool) -> Iterator[str]:
        yield (
            "UAR, adapted to each speaker of the test clips, without labels"
            if adapted
            else "UAR, balanced accuracy"
        )
        names = self._short_names()
        for start in range(0, len(self.corpora), _MAX_CELLS):
            shown = self.corpora[start : start + _MAX_CELLS]
            # Names end above the last digit, which a mark or a space follows.
            head = "".join(f"{names[name]:>{_CELL_WIDTH - 1}} " for name in shown)
            yield f"{'trained on':<{_NAME_WIDTH}}{head}".rstrip()
            for trained in self.corpora:
                cells = [self._cell(trained, tested, adapted=adapted) for tested in shown]
                body = "".join(f"{cell:>{_CELL_WIDTH}}" for cell in cells)
                yield f"{names[trained]:<{_NAME_WIDTH}}{body}".rstrip()

    def _short_names(self) -> dict[str, str]:
        """Return the name of each corpus in the matrix; names that would be the same have numbers.

        What tells long names apart is often their end.
        """
        short = {name: shorten(name, _NAME_WIDTH - 1) for name in self.corpora}
        if len(set(short.values())) == len(short):
            return short
        numbered = enumerate(self.corpora, start=1)
        return {name: shorten(f"{number}: {name}", _NAME_WIDTH - 1) for number, name in numbered}

    def _cell(self, trained: str, tested: str, *, adapted: bool) -> str:
        score = self.score(trained, tested, adapted=adapted)
        mark = "*" if trained == tested else " "
        value = format_score(score.balanced_accuracy)
        # The ends of an interval are cut at 0 and 1.
        half = max(score.balanced_accuracy - score.low, score.high - score.balanced_accuracy)
        return f"{value}{mark}" if np.isnan(half) else f"{value} ± {format_score(half)}{mark}"

    def _explanation(self) -> str:
        numbers = sorted(set(self.n_folds.values()))
        n_folds = f"{numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else f"{numbers[0]}"
        return (
            "Columns are the corpora that a model is tested on, ± the longer side of an "
            f"interval over speakers. * Within a corpus, speakers are held out in {n_folds} folds; "
            "otherwise, the model is trained on all clips of a corpus. "
            f"Guessing gives a UAR of {self.chance:.3f}."
            f"{explain_few(min(score.n_speakers for score in self.scores))}"
        )


def _explain_leak(leak: CorpusLeak) -> str:
    pairs = "1 pair" if leak.n_pairs == 1 else f"{leak.n_pairs} pairs"
    if leak.first == leak.second:
        return (
            f"! The same recording is in both training and test within {leak.first}, in {pairs} "
            "of clips: this score is too high."
        )
    return (
        f"! The same recording is in both {leak.first} and {leak.second}, in {pairs} of clips: the "
        "scores of one on the other are too high."
    )
