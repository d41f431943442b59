"""Evaluation that keeps speakers apart."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
import sklearn
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import check_scalar
from sklearn.utils.validation import has_fit_parameter

from .._utils.stack_level import find_stack_level
from ..exceptions import LeakWarning
from ._metrics import count_by_speaker, score_with_intervals
from ._plan import (
    Plan,
    Side,
    check_side,
    group_folds,
    make_plans,
    n_speakers,
    search_leaks,
    shared_speakers,
    sklearns_own_words_ignored,
)
from ._report import EvaluationReport, Fold, Protocol

__all__ = ["evaluate"]

_INNER_FOLDS = 3
_ONLY_STEP = "estimator"
_SEARCHES = (GridSearchCV, RandomizedSearchCV)
_DEFAULT_SR = 16000


@dataclass(frozen=True)
class _Outcome:
    """What a fold gave."""

    fold: Fold
    y_pred: NDArray[Any]
    probabilities: NDArray[np.float64] | None
    classes: NDArray[Any] | None


def evaluate(
    estimator: Any,
    X: Any,
    y: Any,
    speakers: Any = None,
    *,
    cv: Any = None,
    random_split: bool = False,
    X_test: Any = None,
    y_test: Any = None,
    speakers_test: Any = None,
    param_grid: Any = None,
    scoring: Any = "balanced_accuracy",
    check_leaks: bool = True,
    confidence: float = 0.95,
    name: str | None = None,
    n_jobs: int | None = None,
    random_state: int = 0,
    verbose: int = 0,
) -> EvaluationReport:
    """Evaluate a system on speakers that it has not heard.

    Parameters
    ----------
    estimator : classifier
        Such as ``make_ser_pipeline()``. It is cloned for each fold and stays as it is. Steps that
        take groups to fit, for early stopping, get the speakers, and so does the splitter of a
        ``GridSearchCV`` or ``RandomizedSearchCV``.
    X : list of path-like, list of 1-D waveforms, or ndarray of shape (n_clips, n_samples)
        What the estimator takes.
    y : array-like of shape (n_clips,)
        Labels.
    speakers : array-like of shape (n_clips,), default=None
        Who speaks. Without it the figures would say nothing of new speakers, so it must be given.
    cv : int, cross-validation generator, iterable of (train, test) or None, default=None
        An int is the number of folds, each of which tests speakers that it does not train on, with
        the classes spread evenly; at most one fold a speaker. None means 5. Speakers are dealt out
        at random, by `random_state`. A splitter is called with the speakers as groups. Where one
        puts speakers on both sides, the report calls it "custom splits" instead of
        "speaker-independent".
    random_split : bool, default=False
        Whether to run as many random folds beside it, in which speakers stand on both sides. The
        report labels them as what they are.
    X_test, y_test, speakers_test : default=None
        Another corpus: train on all of X once, and test on this. There is nothing to split then,
        so that `cv` and `random_split` must be left out.
    param_grid : dict or list of dict, default=None
        Parameters to search in each training fold, by an inner cross-validation that keeps
        speakers apart as well: nested cross-validation [1]_.
    scoring : str or callable, default="balanced_accuracy"
        What the inner search maximises.
    check_leaks : bool, default=True
        Whether to look for recordings that stand on both sides of a split, by their bytes and by
        their sound, before anything is trained. It reads every file once.
    confidence : float in (0, 1), default=0.95
        Of the intervals, which come from leaving each speaker out in turn. In simulations an
        interval of 0.95 covered the truth in 92 to 98 of 100 runs, and in 90 with two speakers.
    name : str or None, default=None
        What the report calls the system; None takes the class.
    n_jobs : int or None, default=None
        Folds that run at once, in processes.
    random_state : int, default=0
        Seeds which speakers, and which clips, are in a fold together, and nothing in the estimator.
    verbose : int, default=0
        1 prints a line as folds end; with `n_jobs`, in the order of the folds.

    Returns
    -------
    EvaluationReport
        ``print(report)`` shows it, ``report.to_html("report.html")`` writes it as a page.

    Raises
    ------
    AudioReadError
        If clips cannot be read.
    TypeError
        If the estimator is no classifier, or labels or speakers are of several kinds.
    ValueError
        If speakers or labels are missing, if there are fewer than two speakers, if lengths differ,
        if a split is empty, or if the estimator predicts NaN or what is no label.

    Warns
    -----
    LeakWarning
        If a speaker or a recording stands on both sides of a split, or a speaker on both sides of
        the splits of an estimator that searches by itself.
    UserWarning
        If a class is missing from a training fold.

    See Also
    --------
    compare : Several systems side by side.

    References
    ----------
    .. [1] S. Varma and R. Simon, "Bias in error estimation when using cross-validation for model
       selection", BMC Bioinformatics 7:91, 2006.

    Examples
    --------
    >>> from ser_estimators import make_ser_pipeline
    >>> from ser_estimators.datasets import make_emotional_speech
    >>> from ser_estimators.evaluation import evaluate
    >>> corpus = make_emotional_speech(
    ...     4, 4, emotions=("anger", "sadness"), n_syllables=2, out_dir="voices", random_state=0
    ... )
    >>> pipe = make_ser_pipeline(random_state=0).set_params(cnn__max_epochs=5)
    >>> report = evaluate(pipe, corpus.data, corpus.target, corpus.speakers, cv=2)
    >>> list(report.protocols)
    ['speaker-independent']
    """
    check_scalar(confidence, "confidence", Real, min_val=0, max_val=1, include_boundaries="neither")
    if not (hasattr(estimator, "fit") and is_classifier(estimator)):
        raise TypeError(f"estimator is {estimator!r}; expected a classifier, such as a pipeline")
    _check_protocol(X_test, y_test, speakers_test, cv, random_split)
    train = check_side(X, y, speakers, "")
    test = None if X_test is None else check_side(X_test, y_test, speakers_test, "_test")
    # Whatever is wrong with the splits is said before hours of training, and not after.
    plans = make_plans(train, test, cv, random_split, random_state)
    for plan in plans:
        _warn_of_missing_classes(plan)
    _warn_of_own_splits(estimator, plans[0])
    if check_leaks:
        plans = search_leaks(plans, n_jobs=n_jobs)

    # Before hours of training, too.
    sr, versions = _sampling_rate(estimator), _versions()
    protocols = {}
    for plan in plans:
        outcomes = _run(estimator, plan, param_grid, scoring, n_jobs, verbose)
        protocols[plan.name] = _protocol(plan, outcomes, confidence)
    return EvaluationReport(
        name=name or type(estimator).__name__,
        estimator=repr(estimator),
        protocols=protocols,
        confidence=confidence,
        versions=versions,
        sr=sr,
    )


def _check_protocol(
    X_test: Any, y_test: Any, speakers_test: Any, cv: Any, random_split: bool
) -> None:
    if X_test is None:
        for name, value in (("y_test", y_test), ("speakers_test", speakers_test)):
            if value is not None:
                raise ValueError(f"{name} is given without X_test; expected both or none")
        return
    if cv is not None or random_split:
        name, value = ("cv", cv) if cv is not None else ("random_split", random_split)
        raise ValueError(
            f"{name}={value!r} splits X, but with X_test all of X is trained on; leave one of the "
            "two out"
        )


def _sampling_rate(estimator: Any) -> int:
    """Return the rate at which the estimator takes waveforms, as far as its parameters tell."""
    parameters = estimator.get_params()
    rates = [value for name, value in parameters.items() if f"__{name}".endswith("__sr")]
    # None is librosa's word for the file's own rate.
    return next((int(rate) for rate in rates if isinstance(rate, Integral)), _DEFAULT_SR)


def _versions() -> dict[str, str]:
    """Return what figures depend on, whose defaults and rounding change from time to time."""
    from .. import __version__

    modules = {"scikit-learn": sklearn, "numpy": np, "torch": sys.modules.get("torch")}
    return {"ser_estimators": __version__} | {
        name: module.__version__ for name, module in modules.items() if module is not None
    }


def _run(
    estimator: Any, plan: Plan, param_grid: Any, scoring: Any, n_jobs: int | None, verbose: int
) -> list[_Outcome]:
    """Fit and test every fold, with a line of progress as each ends."""
    jobs = (
        delayed(_run_fold)(estimator, plan, i, param_grid, scoring) for i in range(len(plan.splits))
    )
    outcomes: list[_Outcome] = []
    for outcome in Parallel(n_jobs=n_jobs, return_as="generator")(jobs):
        outcomes.append(outcome)
        if verbose:
            truth = plan.test.labels[outcome.fold.test]
            right = float(np.mean(outcome.y_pred == truth))
            print(
                f"[evaluate] {plan.name}, fold {len(outcomes)}/{len(plan.splits)}: "
                f"{len(outcome.fold.train)} clips trained in {outcome.fold.fit_seconds:.0f} s, "
                f"accuracy on {len(truth)} clips {right:.3f}",
                flush=True,
            )
    return outcomes


def _run_fold(estimator: Any, plan: Plan, number: int, param_grid: Any, scoring: Any) -> _Outcome:
    """Fit on one side of a split and predict the other."""
    train_indices, test_indices = plan.splits[number]
    train, test = plan.train.take(train_indices), plan.test.take(test_indices)
    model = clone(estimator)
    if param_grid is not None:
        n_inner = min(_INNER_FOLDS, n_speakers(train))
        if n_inner < 2:
            raise ValueError(
                f"fold {number + 1} trains on one speaker, {train.speakers.tolist()[0]!r}; "
                "expected at least two, so that the inner search of param_grid can keep them apart"
            )
        # Splits rather than a splitter: the search needs no groups, and so no metadata routing.
        inner = group_folds(train, n_inner, random_state=0)
        # A search keeps groups for its own splitter, but hands on what is for a step.
        model = Pipeline([(_ONLY_STEP, model)])
        grid = _prefixed(param_grid)
        model = GridSearchCV(model, grid, scoring=scoring, cv=inner, error_score="raise")
    start = time.perf_counter()
    with sklearns_own_words_ignored():
        # Of an inner fold whose speakers lack a class: the mean over the others is what is wanted.
        warnings.filterwarnings("ignore", message="y_pred contains classes not in y_true")
        model.fit(train.clips, train.labels, **_speakers_for(model, train))
    seconds = time.perf_counter() - start
    best = model.best_estimator_[-1] if param_grid is not None else model
    fold = Fold(
        train_indices,
        test_indices,
        seconds,
        best_params=_without_prefix(getattr(model, "best_params_", None)),
        history=_history_of(best),
    )
    y_pred = np.asarray(best.predict(test.clips))
    strangers = np.setdiff1d(y_pred, np.concatenate([plan.train.labels, plan.test.labels]))
    if strangers.size:
        raise ValueError(
            f"{plan.name}, fold {number + 1}: the estimator predicts {strangers.tolist()[0]!r}, "
            "which is no label of y; expected one of the labels that it was fitted on"
        )
    if not hasattr(best, "predict_proba"):
        return _Outcome(fold, y_pred, None, None)
    probabilities = np.asarray(best.predict_proba(test.clips), dtype=float)
    if not np.isfinite(probabilities).all():
        n_bad = np.count_nonzero(~np.isfinite(probabilities).all(axis=1))
        raise ValueError(
            f"{plan.name}, fold {number + 1}: predict_proba gives NaN or infinity for {n_bad} of "
            f"{len(probabilities)} clips; training has probably diverged: lower the learning rate"
        )
    return _Outcome(fold, y_pred, probabilities, np.asarray(best.classes_))


def _prefixed(param_grid: Any) -> Any:
    """Return a grid, or a list of them, for the only step of a pipeline."""
    if isinstance(param_grid, Mapping):
        return {f"{_ONLY_STEP}__{name}": values for name, values in param_grid.items()}
    if isinstance(param_grid, (list, tuple)):
        return [_prefixed(grid) for grid in param_grid]
    return param_grid  # the search refuses it in its own words


def _without_prefix(best_params: dict[str, Any] | None) -> dict[str, Any] | None:
    if best_params is None:
        return None
    return {name.removeprefix(f"{_ONLY_STEP}__"): value for name, value in best_params.items()}


def _speakers_for(model: Any, train: Side) -> dict[str, Any]:
    """Return the speakers, by the names under which a model, or its steps, take groups to fit.

    A step with early stopping then sets whole speakers aside. With metadata routing switched on it
    is the user who says which step gets what, and nothing is passed.
    """
    if sklearn.get_config()["enable_metadata_routing"]:
        return {}
    return dict.fromkeys(_names_of_groups(model), train.speakers)


def _names_of_groups(model: Any, prefix: str = "") -> Iterator[str]:
    if isinstance(model, _SEARCHES):
        yield "groups"
        if hasattr(model.estimator, "steps"):
            yield from _names_of_groups(model.estimator)
    elif hasattr(model, "steps"):
        for name, step in model.steps:
            yield from _names_of_groups(step, f"{prefix}{name}__")
    elif has_fit_parameter(model, "groups"):
        yield f"{prefix}groups"


def _history_of(model: Any) -> list[dict[str, Any]] | None:
    """Return the learning curve of a step that has one such as `CNNEmbedder`'s."""
    model = getattr(model, "best_estimator_", model)
    if hasattr(model, "steps"):
        found = (_history_of(step) for _, step in model.steps)
        return next((history for history in found if history is not None), None)
    history = getattr(model, "history_", None)
    is_curve = isinstance(history, list) and all(isinstance(row, Mapping) for row in history)
    return history if is_curve else None


def _protocol(plan: Plan, outcomes: Sequence[_Outcome], confidence: float) -> Protocol:
    """Put the folds together, one row a tested clip, and score them."""
    tested = np.concatenate([outcome.fold.test for outcome in outcomes])
    y_true, speakers = plan.test.labels[tested], plan.test.speakers[tested]
    y_pred = np.concatenate([outcome.y_pred for outcome in outcomes])
    # All that can be predicted, also where the test clips hold fewer classes.
    classes = np.unique(np.concatenate([plan.train.labels, y_true]))
    probabilities = _columns_of_all(classes, outcomes)
    counts = count_by_speaker(
        np.searchsorted(classes, y_true),
        np.searchsorted(classes, y_pred),
        probabilities,
        speakers,
        len(classes),
    )
    return Protocol(
        name=plan.name,
        description=plan.description,
        folds=[outcome.fold for outcome in outcomes],
        clips=[plan.test.clips[i] for i in tested],
        y_true=y_true,
        y_pred=y_pred,
        probabilities=probabilities,
        speakers=speakers,
        classes=classes,
        scores=score_with_intervals(counts, confidence=confidence),
        leaks=plan.leaks,
        shared_speakers=plan.shared_speakers,
    )


def _columns_of_all(
    classes: NDArray[Any], outcomes: Sequence[_Outcome]
) -> NDArray[np.float64] | None:
    """Put probabilities in one order of classes; what a fold did not know has none."""
    blocks = []
    for outcome in outcomes:
        if outcome.probabilities is None or outcome.classes is None:
            return None
        block = np.zeros((len(outcome.y_pred), len(classes)))
        block[:, np.searchsorted(classes, outcome.classes)] = outcome.probabilities
        blocks.append(block)
    return np.concatenate(blocks)


def _warn_of_own_splits(estimator: Any, plan: Plan) -> None:
    """Warn of a search that tests candidates on speakers that it has trained them on."""
    if not isinstance(estimator, _SEARCHES) or plan.shared_speakers:
        return
    if isinstance(estimator.cv, Iterable):  # splits of other clips than those of a fold
        return
    train = plan.train.take(plan.splits[0][0])
    cv = check_cv(estimator.cv, train.labels, classifier=True)
    try:
        with sklearns_own_words_ignored():
            splits = list(cv.split(np.zeros(len(train.labels)), train.labels, train.speakers))
    except ValueError:  # the fit says it in its own words
        return
    if shared := shared_speakers(train, splits):
        warnings.warn(
            f"cv={estimator.cv!r} of the {type(estimator).__name__} puts speakers on both sides of "
            f"its splits, such as {shared[0]!r}: it chooses what is best for speakers that it "
            "knows. Give it cv=GroupKFold(3), or give evaluate the bare estimator and param_grid",
            LeakWarning,
            stacklevel=find_stack_level(),
        )


def _warn_of_missing_classes(plan: Plan) -> None:
    everything = set(plan.test.labels.tolist())
    for number, (train, _) in enumerate(plan.splits, start=1):
        missing = sorted(everything - set(plan.train.labels[train].tolist()))
        if missing:
            warnings.warn(
                f"{plan.name}, fold {number}: no clip of {', '.join(map(repr, missing))} to train "
                "on, so that none of it can be recognised",
                UserWarning,
                stacklevel=find_stack_level(),
            )
