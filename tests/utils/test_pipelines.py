"""Iteration over the estimators inside an estimator, with the prefixes of their parameters."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier, StackingClassifier, VotingClassifier
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from sklearn.utils.validation import check_is_fitted

from ser_estimators import make_ser_pipeline
from ser_estimators._utils.pipelines import iter_steps

X = np.random.default_rng(0).normal(size=(40, 3))
Y = np.repeat(["anger", "fear"], 20)


def pipeline(**steps):
    return Pipeline(list(steps.items()))


def scaled():
    return pipeline(scale=StandardScaler(), lr=LogisticRegression())


NESTED = {
    "bare": (LogisticRegression(), {"": LogisticRegression}),
    "pipeline": (
        scaled(),
        {"": Pipeline, "scale__": StandardScaler, "lr__": LogisticRegression},
    ),
    "pipeline in a pipeline": (
        pipeline(outer=pipeline(a=StandardScaler(), b=MinMaxScaler()), last=GaussianNB()),
        {
            "": Pipeline,
            "outer__": Pipeline,
            "outer__a__": StandardScaler,
            "outer__b__": MinMaxScaler,
            "last__": GaussianNB,
        },
    ),
    "steps that do nothing": (
        pipeline(nothing="passthrough", none=None, lr=LogisticRegression()),
        {"": Pipeline, "lr__": LogisticRegression},
    ),
    "union": (
        FeatureUnion([("a", StandardScaler()), ("b", "drop")]),
        {"": FeatureUnion, "a__": StandardScaler},
    ),
    "columns": (
        ColumnTransformer(
            [("a", StandardScaler(), [0]), ("b", "drop", [1])], remainder=MinMaxScaler()
        ),
        {"": ColumnTransformer, "a__": StandardScaler, "remainder__": MinMaxScaler},
    ),
    "search": (
        GridSearchCV(scaled(), {"lr__C": [1.0]}, cv=2),
        {
            "": GridSearchCV,
            "estimator__": Pipeline,
            "estimator__scale__": StandardScaler,
            "estimator__lr__": LogisticRegression,
        },
    ),
    "search in a pipeline": (
        pipeline(scale=StandardScaler(), search=GridSearchCV(scaled(), {"lr__C": [1.0]}, cv=2)),
        {
            "": Pipeline,
            "scale__": StandardScaler,
            "search__": GridSearchCV,
            "search__estimator__": Pipeline,
            "search__estimator__scale__": StandardScaler,
            "search__estimator__lr__": LogisticRegression,
        },
    ),
    "calibration": (
        CalibratedClassifierCV(scaled(), cv=2),
        {
            "": CalibratedClassifierCV,
            "estimator__": Pipeline,
            "estimator__scale__": StandardScaler,
            "estimator__lr__": LogisticRegression,
        },
    ),
    "vote": (
        VotingClassifier([("a", GaussianNB()), ("b", "drop"), ("c", scaled())]),
        {
            "": VotingClassifier,
            "a__": GaussianNB,
            "c__": Pipeline,
            "c__scale__": StandardScaler,
            "c__lr__": LogisticRegression,
        },
    ),
    "stack": (
        StackingClassifier([("a", GaussianNB())], final_estimator=LogisticRegression(), cv=2),
        {"": StackingClassifier, "a__": GaussianNB, "final_estimator__": LogisticRegression},
    ),
    "selection": (
        SelectFromModel(LogisticRegression()),
        {"": SelectFromModel, "estimator__": LogisticRegression},
    ),
    # Its trees are not parameters.
    "forest": (RandomForestClassifier(5), {"": RandomForestClassifier}),
}


@pytest.mark.parametrize("is_fitted", [False, True], ids=["unfitted", "fitted"])
@pytest.mark.parametrize(("estimator", "expected"), NESTED.values(), ids=NESTED)
def test_every_estimator_inside_is_found(estimator, expected, is_fitted):
    estimator = clone(estimator)
    if is_fitted:
        estimator.fit(X, Y)
    found = list(iter_steps(estimator))
    assert found[0] == ("", estimator)
    assert {prefix: type(step) for prefix, step in found} == expected
    assert len(found) == len(expected)


@pytest.mark.parametrize(("estimator", "expected"), NESTED.values(), ids=NESTED)
def test_prefixes_are_those_of_the_parameters(estimator, expected):
    estimator = clone(estimator)
    parameters = estimator.get_params()
    for prefix, step in iter_steps(estimator):
        for name, value in step.get_params(deep=False).items():
            assert parameters[prefix + name] is value


# CalibratedClassifierCV fits one copy per fold, so there is no single one to prefer.
@pytest.mark.parametrize("name", sorted(NESTED.keys() - {"calibration"}))
def test_fitted_steps_are_preferred(name):
    estimator = clone(NESTED[name][0]).fit(X, Y)
    for _, step in iter_steps(estimator):
        check_is_fitted(step)


def test_best_estimator_of_a_search_is_preferred():
    search = RandomizedSearchCV(
        GridSearchCV(scaled(), {"lr__C": [0.5]}, cv=2),
        {"param_grid": [{"lr__C": [0.25]}]},
        n_iter=1,
        cv=2,
    ).fit(X, Y)
    steps = dict(iter_steps(search))
    assert steps["estimator__"] is search.best_estimator_
    assert steps["estimator__estimator__"] is search.best_estimator_.best_estimator_
    assert steps["estimator__estimator__lr__"].C == 0.25


def test_without_a_refit_the_estimator_of_a_search_is_unfitted():
    search = GridSearchCV(scaled(), {"lr__C": [0.5]}, cv=2, refit=False).fit(X, Y)
    assert dict(iter_steps(search))["estimator__"] is search.estimator


def test_passthrough_in_a_union_is_skipped():
    union = FeatureUnion([("a", "passthrough"), ("b", StandardScaler())])
    assert [prefix for prefix, _ in iter_steps(union)] == ["", "b__"]


def test_steps_are_in_order():
    pipe = make_ser_pipeline(recordings="studio")
    prefixes = [prefix for prefix, _ in iter_steps(pipe)]
    assert prefixes == ["", *(f"{name}__" for name, _ in pipe.steps)]


class WithLists(BaseEstimator):
    """An estimator with parameters that resemble estimators or lists of them."""

    def __init__(self, steps=3, pairs=(("a", 1), ("b",), "cd"), kind=DummyClassifier):
        self.steps = steps
        self.pairs = pairs
        self.kind = kind

    def fit(self, X, y=None):
        return self


def test_other_parameters_are_skipped():
    estimator = WithLists()
    assert list(iter_steps(estimator)) == [("", estimator)]


class Bare:
    """An estimator without get_params."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X


def test_step_without_get_params_contains_no_estimators():
    step = Bare()
    pipe = pipeline(bare=step, function=FunctionTransformer())
    assert [found for _, found in iter_steps(pipe)] == [pipe, step, pipe[1]]
