"""Silence at the ends of a recording."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._audio.effects import trim
from .._utils.arrays import Floats
from ._checks import check_number, check_waveform

__all__ = ["add_silence", "cut_silence"]


def cut_silence(waveform: Any, sr: int, *, top_db: float = 40.0) -> Floats:
    """Cut the silence at both ends.

    Parameters
    ----------
    waveform : array-like of shape (n_samples,)
        Floats on the scale [-1, 1].
    sr : int > 0
        Sampling rate in Hz.
    top_db : float > 0, default=40.0
        What is this many dB below the loudest part is silence, as in ``librosa.effects.trim``.

    Returns
    -------
    ndarray of shape (n_kept,), float32
        At least one sample. A clip of zeros is returned as it is.

    Examples
    --------
    >>> import numpy as np
    >>> from ser_estimators.conditions import cut_silence
    >>> tone = np.sin(np.arange(16000) / 10)
    >>> cut_silence(np.pad(tone, 8000), 16000).shape
    (17920,)
    """
    samples = check_waveform(waveform, sr)
    check_number(top_db, "top_db", low=0)
    kept = trim(samples, top_db)
    return kept.copy() if kept.size else samples.copy()


def add_silence(waveform: Any, sr: int, *, before: float = 1.0, after: float = 0.0) -> Floats:
    """Add digital silence, zeros, at the ends.

    Parameters
    ----------
    waveform : array-like of shape (n_samples,)
        Floats on the scale [-1, 1].
    sr : int > 0
        Sampling rate in Hz.
    before : float >= 0, default=1.0
        Seconds of zeros before the start.
    after : float >= 0, default=0.0
        Seconds of zeros after the end.

    Returns
    -------
    ndarray of shape (round(before * sr) + n_samples + round(after * sr),), float32

    Examples
    --------
    >>> import numpy as np
    >>> from ser_estimators.conditions import add_silence
    >>> add_silence(np.ones(2), 4, before=0.5, after=0.25)
    array([0., 0., 1., 1., 0.], dtype=float32)
    """
    samples = check_waveform(waveform, sr)
    for name, seconds in (("before", before), ("after", after)):
        check_number(seconds, name, low=np.nextafter(0, -1))
    return np.pad(samples, (round(before * sr), round(after * sr)))
