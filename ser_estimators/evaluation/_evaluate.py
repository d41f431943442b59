"""Evaluation that keeps speakers apart."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from numbers import Integral, Real
from typing import Any

import numpy as np
import sklearn
from sklearn.base import clone, is_classifier
from sklearn.utils import check_scalar

from .._utils.version import __version__
from ._checks import (
    check_combination,
    check_folder,
    check_own_splits,
    check_training_classes,
    refuse_groups,
    warn_of_clip_numbers,
    warn_of_missing_classes,
)
from ._clip_pool import make_pool
from ._conditions import check_conditions
from ._names import name_of_corpora, name_of_system
from ._plan import make_plans, search_leaks
from ._protocol import run_protocol
from ._report import EvaluationReport
from ._routing import warn_of_missing_speakers
from ._sides import check_side
from ._store import open_store
from ._stressed import StressPlan, check_sound, choose_rate, first_rate

__all__ = ["evaluate"]

_BATCH = 64  # clips that are in memory at the same time in a stress test


@refuse_groups
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
    metadata: Mapping[str, Any] | None = None,
    metadata_test: Mapping[str, Any] | None = None,
    conditions: Any = None,
    param_grid: Any = None,
    scoring: Any = "balanced_accuracy",
    check_leaks: bool = True,
    confidence: float = 0.95,
    name: str | None = None,
    corpus: str | None = None,
    resume: str | os.PathLike[str] | None = None,
    n_jobs: int | None = None,
    random_state: int = 0,
    verbose: int = 0,
) -> EvaluationReport:
    """Evaluate a classifier on speakers that it was not trained on.

    Parameters
    ----------
    estimator : classifier
        For example ``make_ser_pipeline()``. A clone is fitted in each fold; the estimator itself
        is left unchanged. Steps whose ``fit`` accepts ``groups``, for early stopping, receive the
        speakers, and so does the splitter of a ``GridSearchCV`` or ``RandomizedSearchCV``. With
        ``sklearn.set_config(enable_metadata_routing=True)``, only estimators and splitters that
        request ``groups`` receive them, in any meta-estimator that supports metadata routing.
    X : list of clips, or ndarray of shape (n_clips, n_samples)
        Paths, segments of files, waveforms, or the content of audio files, see
        ``MFCCTransformer.fit``; or any other array that the estimator accepts.
    y : array-like of shape (n_clips,)
        Labels.
    speakers : array-like of shape (n_clips,) or "unknown", default=None
        Speaker of each clip. It is required: if clips of one speaker appear in both training and
        test, scores do not apply to new speakers. If the speakers are not known, "unknown" splits
        the clips at random. The report then says that the scores may be too high, and has no
        intervals.
    cv : int, cross-validation generator, iterable of (train, test) or None, default=None
        An int >= 2 is the number of folds, at most one per speaker; None means 5. Each fold tests
        speakers that it does not train on, and classes are balanced. Speakers are assigned to
        folds at random, see `random_state`. A splitter receives the speakers as ``groups``. If
        the splits put a speaker in both training and test, the report calls them "custom splits"
        instead of "speaker-independent". With ``speakers="unknown"``, an int is a number of
        stratified random folds, and splitters that need groups are refused.
    random_split : bool, default=False
        Whether to also run the same number of random folds, in which speakers appear in both
        training and test. The report marks their scores accordingly. It must not be passed with
        ``speakers="unknown"``, with which all folds are random.
    X_test, y_test, speakers_test : default=None
        Clips, labels and speakers, or "unknown", of another corpus. The estimator is fitted once,
        on all of X, and tested on this corpus; `cv` and `random_split` must not be passed then.
    metadata, metadata_test : DataFrame, dict or None, default=None
        Other columns for X and X_test, such as ``corpus.frame`` or ``{"sex": corpus.sex}``. Each
        has one string or number per clip. The report contains them for the tested clips. Missing
        strings become "unknown". Columns that are None are ignored, and so are ``path``,
        ``emotion`` and ``speaker``, which have their own parameters.
    conditions : {"standard"}, list of str, dict of str to callable, or None, default=None
        Conditions of a stress test, such as noise or a room, see `stress_test`: each test clip is
        also predicted after each of them, by the model of its fold. The report shows how much
        accuracy is left, and ``report.stress`` has the figures. None tests the clips as recorded.
    param_grid : dict or list of dict, default=None
        Parameters to search in each training fold, by an inner cross-validation that keeps
        speakers apart as well: nested cross-validation [1]_.
    scoring : str or callable, default="balanced_accuracy"
        Score that the inner search maximizes.
    check_leaks : bool, default=True
        Whether to search, before training, for recordings that appear in both training and test.
        Recordings are compared by their bytes and by their sound, which reads every file once. The
        segments of a file are one recording.
    confidence : float in (0, 1), default=0.95
        Confidence level of the intervals, which are computed by leaving out each speaker in turn.
        In simulations, intervals at level 0.95 covered the true value in 92 to 98 of 100 runs,
        and in 90 with two speakers.
    name : str or None, default=None
        Name of the system in the report; None uses the names of the classes.
    corpus : str or None, default=None
        Name of the corpus in the report; None uses the name of the folder that contains all files.
    resume : path-like or None, default=None
        Folder in which each finished fold is stored. After a crash, for example, the same call
        loads these folds instead of running them again. A fold is only loaded if everything that
        it depends on is unchanged: the parameters of the estimator, clips (files by size and time
        of change, waveforms by content), labels, speakers, splits, grid, and versions of packages.
        Several evaluations can share a folder. Classes and functions that belong to no package
        with a version are compared by their code and by what it names in its module: after changing
        anything else that they use, choose another folder.
    n_jobs : int or None, default=None
        Number of folds that run in parallel, in processes, as in joblib.
    random_state : int, default=0
        Seeds the assignment of speakers, and of clips, to folds, and the noise of conditions. It
        does not seed the estimator.
    verbose : int, default=0
        If 1, print a line when a fold starts and when it ends; networks show their progress,
        labeled with the fold.

    Returns
    -------
    EvaluationReport
        ``print(report)`` shows it, ``report.to_html("report.html")`` writes it as a page. If the
        estimator takes speakers in ``predict``, as `ViewVotingClassifier` with a `normalizer` does,
        the report has a second protocol, "speaker-independent, adapted to each speaker, without
        labels": the same models, with the speakers of the test clips.

    Raises
    ------
    AudioReadError
        If clips cannot be read.
    KeyboardInterrupt
        If the evaluation is interrupted, even if an estimator, such as `CNNEmbedder`, then returns
        what it has trained.
    TypeError
        If the estimator is not a classifier, if types are mixed in `y`, `speakers` or a column of
        `metadata`, or if `resume` cannot identify a parameter in a later run.
    ValueError
        If speakers or labels are missing, if there are fewer than two speakers, if lengths differ,
        if a split is empty, or if the estimator predicts NaN or an unknown label.

    Warns
    -----
    LeakWarning
        If a speaker or a recording appears in both training and test of a split, or a speaker in
        both training and test of the splits that an estimator searches parameters with.
    UserWarning
        If the training clips of a fold lack a class; if speakers look like the numbers of clips; if
        an estimator with ``early_stopping=True`` receives no speakers, and so validates on clips of
        speakers that it trains on; if a condition cannot be tested; or if a stored fold is damaged
        or cannot be stored.

    See Also
    --------
    compare : Compare several systems on the same folds.
    stress_test : Test a fitted model under conditions.

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
    >>> report.main.name
    'speaker-independent'
    """
    date = datetime.now(UTC).isoformat(timespec="seconds")
    check_scalar(confidence, "confidence", Real, min_val=0, max_val=1, include_boundaries="neither")
    check_scalar(verbose, "verbose", Integral, min_val=0)
    for parameter, value in (("name", name), ("corpus", corpus)):
        check_scalar(value, parameter, (str, type(None)))
    if not (hasattr(estimator, "fit") and is_classifier(estimator)):
        raise TypeError(
            f"estimator is {estimator!r:.200}; expected a classifier, such as a pipeline"
        )
    check_combination(
        X_test=X_test,
        needs_test={
            "y_test": y_test,
            "speakers_test": speakers_test,
            "metadata_test": metadata_test,
        },
        splits={"cv": cv, "random_split": random_split or None},
    )
    folder = check_folder(resume, "resume")
    train = check_side(X, y, speakers, "", metadata)
    test = None
    if X_test is not None:
        test = check_side(X_test, y_test, speakers_test, "_test", metadata_test)
    # Problems are reported now rather than after hours of training.
    chosen = None
    if conditions is not None:
        chosen = check_conditions(conditions)
        check_sound(train if test is None else test)
    plans = make_plans(train, test, cv, random_split, random_state)
    warn_of_clip_numbers(train, "speakers")
    if test is not None:
        warn_of_clip_numbers(test, "speakers_test")
    for plan in plans:
        check_training_classes(plan.name, plan.train.labels, plan.splits)
        warn_of_missing_classes(plan)
    check_own_splits(estimator, plans[0])
    if train.speakers is not None:
        warn_of_missing_speakers(estimator)
    if chosen is not None:
        rate = choose_rate(clone(estimator))
        pool = make_pool(plans[0].test, rate, seed=random_state, n_jobs=n_jobs)
        plans[0] = replace(plans[0], stress=StressPlan(chosen, pool, _BATCH))
    stores = {
        plan.name: open_store(folder, estimator, plan, param_grid=param_grid, scoring=scoring)
        for plan in plans
        if folder is not None
    }
    if check_leaks:
        plans = search_leaks(plans, n_jobs=n_jobs)
    # A clone, because fitted searches are walked by their best estimator, which is not evaluated.
    sr, versions = first_rate(clone(estimator)), _versions()

    protocols = [
        protocol
        for plan in plans
        for protocol in run_protocol(
            estimator,
            plan,
            param_grid=param_grid,
            scoring=scoring,
            confidence=confidence,
            store=stores.get(plan.name),
            n_jobs=n_jobs,
            verbose=verbose,
        )
    ]
    return EvaluationReport(
        name=name or name_of_system(estimator),
        estimator=repr(estimator),
        protocols={protocol.name: protocol for protocol in protocols},
        confidence=confidence,
        versions=versions,
        sr=sr,
        date=date,
        corpus=name_of_corpora(train, test) if corpus is None else corpus,
    )


def _versions() -> dict[str, str]:
    """Return the versions of packages whose defaults or rounding affect the scores."""
    modules = {"scikit-learn": sklearn, "numpy": np, "torch": sys.modules.get("torch")}
    return {"ser_estimators": __version__} | {
        name: module.__version__ for name, module in modules.items() if module is not None
    }
