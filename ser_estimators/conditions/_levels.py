"""The level of a recording: amplification, clipping, and the level of its speech."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._utils.arrays import Floats
from ._checks import check_number, check_waveform

__all__ = ["active_power", "amplify", "clip_peaks"]

_BLOCK = 0.02  # seconds
_ACTIVE_DB = 30.0  # below the loudest block


def amplify(waveform: Any, sr: int, *, decibels: float) -> Floats:
    """Amplify a waveform, or attenuate it.

    Samples beyond full scale are not clipped, so that nothing but the level changes; `clip_peaks`
    clips.

    Parameters
    ----------
    waveform : array-like of shape (n_samples,)
        Floats on the scale [-1, 1].
    sr : int > 0
        Sampling rate in Hz.
    decibels : float
        Gain in dB, negative to attenuate.

    Returns
    -------
    ndarray of shape (n_samples,), float32

    Examples
    --------
    >>> import numpy as np
    >>> from ser_estimators.conditions import amplify
    >>> amplify(np.array([0.5, -0.25]), 16000, decibels=20)
    array([ 5. , -2.5], dtype=float32)
    """
    samples = check_waveform(waveform, sr)
    check_number(decibels, "decibels")
    return np.asarray(samples * np.float32(10 ** (decibels / 20)))


def clip_peaks(waveform: Any, sr: int, *, decibels: float = 10.0) -> Floats:
    """Clip a waveform as a recorder does that is set too high.

    Parameters
    ----------
    waveform : array-like of shape (n_samples,)
        Floats on the scale [-1, 1].
    sr : int > 0
        Sampling rate in Hz.
    decibels : float > 0, default=10.0
        By how much the peak of the clip exceeds the largest level of the recorder. The scale is
        that of the input, so that nothing else changes: samples are limited to this much below the
        peak.

    Returns
    -------
    ndarray of shape (n_samples,), float32

    Examples
    --------
    >>> import numpy as np
    >>> from ser_estimators.conditions import clip_peaks
    >>> clip_peaks(np.array([1.0, -0.5, 0.05]), 16000, decibels=20)
    array([ 0.1 , -0.1 ,  0.05], dtype=float32)
    """
    samples = check_waveform(waveform, sr)
    check_number(decibels, "decibels", low=0)
    limit = np.float32(np.abs(samples).max() * 10 ** (-decibels / 20))
    return np.clip(samples, -limit, limit)


def active_power(waveform: Floats, sr: int) -> float:
    """Return the mean power of the active part of a clip, 0 for silence.

    The clip is divided into blocks of 20 ms. Those within 30 dB of the loudest one are active:
    speech without the pauses and the silence around it. Leftover samples at the end do not count.
    """
    block = min(max(round(_BLOCK * sr), 1), waveform.size)
    blocks = waveform[: waveform.size // block * block].reshape(-1, block).astype(np.float64)
    powers = np.square(blocks).mean(axis=1)
    return float(powers[powers >= powers.max() * 10 ** (-_ACTIVE_DB / 10)].mean())
