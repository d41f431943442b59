"""Speakers as numbers, of which some may be unknown."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.checks import is_missing

__all__ = ["is_unknown", "speaker_codes", "speaker_names"]


def speaker_names(n_clips: int, groups: Any, parameter: str = "groups") -> NDArray[Any]:
    """Return the speakers as an array of objects, or raise unless there is one for each clip."""
    names = np.asarray(groups, dtype=object)
    if names.ndim == 2 and names.shape[1] == 1:
        names = names.ravel()
    if names.ndim != 1:
        raise ValueError(
            f"{parameter} has the shape {names.shape}; expected ({n_clips},), a speaker for each "
            "clip"
        )
    if len(names) != n_clips:
        raise ValueError(
            f"{parameter} has {len(names)} elements and X has {n_clips} clips; expected a speaker "
            "for each clip"
        )
    return names


def is_unknown(name: Any) -> bool:
    """Return whether a speaker is missing, or an empty string as from an empty cell of a table."""
    return is_missing(name) or (isinstance(name, str) and not name.strip())


def speaker_codes(n_clips: int, groups: Any) -> NDArray[np.intp]:
    """Return a number from 0 for the speaker of each clip, and -1 for unknown speakers."""
    if groups is None:
        return np.full(n_clips, -1, dtype=np.intp)
    numbers: dict[Any, int] = {}
    codes = [
        -1 if is_unknown(name) else numbers.setdefault(name, len(numbers))
        for name in speaker_names(n_clips, groups)
    ]
    return np.array(codes, dtype=np.intp)
