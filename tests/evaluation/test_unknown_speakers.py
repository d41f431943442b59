"""Corpora of unknown speakers, and speakers that are only numbers of clips."""

import warnings

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    LeaveOneGroupOut,
    ShuffleSplit,
    StratifiedKFold,
)

from ser_estimators.evaluation import compare, evaluate
from ser_estimators.exceptions import LeakWarning

from .helpers import Loudness, Unfittable

UNKNOWN = (
    "Whether a speaker appears in both training and test is unknown. If so, the scores are too high"
    " for new speakers."
)


def run(voices, estimator=None, *, speakers="unknown", **arguments):
    estimator = Loudness() if estimator is None else estimator
    return evaluate(estimator, voices.data, voices.target, speakers, **arguments)


@pytest.fixture(scope="module")
def unknown(voices):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return run(voices, cv=3)


def test_folds_are_random_and_stratified(voices, unknown):
    protocol = unknown.main
    assert list(unknown.protocols) == [protocol.name] == ["speakers unknown"]
    assert sorted(protocol.tested) == list(range(36))
    for fold in protocol.folds:
        _, counts = np.unique(voices.target[fold.test], return_counts=True)
        assert counts.tolist() == [4, 4, 4]
        assert set(voices.speakers[fold.train]) & set(voices.speakers[fold.test])
    again, other = (run(voices, cv=3, random_state=seed, check_leaks=False) for seed in (0, 1))
    np.testing.assert_array_equal(again.main.tested, protocol.tested)
    assert set(other.main.folds[0].test) != set(protocol.folds[0].test)
    assert len(run(voices, check_leaks=False).main.folds) == 5


def test_the_report_claims_nothing_about_speakers(unknown):
    protocol = unknown.main
    assert protocol.description == f"3 random folds over 36 clips of unknown speakers. {UNKNOWN}"
    assert protocol.speakers is None
    assert protocol.shared_speakers == []
    assert not protocol.is_honest
    assert protocol.by_speaker() == []
    assert protocol.scores.n_speakers == 0
    for title, value, low, high in protocol.summary():
        assert not np.isnan(value), title
        assert np.isnan(low), title
        assert np.isnan(high), title
    assert "n/a" in str(unknown)
    assert unknown.to_frame()["low"].isna().all()


def test_scores_are_those_of_all_clips(unknown):
    right = unknown.main.y_true == unknown.main.y_pred
    assert unknown.main.scores.value.accuracy == pytest.approx(right.mean())


@pytest.mark.parametrize(
    ("cv", "n_folds"),
    [
        (StratifiedKFold(3), 3),
        (ShuffleSplit(2, test_size=0.5, random_state=0), 2),
        ([(range(18), range(18, 36))], 1),
    ],
)
def test_splits_of_the_user(voices, cv, n_folds):
    protocol = run(voices, cv=cv, check_leaks=False).main
    assert protocol.name == "speakers unknown"
    assert len(protocol.folds) == n_folds
    assert f"over 36 clips of unknown speakers, as passed in cv. {UNKNOWN}" in protocol.description


@pytest.mark.parametrize("cv", [GroupKFold(3), LeaveOneGroupOut()])
def test_splitters_that_need_groups_are_refused(voices, cv):
    message = (
        r"cv=\w+\(.* needs the speakers, which are unknown; pass the speaker of each clip as "
        "speakers, or use a splitter without groups, such as StratifiedKFold"
    )
    with pytest.raises(ValueError, match=f"^{message}$"):
        run(voices, Unfittable(), cv=cv)
    search = GridSearchCV(DummyClassifier(), {"strategy": ["prior"]}, cv=cv)
    with pytest.raises(ValueError, match=message.replace("needs", "of the GridSearchCV needs")):
        run(voices, search, cv=3, check_leaks=False)


def test_searches(voices):
    grid = {"power": [1.0, 2.0]}
    search = GridSearchCV(Loudness(), grid, cv=StratifiedKFold(2))
    for report in (
        run(voices, search, cv=2, check_leaks=False),
        run(voices, cv=2, param_grid=grid, check_leaks=False),
    ):
        assert [list(fold.best_params) for fold in report.main.folds] == [["power"]] * 2


def test_random_split_is_refused(voices):
    message = 'random_split=True was passed with speakers="unknown", with which all folds are rand'
    with pytest.raises(ValueError, match=message):
        run(voices, Unfittable(), random_split=True)


def test_same_recordings_are_found(voices):
    X, y = [*voices.data, voices.data[0]], [*voices.target, voices.target[0]]
    cv = [(range(36), [36])]
    with pytest.warns(LeakWarning, match="'speakers unknown' has the same recording in both train"):
        report = evaluate(Loudness(), X, y, "unknown", cv=cv)
    (leak,) = report.main.leaks
    assert (leak.train, leak.test) == (0, 36)


@pytest.mark.parametrize("is_known", [(True, False), (False, True), (False, False)])
def test_another_corpus(voices, is_known):
    known = [voices.speakers[:18], voices.speakers[18:]]
    speakers, speakers_test = (
        names if is_this else "unknown" for names, is_this in zip(known, is_known, strict=True)
    )
    report = evaluate(
        Loudness(), voices.data[:18], voices.target[:18], speakers, X_test=voices.data[18:],
        y_test=voices.target[18:], speakers_test=speakers_test, check_leaks=False,
        param_grid={"power": [1.0, 2.0]},
    )  # fmt: skip
    train, test = ("3 speakers" if is_this else "unknown speakers" for is_this in is_known)
    assert report.main.name == "other corpus"
    assert report.main.description == (
        f"Trained on all 18 clips of {train}, tested on 18 clips of {test} from another corpus."
    )
    assert (report.main.speakers is not None) == is_known[1]
    assert np.isnan(report.main.scores.low.accuracy) != is_known[1]


def test_compare_refuses_unknown_speakers(voices, unknown):
    message = (
        "^report 'a' has no speakers. Clips of one speaker are not independent, so no p-value can "
        "be computed from clips alone; pass speakers to evaluate$"
    )
    with pytest.raises(ValueError, match=message):
        compare({"a": unknown, "b": unknown})
    known = run(voices, speakers=voices.speakers, cv=3, check_leaks=False)
    with pytest.raises(ValueError, match="report 'b' has no speakers"):
        compare({"a": known, "b": unknown})


LOOKS_LIKE = (
    "^speakers has a different value for each of the 36 clips, so these look like clip numbers. "
    'Pass who speaks in each clip, or, if they are unknown, speakers="unknown"; ignore this '
    "warning if no two clips have the same speaker$"
)
NAMED = "36 clips, each of which is named as a speaker of its own"


@pytest.mark.parametrize("speakers", [range(36), [f"person {index}" for index in range(36)]])
def test_numbers_of_clips_are_no_speakers(voices, speakers):
    with pytest.warns(UserWarning, match=LOOKS_LIKE) as caught:
        report = run(voices, speakers=speakers, cv=3, random_split=True)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert report.main.description == (
        f"3 folds over {NAMED}. If a person speaks in several clips, they may appear in both "
        "training and test."
    )
    random = report.protocols["random split"]
    assert random.description == "3 random folds. Each clip is named as a speaker of its own."
    text = " ".join(str(report).split())
    assert "No speaker appears in both" not in text
    assert "no speaker appears in both" not in text


def test_numbers_of_clips_of_another_corpus(voices):
    with pytest.warns(UserWarning, match="^speakers_test has a different value for each"):
        report = evaluate(
            Loudness(), voices.data[:18], voices.target[:18], voices.speakers[:18],
            X_test=voices.data[18:], y_test=voices.target[18:], speakers_test=range(18),
            check_leaks=False,
        )  # fmt: skip
    assert report.main.description == (
        "Trained on all 18 clips of 3 speakers, tested on 18 clips, each of which is named as a "
        "speaker of its own, from another corpus."
    )


def test_report_does_not_claim_to_know_speakers_that_are_clip_numbers():
    X, y = np.random.default_rng(0).normal(size=(24, 900)), ["anger", "fear"] * 12
    with pytest.warns(UserWarning, match="clip"):
        report = evaluate(DummyClassifier(), X, y, range(24), cv=3)
    assert "No speaker appears in both" not in str(report)
    assert "Each clip is named as a speaker of its own: if a person" in " ".join(
        str(report).split()
    )
