"""The choice of ``layers="auto"``, and the statistics of the clips that it is made on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._encoders.embedding import STATISTICS
from .._utils.arrays import Floats
from .layer_choice import neighbors, score_layers

__all__ = ["choose_layers", "pool"]


def choose_layers(
    statistics: Callable[[Sequence[float]], Iterator[Floats]],
    shape: tuple[int, int, int],
    y: NDArray[Any],
    groups: NDArray[Any] | None,
    *,
    speeds: Sequence[float],
    pooling: Sequence[str],
    is_kept: bool,
    is_cached: bool,
) -> tuple[tuple[int, ...], NDArray[np.float64] | None, Floats | None]:
    """Choose the best layers for labels, on clips at the speed that is closest to 1.

    Parameters
    ----------
    statistics : callable
        Yields the statistics of every clip at some speeds, of shape
        (n_speeds, n_layers, n_statistics, width).
    shape : tuple of int
        (n_clips, n_layers, width), where the input of the first layer counts as one.
    y : ndarray of shape (n_clips,)
        Labels.
    groups : ndarray of shape (n_clips,) or None
    speeds, pooling
        As in `EncoderEmbedder`.
    is_kept : bool
        Whether to return the statistics.
    is_cached : bool
        Whether statistics are cached, so that all speeds are computed for later.

    Returns
    -------
    layers : tuple of int
    scores : ndarray of shape (n_layers,) or None
        See `score_layers`.
    tables : ndarray of shape (n_clips, n_speeds, n_layers, n_statistics, width) or None
    """
    n_clips, n_layers, width = shape
    middle = min(range(len(speeds)), key=lambda number: abs(speeds[number] - 1))
    if not (is_kept or is_cached):
        speeds, middle = [speeds[middle]], 0
    kept = slice(None) if is_kept else slice(middle, middle + 1)
    # All layers of all clips are large: they are written in place, and never copied.
    n_kept = len(speeds[kept])
    tables = np.empty((n_clips, n_kept, n_layers, len(pooling), width), dtype=np.float32)
    for table, found in zip(tables, statistics(speeds), strict=True):
        table[:] = pool(found[kept], pooling)
    one_speed = tables[:, middle if is_kept else 0]
    scores = score_layers(one_speed.reshape(n_clips, n_layers, -1), y, groups)
    best = (n_layers - 1) // 2 if scores is None else int(scores.argmax())
    return tuple(neighbors(best, n_layers)), scores, tables if is_kept else None


def pool(statistics: Floats, pooling: Sequence[str]) -> Floats:
    """Return some of the statistics of a clip, of shape (n_speeds, n_layers, n_pooled, width)."""
    return statistics[:, :, [STATISTICS.index(name) for name in pooling]]
