"""One fold: fit on one side of a split, predict the other."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from .._audio.unlike import unlike_ignored
from .._estimators.fit_routing import speakers_for_fit
from .._estimators.interruption import interruptible
from .._estimators.speaker_routing import predict_with_speakers
from .._estimators.unsure import most_probable, unsure_label_of
from .._utils.pipelines import iter_steps
from .._utils.progress import labeled_progress
from ._plan import Plan
from ._report import Fold
from ._sides import Side
from ._splits import expected_warnings_ignored, make_random_splits, make_speaker_splits
from ._stressed import Stressed, predict_conditions

__all__ = ["Outcome", "run_fold"]

_INNER_FOLDS = 3
_ONLY_STEP = "estimator"
_AFTER_INTERRUPTION = (
    "the evaluation stops; a call with resume=... continues with this fold if it is repeated"
)


# Labels, probabilities or None, and which clips were answered, None if all always are.
_Predicted = tuple[NDArray[Any], NDArray[np.float64] | None, NDArray[np.bool_] | None]


@dataclass(frozen=True)
class Outcome:
    """Result of a fold.

    Parameters
    ----------
    fold : Fold
    y_pred : ndarray of shape (n_tested,)
    probabilities : ndarray of shape (n_tested, n_trained_classes) or None
        None if the estimator has no ``predict_proba``.
    classes : ndarray of shape (n_trained_classes,) or None
        Columns of the probabilities.
    adapted : tuple of (y_pred, probabilities, answered), or None, default=None
        The same with the speakers of the test clips, if the model adapts to them.
    stressed : Stressed or None, default=None
        Predictions under the conditions of a stress test, if there is one.
    answered : ndarray of shape (n_tested,), bool, or None, default=None
        Whether the model answered. `y_pred` has the most probable label where it did not. None if
        it always answers.
    """

    fold: Fold
    y_pred: NDArray[Any]
    probabilities: NDArray[np.float64] | None
    classes: NDArray[Any] | None
    adapted: _Predicted | None = None
    stressed: Stressed | None = None
    answered: NDArray[np.bool_] | None = None


def run_fold(
    estimator: Any, plan: Plan, number: int, param_grid: Any, scoring: Any, *, verbose: int = 0
) -> Outcome:
    """Fit a clone on the training clips of a split and predict its test clips.

    Parameters
    ----------
    estimator : classifier
    plan : Plan
    number : int
        Index of the split, from 0.
    param_grid, scoring, verbose : object
        As passed to `evaluate`.

    Returns
    -------
    Outcome

    Raises
    ------
    KeyboardInterrupt
        If training was interrupted, even if the estimator then returned what it had trained.
    ValueError
        If an inner search has a single speaker, or if predictions are unknown labels or NaN.
    """
    train_indices, test_indices = plan.splits[number]
    train, test = plan.train.take(train_indices), plan.test.take(test_indices)
    model = clone(estimator)
    if param_grid is not None:
        model = _search_over(model, param_grid, scoring, train, number)
    parameters = speakers_for_fit(model, train.speakers)
    start = time.perf_counter()
    with (
        expected_warnings_ignored(),
        interruptible(_AFTER_INTERRUPTION),
        labeled_progress(plan.fold_of(number), verbose=verbose),
    ):
        # If the speakers of an inner fold lack a class, the mean over the others is intended.
        warnings.filterwarnings("ignore", message="y_pred contains classes not in y_true")
        model.fit(train.clips, train.labels, **parameters)
    seconds = time.perf_counter() - start
    best = model.best_estimator_[-1] if param_grid is not None else model
    fold = Fold(
        train_indices,
        test_indices,
        seconds,
        best_params=_without_prefix(getattr(model, "best_params_", None)),
        history=_history_of(best),
    )
    outcome = _predict(best, test, plan, fold, f"{plan.name}, fold {number + 1}")
    if plan.stress is None:
        return outcome
    label = f"[evaluate] {plan.label_of(number)}, "
    stressed = predict_conditions(best, plan.stress, test_indices, label=label, verbose=verbose)
    return replace(outcome, stressed=stressed)


def _predict(model: Any, test: Side, plan: Plan, fold: Fold, where: str) -> Outcome:
    adapted = None
    # Searches do not pass speakers on in prediction.
    best = getattr(model, "best_estimator_", model)
    with unlike_ignored():  # the scores say what a difference costs
        y_pred, probabilities, answered = _predict_clips(model, test, plan, where)
        if plan.is_adapted(best):
            adapted = _predict_clips(best, test, plan, where, test.speakers)
    classes = None if probabilities is None else np.asarray(model.classes_)
    return Outcome(fold, y_pred, probabilities, classes, adapted, answered=answered)


def _predict_clips(
    model: Any, test: Side, plan: Plan, where: str, speakers: NDArray[Any] | None = None
) -> _Predicted:
    y_pred, probabilities = predict_with_speakers(model, test.clips, speakers)
    y_pred, answered = np.asarray(y_pred), None
    unsure = unsure_label_of(model)
    if unsure is not None and probabilities is not None:
        # An unsure answer is no class. The most probable label is scored, and the answers as well.
        answered = np.asarray(y_pred != unsure)
        y_pred = most_probable(np.asarray(model.classes_), probabilities)
    unknown = np.setdiff1d(y_pred, np.concatenate([plan.train.labels, plan.test.labels]))
    if unknown.size:
        raise ValueError(
            f"{where}: the estimator predicted {unknown.tolist()[0]!r:.80}, which is not a label "
            "in y; expected one of the labels that it was fitted on"
        )
    if probabilities is None:
        return y_pred, None, None
    probabilities = np.asarray(probabilities, dtype=float)
    if not np.isfinite(probabilities).all():
        n_bad = np.count_nonzero(~np.isfinite(probabilities).all(axis=1))
        raise ValueError(
            f"{where}: predict_proba returned NaN or infinity for {n_bad} of {len(probabilities)} "
            "clips; training has probably diverged: lower the learning rate"
        )
    return y_pred, probabilities, answered


def _search_over(model: Any, param_grid: Any, scoring: Any, train: Side, number: int) -> Any:
    """Wrap a model in a grid search whose splits keep speakers apart, if these are known."""
    # Splits rather than a splitter: the search needs no groups, and so no metadata routing.
    if train.speakers is None:
        inner = make_random_splits(train, _INNER_FOLDS, random_state=0)
    elif train.n_speakers > 1:
        n_inner = min(_INNER_FOLDS, train.n_speakers)
        inner = make_speaker_splits(train, n_inner, random_state=0)
    else:
        only = train.speakers.tolist()[0]
        raise ValueError(
            f"fold {number + 1} has a single training speaker, {only!r:.80}; the inner search over "
            "param_grid needs at least two"
        )
    # A search uses `groups` for its own splitter, but passes `step__groups` on.
    model = Pipeline([(_ONLY_STEP, model)])
    grid = _with_prefix(param_grid)
    return GridSearchCV(model, grid, scoring=scoring, cv=inner, error_score="raise")


def _with_prefix(param_grid: Any) -> Any:
    """Return a grid, or a list of them, for the only step of a pipeline."""
    if isinstance(param_grid, Mapping):
        return {f"{_ONLY_STEP}__{name}": values for name, values in param_grid.items()}
    if isinstance(param_grid, (list, tuple)):
        return [_with_prefix(grid) for grid in param_grid]
    return param_grid  # GridSearchCV raises for it


def _without_prefix(best_params: dict[str, Any] | None) -> dict[str, Any] | None:
    if best_params is None:
        return None
    return {name.removeprefix(f"{_ONLY_STEP}__"): value for name, value in best_params.items()}


def _history_of(model: Any) -> list[dict[str, Any]] | None:
    """Return the first learning curve, such as `CNNEmbedder` has, among the steps of a model."""
    for _, step in iter_steps(model):
        history = getattr(step, "history_", None)
        if isinstance(history, list) and all(isinstance(row, Mapping) for row in history):
            return history
    return None
