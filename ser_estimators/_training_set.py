"""What a network is trained on: distinct clips, how often each occurs, and what it should answer.

A clip of weight two is the same as the clip twice, and the order in which clips come says nothing:
clips are sorted by their content, and clips that are equal in every number are one with a weight.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight

__all__ = [
    "TrainingSet",
    "count_frames",
    "make_training_set",
    "soft_targets",
    "split_off_validation",
]


# Clips of an epoch with all copies: more would take hours and are a mistake.
_MOST_COPIES = 10_000_000


@dataclass(frozen=True)
class TrainingSet:
    """Distinct clips, sorted by their content.

    Parameters
    ----------
    rows : ndarray of shape (n_distinct,), int64
        Where each clip stands in X.
    labels : ndarray of shape (n_distinct,), int64
        Class indices.
    copies : ndarray of shape (n_distinct,), int64
        How often each clip occurs in an epoch, at least once.
    weights : ndarray of shape (n_distinct,), float32
        What the loss of each of these copies counts; one on average over the copies.
    groups : ndarray of shape (n_distinct,), int64
        Clips of one number belong on the same side of a split.
    """

    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    copies: NDArray[np.int64]
    weights: NDArray[np.float32]
    groups: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, indices: NDArray[np.int64]) -> TrainingSet:
        """Return some of the clips, in the order asked for."""
        return TrainingSet(*(array[indices] for array in vars(self).values()))

    def with_copies(self) -> TrainingSet:
        """Return the clips with every copy as a clip of its own."""
        return self.take(np.repeat(np.arange(len(self)), self.copies))


def count_frames(coefficients: NDArray[np.float32]) -> NDArray[np.int64]:
    """Count the frames of each clip up to the last that is not padding, at least one.

    Parameters
    ----------
    coefficients : ndarray of shape (n_clips, n_coefficients, n_frames)

    Returns
    -------
    ndarray of shape (n_clips,), int64
    """
    n_frames = np.ones(len(coefficients), dtype=np.int64)
    for index, clip in enumerate(coefficients):
        real = np.flatnonzero(clip.any(axis=0))
        if real.size:
            n_frames[index] = real[-1] + 1
    return n_frames


def digest(clip: NDArray[np.float32]) -> str:
    """Return a short text that only clips of the same numbers have in common."""
    return hashlib.blake2b(clip.tobytes(), digest_size=16).hexdigest()


def make_training_set(
    coefficients: NDArray[np.float32],
    labels: NDArray[np.int64],
    n_frames: NDArray[np.int64],
    *,
    sample_weight: NDArray[np.float64] | None = None,
    groups: NDArray[Any] | None = None,
    class_weight: dict[int, float] | str | None = None,
) -> TrainingSet:
    """Find the distinct clips and what each of them counts.

    Parameters
    ----------
    coefficients : ndarray of shape (n_clips, n_coefficients, n_frames)
    labels : ndarray of shape (n_clips,)
        Class indices.
    n_frames : ndarray of shape (n_clips,)
        Frames of each clip that are not padding.
    sample_weight : ndarray of shape (n_clips,) or None, default=None
        Not negative. Whole numbers are copies; of other weights as many copies as the nearest
        whole number, at least one, share the weight. Clips of weight zero are left out.
    groups : ndarray of shape (n_clips,) or None, default=None
        Such as speakers. Without them, clips of equal content are a group.
    class_weight : dict, "balanced" or None, default=None
        Factors of the weights by class index; they change no number of copies. Clips of classes of
        zero are left out.

    Returns
    -------
    TrainingSet

    Raises
    ------
    ValueError
        If the weights leave fewer than two clips, or make more copies than an epoch can have.
    """
    if sample_weight is None:
        sample_weight = np.ones(len(labels))
    if sample_weight.sum() > _MOST_COPIES:
        raise ValueError(
            f"sample_weight adds up to {sample_weight.sum():.3g}; expected {_MOST_COPIES:,} at "
            "most, because an epoch goes over each clip as often as its weight says: divide the "
            "weights by the same number"
        )
    used = np.flatnonzero(sample_weight > 0)
    contents = np.array([digest(coefficients[row, :, : n_frames[row]]) for row in used])
    keys = np.char.add(np.char.add(contents, "/"), labels[used].astype(str))
    _, first, distinct = np.unique(keys, return_index=True, return_inverse=True)
    total = np.bincount(distinct, weights=sample_weight[used])
    rows = used[first]
    copies = np.maximum(np.rint(total), 1).astype(np.int64)
    weights = total / copies
    if class_weight is not None:
        present = np.unique(labels[rows])
        factors = compute_class_weight(
            class_weight, classes=present, y=labels[used], sample_weight=sample_weight[used]
        )
        # By the largest, because their sum may be no number.
        factors /= factors.max() or 1
        weights = weights * factors[np.searchsorted(present, labels[rows])]
    kept = np.flatnonzero(weights)
    rows, copies = rows[kept], copies[kept]
    if class_weight is not None and copies.sum() < 2:
        raise ValueError(
            f"class_weight leaves {copies.sum()} of the clips; expected at least 2: give a class "
            "with more clips a weight above zero"
        )
    weights = weights[kept] / np.average(weights[kept], weights=copies)
    of_clips = contents[first[kept]] if groups is None else groups[rows]
    _, group_of = np.unique(of_clips, return_inverse=True)
    return TrainingSet(rows, labels[rows], copies, weights.astype(np.float32), group_of)


def soft_targets(
    clips: TrainingSet, n_classes: int, label_smoothing: float = 0.0
) -> NDArray[np.float32]:
    """Return what the network should answer to each clip, times the weight of the clip.

    Parameters
    ----------
    clips : TrainingSet
    n_classes : int > 0
    label_smoothing : float in [0, 1), default=0
        Share that is spread evenly over all classes.

    Returns
    -------
    ndarray of shape (n_clips, n_classes), float32
    """
    targets = (1 - label_smoothing) * np.eye(n_classes)[clips.labels] + label_smoothing / n_classes
    return (targets * clips.weights[:, None]).astype(np.float32)


def split_off_validation(
    clips: TrainingSet, fraction: float, rng: np.random.Generator
) -> tuple[TrainingSet, TrainingSet]:
    """Split into training and validation clips that share no group, with classes in balance.

    Parameters
    ----------
    clips : TrainingSet
    fraction : float in (0, 1)
        Wanted share of validation clips of each class, met as nearly as whole groups allow.
    rng : numpy.random.Generator

    Returns
    -------
    training, validation : TrainingSet
        No class is without training clips, and there are two of them at least.

    Raises
    ------
    ValueError
        If no group can be spared.
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
            "all clips of some class, or all clips but one. Give more clips or other groups, or "
            "set early_stopping=False"
        )
    is_validation = np.isin(clips.groups, chosen)
    return clips.take(np.flatnonzero(~is_validation)), clips.take(np.flatnonzero(is_validation))


def _groups_of_a_kind(
    counts: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.float64], list[list[int]]]:
    """Return the distinct rows of counts and the groups of each, both in random order.

    Groups of equal counts are as good as each other, so that one of each kind has to be tried:
    without speakers every clip is a group, and there are as many kinds as classes.
    """
    kinds, kind_of = np.unique(counts, axis=0, return_inverse=True)
    kind_of = kind_of.ravel()  # NumPy 2.0 gives it a second axis
    groups: list[list[int]] = [[] for _ in kinds]
    for group in rng.permutation(len(counts)):
        groups[kind_of[group]].append(int(group))
    order = rng.permutation(len(kinds))
    return kinds[order], [groups[kind] for kind in order]
