"""What is wrong with a recording, as numbers: level, clipping, and the band that it occupies."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Quality", "measure_quality"]

# Samples at the top of a clipped waveform differ by less than a step of 16 bits, or this fraction.
_FLAT = 1e-4
_STEP = 2.0**-15
_MIN_RUN = 3  # samples in a row; peaks of speech are sharper
_FULL_SCALE = 0.999
_N_FFT = 1024
_BLOCK = 256  # frames transformed at once
# Nothing was recorded where the mean power is below these: 9 dB above the noise of 16 bits, and
# 100 dB below the loudest frequency.
_ABOVE_NOISE, _BELOW_PEAK = 8.0, 1e-10
# A resampling filter ends steeply, and speech does not: by how much the power above the edge is
# less than in this part of the band.
_SHOULDER, _DROP = (0.7, 0.88), 100.0


class Quality(NamedTuple):
    """Measures of a waveform.

    Parameters
    ----------
    peak : float
        Largest deviation from the mean; 1 is full scale.
    clipped : float
        Fraction of the samples that are part of a flat top, or at full scale.
    edge : float or None
        The frequency in Hz at which the sound ends steeply, as after upsampling; None if it does
        not.
    """

    peak: float
    clipped: float
    edge: float | None


def measure_quality(waveform: NDArray[np.float32], sr: int) -> Quality:
    """Measure a waveform at its own sampling rate.

    Parameters
    ----------
    waveform : ndarray of shape (n_samples,), float32
    sr : int > 0
        In Hz.

    Returns
    -------
    Quality

    Examples
    --------
    >>> import numpy as np
    >>> tone = np.sin(np.arange(16000, dtype=np.float32) / 10)
    >>> round(measure_quality(np.clip(tone, -0.5, 0.5), 16000).clipped, 1)
    0.7
    """
    sound = waveform - waveform.mean()  # a constant offset cannot be heard
    n_flat = sum(_n_flat(side) for side in (sound, -sound))
    n_full = int(np.count_nonzero(np.abs(waveform) >= _FULL_SCALE))
    clipped = max(n_flat, n_full) / waveform.size
    return Quality(float(np.abs(sound).max()), clipped, _edge(sound, sr))


def _n_flat(waveform: NDArray[np.float32]) -> int:
    """Return the number of samples in runs at the maximum."""
    top = float(waveform.max())
    if top < 100 * _STEP:  # silence, where all samples are near the maximum
        return 0
    is_flat = waveform >= top - max(_FLAT * top, _STEP / 2)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_flat, [False]]).astype(np.int8)))
    lengths = edges[1::2] - edges[::2]
    return int(lengths[lengths >= _MIN_RUN].sum())


def _edge(waveform: NDArray[np.float32], sr: int) -> float | None:
    """Return where the sound ends steeply, below the highest frequency of the rate."""
    if waveform.size < _N_FFT:
        return None
    window = np.hanning(_N_FFT)
    frames = np.lib.stride_tricks.sliding_window_view(waveform, _N_FFT)[:: _N_FFT // 2]
    power = np.zeros(_N_FFT // 2 + 1)
    for start in range(0, len(frames), _BLOCK):
        spectrum = np.fft.rfft(frames[start : start + _BLOCK] * window)
        power += np.square(np.abs(spectrum)).sum(axis=0)
    power /= len(frames)
    noise = _STEP**2 / 12 * np.square(window).sum()
    nothing = max(_ABOVE_NOISE * noise, _BELOW_PEAK * power.max())
    something = np.flatnonzero(power > nothing)
    if something.size == 0 or something[-1] >= len(power) - 2:
        return None
    edge = int(something[-1])
    shoulder = power[int(_SHOULDER[0] * edge) : int(_SHOULDER[1] * edge) + 1].mean()
    if shoulder < _DROP * power[edge + 2 :].mean():
        return None
    return edge * sr / _N_FFT
