"""Types and helpers for arrays."""

from __future__ import annotations

from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Floats", "read_only"]

Floats: TypeAlias = NDArray[np.float32]


Array = TypeVar("Array", bound=NDArray[Any])


def read_only(array: Array) -> Array:
    """Write-protect an array that all callers and threads share."""
    array.setflags(write=False)
    return array
