"""Intervals over speakers, by leaving out each speaker in turn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

__all__ = ["half_width", "ratio"]

Floats = NDArray[np.float64]


def half_width(left_out: Floats, confidence: float) -> Floats:
    """Return half the width of a t interval, from the scores without each speaker.

    Parameters
    ----------
    left_out : ndarray of shape (n_speakers, ...)
    confidence : float in (0, 1)

    Returns
    -------
    ndarray of shape (...)
        NaN with a single speaker.
    """
    is_known = ~np.isnan(left_out)  # a score may be undefined without the only speaker of a class
    n = is_known.sum(axis=0)
    known = np.where(is_known, left_out, 0.0)
    squares = np.where(is_known, (known - ratio(known.sum(axis=0), n)) ** 2, 0.0).sum(axis=0)
    with np.errstate(invalid="ignore"):
        t = stats.t.ppf((1 + confidence) / 2, np.where(n > 1, n - 1, np.nan))
    return np.asarray(t * np.sqrt(ratio(n - 1, n) * squares))


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Divide; the result is NaN where the denominator is zero."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(denominator > 0, numerator / denominator, np.nan)
