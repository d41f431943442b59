"""What is to be trained on and tested: clips with their speakers, splits and their leaks."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.utils import check_scalar

from .._audio.clips import check_clips
from .._audio.waveforms import check_waveforms
from .._utils.checks import is_missing
from .._utils.stack_level import find_stack_level
from ..exceptions import LeakWarning
from ._leaks import MIN_SAMPLES, Leak, find_leaks, find_same_recordings

__all__ = [
    "Plan",
    "Side",
    "Split",
    "check_side",
    "group_folds",
    "make_plans",
    "n_speakers",
    "search_leaks",
    "shared_speakers",
    "sklearns_own_words_ignored",
]

_DEFAULT_FOLDS = 5

Split = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True)
class Side:
    """Clips, their labels and their speakers."""

    clips: Any
    labels: NDArray[Any]
    speakers: NDArray[Any]

    def take(self, indices: NDArray[np.int64]) -> Side:
        """Return some of the clips."""
        clips = (
            self.clips[indices]
            if isinstance(self.clips, np.ndarray)
            else [self.clips[index] for index in indices]
        )
        return Side(clips, self.labels[indices], self.speakers[indices])


@dataclass(frozen=True)
class Plan:
    """A protocol before it is run: its splits, and where the test clips come from."""

    name: str
    description: str
    splits: list[Split]
    train: Side
    test: Side
    shared_speakers: list[Any]
    leaks: list[Leak] | None = None


def check_side(X: Any, y: Any, speakers: Any, suffix: str) -> Side:
    """Check one set of clips with its labels and speakers."""
    clips = check_clips(X)
    if not isinstance(clips, list):
        clips = np.asarray(clips)
        # Shorter rows are those of a table, which a step may mend.
        if clips.ndim == 2 and clips.shape[1] >= MIN_SAMPLES and clips.dtype.kind in "biuf":
            check_waveforms(list(clips))
    elif isinstance(clips[0], np.ndarray):
        check_waveforms(clips)
    if speakers is None:
        raise ValueError(
            f"speakers{suffix} is missing: without it, clips of one speaker would stand on both "
            "sides of a split, and the figures would say nothing of new speakers. Pass who speaks "
            f"in each clip, as the loaders give it: speakers{suffix}=corpus.speakers. If nobody "
            "speaks twice, pass range(len(X))"
        )
    return Side(
        clips,
        _column(y, f"y{suffix}", len(clips)),
        _column(speakers, f"speakers{suffix}", len(clips)),
    )


def _column(values: Any, name: str, n_clips: int) -> NDArray[Any]:
    """Check that there is one value a clip, none missing, all of a kind."""
    # Looked at as they came: in an array, [None, "a"] and [nan, "a"] would be strings.
    items = values.tolist() if hasattr(values, "tolist") else values
    if isinstance(items, str) or not hasattr(items, "__len__"):
        raise TypeError(f"{name} is {values!r}; expected one value a clip")
    array = np.asarray(values)
    if array.shape != (n_clips,):
        raise ValueError(f"{name} has the shape {array.shape}; expected ({n_clips},), one a clip")
    items = list(items)
    missing = [index + 1 for index, item in enumerate(items) if is_missing(item)]
    if missing:
        raise ValueError(
            f"{name} has no value for {_count(len(missing), 'clip')}, such as clip {missing[0]}; "
            "leave such clips out"
        )
    strings = [item for item in items if isinstance(item, str)]
    if strings and len(strings) < n_clips:
        other = next(item for item in items if not isinstance(item, str))
        raise TypeError(
            f"{name} mixes strings with others, such as {strings[0]!r} and {other!r}; "
            "expected values of one kind"
        )
    return array


def make_plans(
    train: Side, test: Side | None, cv: Any, random_split: bool, random_state: int
) -> list[Plan]:
    """Lay out the splits of every protocol that was asked for."""
    if test is not None:
        return [_other_corpus(train, test)]
    if n_speakers(train) < 2:
        raise ValueError(
            f"speakers names {n_speakers(train)} speaker; expected at least two, so that one can "
            "be tested who was not trained on"
        )
    plans = [_folds(train, cv, random_state)]
    if random_split:
        plans.append(_random_folds(train, max(2, len(plans[0].splits)), random_state))
    return plans


def n_speakers(side: Side) -> int:
    """Count the speakers of some clips."""
    return len(np.unique(side.speakers))


def group_folds(side: Side, n_folds: int, random_state: int) -> list[Split]:
    """Split clips so that no speaker stands on both sides, with the classes spread evenly.

    Speakers are dealt out at random: in their order, an even number of folds of RAVDESS, where
    men have odd numbers and women even ones, would each hold one sex alone.
    """
    _check_class_sizes(side, n_folds)
    with sklearns_own_words_ignored():
        folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=random_state)
        return list(folds.split(side.labels, side.labels, side.speakers))


def search_leaks(plans: Sequence[Plan], *, n_jobs: int | None) -> list[Plan]:
    """Return the plans with the recordings that stand on both sides of their splits."""
    first_side, second_side = plans[0].train, plans[0].test
    # Positions in the other corpus, if there is one, go on where those in X end.
    offset = 0 if second_side is first_side else len(first_side.labels)
    clips = [*first_side.clips, *(second_side.clips if offset else [])]
    same = find_same_recordings(clips, n_jobs=n_jobs)
    searched = []
    for plan in plans:
        splits = [(train, test + offset) for train, test in plan.splits]
        leaks = find_leaks(same, clips, splits)
        if leaks:
            first = leaks[0]
            names = [_name(clips, first.train), _name(clips, first.test)]
            what = "1 pair of clips is" if len(leaks) == 1 else f"{len(leaks)} pairs of clips are"
            warnings.warn(
                f"{what} one recording on both sides of the {plan.name} splits, such as "
                f"{names[0]} and {names[1]} ({first.kind}). Leave one of each pair out",
                LeakWarning,
                stacklevel=find_stack_level(),
            )
        searched.append(replace(plan, leaks=leaks))
    return searched


def _other_corpus(train: Side, test: Side) -> Plan:
    kinds = {"strings" if side.labels.dtype.kind in "OUST" else "numbers" for side in (train, test)}
    if len(kinds) > 1:
        raise TypeError(
            f"y holds labels such as {train.labels.tolist()[0]!r}, y_test such as "
            f"{test.labels.tolist()[0]!r}; expected labels of one kind"
        )
    if not set(train.labels.tolist()) & set(test.labels.tolist()):
        raise ValueError(
            f"y and y_test have no class in common: {_names(train.labels)} and "
            f"{_names(test.labels)}. Give both one vocabulary, as the loaders do"
        )
    split = (np.arange(len(train.labels)), np.arange(len(test.labels)))
    text = (
        f"Trained on all {len(split[0])} clips of {_count(n_speakers(train), 'speaker')}, tested "
        f"on {len(split[1])} clips of {_count(n_speakers(test), 'speaker')} of another corpus."
    )
    both = sorted(set(map(str, train.speakers)) & set(map(str, test.speakers)))
    if both:
        text += (
            f" {_count(len(both), 'name')} of speakers, such as {both[0]!r}, "
            f"{'stands' if len(both) == 1 else 'stand'} in both corpora and "
            f"{'is' if len(both) == 1 else 'are'} taken for different people."
        )
    return Plan("other corpus", text, [split], train, test, [])


def _folds(side: Side, cv: Any, random_state: int) -> Plan:
    n_clips = len(side.labels)
    cv = _DEFAULT_FOLDS if cv is None else cv
    if isinstance(cv, Integral):
        check_scalar(cv, "cv", Integral, min_val=2)
        splits = group_folds(side, min(int(cv), n_speakers(side)), random_state)
    elif hasattr(cv, "split") and not isinstance(cv, str):
        with sklearns_own_words_ignored():
            splits = list(cv.split(np.zeros(n_clips), side.labels, side.speakers))
    elif isinstance(cv, Iterable) and not isinstance(cv, str):
        splits = list(cv)
    else:
        raise TypeError(
            f"cv is {cv!r}; expected a number of folds, a splitter such as GroupKFold(6), or a "
            "list of (train, test)"
        )
    splits = _check_splits(splits, n_clips)
    shared = shared_speakers(side, splits)
    if shared:
        warnings.warn(
            f"{_count(len(shared), 'speaker')} of {n_speakers(side)} stand on both sides of a "
            f"split of cv, such as {shared[0]!r}: the figures say nothing of speakers that the "
            "model has not heard",
            LeakWarning,
            stacklevel=find_stack_level(),
        )
    tested = np.concatenate([test for _, test in splits])
    n_tested = len(np.unique(tested))
    text = (
        f"{_count(len(splits), 'fold')} of {_count(n_clips, 'clip')} and {n_speakers(side)} "
        f"speakers{', as given' if shared else ''}."
    )
    if not shared:
        text += " No speaker is trained on and tested in one fold."
    if n_tested < n_clips:
        text += f" {n_tested} clips are tested."
    if len(tested) > n_tested:
        text += f" Some are tested in several folds, {len(tested)} times in all."
    name = "custom splits" if shared else "speaker-independent"
    return Plan(name, text, splits, side, side, shared)


def _random_folds(side: Side, n_folds: int, random_state: int) -> Plan:
    _check_class_sizes(side, n_folds)
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=random_state)
    with sklearns_own_words_ignored():
        splits = _check_splits(
            folds.split(np.zeros(len(side.labels)), side.labels), len(side.labels)
        )
    shared = shared_speakers(side, splits)
    n_shared, n_all = len(shared), n_speakers(side)
    if shared:
        who = "every speaker is" if n_shared == n_all else f"{n_shared} of {n_all} speakers are"
        text = (
            f"{n_folds} random folds: {who} trained on and tested, as in most published figures. "
            "Not what a new speaker will see."
        )
    else:
        text = (
            f"{n_folds} random folds. No speaker is trained on and tested in one fold here either."
        )
    return Plan("random split", text, splits, side, side, shared)


def _check_splits(splits: Iterable[tuple[Any, Any]], n_clips: int) -> list[Split]:
    """Return splits as positions, whatever a splitter or a list of them holds."""
    checked = []
    for number, split in enumerate(splits, start=1):
        try:
            train, test = split
        except (TypeError, ValueError):
            raise ValueError(
                f"split {number} of cv is {split!r}; expected a pair (train, test)"
            ) from None
        sides = []
        for name, indices in (("train", train), ("test", test)):
            array = np.asarray(indices)
            if array.dtype.kind == "b" and array.shape == (n_clips,):
                array = np.flatnonzero(array)
            if array.size == 0:
                raise ValueError(
                    f"the {name} side of split {number} of cv is empty; expected clips on both"
                )
            if array.ndim != 1 or array.dtype.kind not in "iu":
                raise ValueError(
                    f"the {name} side of split {number} of cv has the shape {array.shape} and the "
                    f"type {array.dtype}; expected positions of clips, or a mask of {n_clips}"
                )
            if array.min() < 0 or array.max() >= n_clips:
                raise ValueError(
                    f"the {name} side of split {number} of cv goes from {array.min()} to "
                    f"{array.max()}; expected positions from 0 to {n_clips - 1}"
                )
            sides.append(array.astype(np.int64))
        checked.append((sides[0], sides[1]))
    if not checked:
        raise ValueError("cv holds no split; expected at least one pair (train, test)")
    return checked


def _check_class_sizes(side: Side, n_folds: int) -> None:
    names, counts = np.unique(side.labels, return_counts=True)
    if counts.max() < n_folds:
        largest = names.tolist()[counts.argmax()]
        raise ValueError(
            f"no class has as many clips as the {n_folds} folds: {largest!r} has the "
            f"most, {counts.max()}. Take fewer folds (cv), or more clips"
        )


def shared_speakers(side: Side, splits: Sequence[Split]) -> list[Any]:
    """Return who stands on both sides of a split."""
    shared: set[Any] = set()
    for train, test in splits:
        shared |= set(side.speakers[train].tolist()) & set(side.speakers[test].tolist())
    return sorted(shared)


@contextmanager
def sklearns_own_words_ignored() -> Iterator[None]:
    with warnings.catch_warnings():
        # A class with fewer clips than folds: what matters of it is whether a fold lacks it, and
        # that is said by name.
        warnings.filterwarnings("ignore", message="The least populated class")
        # A splitter that knows no groups: that speakers are shared is told in our own words.
        warnings.filterwarnings("ignore", message="The groups parameter is ignored")
        yield


def _count(n: int, thing: str) -> str:
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"


def _names(values: NDArray[Any]) -> str:
    return ", ".join(map(str, np.unique(values)))


def _name(clips: Sequence[Any], index: int) -> str:
    clip = clips[index]
    return f"clip {index + 1}" if isinstance(clip, np.ndarray) else repr(clip)
