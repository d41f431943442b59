"""Protocols before they are run: their splits, and the recordings that leak across these."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.stack_level import find_stack_level
from ..exceptions import LeakWarning
from ._leaks import Leak, find_leaks, find_same_recordings
from ._sides import Side
from ._splits import Split, make_random_splits, make_splits, shared_speakers
from ._text import counted

__all__ = ["Plan", "make_plans", "search_leaks"]


@dataclass(frozen=True)
class Plan:
    """A protocol before it is run.

    Parameters
    ----------
    name, description : str
        See `Protocol`.
    splits : list of (train, test)
        Positions in the clips of `train` and in those of `test`.
    train, test : Side
        The same object, except with another corpus as test set.
    shared_speakers : list
        Speakers that appear in both training and test of a split.
    leaks : list of Leak or None, default=None
        None if nothing was searched.
    """

    name: str
    description: str
    splits: list[Split]
    train: Side
    test: Side
    shared_speakers: list[Any]
    leaks: list[Leak] | None = None


def make_plans(
    train: Side, test: Side | None, cv: Any, random_split: bool, random_state: int
) -> list[Plan]:
    """Plan every protocol that was asked for.

    Parameters
    ----------
    train : Side
        X, y and speakers of `evaluate`.
    test : Side or None
        Another corpus.
    cv, random_split, random_state : object
        As passed to `evaluate`.

    Returns
    -------
    list of Plan
        The main protocol first.

    Raises
    ------
    TypeError, ValueError
        If the clips cannot be split as asked for.

    Warns
    -----
    LeakWarning
        If `cv` puts a speaker in both training and test.
    """
    if test is not None:
        return [_plan_other_corpus(train, test)]
    if train.n_speakers < 2:
        raise ValueError(
            f"speakers contains only {train.speakers.tolist()[0]!r}; expected at least two "
            "speakers, so that the model can be tested on one it was not trained on"
        )
    plans = [_plan_folds(train, cv, random_state)]
    if random_split:
        plans.append(_plan_random_folds(train, max(2, len(plans[0].splits)), random_state))
    return plans


def search_leaks(plans: Sequence[Plan], *, n_jobs: int | None) -> list[Plan]:
    """Return the plans with the recordings that are in both training and test of their splits.

    Warns
    -----
    LeakWarning
        For each plan with such recordings.
    """
    train, test = plans[0].train, plans[0].test
    # In the list of all clips, those of another corpus follow those of X.
    offset = 0 if test is train else len(train.labels)
    clips = [*train.clips, *(test.clips if offset else [])]
    same = find_same_recordings(clips, n_jobs=n_jobs)
    searched = []
    for plan in plans:
        splits = [(train, test + offset) for train, test in plan.splits]
        leaks = find_leaks(same, clips, splits)
        if leaks:
            first = leaks[0]
            pairs = "1 pair" if len(leaks) == 1 else f"{len(leaks)} pairs"
            warnings.warn(
                f"protocol {plan.name!r} has the same recording in both training and test: {pairs} "
                f"of clips, such as {_name_of(clips, first.train)} and "
                f"{_name_of(clips, first.test)} ({first.kind}). Remove one clip of each pair",
                LeakWarning,
                stacklevel=find_stack_level(),
            )
        searched.append(replace(plan, leaks=leaks))
    return searched


def _plan_other_corpus(train: Side, test: Side) -> Plan:
    kinds = {"strings" if side.labels.dtype.kind in "OUST" else "numbers" for side in (train, test)}
    if len(kinds) > 1:
        raise TypeError(
            f"y contains labels such as {train.labels.tolist()[0]!r}, but y_test labels such as "
            f"{test.labels.tolist()[0]!r}; expected labels of one type"
        )
    if not set(train.labels.tolist()) & set(test.labels.tolist()):
        raise ValueError(
            f"y and y_test have no class in common: {_list_classes(train.labels)} and "
            f"{_list_classes(test.labels)}. Use one vocabulary for both, as the loaders do"
        )
    split = (np.arange(len(train.labels)), np.arange(len(test.labels)))
    text = (
        f"Trained on all {len(split[0])} clips of {counted(train.n_speakers, 'speaker')}, tested "
        f"on {len(split[1])} clips of {counted(test.n_speakers, 'speaker')} from another corpus."
    )
    both = sorted(set(map(str, train.speakers)) & set(map(str, test.speakers)))
    if len(both) == 1:
        text += f" One speaker name, {both[0]!r}, occurs in both and is treated as two people."
    elif both:
        text += (
            f" {len(both)} speaker names, such as {both[0]!r}, occur in both and are treated as "
            "different people."
        )
    return Plan("other corpus", text, [split], train, test, [])


def _plan_folds(side: Side, cv: Any, random_state: int) -> Plan:
    n_clips = len(side.labels)
    splits = make_splits(side, cv, random_state)
    shared = shared_speakers(side, splits)
    if shared:
        warnings.warn(
            f"cv puts {len(shared)} of {side.n_speakers} speakers, such as {shared[0]!r}, in both "
            "training and test of a split: the scores do not apply to new speakers",
            LeakWarning,
            stacklevel=find_stack_level(),
        )
    tested = np.concatenate([test for _, test in splits])
    n_tested = len(np.unique(tested))
    text = (
        f"{counted(len(splits), 'fold')} over {counted(n_clips, 'clip')} and {side.n_speakers} "
        f"speakers{', as passed in cv' if shared else ''}."
    )
    if not shared:
        text += " No speaker appears in both training and test."
    if n_tested < n_clips:
        text += f" {counted(n_tested, 'clip')} {'is' if n_tested == 1 else 'are'} tested."
    if len(tested) > n_tested:
        text += f" Some are tested in several folds: there are {len(tested)} predictions."
    name = "custom splits" if shared else "speaker-independent"
    return Plan(name, text, splits, side, side, shared)


def _plan_random_folds(side: Side, n_folds: int, random_state: int) -> Plan:
    splits = make_random_splits(side, n_folds, random_state)
    shared = shared_speakers(side, splits)
    n_shared, n_all = len(shared), side.n_speakers
    if shared:
        who = (
            "every speaker appears"
            if n_shared == n_all
            else f"{n_shared} of {n_all} speakers {'appears' if n_shared == 1 else 'appear'}"
        )
        text = (
            f"{n_folds} random folds: {who} in both training and test, as in most published "
            "results. Do not expect these scores for a new speaker."
        )
    else:
        text = f"{n_folds} random folds. Here, too, no speaker appears in both training and test."
    return Plan("random split", text, splits, side, side, shared)


def _list_classes(labels: NDArray[Any]) -> str:
    return ", ".join(map(str, np.unique(labels)))


def _name_of(clips: Sequence[Any], index: int) -> str:
    clip = clips[index]
    return f"clip {index + 1}" if isinstance(clip, np.ndarray) else repr(clip)
