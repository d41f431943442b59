"""Problems of an evaluation that can be reported before anything is trained."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, check_cv

from .._utils.stack_level import find_stack_level
from ..exceptions import LeakWarning
from ._plan import Plan
from ._splits import expected_warnings_ignored, shared_speakers

__all__ = ["SEARCHES", "check_combination", "warn_of_missing_classes", "warn_of_own_splits"]

SEARCHES = (GridSearchCV, RandomizedSearchCV)


def check_combination(
    X_test: Any, y_test: Any, speakers_test: Any, cv: Any, random_split: bool
) -> None:
    """Raise if parameters of `evaluate` contradict each other."""
    if X_test is None:
        for name, value in (("y_test", y_test), ("speakers_test", speakers_test)):
            if value is not None:
                raise ValueError(f"{name} was passed without X_test; pass both or neither")
        return
    if cv is not None or random_split:
        name, value = ("cv", cv) if cv is not None else ("random_split", random_split)
        raise ValueError(
            f"{name}={value!r} splits X, but X_test was passed, so all of X is used for training; "
            f"pass either {name} or X_test"
        )


def warn_of_missing_classes(plan: Plan) -> None:
    """Warn of classes that the training clips of a fold lack."""
    everything = set(plan.test.labels.tolist())
    for number, (train, _) in enumerate(plan.splits, start=1):
        missing = sorted(everything - set(plan.train.labels[train].tolist()))
        if missing:
            warnings.warn(
                f"{plan.name}, fold {number}: the training clips lack "
                f"{', '.join(map(repr, missing))}, which the model therefore cannot predict",
                UserWarning,
                stacklevel=find_stack_level(),
            )


def warn_of_own_splits(estimator: Any, plan: Plan) -> None:
    """Warn of a search that tests candidates on speakers that they were trained on."""
    if not isinstance(estimator, SEARCHES) or plan.shared_speakers:
        return
    if isinstance(estimator.cv, Iterable):  # splits of other clips than those of a fold
        return
    train = plan.train.take(plan.splits[0][0])
    cv = check_cv(estimator.cv, train.labels, classifier=True)
    try:
        with expected_warnings_ignored():
            splits = list(cv.split(np.zeros(len(train.labels)), train.labels, train.speakers))
    except ValueError:  # scikit-learn raises it again in fit
        return
    if shared := shared_speakers(train, splits):
        warnings.warn(
            f"cv={estimator.cv!r} of the {type(estimator).__name__} puts speakers, such as "
            f"{shared[0]!r}, in both training and test of its splits, so it selects the parameters "
            "that are best for known speakers. Use cv=GroupKFold(3), or pass the estimator without "
            "the search and its grid as param_grid",
            LeakWarning,
            stacklevel=find_stack_level(),
        )
