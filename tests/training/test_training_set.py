"""Training sets: copies, weights, targets, and the validation split."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_estimators._training.training_set import TrainingSet, make_training_set, soft_targets
from ser_estimators._training.validation import split_off_validation


def clips_of(n_clips, seed=0):
    rng = np.random.default_rng(seed)
    coefficients = rng.normal(size=(n_clips, 2, 6)).astype(np.float32)
    return coefficients, rng.integers(0, 3, n_clips), np.full(n_clips, 6)


@given(weights=st.lists(st.integers(0, 4), min_size=2, max_size=20), seed=st.integers(0, 99))
def test_weight_is_a_number_of_copies_and_order_has_no_effect(weights, seed):
    weights = np.array([1, *weights])
    coefficients, labels, n_frames = clips_of(len(weights))
    weighted = make_training_set(
        coefficients, labels, n_frames, sample_weight=weights.astype(float)
    )
    order = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(weights)), weights))
    repeated = make_training_set(coefficients[order], labels[order], n_frames[order])
    for name in ("labels", "copies", "weights"):
        assert np.array_equal(getattr(weighted, name), getattr(repeated, name)), name
    assert np.array_equal(coefficients[weighted.rows], coefficients[order][repeated.rows])
    assert weighted.copies.sum() == weights.sum()
    assert len(weighted.with_copies()) == weights.sum()


@given(
    weights=st.lists(st.floats(0.01, 5), min_size=2, max_size=20),
    scale=st.floats(0.001, 1),
)
def test_ratios_of_weights_are_preserved(weights, scale):
    weights = np.array(weights)
    coefficients, labels, n_frames = clips_of(len(weights))
    clips = make_training_set(coefficients, labels, n_frames, sample_weight=weights)
    counted = clips.copies * clips.weights
    np.testing.assert_allclose(
        counted / counted.sum(), weights[clips.rows] / weights.sum(), rtol=1e-4
    )
    np.testing.assert_allclose(np.average(clips.weights, weights=clips.copies), 1, rtol=1e-5)
    small = weights / weights.max() * scale
    scaled = make_training_set(coefficients, labels, n_frames, sample_weight=small)
    assert (scaled.copies == 1).all()


def test_clips_of_weight_zero_are_left_out():
    coefficients, labels, n_frames = clips_of(5)
    weights = np.array([1, 0, 1, 0, 1.0])
    clips = make_training_set(coefficients, labels, n_frames, sample_weight=weights)
    assert sorted(clips.rows) == [0, 2, 4]


def test_padding_does_not_distinguish_clips():
    coefficients, labels, n_frames = clips_of(4)
    padded = np.pad(coefficients, ((0, 0), (0, 0), (0, 3)))
    first = make_training_set(coefficients, labels, n_frames)
    second = make_training_set(padded, labels, n_frames)
    assert np.array_equal(first.rows, second.rows)


def test_equal_clips_with_different_labels_are_distinct_but_in_one_group():
    coefficients, _, n_frames = clips_of(3)
    coefficients[1] = coefficients[0]
    clips = make_training_set(coefficients, np.array([0, 1, 1]), n_frames)
    assert len(clips) == 3
    assert len(np.unique(clips.groups)) == 2


def test_class_weights_change_the_loss_but_not_the_number_of_copies():
    coefficients, _, n_frames = clips_of(6)
    labels = np.array([0, 0, 0, 0, 1, 1])
    balanced = make_training_set(coefficients, labels, n_frames, class_weight="balanced")
    totals = np.bincount(balanced.labels, weights=balanced.weights)
    assert totals[0] == pytest.approx(totals[1])
    named = make_training_set(coefficients, labels, n_frames, class_weight={0: 1.0, 1: 3.0})
    ratio = named.weights[named.labels == 1][0] / named.weights[named.labels == 0][0]
    assert ratio == pytest.approx(3)
    assert (balanced.copies == 1).all()
    assert (named.copies == 1).all()


def test_clips_of_classes_of_weight_zero_are_left_out():
    coefficients, _, n_frames = clips_of(6)
    labels = np.array([0, 0, 1, 1, 2, 2])
    groups = np.array(["a", "b", "c", "c", "a", "b"])
    clips = make_training_set(
        coefficients, labels, n_frames, groups=groups, class_weight={0: 1.0, 1: 0.0, 2: 3.0}
    )
    assert sorted(clips.rows) == [0, 1, 4, 5]
    assert np.average(clips.weights) == pytest.approx(1)
    # No group without clips remains.
    assert sorted(clips.groups) == [0, 0, 1, 1]


def test_soft_targets_add_up_to_the_weight():
    coefficients, labels, n_frames = clips_of(6)
    clips = make_training_set(
        coefficients, labels, n_frames, sample_weight=np.array([0.2, 1, 1, 1, 1, 1])
    )
    hard, smooth = soft_targets(clips, 3), soft_targets(clips, 3, 0.3)
    assert hard.dtype == np.float32
    np.testing.assert_allclose(hard.sum(axis=1), clips.weights, rtol=1e-6)
    np.testing.assert_allclose(smooth.sum(axis=1), clips.weights, rtol=1e-6)
    assert np.array_equal(hard.argmax(axis=1), clips.labels)
    np.testing.assert_allclose(smooth.min(axis=1), 0.1 * clips.weights, rtol=1e-6)


@given(
    n_groups=st.integers(2, 12),
    per_group=st.integers(2, 8),
    fraction=st.floats(0.05, 0.9),
    seed=st.integers(0, 99),
)
def test_validation_split_separates_groups_and_keeps_all_classes_in_training(
    n_groups, per_group, fraction, seed
):
    coefficients, _, n_frames = clips_of(n_groups * per_group)
    labels = np.arange(n_groups * per_group) % 2
    groups = np.repeat(np.arange(n_groups), per_group)
    clips = make_training_set(coefficients, labels, n_frames, groups=groups)
    training, validation = split_off_validation(clips, fraction, np.random.default_rng(seed))
    assert len(validation) > 0
    assert not set(training.groups) & set(validation.groups)
    assert set(training.labels) == {0, 1}
    assert sorted([*training.rows, *validation.rows]) == list(range(len(labels)))
    # As close to the requested fraction as whole groups allow.
    wanted = fraction * len(labels)
    assert abs(len(validation) - wanted) <= per_group


def test_split_without_groups_is_stratified():
    coefficients, _, n_frames = clips_of(200)
    labels = np.repeat([0, 1, 2], [100, 80, 20])
    clips = make_training_set(coefficients, labels, n_frames)
    _, validation = split_off_validation(clips, 0.1, np.random.default_rng(0))
    assert np.bincount(validation.labels).tolist() == [10, 8, 2]
    _, other = split_off_validation(clips, 0.1, np.random.default_rng(1))
    assert set(other.rows) != set(validation.rows)


def test_split_of_many_clips_is_random_and_fast():
    # There are only as many kinds of groups as classes; trying each clip would take minutes.
    n_clips = 200_000
    ones = np.ones(n_clips, dtype=np.int64)
    rows = np.arange(n_clips)
    clips = TrainingSet(rows, rows % 4, ones, ones.astype(np.float32), rows)
    training, validation = split_off_validation(clips, 0.1, np.random.default_rng(0))
    assert np.bincount(validation.labels).tolist() == [n_clips // 40] * 4
    assert len(training) + len(validation) == n_clips
    assert np.ptp(validation.rows) > 0.99 * n_clips


@pytest.mark.parametrize(("n_copies", "n_validation"), [(1, 1), (2, 2)])
def test_two_clips_or_copies_of_one_remain_for_training(n_copies, n_validation):
    labels = np.array([0, 0, 0])
    copies = np.full(3, n_copies)
    clips = TrainingSet(np.arange(3), labels, copies, np.ones(3, dtype=np.float32), np.arange(3))
    training, validation = split_off_validation(clips, 0.9, np.random.default_rng(0))
    assert training.copies.sum() == 2
    assert len(validation) == n_validation


def test_copies_of_a_clip_are_not_separated():
    coefficients, labels, n_frames = clips_of(40)
    twice = np.concatenate([coefficients, coefficients])
    clips = make_training_set(twice, np.tile(labels, 2), np.tile(n_frames, 2))
    training, validation = split_off_validation(clips, 0.3, np.random.default_rng(0))
    assert not contents_of(training, twice) & contents_of(validation, twice)
    assert len(training) + len(validation) == 40


def contents_of(clips, coefficients):
    return {coefficients[row].tobytes() for row in clips.rows}


def test_groups_that_cannot_be_split_are_an_error():
    coefficients, _, n_frames = clips_of(6)
    labels = np.array([0, 0, 0, 1, 1, 1])
    clips = make_training_set(coefficients, labels, n_frames, groups=labels)
    with pytest.raises(ValueError, match="each of the 2 groups has all clips of some class"):
        split_off_validation(clips, 0.5, np.random.default_rng(0))
