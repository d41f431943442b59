"""Folds inside the training clips, which keep speakers apart if they are known."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

__all__ = ["speaker_folds"]


def speaker_folds(
    y: NDArray[Any], groups: NDArray[Any] | None, n_splits: int
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]] | None:
    """Return the positions of training and test clips of each fold.

    Parameters
    ----------
    y : ndarray of shape (n_clips,)
        Labels, of which each fold has about the same shares.
    groups : ndarray of shape (n_clips,) or None
        Clips of one group, such as a speaker, are in one fold.
    n_splits : int >= 2
        Number of folds. There are fewer if a class or the groups have fewer members.

    Returns
    -------
    list of (train, test), or None
        None if there is a single class, or if the training clips of a fold would lack a class.
    """
    _, codes = np.unique(y, return_inverse=True)
    n_splits = min(n_splits, int(np.bincount(codes).min()))
    if groups is not None:
        n_splits = min(n_splits, len(np.unique(groups)))
    if n_splits < 2 or codes.max() == 0:
        return None
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    # In random order, because clips are often sorted by speaker.
    splitter = kind(n_splits, shuffle=True, random_state=0)
    folds = list(splitter.split(np.zeros(len(codes)), codes, groups))
    n_classes = codes.max() + 1
    is_complete = all(len(np.unique(codes[train])) == n_classes for train, _ in folds)
    return folds if is_complete else None
