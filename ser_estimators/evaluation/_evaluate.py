"""Evaluation that keeps speakers apart."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
import sklearn
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedGroupKFold,
    StratifiedKFold,
    check_cv,
)
from sklearn.utils import check_scalar

from .._clips import check_clips, is_missing
from ..exceptions import LeakWarning
from ._leaks import find_leaks, find_same_recordings
from ._metrics import Interval, SpeakerCounts, count_by_speaker, score_with_intervals
from ._report import EvaluationReport, Fold, Protocol

__all__ = ["evaluate"]

_INNER_FOLDS = 3


@dataclass(frozen=True)
class _Side:
    """Clips, their labels and their speakers."""

    clips: Any
    labels: NDArray[Any]
    speakers: NDArray[Any]

    def take(self, indices: NDArray[np.int64]) -> _Side:
        clips = (
            self.clips[indices]
            if isinstance(self.clips, np.ndarray)
            else [self.clips[index] for index in indices]
        )
        return _Side(clips, self.labels[indices], self.speakers[indices])


@dataclass(frozen=True)
class _Plan:
    """A protocol before it is run: its splits, and where the test clips come from."""

    name: str
    description: str
    splits: list[tuple[NDArray[np.int64], NDArray[np.int64]]]
    train: _Side
    test: _Side


@dataclass(frozen=True)
class _Outcome:
    """What a fold gave."""

    fold: Fold
    y_pred: NDArray[Any]
    probabilities: NDArray[np.float64] | None
    classes: NDArray[Any]


def evaluate(
    estimator: Any,
    X: Any,
    y: Any,
    speakers: Any = None,
    *,
    cv: Any = 5,
    random_split: bool = False,
    X_test: Any = None,
    y_test: Any = None,
    speakers_test: Any = None,
    param_grid: Any = None,
    scoring: Any = "balanced_accuracy",
    check_leaks: bool = True,
    confidence: float = 0.95,
    n_resamples: int = 2000,
    name: str | None = None,
    n_jobs: int | None = None,
    random_state: int = 0,
    verbose: int = 0,
) -> EvaluationReport:
    """Evaluate a system on speakers that it has not heard.

    Parameters
    ----------
    estimator : classifier
        Such as ``make_ser_pipeline()``. It is cloned for each fold and stays as it is.
    X : list of path-like, list of 1-D waveforms, or ndarray of shape (n_clips, n_samples)
        What the estimator takes.
    y : array-like of shape (n_clips,)
        Labels.
    speakers : array-like of shape (n_clips,), default=None
        Who speaks. Without it the figures would say nothing of new speakers, so it must be given.
    cv : int, cross-validation generator or iterable of (train, test), default=5
        An int is the number of folds, each of which tests speakers that it does not train on, with
        the classes spread evenly; at most one fold a speaker. A splitter is called with the
        speakers as groups.
    random_split : bool, default=False
        Whether to run as many random folds beside it, in which speakers stand on both sides. The
        report labels them as what they are.
    X_test, y_test, speakers_test : default=None
        Another corpus: train on all of X once, and test on this.
    param_grid : dict or list of dict, default=None
        Parameters to search in each training fold, by an inner cross-validation that keeps
        speakers apart as well.
    scoring : str or callable, default="balanced_accuracy"
        What the inner search maximises.
    check_leaks : bool, default=True
        Whether to look for recordings that stand on both sides of a split, by their bytes and by
        their sound. It reads every file once.
    confidence : float in (0, 1), default=0.95
        Of the intervals.
    n_resamples : int > 0, default=2000
        Bootstrap samples of speakers.
    name : str or None, default=None
        What the report calls the system; None takes the class.
    n_jobs : int or None, default=None
        Folds that run at once, in processes.
    random_state : int, default=0
        Seeds the random folds and the bootstrap, and nothing in the estimator.
    verbose : int, default=0
        1 prints a line when a fold ends.

    Returns
    -------
    EvaluationReport
        ``print(report)`` shows it, ``report.to_html("report.html")`` writes it as a page.

    Raises
    ------
    ValueError
        If speakers are missing, if there are fewer than two, or if lengths differ.

    Warns
    -----
    LeakWarning
        If a speaker or a recording stands on both sides of a split.
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
    check_scalar(n_resamples, "n_resamples", Integral, min_val=1)
    if not (hasattr(estimator, "fit") and is_classifier(estimator)):
        raise TypeError(f"estimator is {estimator!r}; expected a classifier, such as a pipeline")
    train = _side(X, y, speakers, "")
    test = None if X_test is None else _side(X_test, y_test, speakers_test, "_test")
    plans = _plans(train, test, cv, random_split, random_state)

    same: list[set[int]] = []
    if check_leaks:
        # Positions in the test corpus, if there is one, go on where those in X end.
        everything = [*train.clips, *(test.clips if test else [])]
        same = find_same_recordings(everything, n_jobs=n_jobs)

    intervals = partial(score_with_intervals, confidence=confidence, n_resamples=n_resamples)
    protocols = {}
    for plan in plans:
        _warn_of_missing_classes(plan)
        outcomes = _run(estimator, plan, param_grid, scoring, n_jobs, verbose)
        counts, parts = _gather(plan, outcomes)
        scores = intervals(counts, rng=np.random.default_rng(random_state))
        protocols[plan.name] = _protocol(plan, parts, scores, same if check_leaks else None)
    return EvaluationReport(
        name=name or type(estimator).__name__,
        estimator=repr(estimator),
        protocols=protocols,
        confidence=confidence,
        versions={"scikit-learn": sklearn.__version__, "numpy": np.__version__},
    )


def _side(X: Any, y: Any, speakers: Any, suffix: str) -> _Side:
    """Check one set of clips with its labels and speakers."""
    clips = check_clips(X)
    if not isinstance(clips, list):
        clips = np.asarray(clips)
    if speakers is None:
        raise ValueError(
            f"speakers{suffix} is missing: without it, clips of one speaker would stand on both "
            "sides of a split, and the figures would say nothing of new speakers. Pass who speaks "
            f"in each clip, as the loaders give it: speakers{suffix}=corpus.speakers. If nobody "
            "speaks twice, pass range(len(X))"
        )
    labels, who = np.asarray(y), np.asarray(speakers)
    for name, values in ((f"y{suffix}", labels), (f"speakers{suffix}", who)):
        if values.shape != (len(clips),):
            raise ValueError(
                f"{name} has the shape {values.shape}; expected ({len(clips)},), one a clip"
            )
        missing = [i + 1 for i, value in enumerate(values.tolist()) if is_missing(value)]
        if missing:
            raise ValueError(f"{name} has no value for {len(missing)} clips, such as {missing[0]}")
    return _Side(clips, labels, who)


def _plans(
    train: _Side, test: _Side | None, cv: Any, random_split: bool, random_state: int
) -> list[_Plan]:
    """Lay out the splits of every protocol that was asked for."""
    n_clips, n_speakers = len(train.labels), len(np.unique(train.speakers))
    if test is not None:
        split = (np.arange(n_clips), np.arange(len(test.labels)))
        text = (
            f"Trained on all {n_clips} clips of {n_speakers} speakers, tested on {len(split[1])} "
            f"clips of {len(np.unique(test.speakers))} speakers of another corpus."
        )
        return [_Plan("other corpus", text, [split], train, test)]
    if n_speakers < 2:
        raise ValueError(
            f"speakers names {n_speakers} speaker; expected at least two, so that one can be "
            "tested who was not trained on"
        )
    if isinstance(cv, Integral):
        check_scalar(cv, "cv", Integral, min_val=2)
        cv = StratifiedGroupKFold(min(int(cv), n_speakers))
    splitter = check_cv(cv, train.labels, classifier=True)
    with warnings.catch_warnings():
        # A class with fewer clips than folds: _warn_of_missing_classes says what matters of it.
        warnings.filterwarnings("ignore", message="The least populated class")
        # A splitter that knows no groups: that speakers are shared is told below.
        warnings.filterwarnings("ignore", message="The groups parameter is ignored")
        splits = list(splitter.split(np.zeros(n_clips), train.labels, train.speakers))
    shared = _shared_speakers(train, train, splits)
    name = "custom splits" if shared else "speaker-independent"
    text = f"{len(splits)} folds of {n_clips} clips and {n_speakers} speakers, " + (
        "as given." if shared else "each speaker in one test fold and never in its training."
    )
    plans = [_Plan(name, text, splits, train, train)]
    if shared:
        warnings.warn(
            f"{len(shared)} speakers stand on both sides of a split of cv, such as "
            f"{shared[0]!r}: the figures say nothing of speakers that the model has not heard",
            LeakWarning,
            stacklevel=3,
        )
    if random_split:
        folds = StratifiedKFold(len(splits), shuffle=True, random_state=random_state)
        text = (
            f"{len(splits)} random folds: every speaker is trained on and tested, as in most "
            "published figures. Not what a new speaker will see."
        )
        random = list(folds.split(np.zeros(n_clips), train.labels))
        plans.append(_Plan("random split", text, random, train, train))
    return plans


def _run(
    estimator: Any, plan: _Plan, param_grid: Any, scoring: Any, n_jobs: int | None, verbose: int
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


def _run_fold(estimator: Any, plan: _Plan, number: int, param_grid: Any, scoring: Any) -> _Outcome:
    """Fit on one side of a split and predict the other."""
    train_indices, test_indices = plan.splits[number]
    train, test = plan.train.take(train_indices), plan.test.take(test_indices)
    model = clone(estimator)
    if param_grid is not None:
        n_inner = min(_INNER_FOLDS, len(np.unique(train.speakers)))
        if n_inner < 2:
            raise ValueError(
                f"fold {number + 1} trains on one speaker, {train.speakers.tolist()[0]!r}; "
                "expected at least two, so that the inner search of param_grid can keep them apart"
            )
        # Splits rather than a splitter: the search needs no groups, and so no metadata routing.
        inner = StratifiedGroupKFold(n_inner).split(train.labels, train.labels, train.speakers)
        model = GridSearchCV(
            model, param_grid, scoring=scoring, cv=list(inner), error_score="raise"
        )
    start = time.perf_counter()
    with warnings.catch_warnings():
        # Of an inner fold whose speakers lack a class: the mean over the others is what is wanted.
        warnings.filterwarnings("ignore", message="y_pred contains classes not in y_true")
        model.fit(train.clips, train.labels)
    seconds = time.perf_counter() - start
    best = model.best_estimator_ if param_grid is not None else model
    fold = Fold(
        train_indices,
        test_indices,
        seconds,
        best_params=model.best_params_ if param_grid is not None else None,
        history=_history_of(best),
    )
    probabilities = (
        np.asarray(best.predict_proba(test.clips), dtype=float)
        if hasattr(best, "predict_proba")
        else None
    )
    return _Outcome(fold, np.asarray(best.predict(test.clips)), probabilities, best.classes_)


def _history_of(model: Any) -> list[dict[str, Any]] | None:
    steps = [step for _, step in getattr(model, "steps", [("", model)])]
    return next((step.history_ for step in steps if hasattr(step, "history_")), None)


@dataclass(frozen=True)
class _Parts:
    """The outcomes of all folds, in one row a tested clip."""

    folds: list[Fold]
    tested: NDArray[np.int64]
    y_pred: NDArray[Any]
    probabilities: NDArray[np.float64] | None
    classes: NDArray[Any]


def _gather(plan: _Plan, outcomes: Sequence[_Outcome]) -> tuple[SpeakerCounts, _Parts]:
    """Put the folds together, with the columns of all classes in one order."""
    tested = np.concatenate([outcome.fold.test for outcome in outcomes])
    classes = np.unique(np.concatenate([plan.train.labels, plan.test.labels[tested]]))
    y_pred = np.concatenate([outcome.y_pred for outcome in outcomes])
    probabilities = None
    if all(outcome.probabilities is not None for outcome in outcomes):
        blocks = []
        for outcome in outcomes:
            block = np.zeros((len(outcome.y_pred), len(classes)))
            block[:, np.searchsorted(classes, outcome.classes)] = outcome.probabilities
            blocks.append(block)
        probabilities = np.concatenate(blocks)
    counts = count_by_speaker(
        np.searchsorted(classes, plan.test.labels[tested]),
        np.searchsorted(classes, y_pred),
        probabilities,
        plan.test.speakers[tested],
        len(classes),
    )
    folds = [outcome.fold for outcome in outcomes]
    return counts, _Parts(folds, tested, y_pred, probabilities, classes)


def _protocol(
    plan: _Plan, parts: _Parts, scores: Interval, same: list[set[int]] | None
) -> Protocol:
    """Say what came of a plan, and what stands on both sides of its splits."""
    shared = _shared_speakers(plan.train, plan.test, plan.splits)
    leaks = None
    if same is not None:
        offset = 0 if plan.test is plan.train else len(plan.train.labels)
        clips = [*plan.train.clips, *(plan.test.clips if offset else [])]
        splits = [(train, test + offset) for train, test in plan.splits]
        leaks = find_leaks(same, clips, splits)
        if leaks:
            first = leaks[0]
            names = [_name(clips, first.train), _name(clips, first.test)]
            warnings.warn(
                f"{len(leaks)} pairs of clips are one recording on both sides of the "
                f"{plan.name}, such as {names[0]} and {names[1]} ({first.kind}). Leave one of "
                "each pair out",
                LeakWarning,
                stacklevel=3,
            )
    return Protocol(
        name=plan.name,
        is_honest=not shared and not leaks,
        description=plan.description,
        folds=parts.folds,
        clips=[plan.test.clips[i] for i in parts.tested],
        y_true=plan.test.labels[parts.tested],
        y_pred=parts.y_pred,
        probabilities=parts.probabilities,
        speakers=plan.test.speakers[parts.tested],
        classes=parts.classes,
        scores=scores,
        leaks=leaks,
        shared_speakers=shared,
    )


def _shared_speakers(
    train: _Side, test: _Side, splits: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]
) -> list[Any]:
    """Return who stands on both sides of a split. Names of two corpora have nothing in common."""
    if train is not test:
        return []
    shared: set[Any] = set()
    for train_indices, test_indices in splits:
        shared |= set(train.speakers[train_indices].tolist()) & set(
            test.speakers[test_indices].tolist()
        )
    return sorted(shared)


def _warn_of_missing_classes(plan: _Plan) -> None:
    everything = set(plan.test.labels.tolist())
    for number, (train, _) in enumerate(plan.splits, start=1):
        missing = sorted(everything - set(plan.train.labels[train].tolist()))
        if missing:
            warnings.warn(
                f"{plan.name}, fold {number}: no clip of {', '.join(map(repr, missing))} to train "
                "on, so that none of it can be recognised",
                UserWarning,
                stacklevel=3,
            )


def _name(clips: Sequence[Any], index: int) -> str:
    clip = clips[index]
    return f"clip {index + 1}" if isinstance(clip, np.ndarray) else repr(clip)
