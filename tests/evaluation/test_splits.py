"""Splits: by speaker, at random, by a splitter, from a list."""

import warnings

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GroupKFold, LeaveOneGroupOut

from ser_estimators.evaluation import evaluate
from ser_estimators.evaluation._sides import Side
from ser_estimators.evaluation._splits import make_splits, shared_speakers

from .helpers import Loudness, Unfittable


def test_folds_keep_speakers_apart_and_test_each_clip_once(report, voices):
    protocol = report.main
    assert protocol.name == "speaker-independent"
    assert protocol.is_honest
    assert len(protocol.folds) == 3
    for fold in protocol.folds:
        assert not set(voices.speakers[fold.train]) & set(voices.speakers[fold.test])
    tested = np.concatenate([fold.test for fold in protocol.folds])
    assert sorted(tested) == list(range(36))
    np.testing.assert_array_equal(protocol.y_true, voices.target[tested])
    assert protocol.clips == [voices.data[i] for i in tested]


def test_an_even_number_of_folds_does_not_separate_men_from_women():
    # Speakers alternate, as in RAVDESS: odd numbers are men, even ones women.
    speakers = np.repeat(np.arange(1, 25), 4)
    clips = [np.full(800, speaker / 100) for speaker in speakers]
    labels = np.tile(["anger", "fear"], 48)
    reports = [
        evaluate(
            DummyClassifier(), clips, labels, speakers, cv=6, check_leaks=False, random_state=seed
        )
        for seed in (0, 0, 1)
    ]
    sexes = [set(speakers[fold.test] % 2) for fold in reports[0].main.folds]
    assert sum(len(sex) == 2 for sex in sexes) >= 4
    first, again, other = ([set(f.test) for f in report.main.folds] for report in reports)
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("cv", "n_folds"), [(GroupKFold(3), 3), (LeaveOneGroupOut(), 6), (2, 2), (99, 6), (None, 5)]
)
def test_any_splitter_that_uses_groups(voices, cv, n_folds):
    with warnings.catch_warnings():
        if cv == 99:
            warnings.filterwarnings("ignore", "cv=99 is more than the 6 speakers; there will be 6")
        report = evaluate(Loudness(), voices.data, voices.target, voices.speakers, cv=cv)
    assert report.main.is_honest
    assert len(report.main.folds) == n_folds
    assert report.main.description == (
        f"{n_folds} folds over 36 clips and 6 speakers. No speaker appears in both training and "
        "test."
    )


def test_masks_and_lists_are_splits_too(voices):
    is_test = voices.speakers == "03"
    by_mask = evaluate(
        Loudness(), voices.data, voices.target, voices.speakers, cv=[(~is_test, is_test)],
        random_split=True,
    )  # fmt: skip
    by_list = evaluate(
        Loudness(), voices.data, voices.target, voices.speakers,
        cv=[(np.flatnonzero(~is_test).tolist(), np.flatnonzero(is_test).tolist())],
    )  # fmt: skip
    np.testing.assert_array_equal(by_mask.main.y_pred, by_list.main.y_pred)
    assert by_mask.main.description.startswith("1 fold over 36 clips and 6 speakers. No")
    assert by_mask.main.description.endswith("6 clips are tested.")
    assert len(by_mask.protocols["random split"].folds) == 2
    assert "No intervals: one speaker" in str(by_mask)
    assert "n/a" in str(by_mask)


@pytest.mark.parametrize(
    ("cv", "error", "message"),
    [
        ("five", TypeError, "cv is 'five'; expected a number of folds, a splitter"),
        (1, ValueError, "cv == 1, must be >= 2"),
        ([], ValueError, "cv yields no splits; expected at least one pair"),
        ([(range(30), [])], ValueError, "the test set of split 1 of cv is empty; expected at"),
        (
            [(range(30), [36])],
            ValueError,
            "the test set of split 1 of cv ranges from 36 to 36; expected.*0 to 35",
        ),
        ([(range(30), [-1])], ValueError, "ranges from -1 to -1"),
        (
            [(range(30), [0.5])],
            ValueError,
            "has shape .1,. and dtype float64; expected integer positions.* length 36",
        ),
        ([(range(2), [3]), ([], [4])], ValueError, "the training set of split 2 of cv is empty"),
        ([range(30)], ValueError, "split 1 of cv is range.0, 30.; expected a pair"),
    ],
)
def test_bad_splits_are_refused_before_training(voices, cv, error, message):
    with pytest.raises(error, match=message):
        evaluate(Unfittable(), voices.data, voices.target, voices.speakers, cv=cv)


@pytest.mark.parametrize("cv", ["x" * 999, ["x" * 999], GroupKFold])
def test_messages_about_splits_are_short(voices, cv):
    with pytest.raises((TypeError, ValueError), match="expected a") as caught:
        evaluate(Unfittable(), voices.data, voices.target, voices.speakers, cv=cv)
    assert len(str(caught.value)) < 300


def test_more_folds_than_clips_of_any_class(voices):
    labels = [str(i // 2) for i in range(36)]
    with pytest.raises(ValueError, match="6 folds need a class of at least 6 clips, but .* has 2"):
        evaluate(Loudness(), voices.data, labels, voices.speakers, cv=6)


def test_shared_speakers_are_those_of_any_split():
    side = Side(list("wxyz"), np.array(list("aabb")), np.array([7, 3, 3, 7]))
    apart, mixed = ([0, 3], [1, 2]), ([0, 1], [2])
    assert shared_speakers(side, make_splits(side, [apart], 0)) == []
    assert shared_speakers(side, make_splits(side, [apart, mixed], 0)) == [3]


def test_more_folds_than_speakers_are_a_warning(voices):
    arguments = (Loudness(), voices.data, voices.target, voices.speakers)
    with pytest.warns(UserWarning, match="cv=7 is more than the 6 speakers; there will be 6 folds"):
        assert len(evaluate(*arguments, cv=7).main.folds) == 6
    evaluate(*arguments, cv=6)
