"""Splits of clips into training and test sets."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.utils import check_scalar

from .._utils.stack_level import find_stack_level
from ._routing import needs_groups
from ._sides import Side

__all__ = [
    "Split",
    "check_splitter",
    "expected_warnings_ignored",
    "make_random_splits",
    "make_speaker_splits",
    "make_splits",
    "shared_speakers",
]

_DEFAULT_FOLDS = 5

# Positions of the training clips and of the test clips.
Split = tuple[NDArray[np.int64], NDArray[np.int64]]


def make_splits(side: Side, cv: Any, random_state: int) -> list[Split]:
    """Return the splits that the parameter `cv` of `evaluate` describes.

    Parameters
    ----------
    side : Side
    cv : int, cross-validation generator, iterable of (train, test) or None
        See `evaluate`.
    random_state : int
        Seeds the assignment of speakers to folds, or of clips if the speakers are unknown, if `cv`
        is a number or None.

    Returns
    -------
    list of (train, test)

    Raises
    ------
    TypeError, ValueError
        If `cv` is of another type, if it needs speakers that are unknown, or if a split is empty or
        out of range.
    """
    given = cv
    cv = _DEFAULT_FOLDS if cv is None else cv
    if isinstance(cv, Integral):
        check_scalar(cv, "cv", Integral, min_val=2)
        if side.speakers is None:
            splits = make_random_splits(side, int(cv), random_state)
        else:
            if given is not None and int(cv) > side.n_speakers:
                warnings.warn(
                    f"cv={cv} is more than the {side.n_speakers} speakers; there will be "
                    f"{side.n_speakers} folds, one per speaker",
                    UserWarning,
                    stacklevel=find_stack_level(),
                )
            splits = make_speaker_splits(side, min(int(cv), side.n_speakers), random_state)
    elif hasattr(cv, "split") and not isinstance(cv, (str, type)):
        if side.speakers is None:
            check_splitter(cv, f"cv={cv!r:.80}")
        with expected_warnings_ignored():
            splits = list(cv.split(np.zeros(len(side.labels)), side.labels, side.speakers))
    elif isinstance(cv, Iterable) and not isinstance(cv, str):
        splits = list(cv)
    else:
        raise TypeError(
            f"cv is {cv!r:.80}; expected a number of folds, a splitter such as GroupKFold(6), or a "
            "list of (train, test) pairs"
        )
    return _check_splits(splits, len(side.labels))


def check_splitter(splitter: Any, name: str) -> None:
    """Raise if a splitter needs speakers, for clips whose speakers are unknown."""
    if needs_groups(splitter):
        raise ValueError(
            f"{name} needs the speakers, which are unknown; pass the speaker of each clip as "
            "speakers, or use a splitter without groups, such as StratifiedKFold"
        )


def make_speaker_splits(side: Side, n_folds: int, random_state: int) -> list[Split]:
    """Split clips so that no speaker is in both training and test, with balanced classes.

    Speakers are assigned at random. In their own order, an even number of folds of RAVDESS, where
    men have odd numbers and women even ones, would each contain one sex only.
    """
    _check_class_sizes(side, n_folds)
    with expected_warnings_ignored():
        folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=random_state)
        return list(folds.split(side.labels, side.labels, side.speakers))


def make_random_splits(side: Side, n_folds: int, random_state: int) -> list[Split]:
    """Split clips at random, whoever speaks in them, with balanced classes."""
    _check_class_sizes(side, n_folds)
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=random_state)
    with expected_warnings_ignored():
        splits = folds.split(np.zeros(len(side.labels)), side.labels)
        return _check_splits(splits, len(side.labels))


def shared_speakers(side: Side, splits: Sequence[Split]) -> list[Any]:
    """Return the known speakers that appear in both training and test of any split, sorted."""
    if side.speakers is None:
        return []
    shared: set[Any] = set()
    for train, test in splits:
        shared |= set(side.speakers[train].tolist()) & set(side.speakers[test].tolist())
    return sorted(shared)


@contextmanager
def expected_warnings_ignored() -> Iterator[None]:
    """Ignore warnings of scikit-learn for which `evaluate` has its own, or none."""
    with warnings.catch_warnings():
        # A class with fewer clips than folds only matters if a training fold lacks it, and then
        # `evaluate` warns with the name of the class.
        warnings.filterwarnings("ignore", message="The least populated class")
        # If a splitter that ignores groups puts a speaker in both sets, `evaluate` warns itself.
        warnings.filterwarnings("ignore", message="The groups parameter is ignored")
        yield


def _check_splits(splits: Iterable[Any], n_clips: int) -> list[Split]:
    """Return splits as arrays of positions, whatever a splitter or a list of them contains."""
    checked = []
    for number, split in enumerate(splits, start=1):
        try:
            train, test = split
        except (TypeError, ValueError):
            raise ValueError(
                f"split {number} of cv is {split!r:.80}; expected a pair (train, test)"
            ) from None
        checked.append(
            (
                _check_positions(train, f"the training set of split {number} of cv", n_clips),
                _check_positions(test, f"the test set of split {number} of cv", n_clips),
            )
        )
    if not checked:
        raise ValueError("cv yields no splits; expected at least one pair (train, test)")
    return checked


def _check_positions(indices: Any, name: str, n_clips: int) -> NDArray[np.int64]:
    array = np.asarray(indices)
    if array.dtype.kind == "b" and array.shape == (n_clips,):
        array = np.flatnonzero(array)
    if array.size == 0:
        raise ValueError(f"{name} is empty; expected at least one clip")
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError(
            f"{name} has shape {array.shape} and dtype {array.dtype}; expected integer positions "
            f"of clips, or a Boolean mask of length {n_clips}"
        )
    if array.min() < 0 or array.max() >= n_clips:
        raise ValueError(
            f"{name} ranges from {array.min()} to {array.max()}; expected positions from 0 to "
            f"{n_clips - 1}"
        )
    return array.astype(np.int64)


def _check_class_sizes(side: Side, n_folds: int) -> None:
    names, counts = np.unique(side.labels, return_counts=True)
    if counts.max() < n_folds:
        largest = names.tolist()[counts.argmax()]
        raise ValueError(
            f"{n_folds} folds need a class of at least {n_folds} clips, but the largest class, "
            f"{largest!r:.80}, has {counts.max()}; use fewer folds (cv), or more clips"
        )
