"""Training on each of several corpora, and testing on all of them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from ..datasets._concatenate import concatenate_corpora
from ._checks import check_folder, check_training_classes
from ._cross_results import CorpusLeak, CrossCorpus, CrossScore
from ._evaluate import evaluate
from ._metrics import score_clips
from ._names import name_of_system
from ._plan import Plan, search_leaks
from ._report import Protocol
from ._sides import check_side
from ._splits import Split, make_splits
from ._text import counted

__all__ = ["cross_corpus"]


def cross_corpus(
    estimator: Any,
    corpora: Mapping[str, Bunch],
    *,
    cv: int = 5,
    confidence: float = 0.95,
    name: str | None = None,
    resume: str | os.PathLike[str] | None = None,
    n_jobs: int | None = None,
    random_state: int = 0,
    verbose: int = 0,
) -> CrossCorpus:
    """Train a classifier on each of several corpora, and test it on all of them.

    A model trained on one corpus is often of little use on another one, whose language, speakers,
    microphones, rooms and emotions differ [1]_. Scores within a corpus do not show that.

    Parameters
    ----------
    estimator : classifier
        For example ``make_ser_pipeline()``. A clone is fitted for each corpus, and one for each
        fold within it.
    corpora : dict of {str: Bunch}
        Two or more results of the loaders, by name of the corpus. Only emotions that all of them
        have are used.
    cv : int >= 2, default=5
        Number of folds within a corpus, at most one per speaker. Each tests speakers that it does
        not train on.
    confidence : float in (0, 1), default=0.95
        Confidence level of the intervals over speakers.
    name : str or None, default=None
        Name of the system. None joins the names of its steps.
    resume : path-like or None, default=None
        Folder where finished fits are stored, so that the same call continues after an
        interruption, see `evaluate`.
    n_jobs : int or None, default=None
        Number of folds that are run at the same time.
    random_state : int, default=0
        Seed of the assignment of speakers to folds.
    verbose : int, default=0
        1 prints a line when a fit begins and ends.

    Returns
    -------
    CrossCorpus
        The scores, as a matrix and as a table.

    Raises
    ------
    TypeError, ValueError
        If `corpora` is not a dict of two or more Bunches of several speakers, if they have fewer
        than two emotions in common, or as for `evaluate`.
    AudioReadError
        If clips cannot be used.

    Warns
    -----
    LeakWarning, UserWarning
        As `evaluate`.

    See Also
    --------
    evaluate : Evaluation within one corpus.
    ser_estimators.datasets.concatenate_corpora : Several corpora as one, to train on all of them.

    References
    ----------
    .. [1] B. Schuller et al., "Cross-corpus acoustic emotion recognition: variances and
       strategies", IEEE Transactions on Affective Computing 1(2), 2010.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.svm import SVC
    >>> from ser_estimators import AcousticFeatures
    >>> from ser_estimators.datasets import make_emotional_speech
    >>> from ser_estimators.evaluation import cross_corpus
    >>> corpora = {
    ...     folder: make_emotional_speech(
    ...         4, 2, emotions=("anger", "sadness"), out_dir=folder, random_state=seed
    ...     )
    ...     for seed, folder in enumerate(["first", "second"])
    ... }
    >>> found = cross_corpus(make_pipeline(AcousticFeatures(), SVC()), corpora, cv=2)
    >>> found.matrix().shape
    (2, 2)
    """
    check_folder(resume, "resume")
    joined = concatenate_corpora(corpora)
    if len(corpora) < 2:
        raise ValueError(f"corpora has one corpus, {next(iter(corpora))!r}; expected two or more")
    emotions = _shared_emotions(joined)
    is_used = np.isin(joined.target, emotions)
    parts = {corpus: _part_of(joined, is_used & (joined.corpus == corpus)) for corpus in corpora}
    for corpus, (_, _, speakers, _) in parts.items():
        if len(np.unique(speakers)) < 2:
            raise ValueError(
                f"the corpus {corpus!r} has one speaker of the shared emotions; expected two or "
                "more, of whom some are held out"
            )
    common: dict[str, Any] = {
        "confidence": confidence,
        "name": name or name_of_system(estimator),
        "n_jobs": n_jobs,
        "random_state": random_state,
        "verbose": verbose,
    }
    leaks = _check_splits(joined, np.flatnonzero(is_used), cv, random_state, n_jobs)
    # The leaks of all fits have been searched.
    common["check_leaks"] = False
    if verbose and (left_out := sorted(set(joined.target.tolist()) - set(emotions))):
        print(
            f"[cross_corpus] without {', '.join(map(str, left_out))}, which not all corpora have",
            flush=True,
        )
    scores: list[CrossScore] = []
    n_folds: dict[str, int] = {}
    for corpus, own in parts.items():
        others = _part_of(joined, is_used & (joined.corpus != corpus))

        def folder(kind: str, corpus: str = corpus) -> str | None:
            return None if resume is None else os.path.join(resume, f"{kind} {corpus}")

        if verbose:
            print(f"[cross_corpus] training on {corpus}", flush=True)
        within = evaluate(
            estimator,
            *own[:3],
            cv=cv,
            corpus=corpus,
            resume=folder("within"),
            **common,
        )
        across = evaluate(
            estimator,
            *own[:3],
            X_test=others[0],
            y_test=others[1],
            speakers_test=others[2],
            metadata_test={"corpus": others[3]},
            corpus=f"{corpus}, tested on the others",
            resume=folder("across"),
            **common,
        )
        n_folds[corpus] = len(within.main.folds)
        for tested in parts:
            report = within if tested == corpus else across
            scores += [
                _score_of(protocol, corpus, tested, confidence)
                for protocol in report.protocols.values()
            ]
    return CrossCorpus(
        name=common["name"],
        emotions=emotions,
        corpora=list(corpora),
        scores=scores,
        n_folds=n_folds,
        leaks=leaks,
    )


def _check_splits(
    joined: Bunch, rows: NDArray[np.intp], cv: Any, random_state: int, n_jobs: int | None
) -> list[CorpusLeak]:
    """Raise or warn, before anything is trained, of what is wrong with the clips of any fit.

    Returns
    -------
    list of CorpusLeak
    """
    data = [joined.data[row] for row in rows]
    side = check_side(data, joined.target[rows], joined.speakers[rows], "", None)
    corpus_of = joined.corpus[rows]
    splits: list[Split] = []
    for corpus in dict.fromkeys(corpus_of.tolist()):
        own, others = np.flatnonzero(corpus_of == corpus), np.flatnonzero(corpus_of != corpus)
        part = side.take(own)
        within = make_splits(part, cv, random_state)
        check_training_classes(f"corpus {corpus!r}", part.labels, within)
        splits += [(own[train], own[test]) for train, test in within]
        splits.append((own, others))
    (plan,) = search_leaks([Plan("cross-corpus", "", splits, side, side, [])], n_jobs=n_jobs)
    pairs: Counter[tuple[str, str]] = Counter()
    for leak in plan.leaks or ():
        first, second = sorted((corpus_of[leak.train], corpus_of[leak.test]))
        pairs[first, second] += 1
    return [CorpusLeak(first, second, n) for (first, second), n in pairs.items()]


def _shared_emotions(joined: Bunch) -> list[str]:
    """Return the emotions that all corpora have."""
    names = dict.fromkeys(joined.corpus.tolist())
    found = {name: set(joined.target[joined.corpus == name].tolist()) for name in names}
    shared = sorted(set.intersection(*found.values()))
    if len(shared) < 2:
        listed = "; ".join(
            f"{name}: {', '.join(map(str, sorted(one)))}" for name, one in found.items()
        )
        raise ValueError(
            f"the corpora have {counted(len(shared), 'emotion')} in common; expected two or more "
            f"({listed}). "
            "Rename emotions, or leave a corpus out"
        )
    return shared


def _part_of(joined: Bunch, is_in: Any) -> tuple[list[Any], Any, Any, Any]:
    """Return the clips, emotions, speakers and corpora of some rows."""
    rows = np.flatnonzero(is_in)
    data = [joined.data[row] for row in rows]
    return data, joined.target[rows], joined.speakers[rows], joined.corpus[rows]


def _score_of(protocol: Protocol, trained: str, tested: str, confidence: float) -> CrossScore:
    """Return the score of the clips of one corpus."""
    kept = slice(None)
    if trained != tested:
        kept = protocol.metadata["corpus"] == tested
    probabilities, speakers = protocol.probabilities, protocol.speakers
    found = score_clips(
        protocol.classes,
        protocol.y_true[kept],
        protocol.y_pred[kept],
        None if probabilities is None else probabilities[kept],
        None if speakers is None else speakers[kept],
        confidence=confidence,
    )
    return CrossScore(
        trained=trained,
        tested=tested,
        is_adapted=protocol.is_adapted,
        balanced_accuracy=float(found.value.balanced_accuracy),
        low=float(found.low.balanced_accuracy),
        high=float(found.high.balanced_accuracy),
        n_clips=len(protocol.y_true[kept]),
        n_speakers=found.n_speakers,
    )
