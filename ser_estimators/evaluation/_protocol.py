"""One protocol: its folds are run, put together and scored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from ._fold import Outcome, run_fold
from ._metrics import count_by_speaker, score_with_intervals
from ._plan import Plan
from ._report import Protocol

__all__ = ["run_protocol"]


def run_protocol(
    estimator: Any,
    plan: Plan,
    *,
    param_grid: Any,
    scoring: Any,
    confidence: float,
    n_jobs: int | None,
    verbose: int,
) -> Protocol:
    """Run every fold of a plan and score the predictions.

    Parameters
    ----------
    estimator : classifier
    plan : Plan
    param_grid, scoring, confidence, n_jobs, verbose : object
        As passed to `evaluate`.

    Returns
    -------
    Protocol
    """
    jobs = (
        delayed(run_fold)(estimator, plan, i, param_grid, scoring) for i in range(len(plan.splits))
    )
    outcomes: list[Outcome] = []
    for outcome in Parallel(n_jobs=n_jobs, return_as="generator")(jobs):
        outcomes.append(outcome)
        if verbose:
            _print_progress(plan, outcome, len(outcomes))
    return _put_together(plan, outcomes, confidence)


def _print_progress(plan: Plan, outcome: Outcome, n_done: int) -> None:
    truth = plan.test.labels[outcome.fold.test]
    accuracy = float(np.mean(outcome.y_pred == truth))
    print(
        f"[evaluate] {plan.name}, fold {n_done}/{len(plan.splits)}: fitted on "
        f"{len(outcome.fold.train)} clips in {outcome.fold.fit_seconds:.0f} s, accuracy "
        f"{accuracy:.3f} on {len(truth)} clips",
        flush=True,
    )


def _put_together(plan: Plan, outcomes: Sequence[Outcome], confidence: float) -> Protocol:
    tested = np.concatenate([outcome.fold.test for outcome in outcomes])
    y_true, speakers = plan.test.labels[tested], plan.test.speakers[tested]
    y_pred = np.concatenate([outcome.y_pred for outcome in outcomes])
    # All classes that can be predicted, even if the test clips contain fewer.
    classes = np.unique(np.concatenate([plan.train.labels, y_true]))
    probabilities = _align_probabilities(classes, outcomes)
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
