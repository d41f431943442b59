"""Effects on a waveform before feature extraction, as pure functions."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .._utils.arrays import Floats

__all__ = [
    "ABSOLUTE_GATE",
    "BLOCK_SECONDS",
    "LUFS_FLOOR",
    "LUFS_OFFSET",
    "QUIET_RANGE",
    "RELATIVE_GATE",
    "SILENT",
    "STEP_SECONDS",
    "TRIM_FLOOR",
    "TRIM_FRAME",
    "TRIM_HOP",
    "integrated_loudness",
    "k_weighting",
    "normalize_loudness",
    "preemphasize",
    "trim",
]

# Frame and hop length of librosa.effects.trim, in samples.
TRIM_FRAME = 2048
TRIM_HOP = 512
# Lowest power, as in librosa: that of an amplitude of 1e-5.
TRIM_FLOOR = 1e-10
# ITU-R BS.1770-4: blocks of 400 ms overlap by 75 %; gates at -70 LUFS and 10 LU below the mean.
BLOCK_SECONDS = 0.4
STEP_SECONDS = 0.1
ABSOLUTE_GATE = -70.0
RELATIVE_GATE = -10.0
# The first gate would remove quiet recordings. It is at most this far below the loudest block, as
# for a clip at -23 LUFS, so that the gain of a recording has no effect. In LU.
QUIET_RANGE = -47.0
# Clips whose loudest block is below this level, in LUFS, are silent: the noise of 16-bit audio.
SILENT = -90.0
# LUFS of a power of 1, and the lowest power that is distinguished.
LUFS_OFFSET = -0.691
LUFS_FLOOR = 1e-20


def trim(waveform: Floats, top_db: float) -> Floats:
    """Trim silence at both ends, as ``librosa.effects.trim``.

    Parameters
    ----------
    waveform : ndarray of shape (n_samples,), float32
    top_db : float > 0
        A frame of 2,048 samples is silent if it is this many dB below the loudest frame.

    Returns
    -------
    ndarray of shape (n_samples,), float32
        A view. A clip that is entirely silent is returned unchanged.
    """
    padded = np.pad(waveform, TRIM_FRAME // 2)
    # The power of overlapping frames is computed from steps, of which all lengths are multiples.
    n_steps = padded.size // TRIM_HOP
    steps = np.square(padded[: n_steps * TRIM_HOP]).reshape(n_steps, TRIM_HOP)
    per_frame = TRIM_FRAME // TRIM_HOP
    power = np.convolve(steps.sum(axis=1, dtype=np.float64), np.ones(per_frame), mode="valid")
    decibels = 10 * np.log10(np.maximum(power / TRIM_FRAME, TRIM_FLOOR))
    loud = np.flatnonzero(decibels > decibels.max() - top_db)
    if power.max() == 0:
        return waveform
    return waveform[loud[0] * TRIM_HOP : (loud[-1] + 1) * TRIM_HOP]


def preemphasize(waveform: Floats, coef: float) -> Floats:
    """Subtract from each sample `coef` times the previous one, as ``librosa.effects.preemphasis``.

    The sample before the first is extrapolated from the first two.
    """
    first = 2 * waveform[:1] - waveform[1:2] if waveform.size > 1 else 0 * waveform
    emphasized = np.array(waveform)
    emphasized[1:] -= np.float32(coef) * waveform[:-1]
    emphasized[:1] += first
    return emphasized


def normalize_loudness(waveform: Floats, sr: int, loudness: float) -> Floats:
    """Scale a waveform to an integrated loudness.

    Parameters
    ----------
    waveform : ndarray of shape (n_samples,), float32
    sr : int > 0
        Sampling rate in Hz.
    loudness : float
        Loudness in LUFS (ITU-R BS.1770-4), such as -23, the level of broadcasting.

    Returns
    -------
    ndarray of shape (n_samples,), float32
        A clip below -90 LUFS, such as silence, is returned unchanged. Samples may exceed [-1, 1].
    """
    present = integrated_loudness(waveform, sr)
    if not np.isfinite(present):
        return waveform
    return waveform * np.float32(10 ** ((loudness - present) / 20))


def integrated_loudness(waveform: Floats, sr: int) -> float:
    """Return the integrated loudness of a clip in LUFS, minus infinity for silence.

    It is defined in [1]_. A clip shorter than a block of 0.4 s is treated as one block. The gate of
    -70 LUFS is lower for quiet clips, so that another gain changes the loudness by its decibels.

    References
    ----------
    .. [1] Recommendation ITU-R BS.1770-4, "Algorithms to measure audio programme loudness and
       true-peak audio level", 2015.
    """
    from scipy.signal import sosfilt

    weighted = sosfilt(k_weighting(sr), waveform.astype(np.float64))
    energy = np.concatenate([[0.0], np.cumsum(np.square(weighted))])
    block = min(round(BLOCK_SECONDS * sr), waveform.size)
    starts = np.arange(0, waveform.size - block + 1, max(round(STEP_SECONDS * sr), 1))
    powers = (energy[starts + block] - energy[starts]) / block
    loudest = float(_lufs(powers.max()))
    if loudest <= SILENT:
        return -np.inf
    powers = powers[_lufs(powers) > min(ABSOLUTE_GATE, loudest + QUIET_RANGE)]
    powers = powers[_lufs(powers) > _lufs(powers.mean()) + RELATIVE_GATE]
    return float(_lufs(powers.mean()))


def _lufs(power: NDArray[np.float64]) -> NDArray[np.float64]:
    return LUFS_OFFSET + 10 * np.log10(np.maximum(power, LUFS_FLOOR))


@lru_cache(maxsize=16)
def k_weighting(sr: int) -> NDArray[np.float64]:
    """Return the head and low-cut filters of BS.1770 for any rate, as second-order sections.

    The recommendation gives coefficients for 48 kHz. These are the underlying analog filters, with
    a bilinear transform, according to B. De Man, "Evaluation of implementations of the EBU R128
    loudness measurement", AES 145th Convention, 2018.
    """
    gain, q, frequency = 3.999843853973347, 0.7071752369554196, 1681.974450955533
    k = np.tan(np.pi * min(frequency, 0.49 * sr) / sr)
    high, band = 10 ** (gain / 20), 10 ** (gain / 20 * 0.4996667741545416)
    norm = 1 + k / q + k * k
    shelf = [
        (high + band * k / q + k * k) / norm,
        2 * (k * k - high) / norm,
        (high - band * k / q + k * k) / norm,
        1.0,
        2 * (k * k - 1) / norm,
        (1 - k / q + k * k) / norm,
    ]
    q, frequency = 0.5003270373238773, 38.13547087602444
    k = np.tan(np.pi * min(frequency, 0.49 * sr) / sr)
    norm = 1 + k / q + k * k
    low_cut = [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / norm, (1 - k / q + k * k) / norm]
    return np.array([shelf, low_cut])
