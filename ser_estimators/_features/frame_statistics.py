"""Statistics of MFCCs over time: how a clip sounds on average, and how much it changes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["FRAME_STATISTICS", "LAG", "frame_statistics", "standardization"]

# In the order of the columns.
FRAME_STATISTICS = ("mean", "std", "change", "slow_change")
LAG = 4  # frames, of the slow change
# Columns that vary by less, relative to the values of their row, are rounding errors, such as those
# of a mean that was subtracted before.
_CONSTANT = 1e-5


def frame_statistics(
    coefficients: NDArray[np.float32], n_frames: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the statistics of each row over the real frames of each clip.

    They are the mean, the standard deviation, the mean absolute difference of neighboring frames,
    and the root mean square difference of frames at a distance of `LAG`. Differences are zero for
    clips that are too short for them. Frames of zeros are not real.

    Parameters
    ----------
    coefficients : ndarray of shape (n_clips, n_coefficients, n_frames)
    n_frames : ndarray of shape (n_clips,)
        Number of frames up to the last one that is real, at least one.

    Returns
    -------
    ndarray of shape (n_clips, 4 * n_coefficients), float64
    """
    n_clips, n_rows = coefficients.shape[:2]
    result = np.zeros((n_clips, len(FRAME_STATISTICS), n_rows))
    for row, padded, length in zip(result, coefficients, n_frames, strict=True):
        clip = np.asarray(padded[:, :length], dtype=np.float64)
        is_real = np.asarray(clip.any(axis=0))
        if not is_real.any():
            continue
        real = clip[:, is_real]
        row[0] = real.mean(axis=1)
        row[1] = real.std(axis=1)
        change = _differences(clip, is_real, 1)
        if change.size:
            row[2] = np.abs(change).mean(axis=1)
        slow = _differences(clip, is_real, LAG)
        if slow.size:
            row[3] = np.sqrt(np.square(slow).mean(axis=1))
    return result.reshape(n_clips, -1)


def _differences(
    clip: NDArray[np.float64], is_real: NDArray[np.bool_], lag: int
) -> NDArray[np.float64]:
    """Return the differences of real frames at a distance."""
    differences = clip[:, lag:] - clip[:, :-lag]
    return differences[:, is_real[lag:] & is_real[:-lag]]


def standardization(
    statistics: NDArray[np.float64], weights: NDArray[np.float64] | None
) -> NDArray[np.float32]:
    """Return what to subtract from statistics, and what to multiply the result by.

    Over the training clips, each column then has a mean of zero, and clips have a mean square
    length of one, unless columns are constant, which become zero. The result does not depend on
    the order of the clips.

    Parameters
    ----------
    statistics : ndarray of shape (n_clips, n_statistics), float64
        As returned by `frame_statistics`.
    weights : ndarray of shape (n_clips,), float64, or None
        Weights of the clips.

    Returns
    -------
    ndarray of shape (2, n_statistics), float32
    """
    n_clips, n_statistics = statistics.shape
    weights = np.ones(n_clips) if weights is None else np.asarray(weights, dtype=np.float64)
    moments = np.array([_moments(column, weights) for column in statistics.T])
    center, deviation = moments.reshape(len(FRAME_STATISTICS), -1, 2).transpose(2, 0, 1)
    # center and deviation (4, n_coefficients); the second center is that of deviations over time
    is_constant = deviation <= _CONSTANT * (np.abs(center) + center[1])
    factor = np.zeros_like(center)
    np.divide(1 / math.sqrt(n_statistics), deviation, out=factor, where=~is_constant)
    return np.stack([center.ravel(), factor.ravel()]).astype(np.float32)


def _moments(column: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[float, float]:
    """Return mean and standard deviation, of sums that are exact in any order."""
    total = math.fsum(weights)
    mean = math.fsum(weights * column) / total
    return mean, math.sqrt(math.fsum(weights * (column - mean) ** 2) / total)
