"""Clips of unequal length: their frames, and batches with little padding."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = ["batches_by_length", "count_frames"]


def count_frames(
    coefficients: NDArray[np.float32], at_most: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Count the frames of each clip up to the last one that is not padding, at least one.

    Parameters
    ----------
    coefficients : ndarray of shape (n_clips, n_coefficients, n_frames)
    at_most : ndarray of shape (n_clips,) or None, default=None
        Frames of each clip after which there is only padding, if this is known.

    Returns
    -------
    ndarray of shape (n_clips,), int64
    """
    n_frames = np.ones(len(coefficients), dtype=np.int64)
    for index, clip in enumerate(coefficients):
        if at_most is not None:
            clip = clip[:, : at_most[index]]
        real = np.flatnonzero(clip.any(axis=0))
        if real.size:
            n_frames[index] = real[-1] + 1
    return n_frames


def batches_by_length(
    n_frames: NDArray[np.int64], batch_size: int
) -> Iterator[slice | NDArray[np.int64]]:
    """Yield the positions of clips in batches, in order.

    A batch that would be mostly padding is divided into batches of clips whose lengths differ by
    less than a factor of two, so the cost of a batch is near the sum over its clips.

    Parameters
    ----------
    n_frames : ndarray of shape (n_clips,), int64
    batch_size : int > 0
        Maximum number of clips in a batch.

    Yields
    ------
    slice or ndarray of int64
    """
    for start in range(0, len(n_frames), batch_size):
        part = slice(start, start + batch_size)
        lengths = n_frames[part]
        if lengths.max() * len(lengths) <= 2 * lengths.sum():
            yield part
            continue
        _, powers_of_two = np.frexp(lengths)
        for power in np.unique(powers_of_two):
            yield start + np.flatnonzero(powers_of_two == power)
