"""Protocols before they are run: their splits, and the recordings that leak across these."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._audio.segment import Segment
from .._estimators.speaker_routing import adapts_to_speakers
from .._utils.stack_level import find_stack_level
from ..exceptions import LeakWarning
from ._leaks import SAME_FILE, Leak, find_leaks, find_same_recordings
from ._sides import UNKNOWN, Side
from ._splits import Split, make_random_splits, make_splits, shared_speakers
from ._stressed import StressPlan
from ._text import counted

__all__ = ["Plan", "make_plans", "search_leaks"]

_MAX_LISTED = 10  # classes in a message


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
    stress : StressPlan or None, default=None
        Conditions under which the test clips are predicted as well.
    """

    name: str
    description: str
    splits: list[Split]
    train: Side
    test: Side
    shared_speakers: list[Any]
    leaks: list[Leak] | None = None
    stress: StressPlan | None = None

    def label_of(self, number: int) -> str:
        """Return the start of a line about a fold, such as "speaker-independent, fold 2/3"."""
        return ", ".join(filter(None, [self.name, self.fold_of(number)]))

    def fold_of(self, number: int) -> str:
        """Return the fold, such as "fold 2/3", or an empty string if there is only one."""
        return f"fold {number + 1}/{len(self.splits)}" if len(self.splits) > 1 else ""

    def is_adapted(self, model: Any) -> bool:
        """Return whether the test clips are also predicted with their speakers.

        The model adapts to them. In random folds, it was trained on the same speakers.
        """
        is_new = self.test.speakers is not None and not self.shared_speakers
        return is_new and adapts_to_speakers(model)

    def __sizeof__(self) -> int:
        """Return the number of bytes, with those of the clips.

        Dask sends large objects once to a worker, and small ones with every fold.
        """
        return object.__sizeof__(self) + sys.getsizeof(self.train) + sys.getsizeof(self.test)


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
    if train.speakers is None and random_split:
        raise ValueError(
            f'random_split=True was passed with speakers="{UNKNOWN}", with which all folds are '
            "random; leave random_split out"
        )
    if train.speakers is not None and train.n_speakers < 2:
        raise ValueError(
            f"speakers contains only {train.speakers.tolist()[0]!r:.80}; expected at least two "
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
                f"{_name_of(clips, first.test)} ({first.kind}). {_remedy(leaks)}",
                LeakWarning,
                stacklevel=find_stack_level(),
            )
        searched.append(replace(plan, leaks=leaks))
    return searched


def _plan_other_corpus(train: Side, test: Side) -> Plan:
    kinds = {"strings" if side.labels.dtype.kind in "OUST" else "numbers" for side in (train, test)}
    if len(kinds) > 1:
        raise TypeError(
            f"y contains labels such as {train.labels.tolist()[0]!r:.80}, but y_test labels such "
            f"as {test.labels.tolist()[0]!r:.80}; expected labels of one type"
        )
    if not set(train.labels.tolist()) & set(test.labels.tolist()):
        raise ValueError(
            f"y and y_test have no class in common: {_list_classes(train.labels)} and "
            f"{_list_classes(test.labels)}. Use one vocabulary for both, as the loaders do"
        )
    split = (np.arange(len(train.labels)), np.arange(len(test.labels)))
    text = (
        f"Trained on all {_describe(train)}, tested on {_describe(test)} from another corpus."
        f"{_compare_names(train, test)}"
    )
    return Plan("other corpus", text, [split], train, test, [])


def _describe(side: Side) -> str:
    """Return the number of clips and of their speakers, and no more than is known."""
    clips = counted(len(side.labels), "clip")
    if side.speakers is None:
        return f"{clips} of unknown speakers"
    if side.has_clip_numbers:
        return f"{clips}, each of which is named as a speaker of its own,"
    return f"{clips} of {counted(side.n_speakers, 'speaker')}"


def _compare_names(train: Side, test: Side) -> str:
    """Say whether speakers of two corpora have the same names."""
    if train.speakers is None or test.speakers is None:
        return ""
    both = sorted(set(map(str, train.speakers)) & set(map(str, test.speakers)))
    if train.has_clip_numbers or test.has_clip_numbers or not both:
        return ""
    if len(both) == 1:
        return f" One speaker name, {both[0]!r:.80}, occurs in both and is treated as two people."
    return (
        f" {len(both)} speaker names, such as {both[0]!r:.80}, occur in both and are treated as "
        "different people."
    )


def _plan_folds(side: Side, cv: Any, random_state: int) -> Plan:
    splits = make_splits(side, cv, random_state)
    shared = shared_speakers(side, splits)
    if shared:
        warnings.warn(
            f"cv puts {len(shared)} of {side.n_speakers} speakers, such as {shared[0]!r:.80}, in "
            "both training and test of a split: the scores do not apply to new speakers",
            LeakWarning,
            stacklevel=find_stack_level(),
        )
    name = "custom splits" if shared else "speaker-independent"
    if side.speakers is None:
        name = "speakers unknown"
    text = f"{_describe_folds(side, splits, cv, shared)} {_describe_tested(side, splits)}".rstrip()
    return Plan(name, text, splits, side, side, shared)


def _describe_folds(side: Side, splits: Sequence[Split], cv: Any, shared: Sequence[Any]) -> str:
    """Say what is known about speakers in training and test."""
    n_clips = counted(len(side.labels), "clip")
    if side.speakers is None:
        is_random = cv is None or isinstance(cv, Integral)
        folds = counted(len(splits), "random fold" if is_random else "fold")
        return (
            f"{folds} over {n_clips} of unknown speakers{'' if is_random else ', as passed in cv'}."
            " Whether a speaker appears in both training and test is unknown. If so, the scores "
            "are too high for new speakers."
        )
    folds = counted(len(splits), "fold")
    if side.has_clip_numbers:
        return (
            f"{folds} over {n_clips}, each of which is named as a speaker of its own. If a person "
            "speaks in several clips, they may appear in both training and test."
        )
    text = f"{folds} over {n_clips} and {side.n_speakers} speakers"
    if shared:
        return f"{text}, as passed in cv."
    return f"{text}. No speaker appears in both training and test."


def _describe_tested(side: Side, splits: Sequence[Split]) -> str:
    """Say whether each clip is tested once."""
    tested = np.concatenate([test for _, test in splits])
    n_tested = len(np.unique(tested))
    sentences = []
    if n_tested < len(side.labels):
        sentences.append(f"{counted(n_tested, 'clip')} {'is' if n_tested == 1 else 'are'} tested.")
    if len(tested) > n_tested:
        sentences.append(f"Some are tested in several folds: there are {len(tested)} predictions.")
    return " ".join(sentences)


def _plan_random_folds(side: Side, n_folds: int, random_state: int) -> Plan:
    splits = make_random_splits(side, n_folds, random_state)
    shared = shared_speakers(side, splits)
    n_shared, n_all = len(shared), side.n_speakers
    if side.has_clip_numbers:
        text = f"{n_folds} random folds. Each clip is named as a speaker of its own."
    elif shared:
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
    names = list(map(str, np.unique(labels)))
    more = f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    return ", ".join(f"{name:.80}" for name in names[:_MAX_LISTED]) + more


def _remedy(leaks: Sequence[Leak]) -> str:
    if all(leak.kind == SAME_FILE for leak in leaks):
        return (
            "Segments of one file share a room and a microphone: pass what keeps them together as "
            "speakers, such as one name for all who speak in it"
        )
    return "Remove one clip of each pair"


def _name_of(clips: Sequence[Any], index: int) -> str:
    clip = str(clips[index]) if isinstance(clips[index], Segment) else clips[index]
    return f"{clip!r:.300}" if isinstance(clip, (str, os.PathLike)) else f"clip {index + 1}"
