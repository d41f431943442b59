"""One protocol: its folds are run, put together and scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Those of joblib would not pass the configuration of scikit-learn, such as metadata routing, on.
from sklearn.utils.parallel import Parallel, delayed

from ._fold import Outcome, run_fold
from ._metrics import score_clips
from ._plan import Plan
from ._report import Protocol
from ._results import ADAPTED
from ._store import FoldStore
from ._stressed import join_folds
from ._text import counted

__all__ = ["run_protocol"]


def run_protocol(
    estimator: Any,
    plan: Plan,
    *,
    param_grid: Any,
    scoring: Any,
    confidence: float,
    store: FoldStore | None = None,
    n_jobs: int | None,
    verbose: int,
) -> list[Protocol]:
    """Run every fold of a plan that is not stored yet, and score the predictions.

    Parameters
    ----------
    estimator : classifier
    plan : Plan
    param_grid, scoring, confidence, n_jobs, verbose : object
        As passed to `evaluate`.
    store : FoldStore or None, default=None
        Finished folds.

    Returns
    -------
    list of Protocol
        The second one, if any, is adapted to the speakers of the test clips.
    """
    outcomes = {} if store is None else store.load_all(plan)
    if verbose and outcomes and store is not None:
        print(
            f"[evaluate] {plan.name}: {len(outcomes)} of {counted(len(plan.splits), 'fold')} "
            f"loaded from {str(store.folder)!r}",
            flush=True,
        )
    missing = [number for number in range(len(plan.splits)) if number not in outcomes]
    jobs = (
        delayed(_run)(estimator, plan, number, param_grid, scoring, store, verbose)
        for number in missing
    )
    # As they finish, so that their lines are printed at once.
    for number, outcome in Parallel(n_jobs=n_jobs, return_as="generator_unordered")(jobs):
        outcomes[number] = outcome
        if verbose:
            _print_result(plan, number, outcome)
    ordered = [outcomes[number] for number in sorted(outcomes)]
    protocols = [_put_together(plan, ordered, confidence)]
    adapted = [
        replace(
            outcome,
            y_pred=outcome.adapted[0],
            probabilities=outcome.adapted[1],
            answered=outcome.adapted[2],
            stressed=None,
        )
        for outcome in ordered
        if outcome.adapted is not None
    ]
    if len(adapted) == len(ordered):
        adapted_plan = replace(
            plan,
            name=f"{plan.name}, {ADAPTED}",
            description=(
                f"{plan.description} The same models also received the speakers of the test clips, "
                "with all clips of a speaker at once, but not their emotions. "
                "Scores apply where many clips of a speaker, of several emotions, are known."
            ),
        )
        protocols.append(_put_together(adapted_plan, adapted, confidence))
    return protocols


def _run(
    estimator: Any,
    plan: Plan,
    number: int,
    param_grid: Any,
    scoring: Any,
    store: FoldStore | None,
    verbose: int,
) -> tuple[int, Outcome]:
    """Run a fold and store it, perhaps in another process."""
    if verbose:
        n_train, n_test = map(len, plan.splits[number])
        print(
            f"[evaluate] {plan.label_of(number)}: fitting on {counted(n_train, 'clip')}, to be "
            f"tested on {n_test}",
            flush=True,
        )
    outcome = run_fold(estimator, plan, number, param_grid, scoring, verbose=verbose)
    if store is not None:
        store.save(number, outcome)
    return number, outcome


def _print_result(plan: Plan, number: int, outcome: Outcome) -> None:
    truth = plan.test.labels[outcome.fold.test]
    recalls = [np.mean(outcome.y_pred[truth == label] == label) for label in np.unique(truth)]
    print(
        f"[evaluate] {plan.label_of(number)}: balanced accuracy {np.mean(recalls):.3f} on "
        f"{counted(len(truth), 'clip')}, fitted in {outcome.fold.fit_seconds:.0f} s",
        flush=True,
    )


def _put_together(plan: Plan, outcomes: Sequence[Outcome], confidence: float) -> Protocol:
    tested = np.concatenate([outcome.fold.test for outcome in outcomes])
    y_true = plan.test.labels[tested]
    speakers = None if plan.test.speakers is None else plan.test.speakers[tested]
    y_pred = np.concatenate([outcome.y_pred for outcome in outcomes])
    # All classes that can be predicted, even if the test clips contain fewer.
    classes = np.unique(np.concatenate([plan.train.labels, y_true]))
    probabilities = _align_probabilities(classes, outcomes)
    answered = [outcome.answered for outcome in outcomes if outcome.answered is not None]
    stressed = join_folds([fold.stressed for fold in outcomes if fold.stressed is not None])
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
        scores=score_clips(classes, y_true, y_pred, probabilities, speakers, confidence=confidence),
        leaks=plan.leaks,
        shared_speakers=plan.shared_speakers,
        metadata={name: values[tested] for name, values in plan.test.metadata.items()},
        conditions=stressed.predictions,
        failed_conditions=stressed.failures,
        answered=np.concatenate(answered) if len(answered) == len(outcomes) else None,
    )


def _align_probabilities(
    classes: NDArray[Any], outcomes: Sequence[Outcome]
) -> NDArray[np.float64] | None:
    """Stack the probabilities of all folds, with zero for classes that a fold was not trained on.

    Returns None if the estimator predicts no probabilities.
    """
    blocks = []
    for outcome in outcomes:
        if outcome.probabilities is None or outcome.classes is None:
            return None
        block = np.zeros((len(outcome.y_pred), len(classes)))
        block[:, np.searchsorted(classes, outcome.classes)] = outcome.probabilities
        blocks.append(block)
    return np.concatenate(blocks)
