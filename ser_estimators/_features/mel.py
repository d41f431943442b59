"""Mel spectrograms, with librosa's definitions and values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from .._utils.arrays import Floats, read_only
from .spectrum import Filters, as_frames, band_powers

__all__ = ["AMIN", "TOP_DB", "MelOptions", "mel_filter_bank", "mel_power_spectrogram"]
__all__ += ["power_to_db"]

# Slaney's mel scale: linear up to 1 kHz, 15 mels, then 27 mels for each factor of 6.4.
_LINEAR_HZ = 200.0 / 3
_BREAK_HZ = 1000.0
_LOG_STEP = np.log(6.4) / 27.0
# Lowest power that is distinguished, and range of a clip in decibels, as in librosa.power_to_db.
AMIN = 1e-10
TOP_DB = 80.0


@dataclass(frozen=True)
class MelOptions:
    """How a mel spectrogram is computed, with the names and meanings of librosa.

    Parameters
    ----------
    sr : int > 0
        Sampling rate in Hz.
    n_fft : int > 0
        Length of the FFT in samples.
    hop_length : int > 0
        Samples between frames.
    n_mels : int > 0
        Number of mel bands.
    fmin, fmax : float, default=0.0 and None
        Lowest and highest frequency in Hz; ``fmax=None`` means ``sr / 2``.
    win_length : int, 1 to n_fft, or None, default=None
        Length of the window in samples, zero-padded to `n_fft`; None means `n_fft`.
    window : str, tuple or float, default="hann"
        Periodic window, as in ``scipy.signal.get_window``.
    center : bool, default=True
        Whether frames are centered at multiples of `hop_length`, with zero padding at both ends;
        otherwise they start there, and trailing samples that do not fill a frame are dropped. A
        clip shorter than one frame is zero-padded.
    htk : bool, default=False
        Whether to use HTK's mel scale instead of Slaney's.
    mel_norm : {"slaney"}, float or None, default="slaney"
        "slaney" divides each filter by its width; a number p divides it by its p-norm.
    """

    sr: int
    n_fft: int
    hop_length: int
    n_mels: int
    fmin: float = 0.0
    fmax: float | None = None
    win_length: int | None = None
    window: Any = "hann"
    center: bool = True
    htk: bool = False
    mel_norm: str | float | None = "slaney"

    def filters(self) -> Filters:
        """Return the mel filter bank, shape (n_mels, 1 + n_fft // 2)."""
        return mel_filter_bank(
            self.sr, self.n_fft, self.n_mels, self.fmin, self.fmax, self.htk, self.mel_norm
        )


def mel_power_spectrogram(waveform: Floats, options: MelOptions) -> Floats:
    """Compute the power of each band and frame, as ``librosa.feature.melspectrogram``.

    Parameters
    ----------
    waveform : ndarray of shape (n_samples,), float32
        Mono, at the sampling rate of the options, at least one sample.
    options : MelOptions

    Returns
    -------
    ndarray of shape (n_mels, n_frames), float32
    """
    frames = as_frames(
        waveform, n_fft=options.n_fft, hop_length=options.hop_length, center=options.center
    )
    return band_powers(
        frames, options.filters(), win_length=options.win_length, window=options.window
    )


def power_to_db(power: Floats, *, amin: float = AMIN, top_db: float = TOP_DB) -> Floats:
    """Return decibels relative to 1, floored at `top_db` below the maximum.

    As ``librosa.power_to_db`` with its defaults.
    """
    decibels = np.maximum(power, np.float32(amin))
    np.log10(decibels, out=decibels)
    decibels *= 10
    return np.maximum(decibels, decibels.max() - np.float32(top_db), out=decibels)


@lru_cache(maxsize=16)
def mel_filter_bank(
    sr: int,
    n_fft: int,
    n_mels: int,
    fmin: float,
    fmax: float | None,
    htk: bool = False,
    mel_norm: str | float | None = "slaney",
) -> Filters:
    """Return the filters of ``librosa.filters.mel``, shape (n_mels, 1 + n_fft // 2).

    They are triangles on the mel scale. The matrix is sparse because each filter covers few bins;
    a sparse product also has a fixed order of summation, whereas the rounding of a dense product
    depends on the number of threads.
    """
    fmax = sr / 2 if fmax is None else fmax
    edges = _mel_frequencies(n_mels + 2, fmin, fmax, htk)
    bins = np.fft.rfftfreq(n_fft, 1 / sr)
    ramps = edges[:, None] - bins
    rising = -ramps[:-2] / np.diff(edges)[:-1, None]
    falling = ramps[2:] / np.diff(edges)[1:, None]
    filters = np.maximum(0, np.minimum(rising, falling))
    # (n_mels, n_bins)
    if mel_norm == "slaney":
        filters *= (2 / (edges[2:] - edges[:-2]))[:, None]
    elif mel_norm is not None:
        norms = np.linalg.norm(filters, ord=float(mel_norm), axis=1, keepdims=True)
        filters /= np.where(norms > 0, norms, 1)
    sparse = csr_array(filters.astype(np.float32))
    for array in (sparse.data, sparse.indices, sparse.indptr):
        read_only(array)
    return sparse


def _mel_frequencies(n: int, fmin: float, fmax: float, htk: bool) -> NDArray[np.float64]:
    """Return frequencies in Hz that are evenly spaced on the mel scale."""
    low, high = _hz_to_mel(np.array([fmin, fmax]), htk)
    mels = np.linspace(low, high, n)
    if htk:
        return 700 * (10 ** (mels / 2595) - 1)
    break_mel = _BREAK_HZ / _LINEAR_HZ
    above = _BREAK_HZ * np.exp(_LOG_STEP * (mels - break_mel))
    return np.where(mels < break_mel, _LINEAR_HZ * mels, above)


def _hz_to_mel(hz: NDArray[np.float64], htk: bool) -> NDArray[np.float64]:
    if htk:
        return 2595 * np.log10(1 + hz / 700)
    above = _BREAK_HZ / _LINEAR_HZ + np.log(np.maximum(hz, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return np.where(hz < _BREAK_HZ, hz / _LINEAR_HZ, above)
