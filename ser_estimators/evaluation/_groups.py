"""Groups of clips that share a value of a column of the metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.checks import is_missing

__all__ = ["groups_of"]

_MAX_GROUPS = 12  # a column with more values, such as an age, does not group the clips
_UNKNOWN = "unknown"


def groups_of(
    metadata: Mapping[str, NDArray[Any]],
) -> dict[str, dict[str, NDArray[np.bool_]]]:
    """Return a mask of the clips for each value of each column that has two to twelve of them.

    Parameters
    ----------
    metadata : dict of str to ndarray of shape (n_clips,)

    Returns
    -------
    dict of str to dict of str to ndarray of shape (n_clips,)
        In the order of the columns and of their values.
    """
    groups = {}
    for name, values in metadata.items():
        texts = np.array([_name_of(value) for value in values.tolist()])
        # In the order of the values, because that of the texts is 1, 10, 2.
        found = list(dict.fromkeys(texts[np.argsort(values, kind="stable")].tolist()))
        if 2 <= len(found) <= _MAX_GROUPS:
            groups[name] = {text: texts == text for text in found}
    return groups


def _name_of(value: Any) -> str:
    """Return a value of the metadata as the name of a group."""
    if is_missing(value):
        return _UNKNOWN
    return f"{value:g}" if isinstance(value, float) else str(value)
