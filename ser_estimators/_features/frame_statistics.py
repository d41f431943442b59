"""Statistics of MFCCs over time: how a clip sounds on average, and how much it changes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["DECIMALS", "FRAME_STATISTICS", "LAG", "frame_statistics", "scale_of"]

# In the order of the columns.
FRAME_STATISTICS = ("mean", "std", "change", "slow_change")
LAG = 4  # frames, of the slow change
# Rounded, so that what is left of a mean that was subtracted before is zero. A classifier that
# standardizes its columns would magnify it.
DECIMALS = 4


def frame_statistics(
    coefficients: NDArray[np.float32], n_frames: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return the statistics of each row over the real frames of each clip.

    They are the mean, the standard deviation, the mean absolute difference of neighboring frames,
    and the root mean square difference of frames at a distance of `LAG`. Differences are zero for
    clips that are too short for them. Values are rounded to `DECIMALS` decimals.

    Parameters
    ----------
    coefficients : ndarray of shape (n_clips, n_coefficients, n_frames)
    n_frames : ndarray of shape (n_clips,)
        Number of frames that are not padding, at least one.

    Returns
    -------
    ndarray of shape (n_clips, 4 * n_coefficients), float32
    """
    n_clips, n_rows = coefficients.shape[:2]
    result = np.zeros((n_clips, len(FRAME_STATISTICS), n_rows))
    for row, padded, length in zip(result, coefficients, n_frames, strict=True):
        clip = np.asarray(padded[:, :length])
        row[0] = clip.mean(axis=1, dtype=np.float64)
        row[1] = clip.std(axis=1, dtype=np.float64)
        if length > 1:
            row[2] = np.abs(np.diff(clip)).mean(axis=1, dtype=np.float64)
        if length > LAG:
            slow = clip[:, LAG:] - clip[:, :-LAG]
            row[3] = np.sqrt(np.square(slow).mean(axis=1, dtype=np.float64))
    return result.round(DECIMALS).astype(np.float32).reshape(n_clips, -1)


def scale_of(
    statistics: NDArray[np.float32], weights: NDArray[np.float64] | None
) -> NDArray[np.float32]:
    """Return what statistics have to be reduced and divided by.

    Over the training clips, each column then has a mean of zero, and rows have a mean square of
    one. The result does not depend on the order of the clips.

    Parameters
    ----------
    statistics : ndarray of shape (n_clips, n_statistics), float32
    weights : ndarray of shape (n_clips,), float64, or None
        Weights of the clips.

    Returns
    -------
    ndarray of shape (2, n_statistics), float32
        The divisors of constant columns are one.
    """
    n_clips, n_statistics = statistics.shape
    weights = np.ones(n_clips) if weights is None else np.asarray(weights, dtype=np.float64)
    scale = np.empty((2, n_statistics))
    for number, column in enumerate(statistics.T.astype(np.float64)):
        mean = math.fsum(weights * column) / math.fsum(weights)
        variance = math.fsum(weights * (column - mean) ** 2) / math.fsum(weights)
        scale[:, number] = mean, math.sqrt(variance * n_statistics) or 1.0
    return scale.astype(np.float32)
