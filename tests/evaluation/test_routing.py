"""Speakers are passed to what uses them, with and without metadata routing of scikit-learn."""

import warnings

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, StratifiedGroupKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline

from ser_estimators import (
    CNNEmbedder,
    EncoderEmbedder,
    ViewVotingClassifier,
    make_ser_pipeline,
)
from ser_estimators._estimators.fit_routing import group_parameters, speakers_for_fit
from ser_estimators.evaluation import evaluate
from ser_estimators.evaluation._routing import needs_groups, warn_of_missing_speakers

from .helpers import Loudness, in_pipeline


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
@pytest.mark.parametrize("is_routed", [False, True])
def test_a_step_that_uses_groups_gets_the_speakers(voices, estimator, param_grid, is_routed):
    GroupSpy.seen = []
    with sklearn.config_context(enable_metadata_routing=is_routed):
        estimator = requesting(estimator) if is_routed else estimator
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


def requesting(estimator, groups=True):
    """Return a clone in which every estimator that can use groups requests them."""
    estimator = sklearn.base.clone(estimator)
    for step in [estimator, *estimator.get_params(deep=True).values()]:
        if isinstance(step, (GroupSpy, TableSpy)):
            step.set_fit_request(groups=groups)
    return estimator


@pytest.mark.parametrize("is_routed", [False, True])
def test_a_search_that_is_a_step_gets_the_speakers(voices, is_routed):
    GroupSpy.seen = []
    estimator = in_pipeline(search_over(in_pipeline(GroupSpy())))
    with sklearn.config_context(enable_metadata_routing=is_routed):
        report = evaluate(
            requesting(estimator) if is_routed else estimator,
            voices.data, voices.target, voices.speakers, cv=3, check_leaks=False,
        )  # fmt: skip
    assert len(GroupSpy.seen) == 3 * 7
    for number, fold in enumerate(report.main.folds):
        speakers = {voices.speakers[i] for i in fold.train}
        fits = [set(groups) for groups in GroupSpy.seen[number * 7 : number * 7 + 7]]
        assert all(inner < speakers for inner in fits[:-1])
        assert fits[-1] == speakers


@pytest.mark.parametrize(
    "estimator", [GroupSpy(), in_pipeline(GroupSpy()), search_over(in_pipeline(GroupSpy()))]
)
def test_what_requests_nothing_gets_nothing(voices, estimator):
    GroupSpy.seen = []
    with sklearn.config_context(enable_metadata_routing=True):
        evaluate(estimator, voices.data, voices.target, voices.speakers, cv=3, check_leaks=False)
        evaluate(
            requesting(estimator, False), voices.data, voices.target, voices.speakers, cv=3,
            check_leaks=False,
        )  # fmt: skip
    assert set(GroupSpy.seen) == {None}


class TableSpy(DummyClassifier):
    """Counts the clips of its fits, and how many of them it knows the speaker of."""

    n_clips = n_known = 0

    def __init__(self, early_stopping=True):
        super().__init__()
        self.early_stopping = early_stopping

    def fit(self, X, y, groups=None):
        TableSpy.n_clips += len(X)
        if groups is not None:
            np.testing.assert_array_equal(np.asarray(X)[:, 0], groups)
            TableSpy.n_known += len(X)
        return super().fit(X, y)


class Indifferent(DummyClassifier):
    """Accepts groups, and does not use them."""

    def fit(self, X, y, groups=None):
        return super().fit(X, y)


SPEAKERS = np.repeat(np.arange(6.0), 6)
TABLE = np.column_stack([SPEAKERS, np.random.default_rng(0).normal(size=36)])
LABELS = np.tile(["anger", "fear"], 18)

META = {
    "voting": VotingClassifier([("spy", TableSpy())]),
    "voting over a pipeline": VotingClassifier([("spy", make_pipeline(TableSpy()))]),
    "bagging": BaggingClassifier(TableSpy(), 2, random_state=0),
    "stacking": StackingClassifier([("spy", TableSpy())], Indifferent(), cv=2),
    "one versus rest": OneVsRestClassifier(TableSpy()),
    "search": GridSearchCV(TableSpy(), {}, cv=GroupKFold(2)),
    "search over calibration": GridSearchCV(
        CalibratedClassifierCV(TableSpy(), cv=2), {}, cv=GroupKFold(2)
    ),
}
PASSED_ON = {
    "calibration": CalibratedClassifierCV(TableSpy(), cv=2),
    "calibration of a pipeline": CalibratedClassifierCV(make_pipeline(TableSpy()), cv=2),
    "calibration in a pipeline": make_pipeline(CalibratedClassifierCV(TableSpy(), cv=2)),
    "search over calibration of a pipeline": GridSearchCV(
        CalibratedClassifierCV(make_pipeline(TableSpy()), cv=2), {}, cv=GroupKFold(2)
    ),
}


def fit_and_count(estimator):
    """Return the fraction of the clips of all fits whose speakers are known."""
    TableSpy.n_clips = TableSpy.n_known = 0
    evaluate(estimator, TABLE, LABELS, SPEAKERS, cv=2, check_leaks=False)
    return TableSpy.n_known / TableSpy.n_clips


@pytest.mark.parametrize("kind", [*META, *PASSED_ON])
def test_with_routing_every_meta_estimator_passes_the_speakers_on(kind):
    with sklearn.config_context(enable_metadata_routing=True):
        assert fit_and_count(requesting((META | PASSED_ON)[kind])) == 1


@pytest.mark.parametrize("kind", PASSED_ON)
def test_without_routing_some_pass_the_speakers_on(kind):
    assert fit_and_count(PASSED_ON[kind]) == 1


@pytest.mark.parametrize("kind", META)
def test_early_stopping_without_speakers_is_reported_once(kind):
    message = (
        r"^TableSpy has early_stopping=True, but TableSpy.fit in the \w+ receives no speakers, so "
        r"it validates on clips of speakers that it also trains on. Enable metadata routing with "
        r"sklearn.set_config\(enable_metadata_routing=True\) and request them with "
        r"TableSpy\(...\).set_fit_request\(groups=True\), or set early_stopping=False$"
    )
    with pytest.warns(UserWarning, match=message) as caught:
        assert fit_and_count(META[kind]) == 0
    assert len(caught) == 1
    assert caught[0].filename == __file__


@pytest.mark.parametrize("kind", ["bare", "pipeline", *META, *PASSED_ON])
def test_early_stopping_without_a_request_is_reported(kind):
    estimator = ({"bare": TableSpy(), "pipeline": make_pipeline(TableSpy())} | META | PASSED_ON)[
        kind
    ]
    message = r"speakers that it also trains on. Request them with TableSpy\(...\).set_fit_request"
    with (
        sklearn.config_context(enable_metadata_routing=True),
        pytest.warns(UserWarning, match=message),
    ):
        assert fit_and_count(estimator) == 0


@pytest.mark.parametrize("is_routed", [False, True])
@pytest.mark.parametrize(
    "kind",
    [
        AdaBoostClassifier,  # supports no routing
        lambda spy: StackingClassifier([("spy", spy)]),  # whose logistic regression gets groups too
    ],
)
def test_a_remedy_that_does_not_work_is_not_named(is_routed, kind):
    with sklearn.config_context(enable_metadata_routing=is_routed):
        message = "in the \\w+Classifier receives no speakers.* Set early_stopping=False$"
        with pytest.warns(UserWarning, match=message):
            warn_of_missing_speakers(kind(TableSpy()))
        assert speakers_for_fit(kind(TableSpy()), SPEAKERS) == {}


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (
            VotingClassifier([("views", ViewVotingClassifier(LogisticRegression()))]),
            r"temperature='auto'.*, or set temperature to a number$",
        ),
        (
            make_pipeline(FeatureUnion([("a", EncoderEmbedder("model"))]), LogisticRegression()),
            r"layers='auto'.*FeatureUnion receives no speakers.*, or set layers to numbers$",
        ),
    ],
)
def test_other_steps_that_validate(estimator, message):
    with pytest.warns(UserWarning, match=message):
        warn_of_missing_speakers(estimator)


def test_speakers_that_would_raise_in_a_stack_are_not_passed():
    message = "in the StackingClassifier receives no speakers"
    with (
        sklearn.config_context(enable_metadata_routing=True),
        pytest.warns(UserWarning, match=message),
    ):
        assert fit_and_count(requesting(StackingClassifier([("spy", TableSpy())], cv=2))) == 0


def test_the_warning_names_the_estimator_that_passes_nothing_on():
    inner = make_pipeline(VotingClassifier([("a", make_pipeline(TableSpy())), ("b", TableSpy())]))
    with pytest.warns(UserWarning, match="in the VotingClassifier receives") as caught:
        warn_of_missing_speakers(inner)
    assert len(caught) == 1


@pytest.mark.parametrize(
    "estimator",
    [
        TableSpy(),
        make_pipeline(TableSpy()),
        CNNEmbedder(early_stopping=True),
        make_pipeline(CNNEmbedder(early_stopping=True), LogisticRegression()),
        VotingClassifier([("spy", TableSpy(early_stopping=False))]),
        BaggingClassifier(MLPClassifier(early_stopping=True)),  # knows no groups
        VotingClassifier([("views", ViewVotingClassifier(LogisticRegression(), temperature=2))]),
        make_ser_pipeline(),
        make_ser_pipeline(encoder="model"),
        FeatureUnion([("a", EncoderEmbedder("model", layers=3))]),
    ],
)
def test_no_warning_where_there_is_no_problem(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_missing_speakers(estimator)


def test_no_warning_if_the_speakers_are_unknown():
    estimator = VotingClassifier([("spy", TableSpy())])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        evaluate(estimator, TABLE, LABELS, "unknown", cv=2, check_leaks=False)


@pytest.mark.parametrize("wrap", [lambda spy: spy, make_pipeline, BaggingClassifier])
def test_groups_may_be_requested_under_another_name(wrap):
    with sklearn.config_context(enable_metadata_routing=True):
        spy = TableSpy().set_fit_request(groups="speakers")
        assert fit_and_count(wrap(spy)) == 1
        search = GridSearchCV(wrap(spy), {}, cv=GroupKFold(2))  # which requests "groups"
        assert set(speakers_for_fit(search, SPEAKERS)) == {"groups", "speakers"}
        assert fit_and_count(search) == 1


class ConfigSpy(DummyClassifier):
    """Keeps the configuration of scikit-learn in its learning curve."""

    def fit(self, X, y):
        self.history_ = [{"routing": sklearn.get_config()["enable_metadata_routing"]}]
        return super().fit(X, y)


@pytest.mark.parametrize(("n_jobs", "is_routed"), [(1, False), (1, True), (2, True)])
def test_workers_have_the_configuration_of_the_caller(n_jobs, is_routed):
    with sklearn.config_context(enable_metadata_routing=is_routed):
        report = evaluate(
            ConfigSpy(), TABLE, LABELS, SPEAKERS, cv=2, check_leaks=False, n_jobs=n_jobs
        )
    assert [fold.history for fold in report.main.folds] == [[{"routing": is_routed}]] * 2


class GroupScaler(BaseEstimator):
    def fit(self, X, y=None, groups=None):
        return self

    def transform(self, X):
        return X


@pytest.mark.parametrize(
    ("estimator", "names"),
    [
        (DummyClassifier(), {}),
        (in_pipeline(DummyClassifier()), {}),
        (in_pipeline(GroupSpy()), {"level__": "level__groups"}),
        (GridSearchCV(GroupSpy(), {}), {"": "groups"}),
        (
            GridSearchCV(in_pipeline(GroupSpy()), {}),
            {"": "groups", "estimator__level__": "level__groups"},
        ),
        (in_pipeline(GridSearchCV(GroupSpy(), {})), {"level__": "level__groups"}),
        (
            in_pipeline(GridSearchCV(in_pipeline(GroupSpy()), {})),
            {
                "level__": "level__groups",
                "level__estimator__level__": "level__level__groups",
            },
        ),
        # A step may have the name of the parameter of a search.
        (
            Pipeline([("estimator", in_pipeline(GroupSpy()))]),
            {"estimator__level__": "estimator__level__groups"},
        ),
        # These do not pass parameters of fit on to a single one of their estimators.
        (FeatureUnion([("scale", GroupScaler())]), {}),
        (VotingClassifier([("level", GroupSpy())]), {}),
    ],
)
def test_names_of_groups(estimator, names):
    assert dict(group_parameters(estimator)) == names


@pytest.mark.parametrize(
    ("splitter", "expected"),
    [
        (GroupKFold(3), True),
        (StratifiedGroupKFold(3), True),
        (KFold(3), False),
        (GroupKFold, False),
        (3, False),
    ],
)
def test_splitters_that_need_groups(splitter, expected):
    assert needs_groups(splitter) is expected
