"""Scores and their intervals, compared with scikit-learn and with simulations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from ser_estimators.evaluation._metrics import (
    count_by_speaker,
    score,
    score_of_guessing,
    score_with_intervals,
)


def simulate(n_speakers, seed, n_classes=4, n_clips=8):
    """Simulate speakers who differ in how well their classes are recognized."""
    rng = np.random.default_rng(seed)
    speakers = np.repeat(np.arange(n_speakers), n_classes * n_clips)
    y_true = np.tile(np.repeat(np.arange(n_classes), n_clips), n_speakers)
    ease = np.clip(rng.normal(0.65, 0.15, size=(n_speakers, n_classes)), 0.02, 0.98)
    is_right = rng.random(len(y_true)) < ease[speakers, y_true]
    other = (y_true + rng.integers(1, n_classes, len(y_true))) % n_classes
    y_pred = np.where(is_right, y_true, other)
    probabilities = np.full((len(y_true), n_classes), 0.1)
    probabilities[np.arange(len(y_true)), y_pred] = 1 - 0.1 * (n_classes - 1)
    return y_true, y_pred, probabilities, speakers, n_classes


@given(seed=st.integers(0, 999), n_classes=st.integers(2, 5), n_clips=st.integers(1, 40))
@settings(max_examples=40)
def test_scores_are_those_of_scikit_learn(seed, n_classes, n_clips):
    rng = np.random.default_rng(seed)
    y_true, y_pred = rng.integers(n_classes, size=(2, n_clips))
    probabilities = rng.dirichlet(np.ones(n_classes), size=n_clips)
    counts = count_by_speaker(
        y_true, y_pred, probabilities, rng.integers(3, size=n_clips), n_classes
    )
    scores = score(counts.total())
    labels = list(range(n_classes))
    present = np.isin(labels, y_true) | np.isin(labels, y_pred)
    assert scores.accuracy == pytest.approx(metrics.accuracy_score(y_true, y_pred))
    recalls = metrics.recall_score(
        y_true, y_pred, labels=labels, average=None, zero_division=np.nan
    )
    np.testing.assert_allclose(scores.recall, recalls)
    assert scores.balanced_accuracy == pytest.approx(np.nanmean(recalls))
    f1 = metrics.f1_score(y_true, y_pred, labels=labels, average=None, zero_division=0)
    np.testing.assert_allclose(scores.f1[present], f1[present])
    assert scores.macro_f1 == pytest.approx(f1[present].mean())
    precisions = metrics.precision_score(
        y_true, y_pred, labels=labels, average=None, zero_division=np.nan
    )
    np.testing.assert_allclose(scores.precision, precisions)
    assert scores.log_loss == pytest.approx(
        metrics.log_loss(y_true, probabilities, labels=labels), rel=1e-5
    )


def test_calibration_error_by_hand():
    # Two bins: confidence 0.95, always correct; confidence 0.65, correct half of the time.
    probabilities = np.array([[0.95, 0.05]] * 2 + [[0.65, 0.35]] * 2)
    y_true = np.array([0, 0, 0, 1])
    counts = count_by_speaker(y_true, np.zeros(4, dtype=int), probabilities, np.arange(4), 2)
    scores = score(counts.total())
    assert scores.calibration_error == pytest.approx((2 * 0.05 + 2 * 0.15) / 4)


def test_all_but_one_are_the_scores_without_each_speaker():
    y_true, y_pred, probabilities, speakers, n_classes = simulate(5, 0)
    left_out = score(
        count_by_speaker(y_true, y_pred, probabilities, speakers, n_classes).all_but_one()
    )
    for speaker in range(5):
        rest = speakers != speaker
        expected = score(
            count_by_speaker(
                y_true[rest], y_pred[rest], probabilities[rest], speakers[rest], n_classes
            ).total()
        )
        for name, value in vars(expected).items():
            np.testing.assert_allclose(getattr(left_out, name)[speaker], value, err_msg=name)


# SAVEE has four speakers, RAVDESS 24, CREMA-D 91.
@pytest.mark.parametrize("n_speakers", [3, 4, 6, 24, 91])
def test_intervals_cover_the_truth(n_speakers):
    truth = score(count_by_speaker(*simulate(4000, 12345)).total())
    n_runs = 500
    names = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "calibration_error")
    hits, by_class = dict.fromkeys(names, 0), {"precision": 0.0, "recall": 0.0, "f1": 0.0}
    for run in range(n_runs):
        found = score_with_intervals(count_by_speaker(*simulate(n_speakers, run)), confidence=0.95)
        for name in [*hits, *by_class]:
            low, high = getattr(found.low, name), getattr(found.high, name)
            is_in = (low <= getattr(truth, name)) & (getattr(truth, name) <= high)
            if name in hits:
                hits[name] += bool(is_in)
            else:
                by_class[name] += is_in.mean()
    for name, count in (hits | by_class).items():
        assert 0.92 <= count / n_runs <= 0.98, name


def test_intervals_of_two_speakers_are_wide_and_cover_nine_times_in_ten():
    truth = score(count_by_speaker(*simulate(4000, 12345)).total())
    found = [
        score_with_intervals(count_by_speaker(*simulate(2, run)), confidence=0.95)
        for run in range(500)
    ]
    covers = [one.low.accuracy <= truth.accuracy <= one.high.accuracy for one in found]
    assert 0.88 <= np.mean(covers) <= 0.98
    assert np.median([one.high.accuracy - one.low.accuracy for one in found]) > 0.3


def test_intervals_over_clips_would_be_far_too_narrow():
    """Show why whole speakers are left out: the negative control of the coverage test."""
    truth = score(count_by_speaker(*simulate(4000, 12345)).total())
    hits = 0
    for run in range(200):
        y_true, y_pred, _, speakers, n_classes = simulate(12, run, n_clips=40)
        clips = np.arange(len(speakers))
        found = score_with_intervals(
            count_by_speaker(y_true, y_pred, None, clips, n_classes), confidence=0.95
        )
        hits += found.low.accuracy <= truth.accuracy <= found.high.accuracy
    assert hits / 200 < 0.85


def test_a_single_speaker_has_no_interval():
    found = score_with_intervals(count_by_speaker(*simulate(1, 0)), confidence=0.95)
    assert np.isnan(found.low.accuracy)
    assert np.isnan(found.high.recall).all()
    assert 0 < found.value.accuracy < 1


def test_a_class_of_one_speaker_has_no_interval_and_the_others_keep_theirs():
    y_true = np.array([0, 1, 0, 1, 0, 1, 2])
    speakers = np.array([0, 0, 1, 1, 2, 2, 2])
    y_pred = np.array([0, 1, 1, 1, 0, 0, 2])
    found = score_with_intervals(
        count_by_speaker(y_true, y_pred, None, speakers, 3), confidence=0.95
    )
    assert found.value.recall[2] == 1
    for name in ("recall", "precision", "f1"):
        assert np.isnan([getattr(found.low, name)[2], getattr(found.high, name)[2]]).all()
    assert np.isnan(found.low.confusion[2]).all()
    assert not np.isnan(found.low.confusion[:2]).any()
    assert found.low.recall[0] < found.value.recall[0] < found.high.recall[0]
    assert found.low.log_loss is None


def test_intervals_stay_in_range():
    for seed in range(50):
        y_true, _, _, speakers, n_classes = simulate(3, seed, n_clips=2)
        y_pred = np.where(np.random.default_rng(seed).random(len(y_true)) < 0.9, y_true, 0)
        found = score_with_intervals(
            count_by_speaker(y_true, y_pred, None, speakers, n_classes), confidence=0.99
        )
        for name in ("accuracy", "recall", "f1", "macro_f1"):
            assert (getattr(found.low, name) >= 0).all()
            assert (getattr(found.high, name) <= 1).all()


def test_intervals_are_wider_at_a_higher_level():
    counts = count_by_speaker(*simulate(10, 0))
    found = [score_with_intervals(counts, confidence=level) for level in (0.5, 0.9, 0.99)]
    widths = [float(one.high.accuracy - one.low.accuracy) for one in found]
    assert widths == sorted(widths)


@given(seed=st.integers(0, 999), n_classes=st.integers(1, 5), n_clips=st.integers(1, 40))
@settings(max_examples=20)
def test_guessing_is_scored_as_scikit_learn_would(seed, n_classes, n_clips):
    y_true = np.random.default_rng(seed).integers(n_classes, size=n_clips)
    names, counts = np.unique(y_true, return_counts=True)
    frequent = np.repeat(names[counts.argmax()], n_clips)
    guesses = score_of_guessing(y_true)
    assert guesses["accuracy"] == pytest.approx(metrics.accuracy_score(y_true, frequent))
    recalls = metrics.recall_score(y_true, frequent, labels=names, average="macro", zero_division=0)
    assert guesses["balanced_accuracy"] == pytest.approx(recalls)
    if len(names) > 1:
        frequencies = np.tile(counts / n_clips, (n_clips, 1))
        assert guesses["log_loss"] == pytest.approx(
            metrics.log_loss(y_true, frequencies, labels=names)
        )
    else:
        assert guesses["log_loss"] == 0


def test_representations_are_short():
    counts = count_by_speaker(*simulate(24, 0))
    found = score_with_intervals(counts, confidence=0.95)
    assert repr(counts) == "Counts(768 clips, shape (24, 4, 4))"
    assert repr(score(counts)) == "Scores(of sets of clips, shape (24,))"
    value, low, high = (float(s.balanced_accuracy) for s in (found.value, found.low, found.high))
    assert repr(found) == (
        f"Interval(balanced accuracy {value:.3f}, {low:.3f} to {high:.3f} at level 0.95, "
        "n_speakers=24)"
    )
    assert repr(found.value).startswith("Scores(accuracy=0.")
    assert repr(found.value).endswith(", 4 classes)")
