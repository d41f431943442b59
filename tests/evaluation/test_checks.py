"""Problems that are reported before anything is trained."""

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, LeaveOneGroupOut

from ser_estimators.evaluation import evaluate
from ser_estimators.exceptions import LeakWarning

from .helpers import Loudness, Unfittable


@pytest.mark.parametrize("cv", [None, 3, KFold(3, shuffle=True, random_state=0)])
def test_a_search_whose_own_splits_mix_speakers_is_reported(voices, cv):
    search = GridSearchCV(DummyClassifier(), {"strategy": ["prior", "most_frequent"]}, cv=cv)
    message = r"GridSearchCV puts speakers, such as '0\d', in both training and test of its splits"
    with pytest.warns(LeakWarning, match=message):
        evaluate(search, voices.data, voices.target, voices.speakers, cv=3, check_leaks=False)


@pytest.mark.parametrize("cv", [GroupKFold(3), [(range(12), range(12, 24))]])
def test_a_search_that_keeps_speakers_apart_raises_no_warning(voices, cv):
    search = GridSearchCV(DummyClassifier(), {"strategy": ["prior", "most_frequent"]}, cv=cv)
    evaluate(search, voices.data, voices.target, voices.speakers, cv=3, check_leaks=False)


def test_splits_that_a_search_cannot_make_are_left_to_it(voices):
    search = GridSearchCV(DummyClassifier(), {"strategy": ["prior"]}, cv=GroupKFold(9))
    with pytest.raises(ValueError, match="Cannot have number of splits n_splits=9 greater than"):
        evaluate(search, voices.data, voices.target, voices.speakers, cv=3, check_leaks=False)


def test_a_missing_class_is_named(voices):
    y = voices.target.astype(object)
    y[voices.speakers == "03"] = "boredom"
    message = r"fold \d: the training clips lack 'boredom', which the model therefore cannot pred"
    with pytest.warns(UserWarning, match=message):
        report = evaluate(
            Loudness(), voices.data, y, voices.speakers, cv=LeaveOneGroupOut(), check_leaks=False
        )
    recall = {name: cells["recall"][0] for name, cells, _ in report.main.by_class()}
    assert recall["boredom"] == 0
    np.testing.assert_allclose(report.main.probabilities.sum(axis=1), 1)


def test_scikit_learn_does_not_warn_of_a_rare_class(voices):
    y = voices.target.astype(object)
    y[0] = "boredom"
    with pytest.warns(UserWarning, match="the training clips lack 'boredom'") as caught:
        evaluate(
            DummyClassifier(), voices.data, y, voices.speakers, cv=3, random_split=True,
            param_grid={"strategy": ["prior"]},
        )  # fmt: skip
    assert all("the training clips lack 'boredom'" in str(one.message) for one in caught)


def test_warnings_come_before_training(voices):
    y = voices.target.astype(object)
    y[voices.speakers == "03"] = "boredom"
    with (
        pytest.warns(UserWarning, match="the training clips lack 'boredom'"),
        pytest.raises(AssertionError, match="fit was called"),
    ):
        evaluate(Unfittable(), voices.data, y, voices.speakers, cv=LeaveOneGroupOut())
