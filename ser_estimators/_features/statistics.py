"""Statistics over the frames of a clip, which summarize it in one vector."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["STATISTICS", "is_statistic", "summarize"]

STATISTICS = ("mean", "std", "min", "max", "range", "slope")
_PERCENTILE = re.compile(r"p(\d{1,2}|100)")


def is_statistic(name: object) -> bool:
    """Return whether this is one of `STATISTICS`, or a percentile, p0 to p100."""
    return name in STATISTICS or (isinstance(name, str) and bool(_PERCENTILE.fullmatch(name)))


def summarize(
    rows: NDArray[np.float32], statistics: Sequence[str], *, frame_seconds: float
) -> NDArray[np.float32]:
    """Compute statistics of every row over its frames.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_frames), float32
        NaN values, such as the pitch of unvoiced frames, are left out.
    statistics : sequence of str
        Names that `is_statistic` accepts. "slope" is that of the least-squares line, per second.
    frame_seconds : float > 0
        Time between frames.

    Returns
    -------
    ndarray of shape (n_rows * len(statistics),), float32
        All statistics of the first row, then of the second, and so on. The statistics of a row
        without any value are 0, and so is the slope of a single frame.
    """
    values = rows.astype(np.float64)
    is_there = ~np.isnan(values)
    result = np.empty((len(rows), len(statistics)))
    # Nearly all rows are complete; they are summarized together.
    whole = is_there.all(axis=1)
    times = np.arange(rows.shape[1], dtype=np.float64) * frame_seconds
    result[whole] = _summarize(values[whole], times, statistics)
    for row in np.flatnonzero(~whole):
        there = is_there[row]
        result[row] = (
            _summarize(values[row][there][None], times[there], statistics)[0] if there.any() else 0
        )
    return result.ravel().astype(np.float32)


def _summarize(
    values: NDArray[np.float64], times: NDArray[np.float64], statistics: Sequence[str]
) -> NDArray[np.float64]:
    """Return statistics of rows without gaps, (n_rows, n_statistics)."""
    quantiles = sorted({int(name[1:]) for name in statistics if _PERCENTILE.fullmatch(name)})
    percentiles = dict(
        zip(quantiles, np.percentile(values, quantiles, axis=1), strict=True) if quantiles else ()
    )
    columns = []
    for name in statistics:
        if name == "mean":
            columns.append(values.mean(axis=1))
        elif name == "std":
            columns.append(values.std(axis=1))
        elif name == "min":
            columns.append(values.min(axis=1))
        elif name == "max":
            columns.append(values.max(axis=1))
        elif name == "range":
            columns.append(np.ptp(values, axis=1))
        elif name == "slope":
            centered = times - times.mean()
            spread = np.square(centered).sum()
            columns.append(values @ centered / spread if spread > 0 else np.zeros(len(values)))
        else:
            columns.append(percentiles[int(name[1:])])
    return np.stack(columns, axis=1)
