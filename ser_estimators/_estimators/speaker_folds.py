"""Folds inside the training clips, which keep speakers apart if they are known."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.utils.validation import column_or_1d

from .speaker_codes import is_unknown, speaker_codes, speaker_names

__all__ = ["check_speakers", "speaker_folds"]

Positions = NDArray[np.intp]


def check_speakers(groups: Any, X: Any) -> NDArray[Any] | None:
    """Return the speakers of the clips in X as an array, or raise if one of them is missing."""
    if groups is None:
        return None
    names = speaker_names(len(X), groups)
    missing = [position for position, name in enumerate(names, start=1) if is_unknown(name)]
    if missing:
        raise ValueError(
            f"groups has no speaker for {len(missing)} of {len(names)} clips, the first of which "
            f"is clip {missing[0]}; give each unknown speaker a name of its own, or leave groups "
            "out"
        )
    try:
        np.unique(names)
    except TypeError:  # names that cannot be sorted, such as 1 beside "anna"
        return speaker_codes(len(names), names)
    return column_or_1d(groups)


def speaker_folds(
    y: NDArray[Any], groups: NDArray[Any] | None, n_splits: int
) -> list[tuple[Positions, Positions]]:
    """Return the positions of training and test clips of each fold.

    Parameters
    ----------
    y : ndarray of shape (n_clips,)
        Labels, of which each fold has about the same shares.
    groups : ndarray of shape (n_clips,) or None
        Clips of one group, such as a speaker, are in one fold, unless there is a single group.
    n_splits : int >= 2
        Number of folds. There are fewer if there are fewer clips or groups.

    Returns
    -------
    list of (train, test)
        Test clips of classes without training clips are left out. Folds with fewer than two
        training classes are left out as well, so that there may be none.
    """
    _, codes, sizes = np.unique(y, return_inverse=True, return_counts=True)
    if groups is not None:
        groups = speaker_codes(len(y), groups)  # names may be numbers and text
        groups = groups if groups.max() else None
    n_splits = min(n_splits, int(sizes.max()), len(y) if groups is None else groups.max() + 1)
    if n_splits < 2 or len(sizes) < 2:
        return []
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    # In random order, because clips are often sorted by speaker.
    splitter = kind(n_splits, shuffle=True, random_state=0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class in y has only")
        folds = list(splitter.split(np.zeros(len(codes)), codes, groups))
    folds = [(train, test[np.isin(codes[test], codes[train])]) for train, test in folds]
    return [fold for fold in folds if len(fold[1]) and len(np.unique(codes[fold[0]])) > 1]
