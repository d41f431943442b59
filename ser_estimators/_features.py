"""Pure functions from a waveform to frames of features, with librosa's definitions and numbers."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ._spectrum import Filters, Floats, as_frames, band_powers, read_only

__all__ = ["add_deltas", "dct_matrix", "delta", "mel_filter_bank", "mel_power_spectrogram", "mfcc"]
__all__ += ["normalize_rows", "power_to_db"]

# Slaney's mel scale: linear up to 1 kHz, 15 mels, then 27 mels for each factor of 6.4.
_LINEAR_HZ = 200.0 / 3
_BREAK_HZ = 1000.0
_LOG_STEP = np.log(6.4) / 27.0


def mfcc(
    waveform: Floats,
    *,
    sr: int,
    n_mfcc: int,
    n_fft: int,
    hop_length: int,
    n_mels: int,
    fmin: float,
    fmax: float | None,
    win_length: int | None = None,
    window: Any = "hann",
    center: bool = True,
    htk: bool = False,
    mel_norm: str | float | None = "slaney",
    dct_type: int = 2,
    norm: str | None = "ortho",
    lifter: float = 0.0,
) -> Floats:
    """Mel-frequency cepstral coefficients, equal to ``librosa.feature.mfcc`` to 1e-3.

    The mel power spectrum is turned into dB with a floor of 80 dB under the clip's maximum, and
    its discrete cosine transform is taken. Any length works, one sample included.

    Parameters
    ----------
    waveform : ndarray of shape (n_samples,), float32
        Mono, at `sr`, at least one sample.
    sr : int > 0
        Sampling rate in Hz.
    n_mfcc : int, 1 to n_mels
        Number of coefficients.
    n_fft, hop_length, n_mels, fmin, fmax, win_length, window, center, htk, mel_norm
        As in `mel_power_spectrogram`.
    dct_type : {1, 2, 3}, default=2
        Type of the cosine transform.
    norm : {"ortho", None}, default="ortho"
        Whether the cosine transform is orthonormal.
    lifter : float >= 0, default=0
        If positive, coefficient n is weighted by ``1 + lifter / 2 * sin(pi * n / lifter)``, where
        the first coefficient is number 1.

    Returns
    -------
    ndarray of shape (n_mfcc, n_frames), float32
        For an even `n_fft` and centred frames, ``n_frames = 1 + n_samples // hop_length``.
    """
    mel = mel_power_spectrogram(
        waveform,
        sr=sr,
        n_fft=n_fft,
        hop_length=hop_length,
        n_mels=n_mels,
        fmin=fmin,
        fmax=fmax,
        win_length=win_length,
        window=window,
        center=center,
        htk=htk,
        mel_norm=mel_norm,
    )
    decibels = power_to_db(mel)
    # (n_mels, n_frames)
    coefficients = scipy.fft.dct(decibels, axis=0, type=dct_type, norm=norm, overwrite_x=True)[
        :n_mfcc
    ]
    if lifter > 0:
        number = np.arange(1, n_mfcc + 1)
        weights = 1 + lifter / 2 * np.sin(np.pi * number / lifter)
        coefficients = coefficients * weights[:, None].astype(np.float32)
    return coefficients


def mel_power_spectrogram(
    waveform: Floats,
    *,
    sr: int,
    n_fft: int,
    hop_length: int,
    n_mels: int,
    fmin: float,
    fmax: float | None,
    win_length: int | None = None,
    window: Any = "hann",
    center: bool = True,
    htk: bool = False,
    mel_norm: str | float | None = "slaney",
) -> Floats:
    """Power by mel band and frame, as ``librosa.feature.melspectrogram``.

    Parameters
    ----------
    waveform : ndarray of shape (n_samples,), float32
        Mono, at `sr`, at least one sample.
    sr : int > 0
        Sampling rate in Hz.
    n_fft : int > 0
        Length of the FFT in samples.
    hop_length : int > 0
        Samples between frames.
    n_mels : int > 0
        Number of mel bands.
    fmin, fmax : float
        Lowest and highest frequency in Hz; ``fmax=None`` means ``sr / 2``.
    win_length : int, 1 to n_fft, or None, default=None
        Length of the window, which has zeros around it up to `n_fft`; None means `n_fft`.
    window : str, tuple or float, default="hann"
        Periodic window, as ``scipy.signal.get_window`` knows it.
    center : bool, default=True
        Whether frames are centred at multiples of `hop_length`, with zeros beyond both ends;
        otherwise they begin there, and what fills no frame is left out. A clip shorter than one
        frame is followed by zeros.
    htk : bool, default=False
        HTK's mel scale instead of Slaney's.
    mel_norm : {"slaney"}, float or None, default="slaney"
        "slaney" divides each filter by its width, a number makes its norm of that order 1.

    Returns
    -------
    ndarray of shape (n_mels, n_frames), float32
    """
    filters = mel_filter_bank(sr, n_fft, n_mels, fmin, fmax, htk, mel_norm)
    frames = as_frames(waveform, n_fft=n_fft, hop_length=hop_length, center=center)
    return band_powers(frames, filters, win_length=win_length, window=window)


def power_to_db(power: Floats, *, amin: float = 1e-10, top_db: float = 80.0) -> Floats:
    """Decibels relative to 1, at most `top_db` under the maximum, as ``librosa.power_to_db``."""
    decibels = np.maximum(power, np.float32(amin))
    np.log10(decibels, out=decibels)
    decibels *= 10
    return np.maximum(decibels, decibels.max() - np.float32(top_db), out=decibels)


def delta(features: Floats, *, order: int, width: int = 9) -> Floats:
    """Estimate the derivative over time, as ``librosa.feature.delta``.

    A polynomial of the degree `order` is fitted to `width` frames around each frame
    (Savitzky-Golay), and to the first or last `width` frames at the ends. A clip of fewer frames
    is fitted as a whole; one of no more frames than `order` has derivatives of zero.

    Parameters
    ----------
    features : ndarray of shape (n_rows, n_frames), float32
    order : {1, 2}
        First or second derivative.
    width : int >= 3, odd, default=9
        Frames that are fitted at once.

    Returns
    -------
    ndarray of shape (n_rows, n_frames), float32
    """
    from scipy.signal import savgol_filter

    n_frames = features.shape[1]
    width = min(width, n_frames - 1 + n_frames % 2)
    if width <= order:
        return np.zeros_like(features)
    filtered = savgol_filter(features, width, polyorder=order, deriv=order, axis=1, mode="interp")
    return np.asarray(filtered, dtype=np.float32)


def add_deltas(features: Floats, *, order: int) -> Floats:
    """Stack features with their derivatives up to an order, (n_rows * (1 + order), n_frames)."""
    if order == 0:
        return features
    return np.concatenate([features, *(delta(features, order=n) for n in range(1, order + 1))])


def normalize_rows(features: Floats, *, variance: bool) -> Floats:
    """Subtract each row's mean over time, and divide by its standard deviation if asked for.

    A row without spread is left at zero.
    """
    centred = features - features.mean(axis=1, keepdims=True, dtype=np.float64)
    if variance:
        std = centred.std(axis=1, keepdims=True)
        # What is left of a constant row is rounding.
        is_flat = std <= 1e-6 * np.abs(features).max(axis=1, keepdims=True)
        centred = np.where(is_flat, 0.0, centred / np.where(is_flat, 1.0, std))
    return np.asarray(centred, dtype=np.float32)


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

    They are triangles on the mel scale, and sparse, because a filter covers few bins. A product
    with them also has one order of sums, where that of a dense matrix changes its rounding with
    the number of threads.
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
    return csr_array(filters.astype(np.float32))


def _mel_frequencies(n: int, fmin: float, fmax: float, htk: bool) -> NDArray[np.float64]:
    """Frequencies in Hz that are evenly spaced in mel."""
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


@lru_cache(maxsize=16)
def dct_matrix(n: int) -> Floats:
    """Return the orthonormal DCT-II as a matrix, shape (n, n), read-only."""
    return read_only(scipy.fft.dct(np.eye(n), axis=0, type=2, norm="ortho").astype(np.float32))
