"""Speakers as numbers, of which some may be unknown."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import column_or_1d

from .._utils.checks import is_missing

__all__ = ["speaker_codes"]


def speaker_codes(n_clips: int, groups: Any) -> NDArray[np.intp]:
    """Return a number from 0 for the speaker of each clip, and -1 for unknown speakers."""
    if groups is None:
        return np.full(n_clips, -1, dtype=np.intp)
    names = column_or_1d(np.asarray(groups, dtype=object))
    if len(names) != n_clips:
        raise ValueError(
            f"groups has {len(names)} elements and X has {n_clips} clips; expected a speaker for "
            "each clip"
        )
    numbers: dict[Any, int] = {}
    return np.array(
        [-1 if is_missing(name) else numbers.setdefault(name, len(numbers)) for name in names],
        dtype=np.intp,
    )
