"""What is between a voice and a recording: rooms, microphones and lines."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import check_scalar

from .._audio.files import resample
from .._utils.arrays import Floats
from ._checks import check_generator, check_number, check_waveform

__all__ = ["add_room", "limit_band", "reduce_rate", "tilt_spectrum"]

_ORDER = 4  # of the filters of a line, at each edge
_PIVOT = 1000.0  # Hz, where a tilt changes nothing
_FIRST_REFLECTION = 0.0025  # seconds after the direct sound, a detour of 0.9 m
_DAMPED_ABOVE = 4000.0  # Hz; walls and air absorb high frequencies


def add_room(
    waveform: Any, sr: int, rng: np.random.Generator, *, rt60: float, drr: float = 0.0
) -> Floats:
    """Add the reverberation of a room.

    The impulse response is the direct sound and, from 2.5 ms on, random noise that decays
    exponentially [1]_ and is damped above 4 kHz.

    Parameters
    ----------
    waveform : array-like of shape (n_samples,)
        Floats on the scale [-1, 1].
    sr : int > 0
        Sampling rate in Hz.
    rng : numpy.random.Generator
        Source of the noise.
    rt60 : float > 0
        Reverberation time in seconds, in which the level falls by 60 dB: about 0.4 in a living
        room, 0.8 in a large bare one.
    drr : float, default=0.0
        Direct-to-reverberant ratio in dB: that of the energy of the direct sound to the energy of
        everything after it. It is 0 at the critical distance, about 1 m in a small room.

    Returns
    -------
    ndarray of shape (n_samples,), float32
        It has the energy of the input, so that nothing but the room changes. Reverberation after
        the end of the clip is cut off.

    References
    ----------
    .. [1] J.-D. Polack, "La transmission de l'énergie sonore dans les salles", thesis, Université
       du Maine, 1988.

    Examples
    --------
    >>> import numpy as np
    >>> from ser_estimators.conditions import add_room
    >>> click = np.zeros(8000)
    >>> click[0] = 1
    >>> heard = add_room(click, 16000, np.random.default_rng(0), rt60=0.4)
    >>> float(np.mean(heard**2)) > float(np.mean(heard[4000:]**2))
    True
    """
    from scipy.signal import fftconvolve, lfilter

    samples = check_waveform(waveform, sr)
    check_number(rt60, "rt60", low=0)
    check_number(drr, "drr")
    times = np.arange(max(round(rt60 * sr), 1)) / sr
    # 60 dB are a factor of 1000 in amplitude.
    tail = check_generator(rng).standard_normal(times.size) * 10 ** (-3 * times / rt60)
    pole = np.exp(-2 * np.pi * min(_DAMPED_ABOVE, 0.4 * sr) / sr)
    tail = lfilter([1 - pole], [1, -pole], tail)
    tail[times < _FIRST_REFLECTION] = 0
    energy = float(np.square(tail).sum())
    response = tail * np.sqrt(10 ** (-drr / 10) / energy) if energy else tail
    response[0] = 1
    heard = fftconvolve(samples.astype(np.float64), response)[: samples.size]
    before, after = (float(np.square(x).sum(dtype=np.float64)) for x in (samples, heard))
    return np.asarray(heard * np.sqrt(before / after) if after else heard, dtype=np.float32)


def limit_band(waveform: Any, sr: int, *, low: float = 300.0, high: float = 3400.0) -> Floats:
    """Remove what a line does not transmit, by default that of a telephone.

    Parameters
    ----------
    waveform : array-like of shape (n_samples,)
        Floats on the scale [-1, 1].
    sr : int > 0
        Sampling rate in Hz.
    low : float > 0, default=300.0
        Lower edge of the band in Hz, where the level has fallen by 3 dB. The slopes are those of
        Butterworth filters of order 4.
    high : float > 0, default=3400.0
        Upper edge of the band in Hz. Above half of `sr`, it has no effect.

    Returns
    -------
    ndarray of shape (n_samples,), float32

    Examples
    --------
    >>> import numpy as np
    >>> from ser_estimators.conditions import limit_band
    >>> hum = np.sin(2 * np.pi * 50 * np.arange(16000) / 16000)
    >>> bool(np.abs(limit_band(hum, 16000)[4000:]).max() < 0.01)
    True
    """
    from scipy.signal import butter, sosfilt

    samples = check_waveform(waveform, sr)
    check_number(low, "low", low=0, high=sr / 2)
    check_number(high, "high", low=low)
    if high < sr / 2:
        filters = butter(_ORDER, [low, high], "bandpass", fs=sr, output="sos")
    else:
        filters = butter(_ORDER, low, "highpass", fs=sr, output="sos")
    return np.asarray(sosfilt(filters, samples.astype(np.float64)), dtype=np.float32)


def reduce_rate(waveform: Any, sr: int, *, rate: int = 8000) -> Floats:
    """Remove what a recording at a lower sampling rate does not contain.

    Parameters
    ----------
    waveform : array-like of shape (n_samples,)
        Floats on the scale [-1, 1].
    sr : int > 0
        Sampling rate in Hz, of the result as well.
    rate : int > 0, default=8000
        Sampling rate in Hz that the waveform passes through. A rate of `sr` or more has no effect.

    Returns
    -------
    ndarray of shape (n_samples,), float32

    Examples
    --------
    >>> import numpy as np
    >>> from ser_estimators.conditions import reduce_rate
    >>> whistle = np.sin(2 * np.pi * 6000 * np.arange(16000) / 16000)
    >>> bool(np.abs(reduce_rate(whistle, 16000)[100:-100]).max() < 0.01)
    True
    """
    samples = check_waveform(waveform, sr)
    check_scalar(rate, "rate", Integral, min_val=1)
    if rate >= sr:
        return samples.copy()
    return resample(resample(samples, sr, rate), rate, sr)[: samples.size]


def tilt_spectrum(waveform: Any, sr: int, *, decibels: float) -> Floats:
    """Make a recording brighter or darker, as another microphone or a pocket does.

    Parameters
    ----------
    waveform : array-like of shape (n_samples,)
        Floats on the scale [-1, 1].
    sr : int > 0
        Sampling rate in Hz.
    decibels : float
        Gain of high frequencies in dB; low frequencies have the opposite gain. The filter is of
        first order, and its gain is 0 dB at 1 kHz.

    Returns
    -------
    ndarray of shape (n_samples,), float32

    Examples
    --------
    >>> import numpy as np
    >>> from ser_estimators.conditions import tilt_spectrum
    >>> float(tilt_spectrum(np.ones(1000), 16000, decibels=20)[-1])  # 0 Hz
    0.1...
    """
    from scipy.signal import lfilter

    samples = check_waveform(waveform, sr)
    check_number(decibels, "decibels")
    gain = 10 ** (decibels / 20)
    pivot = 2 * np.pi * min(_PIVOT, 0.25 * sr)
    # H(s) = (gain s + pivot) / (s + gain pivot), with a bilinear transform that keeps the pivot.
    scale = pivot / np.tan(pivot / (2 * sr))
    b = [gain * scale + pivot, pivot - gain * scale]
    a = [scale + gain * pivot, gain * pivot - scale]
    return np.asarray(lfilter(b, a, samples.astype(np.float64)), dtype=np.float32)
