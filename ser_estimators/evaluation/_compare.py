"""Comparison of systems on the same folds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import permutation_test
from sklearn.utils import check_scalar

from ._metrics import count_by_speaker, score
from ._report import EvaluationReport, Protocol
from ._text import counted

__all__ = ["Comparison", "compare"]

# All sign patterns are used for up to 14 speakers, which have 2^14 of them; for more, this many are
# drawn.
_N_PATTERNS = 20_000


@dataclass(frozen=True)
class Comparison:
    """Result of `compare`: prints as a table.

    Parameters
    ----------
    scores : dict of str to float
        Balanced accuracy of each system, averaged over speakers.
    differences : list of (str, str, float, float)
        First system, second system, difference of their scores, p-value.
    n_speakers : int > 0
        Number of speakers.

    See Also
    --------
    compare : Compare several reports.

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
    p: two-sided paired permutation test over 24 speakers
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
        speakers = counted(self.n_speakers, "speaker")
        lines += ["", f"p: two-sided paired permutation test over {speakers}"]
        least = 2 / 2**self.n_speakers
        if least > 0.05:
            lines.append(f"with {speakers}, p cannot be below {least:.3g}")
        if len(self.differences) > 1:
            lines.append(f"p is not corrected for the number of pairs, {len(self.differences)}")
        return "\n".join(lines)


def compare(
    reports: Mapping[str, EvaluationReport], *, protocol: str | None = None, random_state: int = 0
) -> Comparison:
    """Compare systems that were evaluated on the same folds.

    Each speaker contributes one pair of scores, because clips of one speaker are not independent.
    If two systems perform equally, the difference of each speaker is as likely to be positive as
    negative; the p-value is the fraction of sign patterns whose mean is at least as far from zero
    as the observed one [1]_. With n speakers it cannot be below 2 / 2^n. It is not corrected for
    the number of pairs of systems.

    Parameters
    ----------
    reports : dict of str to EvaluationReport
        At least two reports, by name.
    protocol : str or None, default=None
        Name of the protocol to compare; None uses the first of each report.
    random_state : int, default=0
        Seeds the sign patterns, which are drawn at random for more than 14 speakers.

    Returns
    -------
    Comparison
        ``print(comparison)`` shows it as a table.

    Raises
    ------
    TypeError
        If `reports` is not a dict of reports by name.
    ValueError
        If there are fewer than two reports, if one has no such protocol or no speakers, or if their
        folds differ.

    See Also
    --------
    evaluate : Evaluate a classifier and return a report.
    scipy.stats.permutation_test : The test, with ``permutation_type="samples"``.

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
    check_scalar(random_state, "random_state", Integral, min_val=0)
    _check_reports(reports)
    chosen = {name: _choose(name, report, protocol) for name, report in reports.items()}
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


def _check_reports(reports: Any) -> None:
    expected = 'expected a dict of reports by name, such as {"cnn": evaluate(...), ...}'
    if not isinstance(reports, Mapping):
        raise TypeError(f"reports is a {type(reports).__name__}; {expected}")
    for name, report in reports.items():
        if not isinstance(name, str):
            raise TypeError(f"reports has the name {name!r:.80}, which is not a string; {expected}")
        if not isinstance(report, EvaluationReport):
            raise TypeError(f"reports[{name!r:.80}] is a {type(report).__name__}; {expected}")
    if len(reports) < 2:
        raise ValueError(
            f"reports contains {counted(len(reports), 'report')}; expected at least two"
        )


def _choose(name: str, report: EvaluationReport, protocol: str | None) -> Protocol:
    """Return the protocol of a report that is compared."""
    key = next(iter(report.protocols)) if protocol is None else protocol
    if not isinstance(key, str) or key not in report.protocols:
        raise ValueError(
            f"report {name!r:.80} has no protocol {key!r:.80}; expected one of "
            f"{', '.join(map(repr, report.protocols))}"
        )
    chosen = report.protocols[key]
    if chosen.speakers is None:
        raise ValueError(
            f"report {name!r:.80} has no speakers. Clips of one speaker are not independent, so no "
            "p-value can be computed from clips alone; pass speakers to evaluate"
        )
    return chosen


def _check_same_folds(first: str, a: Protocol, second: str, b: Protocol) -> None:
    same = len(a.folds) == len(b.folds) and all(
        np.array_equal(x.train, y.train) and np.array_equal(x.test, y.test)
        for x, y in zip(a.folds, b.folds, strict=True)
    )
    same = same and np.array_equal(a.y_true, b.y_true)
    if not (same and np.array_equal(_speakers_of(a), _speakers_of(b))):
        raise ValueError(
            f"reports {first!r:.80} and {second!r:.80} have different folds or clips; evaluate "
            "both with the same X, y, speakers and cv"
        )


def _speakers_of(protocol: Protocol) -> NDArray[Any]:
    assert protocol.speakers is not None  # checked by _choose
    return protocol.speakers


def _speaker_scores(protocol: Protocol) -> NDArray[np.float64]:
    """Return the balanced accuracy of each speaker, in sorted order."""
    index = {name: i for i, name in enumerate(protocol.classes.tolist())}
    counts = count_by_speaker(
        np.array([index[label] for label in protocol.y_true.tolist()]),
        np.array([index[label] for label in protocol.y_pred.tolist()]),
        None,
        _speakers_of(protocol),
        len(index),
    )
    return score(counts).balanced_accuracy


def _p_value(differences: NDArray[np.float64], rng: np.random.Generator) -> float:
    """Test whether the differences of speakers have mean zero, by flipping their signs."""
    if len(differences) == 1:  # scipy raises; both sign patterns are equally far from zero
        return 1.0
    result = permutation_test(
        (differences,),
        _distance_from_zero,
        permutation_type="samples",
        vectorized=True,
        n_resamples=_N_PATTERNS,
        alternative="greater",
        random_state=rng,
    )
    return float(result.pvalue)


def _distance_from_zero(differences: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    # Rounded, because equal means may differ in their last bits, and scipy's own tolerance is
    # relative to the observed mean, which may be nearly zero.
    return np.abs(differences.mean(axis=axis)).round(9)
