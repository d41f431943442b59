"""Faster and slower speech at the same pitch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.arrays import Floats
from ._checks import check_number, check_waveform

__all__ = ["change_tempo"]

_WINDOW = 0.03  # seconds, a few periods of the voice
_TOLERANCE = 0.01  # seconds that a window may be moved, a period of the lowest voice


def change_tempo(waveform: Any, sr: int, *, factor: float) -> Floats:
    """Make speech faster or slower without a change of pitch or timbre.

    Windows of 30 ms are taken at another rate than they are put together, each moved by up to 10 ms
    to where it continues the previous one best: WSOLA [1]_.

    Parameters
    ----------
    waveform : array-like of shape (n_samples,)
        Floats on the scale [-1, 1].
    sr : int > 0
        Sampling rate in Hz.
    factor : float > 0
        Tempo relative to that of the input: 0.5 makes it twice as long.

    Returns
    -------
    ndarray of shape (round(n_samples / factor),), float32
        At least one sample.

    References
    ----------
    .. [1] W. Verhelst and M. Roelands, "An overlap-add technique based on waveform similarity
       (WSOLA) for high quality time-scale modification of speech", ICASSP 1993.

    Examples
    --------
    >>> import numpy as np
    >>> from ser_estimators.conditions import change_tempo
    >>> change_tempo(np.sin(np.arange(16000) / 10), 16000, factor=1.25).shape
    (12800,)
    """
    samples = check_waveform(waveform, sr)
    check_number(factor, "factor", low=0)
    if factor == 1:
        return samples.copy()
    hop = max(round(_WINDOW * sr / 2), 1)
    size, tolerance = 2 * hop, max(round(_TOLERANCE * sr), 1)
    n_out = max(round(samples.size / factor), 1)
    n_windows = -(-n_out // hop) + 1
    # The first window begins half of its length before the clip; the last may begin at its end.
    padded = np.pad(samples.astype(np.float64), (hop + tolerance, 2 * size + tolerance))
    # Halves of neighboring windows add up to 1.
    window = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(size) + 0.5) / size)
    result = np.zeros((n_windows + 1) * hop)
    last = padded.size - size - tolerance
    start = tolerance
    for number in range(n_windows):
        if number:
            target = min(tolerance + round(number * hop * factor), last)
            follows = padded[start + hop : start + hop + size]
            start = target + _best_shift(padded, target, follows, tolerance)
        result[number * hop : number * hop + size] += window * padded[start : start + size]
    return result[hop : hop + n_out].astype(np.float32)


def _best_shift(
    padded: NDArray[np.float64], target: int, follows: NDArray[np.float64], tolerance: int
) -> int:
    """Return where, around a target, the waveform resembles the continuation of a window most."""
    size = follows.size
    around = padded[target - tolerance : target + tolerance + size]
    energy = np.concatenate([[0.0], np.cumsum(np.square(around))])
    norms = np.sqrt(np.maximum(energy[size:] - energy[:-size], 0))[: around.size - size + 1]
    if not follows.any() or not norms.any():
        return 0
    similarity = np.correlate(around, follows, mode="valid")
    # Next to silence, a quotient of rounding errors must not win.
    return int(np.argmax(similarity / np.maximum(norms, 1e-3 * norms.max()))) - tolerance
