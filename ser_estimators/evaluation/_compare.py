"""Systems side by side on the same folds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ._metrics import count_by_speaker, score
from ._report import EvaluationReport, Protocol

__all__ = ["Comparison", "compare"]

# With more speakers than this, sign patterns are drawn instead of all being counted.
_MAX_EXACT = 14
_N_PATTERNS = 20_000


@dataclass(frozen=True)
class Comparison:
    """Result of `compare`: prints as a table.

    Parameters
    ----------
    scores : dict of str to float
        Balanced accuracy of each system, the mean over speakers.
    differences : list of (str, str, float, float)
        First system, second system, difference of their scores, p-value.
    n_speakers : int

    Examples
    --------
    >>> from ser_estimators.evaluation import Comparison
    >>> print(Comparison({"cnn": 0.7, "svm": 0.5}, [("cnn", "svm", 0.2, 0.004)], 24))
    balanced accuracy, mean over speakers
    <BLANKLINE>
    cnn  0.700
    svm  0.500
    <BLANKLINE>
    difference              p
    cnn - svm  +0.200  0.0040
    <BLANKLINE>
    p: paired permutation test over 24 speakers, two-sided
    """

    scores: dict[str, float]
    differences: list[tuple[str, str, float, float]]
    n_speakers: int

    def __str__(self) -> str:
        width = max(len(name) for name in self.scores)
        lines = ["balanced accuracy, mean over speakers", ""]
        lines += [
            f"{name:<{width}}  {value:.3f}"
            for name, value in sorted(self.scores.items(), key=lambda item: -item[1])
        ]
        lines += ["", f"{'difference':<{2 * width + 3}}  {'':>6}       p"]
        lines += [
            f"{first + ' - ' + second:<{2 * width + 3}}  {difference:>+6.3f}  {p:>6.4f}"
            for first, second, difference, p in self.differences
        ]
        lines += ["", f"p: paired permutation test over {self.n_speakers} speakers, two-sided"]
        least = 2 / 2**self.n_speakers
        if least > 0.05:
            lines.append(f"with {self.n_speakers} speakers it cannot be under {least:.3g}")
        if len(self.differences) > 1:
            n_pairs = len(self.differences)
            lines.append(f"each of the {n_pairs} pairs by itself: of many, some differ by chance")
        return "\n".join(lines)


def compare(
    reports: Mapping[str, EvaluationReport], *, protocol: str | None = None, random_state: int = 0
) -> Comparison:
    """Compare systems that were evaluated on the same folds.

    Each speaker is one pair of scores, because clips of a speaker are no independent draws. Under
    the hypothesis that two systems are alike, the sign of each speaker's difference is a coin; the
    p-value is the share of sign patterns whose mean is as far from zero [1]_. With n speakers it
    cannot be under 2 / 2^n, and those of several pairs are not corrected for their number.

    Parameters
    ----------
    reports : dict of str to EvaluationReport
        At least two, by name.
    protocol : str or None, default=None
        Which protocol of the reports; None takes the first.
    random_state : int, default=0
        Draws sign patterns where there are too many speakers to count them all.

    Returns
    -------
    Comparison

    Raises
    ------
    TypeError
        If `reports` is no dict of reports.
    ValueError
        If there are fewer than two reports, or their folds differ.

    References
    ----------
    .. [1] E. S. Edgington and P. Onghena, "Randomization tests", 4th ed., Chapman & Hall, 2007.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> import numpy as np
    >>> from ser_estimators.evaluation import compare, evaluate
    >>> clips = list(np.random.default_rng(0).normal(size=(12, 900)))
    >>> emotions, speakers = ["anger", "fear"] * 6, np.repeat(["a", "b", "c"], 4)
    >>> reports = {
    ...     name: evaluate(DummyClassifier(strategy=name), clips, emotions, speakers, cv=3)
    ...     for name in ("prior", "stratified")
    ... }
    >>> compare(reports).n_speakers
    3
    """
    if not isinstance(reports, Mapping) or not all(
        isinstance(report, EvaluationReport) for report in reports.values()
    ):
        raise TypeError(
            f"reports is {reports!r:.200}; expected a dict of names to what evaluate returned, "
            'such as {"cnn": evaluate(...), "svm": evaluate(...)}'
        )
    if len(reports) < 2:
        raise ValueError(f"reports holds {len(reports)}; expected at least two to compare")
    chosen = {}
    for name, report in reports.items():
        key = protocol or next(iter(report.protocols))
        if key not in report.protocols:
            raise ValueError(
                f"report {name!r} has no protocol {key!r}; it has {', '.join(report.protocols)}"
            )
        chosen[name] = report.protocols[key]
    names = list(chosen)
    for name in names[1:]:
        _check_same_folds(names[0], chosen[names[0]], name, chosen[name])
    by_speaker = {name: _speaker_scores(part) for name, part in chosen.items()}
    rng = np.random.default_rng(random_state)
    differences = []
    for first, second in combinations(names, 2):
        difference = by_speaker[first] - by_speaker[second]
        differences.append((first, second, float(difference.mean()), _p_value(difference, rng)))
    return Comparison(
        {name: float(values.mean()) for name, values in by_speaker.items()},
        differences,
        len(next(iter(by_speaker.values()))),
    )


def _check_same_folds(first: str, a: Protocol, second: str, b: Protocol) -> None:
    same = len(a.folds) == len(b.folds) and all(
        np.array_equal(x.train, y.train) and np.array_equal(x.test, y.test)
        for x, y in zip(a.folds, b.folds, strict=True)
    )
    if not (same and np.array_equal(a.y_true, b.y_true) and np.array_equal(a.speakers, b.speakers)):
        raise ValueError(
            f"reports {first!r} and {second!r} are of different folds or clips; evaluate both with "
            "the same X, y, speakers and cv"
        )


def _speaker_scores(protocol: Protocol) -> NDArray[np.float64]:
    """Balanced accuracy of each speaker, in sorted order."""
    index = {name: i for i, name in enumerate(protocol.classes.tolist())}
    counts = count_by_speaker(
        np.array([index[label] for label in protocol.y_true.tolist()]),
        np.array([index[label] for label in protocol.y_pred.tolist()]),
        None,
        protocol.speakers,
        len(index),
    )
    return score(counts).balanced_accuracy


def _p_value(difference: NDArray[np.float64], rng: np.random.Generator) -> float:
    n = len(difference)
    if n <= _MAX_EXACT:
        patterns = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    else:
        patterns = rng.integers(2, size=(_N_PATTERNS, n))
    means = np.abs((1 - 2 * patterns) @ difference)
    # Rounding must not make a pattern less extreme than the observed one that it equals.
    as_extreme = int((means >= abs(difference.sum()) - 1e-12).sum())
    if n <= _MAX_EXACT:
        return as_extreme / len(patterns)
    return (as_extreme + 1) / (len(patterns) + 1)
