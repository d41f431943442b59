"""Embeddings that carry how their columns are divided."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from .._utils.arrays import Floats
from .._utils.public import public

__all__ = ["EmbeddingArray", "blocks_of"]

# A column of `EncoderEmbedder`, such as "speed0.95_layer3_mean_0"; one speed has no prefix.
_NAME = re.compile(r"(?:speed(?P<speed>[^_]+)_)?layer(?P<layer>\d+)_")


@public
class EmbeddingArray(np.ndarray):
    """An array of shape (n_clips, n_columns) with `blocks`: numbers of views and layers.

    Selections of clips, copies and pickles keep the numbers. Otherwise it behaves like
    ``numpy.ndarray``.
    """

    blocks: tuple[int, int] | None

    def __new__(cls, array: Floats, blocks: tuple[int, int] | None) -> EmbeddingArray:
        view = np.asarray(array).view(cls)
        view.blocks = blocks
        return view

    def __array_finalize__(self, array: Any) -> None:
        blocks = getattr(array, "blocks", None)
        is_like = blocks is not None and self.ndim == 2 and self.shape[1:] == array.shape[1:]
        self.blocks = blocks if is_like else None

    def __reduce__(self) -> tuple[Any, ...]:
        # The state is a plain array, so joblib shares it between processes like any other.
        return EmbeddingArray, (np.asarray(self), self.blocks)


def blocks_of(X: Any) -> tuple[int, int]:
    """Return the numbers of views and of layers in X, or 1 and 1 if X does not tell.

    Parameters
    ----------
    X : EmbeddingArray, DataFrame or array-like
        Columns of a DataFrame are recognized by the names that `EncoderEmbedder` gives them.
    """
    if isinstance(X, EmbeddingArray):
        return X.blocks or (1, 1)
    found = [_NAME.match(name) for name in getattr(X, "columns", ()) if isinstance(name, str)]
    matches = [match for match in found if match is not None]
    if not matches or len(matches) < len(X.columns):
        return 1, 1
    speeds, layers = ({match[name] for match in matches} for name in ("speed", "layer"))
    return len(speeds), len(layers)
