"""Ranges of measures, so wide that a given fraction of unseen speakers is outside of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ranges", "distances", "fit_ranges"]

# A few clips in a hundred are outside these quantiles on either side, before the ranges are
# widened.
_QUANTILE = 0.02
_INNER = 0.1  # a quantile whose distance to the other one says how a measure varies
_LEAST_SIDE = 0.3  # of that distance, at least, is each half of a range
_LEAST_WIDENING = 1.2
_N_BLOCKS = 10  # instead of speakers, if these are unknown


@dataclass(frozen=True)
class Ranges:
    """Range of each measure.

    Parameters
    ----------
    center, low, high : ndarray of shape (n_measures,)
        The median, and the limits.
    """

    center: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def fit_ranges(
    table: NDArray[np.float64],
    speakers: NDArray[np.intp] | None,
    *,
    false_alarms: float,
    least: NDArray[np.float64],
) -> Ranges:
    """Find ranges of measures that cover unseen speakers.

    Quantiles of each measure give the shape of its range. All ranges are widened by the same
    factor, the smallest one with which a fraction of `false_alarms` of the clips is outside any
    range if the clips of each speaker are compared with ranges of the others. So the number of
    measures, and how they depend on each other, are taken into account.

    Parameters
    ----------
    table : ndarray of shape (n_clips, n_measures)
    speakers : ndarray of shape (n_clips,), int, or None
        A number for each speaker. If they are unknown, blocks of successive clips are left out.
    false_alarms : float in (0, 1)
    least : ndarray of shape (n_measures,)
        Smallest distance from the median to either limit.

    Returns
    -------
    Ranges
    """
    n_clips = len(table)
    if speakers is None or len(np.unique(speakers)) < 2:
        speakers = np.arange(n_clips) * min(_N_BLOCKS, n_clips) // n_clips
    groups = np.unique(speakers)
    sides = np.zeros((n_clips, 2 * table.shape[1]))
    for group in groups if len(groups) > 1 else ():
        is_left_out = speakers == group
        ranges = _quantile_ranges(table[~is_left_out], least)
        sides[is_left_out] = _sides(table[is_left_out], ranges)
    # An unseen speaker may differ from the known ones more than these do from each other.
    widening = _widening(sides, false_alarms) * (1 + 1 / len(groups))
    below, above = np.split(widening, 2)
    ranges = _quantile_ranges(table, least)
    return Ranges(
        ranges.center,
        ranges.center - below * (ranges.center - ranges.low),
        ranges.center + above * (ranges.high - ranges.center),
    )


def _sides(table: NDArray[np.float64], ranges: Ranges) -> NDArray[np.float64]:
    """Return the distances below and above the center, (n_clips, 2 * n_measures)."""
    offset = table - ranges.center
    below = -offset / (ranges.center - ranges.low)
    return np.concatenate([below, offset / (ranges.high - ranges.center)], axis=1)


def _widening(sides: NDArray[np.float64], false_alarms: float) -> NDArray[np.float64]:
    """Return a factor for each side of each range.

    The same fraction of clips is outside each of them, so that together it is `false_alarms`.
    """
    n_clips = len(sides)
    # Fraction of the clips that are at least as far out.
    ranks = 1 - np.argsort(np.argsort(sides, axis=0, kind="stable"), axis=0) / n_clips
    fraction = np.quantile(ranks.min(axis=1), false_alarms)
    return np.maximum(np.quantile(sides, 1 - fraction, axis=0), _LEAST_WIDENING)


def distances(table: NDArray[np.float64], ranges: Ranges) -> NDArray[np.float64]:
    """Return how far measures are from the center of each range; the limits are at 1.

    Parameters
    ----------
    table : ndarray of shape (n_clips, n_measures)
    ranges : Ranges

    Returns
    -------
    ndarray of shape (n_clips, n_measures)
    """
    offset = table - ranges.center
    above, below = ranges.high - ranges.center, ranges.center - ranges.low
    return np.where(offset > 0, offset / above, -offset / below)


def _quantile_ranges(table: NDArray[np.float64], least: NDArray[np.float64]) -> Ranges:
    low, inner_low, center, inner_high, high = np.quantile(
        table, [_QUANTILE, _INNER, 0.5, 1 - _INNER, 1 - _QUANTILE], axis=0
    )
    least = np.maximum(least, _LEAST_SIDE * (inner_high - inner_low))
    return Ranges(
        center, center - np.maximum(center - low, least), center + np.maximum(high - center, least)
    )
