"""Comparison of systems, and its p-values."""

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from ser_estimators.evaluation import compare, evaluate
from ser_estimators.evaluation._compare import _p_value

from .helpers import Loudness


def test_compare(voices, report):
    worse = evaluate(DummyClassifier(), voices.data, voices.target, voices.speakers, cv=3)
    result = compare({"level": report, "prior": worse})
    assert result.n_speakers == 6
    assert result.scores["prior"] == pytest.approx(1 / 3)
    ((first, second, difference, p),) = result.differences
    assert (first, second) == ("level", "prior")
    assert difference == pytest.approx(result.scores["level"] - result.scores["prior"])
    assert p == pytest.approx(2 / 2**6)  # better for each of the six
    assert "level - prior" in str(result)
    assert "over 6 speakers" in str(result)
    same = compare({"a": report, "b": report}).differences[0]
    assert same[2:] == (0.0, 1.0)


def test_the_table_mentions_the_limits_of_its_p_values(voices, report):
    pairs = compare({"a": report, "b": report, "c": report})
    assert "p is not corrected for the number of pairs, 3" in str(pairs)
    assert "cannot be below" not in str(pairs)
    four = np.isin(voices.speakers, ["01", "02", "03", "04"])
    arguments = [np.array(voices.data)[four], voices.target[four], voices.speakers[four]]
    few = evaluate(Loudness(), *arguments, cv=2)
    assert "with 4 speakers, p cannot be below 0.125" in str(compare({"a": few, "b": few}))


@pytest.mark.parametrize(
    ("reports", "message"),
    [
        (lambda report: [report, report], "^reports is a list; expected a dict of reports by name"),
        (lambda report: [], "^reports is a list; expected a dict"),
        (lambda report: None, "^reports is a NoneType; expected a dict"),
        (lambda report: report, "^reports is a EvaluationReport; expected a dict"),
        (lambda report: {"a": report, "b": 0.7}, r"^reports\['b'\] is a float; expected a dict"),
        (
            lambda report: {"a": report, 3: report},
            "^reports has the name 3, which is not a string;",
        ),
    ],
)
def test_compare_takes_a_dict_of_reports(report, reports, message):
    with pytest.raises(TypeError, match=message) as caught:
        compare(reports(report))
    assert len(str(caught.value)) < 200


def test_compare_checks_its_other_parameters(report):
    both = {"a": report, "b": report}
    for wrong in (["random split"], 3, ""):
        with pytest.raises(
            ValueError, match="^report 'a' has no protocol .*; expected one of 'spea"
        ):
            compare(both, protocol=wrong)
    with pytest.raises(TypeError, match="random_state must be an instance of int, not str"):
        compare(both, random_state="x")


def test_compare_refuses_other_folds(voices, report):
    other = evaluate(Loudness(), voices.data, voices.target, voices.speakers, cv=2)
    with pytest.raises(ValueError, match="'a' and 'b' have different folds or clips; evaluate bo"):
        compare({"a": report, "b": other})
    with pytest.raises(ValueError, match="reports contains 1 report; expected at least two"):
        compare({"a": report})
    with pytest.raises(ValueError, match="report 'b' has no protocol 'random split'; expected one"):
        compare({"a": report, "b": other}, protocol="random split")


def by_counting(differences):
    """Count the sign patterns whose sum is as far from zero, all 2^n of them."""
    n = len(differences)
    patterns = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
    sums = np.abs(patterns @ differences)
    return float(np.mean(sums >= abs(differences.sum()) - 1e-12))


@pytest.mark.parametrize("n_speakers", [1, 2, 3, 5, 8, 14])
@pytest.mark.parametrize("n_clips", [2, 3, 7])
def test_p_values_of_few_speakers_are_exact(n_speakers, n_clips):
    rng = np.random.default_rng(0)
    for _ in range(1 if n_speakers == 14 else 10):
        # Recalls of so few clips are often equal, and their means differ in the last bits.
        recalls = rng.integers(n_clips + 1, size=(2, n_speakers, 7)) / n_clips
        differences = np.subtract(*recalls.mean(axis=2))
        assert _p_value(differences, rng) == by_counting(differences)


def test_a_mean_that_rounding_alone_keeps_from_zero_is_not_a_difference():
    differences = np.array([0.1, 0.2, -0.3])
    assert differences.mean() != 0
    assert _p_value(differences, np.random.default_rng(0)) == 1


def test_p_values_of_many_speakers_are_estimated_and_reproducible():
    differences = np.random.default_rng(0).normal(0.8, 1, size=16)
    one, again, other = (_p_value(differences, np.random.default_rng(i)) for i in (0, 0, 1))
    assert one == again
    assert one != other
    exact = by_counting(differences)
    assert 0.01 < exact < 0.5
    for estimate in (one, other):  # within four standard errors of 20,000 draws
        assert abs(estimate - exact) < 4 * np.sqrt(exact * (1 - exact) / 20_000)


@pytest.mark.parametrize(("n_speakers", "n_runs"), [(8, 300), (20, 100)])
def test_p_values_are_uniform_without_a_difference_and_small_with_one(n_speakers, n_runs):
    rng = np.random.default_rng(0)
    values = np.array([_p_value(rng.normal(size=n_speakers), rng) for _ in range(n_runs)])
    assert 0.02 <= (values <= 0.05).mean() <= 0.09
    assert values.min() > 0
    assert _p_value(rng.normal(2, 1, size=n_speakers), rng) < 0.02
