"""Embeddings that carry how their columns are divided."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._utils.arrays import Floats
from .._utils.public import public
from .blocks import Blocks

__all__ = ["EmbeddingArray", "blocks_of"]

# A column of `EncoderEmbedder`, such as "speed0.95_layer3_mean_0"; one speed has no prefix.
_NAME = re.compile(r"(?:speed(?P<speed>[^_]+)_)?layer(?P<layer>\d+)_")
# A column of `CNNEmbedder`, such as "statistics_mean_0", with a prefix in a FeatureUnion.
_STATISTIC = re.compile(r"(?:.*__)?statistics_[a-z_]+_\d+")


@public
class EmbeddingArray(np.ndarray):
    """An array of shape (n_clips, n_columns) with `blocks`: numbers of views, layers, statistics.

    Selections and joins of clips, copies and pickles keep the numbers; selections of columns do
    not. Otherwise it behaves like ``numpy.ndarray``.
    """

    blocks: Blocks | None

    def __new__(cls, array: Floats, blocks: Sequence[int] | None) -> EmbeddingArray:
        view = np.asarray(array).view(cls)
        view.blocks = None if blocks is None else Blocks(*blocks)
        return view

    def __array_finalize__(self, array: Any) -> None:
        blocks = getattr(array, "blocks", None)
        is_like = blocks is not None and self.ndim == 2 and self.shape[1:] == array.shape[1:]
        self.blocks = blocks if is_like else None

    def __getitem__(self, key: Any) -> Any:
        selected = super().__getitem__(key)
        columns = key[1:] if isinstance(key, tuple) else ()
        if isinstance(selected, EmbeddingArray) and not all(map(_is_everything, columns)):
            selected.blocks = None
        return selected

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        result = super().__array_function__(function, types, args, kwargs)
        if function is not np.concatenate:
            return result
        parts = args[0]
        blocks = {getattr(part, "blocks", None) for part in parts}
        is_like = len(blocks) == 1 and result.shape[1:] == np.shape(parts[0])[1:]
        return EmbeddingArray(result, blocks.pop()) if is_like else np.asarray(result)

    def __reduce__(self) -> tuple[Any, ...]:
        # The state is a plain array, so joblib shares it between processes like any other.
        blocks = None if self.blocks is None else tuple(self.blocks)
        return EmbeddingArray, (np.asarray(self), blocks)


def blocks_of(X: Any) -> Blocks:
    """Return how the columns of X are divided: not at all, if X does not tell.

    Parameters
    ----------
    X : EmbeddingArray, DataFrame or array-like
        Columns of a DataFrame are recognized by the names that `EncoderEmbedder` and `CNNEmbedder`
        give them.
    """
    if isinstance(X, EmbeddingArray):
        return X.blocks or Blocks()
    names = list(getattr(X, "columns", ()))
    if not names or not all(isinstance(name, str) for name in names):
        return Blocks()
    n_statistics = sum(_STATISTIC.fullmatch(name) is not None for name in names)
    if n_statistics:
        are_last = all(_STATISTIC.fullmatch(name) for name in names[-n_statistics:])
        is_all = n_statistics == len(names)
        return Blocks(n_statistics=n_statistics) if are_last and not is_all else Blocks()
    matches = [match for match in map(_NAME.match, names) if match is not None]
    if len(matches) < len(names):
        return Blocks()
    speeds, layers = ({match[name] for match in matches} for name in ("speed", "layer"))
    return Blocks(len(speeds), len(layers))


def _is_everything(key: Any) -> bool:
    return key is Ellipsis or (isinstance(key, slice) and key == slice(None))
