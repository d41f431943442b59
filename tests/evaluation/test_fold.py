"""A fold: nested search, speakers passed to fit, predictions that are refused."""

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import FeatureUnion, Pipeline

from ser_estimators.evaluation import evaluate
from ser_estimators.evaluation._fold import _group_parameters, _history_of

from .helpers import Loudness, in_pipeline


class Spy(DummyClassifier):
    """Records the clips of every fit."""

    seen: list = []  # noqa: RUF012

    def fit(self, X, y, sample_weight=None):
        Spy.seen.append(list(X))
        return super().fit(X, y)


def test_a_nested_search_keeps_speakers_apart_on_both_levels(voices):
    Spy.seen = []
    who = dict(zip(voices.data, voices.speakers, strict=True))
    report = evaluate(
        Spy(), voices.data, voices.target, voices.speakers, cv=3,
        param_grid={"strategy": ["prior", "stratified"]}, check_leaks=False,
    )  # fmt: skip
    assert len(Spy.seen) == 3 * (2 * 3 + 1)  # folds x (candidates x inner folds + the refit)
    for number, fold in enumerate(report.main.folds):
        fits = Spy.seen[number * 7 : number * 7 + 7]
        outer_test = {voices.speakers[i] for i in fold.test}
        refit = {who[clip] for clip in fits[-1]}
        assert not refit & outer_test
        for inner in fits[:-1]:
            trained = {who[clip] for clip in inner}
            left_out = refit - trained
            assert not trained & outer_test
            assert left_out
            # Either all clips of a speaker are used, or none.
            assert sum(who[clip] in trained for clip in fits[-1]) == len(inner)
        assert fold.best_params["strategy"] in ("prior", "stratified")


class GroupSpy(Loudness):
    """Records the groups of every fit."""

    seen: list = []  # noqa: RUF012

    def fit(self, X, y, groups=None):
        GroupSpy.seen.append(None if groups is None else list(groups))
        return super().fit(X, y)


def search_over(estimator):
    return GridSearchCV(estimator, {"level__power": [1, 2]}, cv=GroupKFold(3))


@pytest.mark.parametrize(
    ("estimator", "param_grid"),
    [
        (GroupSpy(), None),
        (in_pipeline(GroupSpy()), None),
        (in_pipeline(in_pipeline(GroupSpy())), None),
        (GroupSpy(), {"power": [1.0, 2.0]}),
        (GroupSpy(), [{"power": [1.0]}, {"power": [2.0]}]),
        (in_pipeline(GroupSpy()), {"level__power": [1.0, 2.0]}),
        (search_over(in_pipeline(GroupSpy())), None),
    ],
    ids=["bare", "pipeline", "nested", "searched", "list", "pipeline searched", "search"],
)
def test_a_step_that_accepts_groups_gets_the_speakers(voices, estimator, param_grid):
    GroupSpy.seen = []
    report = evaluate(
        estimator, voices.data, voices.target, voices.speakers, cv=3, check_leaks=False,
        param_grid=param_grid,
    )  # fmt: skip
    is_searched = param_grid is not None or isinstance(estimator, GridSearchCV)
    fits_per_fold = 7 if is_searched else 1
    assert len(GroupSpy.seen) == 3 * fits_per_fold
    if is_searched:
        name = "power" if isinstance(estimator, GroupSpy) else "level__power"
        assert [list(fold.best_params) for fold in report.main.folds] == [[name]] * 3
    for number, fold in enumerate(report.main.folds):
        last = GroupSpy.seen[(number + 1) * fits_per_fold - 1]
        assert last == [voices.speakers[i] for i in fold.train]


def test_a_search_that_is_a_step_gets_the_speakers(voices):
    GroupSpy.seen = []
    estimator = in_pipeline(search_over(in_pipeline(GroupSpy())))
    report = evaluate(
        estimator, voices.data, voices.target, voices.speakers, cv=3, check_leaks=False
    )
    assert len(GroupSpy.seen) == 3 * 7
    for number, fold in enumerate(report.main.folds):
        speakers = {voices.speakers[i] for i in fold.train}
        fits = [set(groups) for groups in GroupSpy.seen[number * 7 : number * 7 + 7]]
        assert all(inner < speakers for inner in fits[:-1])
        assert fits[-1] == speakers


def test_with_metadata_routing_nothing_is_passed(voices):
    GroupSpy.seen = []
    with sklearn.config_context(enable_metadata_routing=True):
        evaluate(GroupSpy(), voices.data, voices.target, voices.speakers, cv=3)
    assert GroupSpy.seen == [None] * 3


class GroupScaler(BaseEstimator):
    def fit(self, X, y=None, groups=None):
        return self

    def transform(self, X):
        return X


@pytest.mark.parametrize(
    ("estimator", "names"),
    [
        (DummyClassifier(), []),
        (in_pipeline(DummyClassifier()), []),
        (in_pipeline(GroupSpy()), ["level__groups"]),
        (GridSearchCV(GroupSpy(), {}), ["groups"]),
        (GridSearchCV(in_pipeline(GroupSpy()), {}), ["groups", "level__groups"]),
        (in_pipeline(GridSearchCV(GroupSpy(), {})), ["level__groups"]),
        (
            in_pipeline(GridSearchCV(in_pipeline(GroupSpy()), {})),
            ["level__groups", "level__level__groups"],
        ),
        # A step may have the name of the parameter of a search.
        (Pipeline([("estimator", in_pipeline(GroupSpy()))]), ["estimator__level__groups"]),
        # These do not pass parameters of fit on to a single one of their estimators.
        (FeatureUnion([("scale", GroupScaler())]), []),
        (VotingClassifier([("level", GroupSpy())]), []),
    ],
)
def test_names_of_groups(estimator, names):
    assert list(_group_parameters(estimator)) == names


@pytest.mark.parametrize("grid", ["strategy", 3, [{"strategy": "prior"}], {"strategy": 3}])
def test_what_is_not_a_grid_is_refused(voices, grid):
    with pytest.raises((TypeError, ValueError), match=r"[Pp]arameter (grid|value)|param_grid"):
        evaluate(
            DummyClassifier(), voices.data, voices.target, voices.speakers, cv=2,
            param_grid=grid, check_leaks=False,
        )  # fmt: skip


def test_a_search_with_a_single_training_speaker_is_refused(voices):
    two = np.isin(voices.speakers, ["01", "02"])
    with pytest.raises(ValueError, match="fold 1 has a single training speaker, '0[12]'; the inn"):
        evaluate(
            Loudness(),
            [voices.data[i] for i in np.flatnonzero(two)],
            voices.target[two],
            voices.speakers[two],
            param_grid={"power": [1, 2]},
        )


class Broken(DummyClassifier):
    """Predicts NaN, or a label that is not in y."""

    def __init__(self, how="nan"):
        super().__init__()
        self.how = how

    def predict(self, X):
        return np.full(len(X), "joy") if self.how == "unknown" else super().predict(X)

    def predict_proba(self, X):
        return super().predict_proba(X) * (np.nan if self.how == "nan" else 1)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("nan", "fold 1: predict_proba returned NaN or infinity for 12 of 12 clips"),
        ("unknown", "fold 1: the estimator predicted 'joy', which is not a label in y"),
    ],
)
def test_useless_predictions_are_refused(voices, how, message):
    with pytest.raises(ValueError, match=message):
        evaluate(Broken(how), voices.data, voices.target, voices.speakers, cv=3)


class Curved(DummyClassifier):
    """Has an attribute that may be a learning curve."""

    def __init__(self, curve=None):
        super().__init__()
        self.curve = curve

    def fit(self, X, y):
        self.history_ = self.curve
        return super().fit(X, y)


CURVE = [{"train_loss": 1.0}, {"train_loss": 0.5}]


@pytest.mark.parametrize(
    ("curve", "is_kept"),
    [
        (CURVE, True),
        ([{"train_loss": 1.0}, {"valid_loss": 0.5}], True),
        ({"loss": [1.0, 0.5]}, False),
        ([1.0, 0.5], False),
        (None, False),
    ],
)
def test_only_a_list_of_dicts_is_a_learning_curve(curve, is_kept):
    clips = list(np.random.default_rng(0).normal(size=(12, 900)))
    report = evaluate(Curved(curve), clips, ["anger", "fear"] * 6, np.repeat([1, 2, 3], 4))
    expected = curve if is_kept else None
    assert [fold.history for fold in report.main.folds] == [expected] * 3


def test_the_learning_curve_is_that_of_the_best_estimator():
    X, y = np.zeros((6, 2)), [0, 1] * 3
    search = GridSearchCV(in_pipeline(Curved()), {"level__curve": [CURVE]}, cv=2).fit(X, y)
    assert _history_of(search) == CURVE
    assert _history_of(DummyClassifier()) is None
