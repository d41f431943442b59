"""The training set: distinct clips, their weights and their targets.

A clip of weight two is equivalent to two copies of the clip, and the order of the clips has no
effect: clips are sorted by their content, and identical clips are merged into one with a weight.
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
    "make_training_set",
    "soft_targets",
]


# Maximum number of clips in an epoch, copies included; more are probably a mistake.
_MAX_COPIES = 10_000_000


@dataclass(frozen=True)
class TrainingSet:
    """Distinct clips, sorted by their content.

    Parameters
    ----------
    rows : ndarray of shape (n_distinct,), int64
        Index of each clip in X.
    labels : ndarray of shape (n_distinct,), int64
        Class indices.
    copies : ndarray of shape (n_distinct,), int64
        Number of times that each clip occurs in an epoch, at least one.
    weights : ndarray of shape (n_distinct,), float32
        Weight of each of these copies in the loss; one on average over the copies.
    groups : ndarray of shape (n_distinct,), int64
        Clips of a group are not separated by a split.
    """

    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    copies: NDArray[np.int64]
    weights: NDArray[np.float32]
    groups: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, indices: NDArray[np.int64]) -> TrainingSet:
        """Return some of the clips, in the given order."""
        return TrainingSet(*(array[indices] for array in vars(self).values()))

    def with_copies(self) -> TrainingSet:
        """Return the clips with each copy as a separate clip."""
        return self.take(np.repeat(np.arange(len(self)), self.copies))


def digest(clip: NDArray[np.float32]) -> str:
    """Return a short string that identifies the content of a clip."""
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
    """Find the distinct clips and their weights.

    Parameters
    ----------
    coefficients : ndarray of shape (n_clips, n_coefficients, n_frames)
    labels : ndarray of shape (n_clips,)
        Class indices.
    n_frames : ndarray of shape (n_clips,)
        Frames of each clip that are not padding.
    sample_weight : ndarray of shape (n_clips,) or None, default=None
        Nonnegative. An integer is a number of copies; any other weight is divided among as many
        copies as the nearest integer, at least one. Clips of weight zero are left out.
    groups : ndarray of shape (n_clips,) or None, default=None
        Groups, such as speakers. By default, clips of equal content are a group.
    class_weight : dict, "balanced" or None, default=None
        Factors on the weights by class index; they do not change the number of copies. Classes of
        weight zero are left out.

    Returns
    -------
    TrainingSet

    Raises
    ------
    ValueError
        If the weights leave fewer than two clips, or require too many copies.
    """
    if sample_weight is None:
        sample_weight = np.ones(len(labels))
    if sample_weight.sum() > _MAX_COPIES:
        raise ValueError(
            f"sample_weight adds up to {sample_weight.sum():.3g}; expected at most "
            f"{_MAX_COPIES:,}, because an epoch contains as many copies of a clip as its weight: "
            "divide all weights by the same number"
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
        # Divided by the largest, because the sum may overflow.
        factors /= factors.max() or 1
        weights = weights * factors[np.searchsorted(present, labels[rows])]
    kept = np.flatnonzero(weights)
    rows, copies = rows[kept], copies[kept]
    if class_weight is not None and copies.sum() < 2:
        raise ValueError(
            f"class_weight leaves {copies.sum()} clip(s) with a positive weight; expected at least "
            "2: give a class with more clips a positive weight"
        )
    weights = weights[kept] / np.average(weights[kept], weights=copies)
    of_clips = contents[first[kept]] if groups is None else groups[rows]
    _, group_of = np.unique(of_clips, return_inverse=True)
    return TrainingSet(rows, labels[rows], copies, weights.astype(np.float32), group_of)


def soft_targets(
    clips: TrainingSet, n_classes: int, label_smoothing: float = 0.0
) -> NDArray[np.float32]:
    """Return the target probabilities of each clip, multiplied by its weight.

    Parameters
    ----------
    clips : TrainingSet
    n_classes : int > 0
    label_smoothing : float in [0, 1), default=0
        Fraction that is spread evenly over all classes.

    Returns
    -------
    ndarray of shape (n_clips, n_classes), float32
    """
    targets = (1 - label_smoothing) * np.eye(n_classes)[clips.labels] + label_smoothing / n_classes
    return (targets * clips.weights[:, None]).astype(np.float32)
