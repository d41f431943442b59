"""Problems of an evaluation that can be reported before anything is trained."""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import check_cv

from .._estimators.fit_routing import SEARCHES
from .._utils.stack_level import find_stack_level
from ..exceptions import LeakWarning
from ._plan import Plan
from ._sides import UNKNOWN, Side
from ._splits import Split, check_splitter, expected_warnings_ignored, shared_speakers

__all__ = [
    "check_combination",
    "check_folder",
    "check_own_splits",
    "check_training_classes",
    "refuse_groups",
    "warn_of_clip_numbers",
    "warn_of_missing_classes",
]

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_MAX_LISTED = 10  # classes in a message


def refuse_groups(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Make a function raise a TypeError that names the parameter for `groups`."""

    @functools.wraps(function)
    def wrapper(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        if "groups" in kwargs:
            raise TypeError(
                f"{function.__name__} has no parameter groups; pass the speaker of each clip as "
                "speakers=..., which splitters and estimators receive as their groups"
            )
        return function(*args, **kwargs)

    return wrapper


def check_combination(*, X_test: Any, needs_test: dict[str, Any], splits: dict[str, Any]) -> None:
    """Raise if parameters of `evaluate` contradict each other.

    Parameters
    ----------
    X_test : object
        As passed to `evaluate`.
    needs_test : dict
        Parameters that describe X_test.
    splits : dict
        Parameters that split X, with None for those that were not passed.
    """
    if X_test is None:
        for name, value in needs_test.items():
            if value is not None:
                raise ValueError(f"{name} was passed without X_test; pass both or neither")
        return
    for name, value in splits.items():
        if value is not None:
            raise ValueError(
                f"{name}={value!r:.80} splits X, but X_test was passed, so all of X is used for "
                f"training; pass either {name} or X_test"
            )


def check_folder(folder: Any, name: str) -> Path | None:
    """Return a folder, which need not exist, or None."""
    if folder is None:
        return None
    if not isinstance(folder, (str, os.PathLike)):
        raise TypeError(f"{name} is {folder!r:.80}; expected a folder, which need not exist")
    if not os.fspath(folder):
        raise ValueError(f"{name} is empty; expected a folder, which need not exist, or None")
    path = Path(folder).expanduser()
    if path.exists() and not path.is_dir():
        raise ValueError(f"{name} is {str(path)!r}, which is a file; expected a folder")
    return path


def warn_of_clip_numbers(side: Side, name: str) -> None:
    """Warn if the speakers, the parameter `name`, look like the numbers of the clips."""
    if side.has_clip_numbers:
        warnings.warn(
            f"{name} has a different value for each of the {len(side.labels)} clips, so these look "
            "like clip numbers. Pass who speaks in each clip, or, if they are unknown, "
            f'{name}="{UNKNOWN}"; ignore this warning if no two clips have the same speaker',
            UserWarning,
            stacklevel=find_stack_level(),
        )


def check_training_classes(name: str, labels: NDArray[Any], splits: Sequence[Split]) -> None:
    """Raise if the training clips of a fold have a single class of several.

    Parameters
    ----------
    name : str
        Of the protocol or the corpus, for the message.
    labels : ndarray of shape (n_clips,)
        Labels of the clips from which the training clips are taken.
    splits : sequence of (train, test)
    """
    if len(set(labels.tolist())) < 2:
        return
    for number, (train, _) in enumerate(splits, start=1):
        found = set(labels[train].tolist())
        if len(found) == 1:
            raise ValueError(
                f"{name}, fold {number}: all training clips are {found.pop()!r:.80}, because those "
                "of other classes are tested. Each class needs two or more speakers: add some, or "
                "leave a class out"
            )


def warn_of_missing_classes(plan: Plan) -> None:
    """Warn of classes that the training clips of a fold lack."""
    everything = set(plan.test.labels.tolist())
    for number, (train, _) in enumerate(plan.splits, start=1):
        missing = sorted(everything - set(plan.train.labels[train].tolist()))
        if missing:
            listed = ", ".join(f"{label!r:.80}" for label in missing[:_MAX_LISTED])
            more = f" and {len(missing) - _MAX_LISTED} more" if len(missing) > _MAX_LISTED else ""
            warnings.warn(
                f"{plan.name}, fold {number}: the training clips lack {listed}{more}, which the "
                "model therefore cannot predict",
                UserWarning,
                stacklevel=find_stack_level(),
            )


def check_own_splits(estimator: Any, plan: Plan) -> None:
    """Warn of a search that tests candidates on speakers that they were trained on.

    Raise if its splitter needs speakers that are unknown.
    """
    if not isinstance(estimator, SEARCHES) or plan.shared_speakers:
        return
    name = f"cv={estimator.cv!r:.80} of the {type(estimator).__name__}"
    if plan.train.speakers is None:
        check_splitter(estimator.cv, name)
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
            f"{name} puts speakers, such as {shared[0]!r:.80}, in both training and test of its "
            "splits, so it selects the parameters that are best for known speakers. Use "
            "cv=GroupKFold(3), or pass the estimator without the search and its grid as param_grid",
            LeakWarning,
            stacklevel=find_stack_level(),
        )
