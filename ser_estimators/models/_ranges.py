"""describe_audio: in which ranges the audio lies that a model was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_scalar

from .._audio.clips import check_clips
from .._audio.reading import Reading
from .._audio.workers import map_clips
from .._utils.arrays import Floats

__all__ = ["describe_audio"]

_N_FFT = 1024
# Frequencies whose mean power is this far below the loudest one are outside the band.
_BAND_DB = 60.0
_SILENCE = 1e-12  # power, -120 dBFS


def describe_audio(
    X: Any,
    *,
    sr: int = 16000,
    coverage: float = 0.98,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> dict[str, tuple[float, float]]:
    """Measure in which ranges the duration, the level and the bandwidth of clips lie.

    A `ModelCard` with these ranges of the training audio tells whether other audio is like it: a
    model that was trained on studio recordings of three seconds has not seen telephone calls.

    Parameters
    ----------
    X : list of path-like, list of 1-D waveforms, or ndarray of shape (n_clips, n_samples)
        The clips.
    sr : int > 0, default=16000
        Sampling rate in Hz to which files are resampled, as by the model, and of waveforms.
    coverage : float in (0, 1], default=0.98
        Fraction of the clips that lie in each range. The others are outliers, half of them on
        either side.
    n_jobs : int or None, default=None
        Number of threads. None means 1 unless in a ``joblib.parallel_config`` context, -1 means all
        processors.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    dict of str to (float, float)
        "duration" in s; "level", the root mean square in dB relative to full scale; "bandwidth",
        the highest frequency in Hz whose mean power is less than 60 dB below that of the loudest
        frequency.

    Raises
    ------
    AudioReadError
        If clips cannot be used. The error lists all of them, with reason and remedy.
    TypeError, ValueError
        If X is not a list of clips, or a parameter has a wrong type or value.

    See Also
    --------
    ModelCard : Its parameter `audio` takes the result.

    Examples
    --------
    >>> import numpy as np
    >>> from ser_estimators.models import describe_audio
    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
    >>> describe_audio([0.1 * tone, 0.5 * tone], coverage=1.0)["level"]
    (-23.0, -9.0)
    """
    check_scalar(sr, "sr", Integral, min_val=1)
    check_scalar(coverage, "coverage", Real, min_val=0, max_val=1, include_boundaries="right")
    check_scalar(verbose, "verbose", Integral, min_val=0)
    clips = check_clips(X)
    reading = Reading(sr=sr)
    rows = np.array(
        list(
            map_clips(
                lambda clip: _measure(reading.load(clip), sr),
                clips,
                n_jobs=n_jobs,
                progress="audio" if verbose else None,
            )
        )
    )
    quantiles = 0.5 - coverage / 2, 0.5 + coverage / 2
    lows, highs = np.quantile(rows, quantiles, axis=0)
    digits = {"duration": 2, "level": 1, "bandwidth": 0}
    return {
        name: (round(float(low), digits[name]), round(float(high), digits[name]))
        for name, low, high in zip(digits, lows, highs, strict=True)
    }


def _measure(waveform: Floats, sr: int) -> Sequence[float]:
    """Return duration, level and bandwidth of a clip."""
    power = float(np.mean(np.square(waveform, dtype=np.float64)))
    padded = np.pad(waveform, (0, max(_N_FFT - waveform.size, 0)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _N_FFT)[:: _N_FFT // 2]
    window = np.hanning(_N_FFT)
    spectrum = np.zeros(_N_FFT // 2 + 1)
    # In blocks, so that a long recording takes little memory.
    for start in range(0, len(frames), 256):
        transformed = np.fft.rfft(frames[start : start + 256] * window)
        spectrum += np.square(np.abs(transformed)).sum(axis=0)
    loud = np.flatnonzero(spectrum > spectrum.max() * 10 ** (-_BAND_DB / 10))
    highest = loud[-1] if loud.size else 0
    return (
        waveform.size / sr,
        10 * np.log10(max(power, _SILENCE)),
        highest * sr / _N_FFT,
    )
