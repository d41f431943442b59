"""The validation split for early stopping."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .training_set import TrainingSet

__all__ = ["split_off_validation"]


def split_off_validation(
    clips: TrainingSet, fraction: float, rng: np.random.Generator
) -> tuple[TrainingSet, TrainingSet]:
    """Split into training and validation clips without a common group, stratified by class.

    Parameters
    ----------
    clips : TrainingSet
    fraction : float in (0, 1)
        Desired fraction of validation clips in each class, met as closely as whole groups allow.
    rng : numpy.random.Generator

    Returns
    -------
    training, validation : TrainingSet
        Every class keeps training clips, and there are at least two training clips in total.

    Raises
    ------
    ValueError
        If no group can be set aside.
    """
    n_groups, n_classes = clips.groups.max() + 1, clips.labels.max() + 1
    counts = np.zeros((n_groups, n_classes))
    # counts (n_groups, n_classes): clips of each class in each group
    np.add.at(counts, (clips.groups, clips.labels), 1)
    copies = np.bincount(clips.groups, weights=clips.copies)
    in_all, wanted = counts.sum(axis=0), fraction * counts.sum(axis=0)
    kinds, waiting = _groups_of_a_kind(np.column_stack([counts, copies]), rng)
    taken, spare = np.zeros(n_classes), clips.copies.sum() - 2
    chosen: list[int] = []
    while taken.sum() < wanted.sum():
        after = taken + kinds[:, :-1]
        # after (n_kinds, n_classes)
        may_go = ((after < in_all) | (in_all == 0)).all(axis=1) & (kinds[:, -1] <= spare)
        may_go &= [len(groups) > 0 for groups in waiting]
        distance = np.where(may_go, np.abs(after - wanted).sum(axis=1), np.inf)
        best = distance.argmin()
        if not may_go[best] or (chosen and distance[best] >= np.abs(taken - wanted).sum()):
            break
        chosen.append(waiting[best].pop())
        taken, spare = after[best], spare - kinds[best, -1]
    if not chosen:
        raise ValueError(
            f"early_stopping=True found no clips for validation: each of the {n_groups} groups has "
            "all clips of some class, or all clips but one. Pass more clips or other groups, or "
            "set early_stopping=False"
        )
    is_validation = np.isin(clips.groups, chosen)
    return clips.take(np.flatnonzero(~is_validation)), clips.take(np.flatnonzero(is_validation))


def _groups_of_a_kind(
    counts: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.float64], list[list[int]]]:
    """Return the distinct rows of counts and the groups of each, both in random order.

    Groups with equal counts are interchangeable, so only one of each kind is tried. Without
    speakers, every clip is a group, and there are only as many kinds as classes.
    """
    kinds, kind_of = np.unique(counts, axis=0, return_inverse=True)
    kind_of = kind_of.ravel()  # NumPy 2.0 returns a second axis
    groups: list[list[int]] = [[] for _ in kinds]
    for group in rng.permutation(len(counts)):
        groups[kind_of[group]].append(int(group))
    order = rng.permutation(len(kinds))
    return kinds[order], [groups[kind] for kind in order]
