"""Thresholds for a precision, and sets of labels with a coverage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ser_estimators._estimators.selection import (
    conformal_scores,
    conformal_threshold,
    precision_curve,
    threshold_for,
)


def test_the_bound_of_independent_clips_is_binomial():
    rng = np.random.default_rng(0)
    confidence = rng.random(200)
    right = rng.random(200) < confidence
    curve = precision_curve(confidence, right, None, 0.9)
    k, n = right.sum(), len(right)
    assert curve["answered"][-1] == 1
    assert curve["precision"][-1] == pytest.approx(k / n)
    test = stats.binomtest(int(k), n, alternative="greater")
    assert curve["low"][-1] == pytest.approx(test.proportion_ci(0.9, method="exact").low)


def test_the_bound_over_speakers_is_that_of_their_mean():
    """With as many answers each, the jackknife is the t interval of the mean over speakers."""
    shares = np.array([0.9, 0.8, 0.5, 0.7])
    speakers = np.repeat(np.arange(4), 1000)
    right = np.concatenate([np.arange(1000) < 1000 * share for share in shares])
    curve = precision_curve(np.ones(4000), right, speakers, 0.9)
    error = shares.std(ddof=1) / 2
    assert curve["low"].tolist() == pytest.approx([shares.mean() - stats.t.ppf(0.9, 3) * error])


def test_a_few_right_answers_promise_little():
    """All speakers agree, but on three clips."""
    curve = precision_curve(np.ones(3), np.ones(3, bool), np.arange(3), 0.9)
    assert curve["precision"].tolist() == [1]
    assert curve["low"].tolist() == pytest.approx([0.1 ** (1 / 3)])


def test_answers_of_one_speaker_promise_nothing():
    confidence = np.r_[np.full(100, 0.9), np.full(100, 0.1)]
    curve = precision_curve(confidence, np.ones(200, bool), np.repeat([0, 1], 100), 0.9)
    assert curve["low"][0] == 0
    assert curve["low"][-1] > 0.9


def test_nothing_was_held_out():
    curve = precision_curve(np.empty(0), np.empty(0, bool), None, 0.9)
    assert threshold_for(curve, 0.1) == np.inf


def test_the_lowest_threshold_counts():
    curve = {
        "threshold": np.array([0.9, 0.7, 0.5, 0.3]),
        "low": np.array([0.5, 0.9, 0.8, 0.6]),
    }
    assert threshold_for(curve, 0.8) == 0.5
    assert threshold_for(curve, 0.55) == 0.3
    assert threshold_for(curve, 0.95) == np.inf


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 12), st.floats(0.05, 0.95), st.integers(0, 2**32 - 1))
def test_coverage_of_exchangeable_clips(n, coverage, seed):
    """Each of n + 1 clips is the new one in turn: exactly what exchangeable clips promise."""
    truth = np.round(np.random.default_rng(seed).random(n + 1), 1)  # with ties
    covered = []
    for new in range(n + 1):
        old = np.delete(truth, new)
        scores = conformal_scores(old[:, None], np.zeros(n, dtype=int), None)
        covered.append(truth[new] >= conformal_threshold(scores, coverage))
    assert np.mean(covered) >= coverage - 1e-9


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.integers(1, 5), min_size=2, max_size=8),
    st.floats(0.05, 0.95),
    st.integers(0, 2**32 - 1),
)
def test_coverage_of_exchangeable_speakers(n_clips, coverage, seed):
    """Each speaker is the new one in turn, whose clips have the same weight together."""
    rng = np.random.default_rng(seed)
    speakers = np.repeat(np.arange(len(n_clips)), n_clips)
    truth = rng.random(len(speakers)) * rng.random(len(n_clips))[speakers]
    covered = []
    for new in range(len(n_clips)):
        old = speakers != new
        # Two speakers leave one, whose clips are treated as independent ones.
        if len(n_clips) == 2:
            return
        scores = conformal_scores(truth[old][:, None], np.zeros(old.sum(), int), speakers[old])
        covered.append(np.mean(truth[~old] >= conformal_threshold(scores, coverage)))
    assert np.mean(covered) >= coverage - 1e-9


def test_speakers_have_equal_weights():
    truth = np.array([0.9, 0.8, 0.7, 0.6, 0.1])
    speakers = np.array(["a", "a", "a", "a", "b"])
    scores = conformal_scores(truth[:, None], np.zeros(5, dtype=int), speakers)
    np.testing.assert_allclose(scores[:, 1], [1 / 12, 2 / 12, 3 / 12, 4 / 12, 8 / 12])
    assert conformal_threshold(scores, 0.3) == 0.6
    assert conformal_threshold(scores, 2 / 3) == 0.1
    assert conformal_threshold(scores, 0.7) == 0  # all labels
