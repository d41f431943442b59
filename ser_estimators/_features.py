"""Pure functions from a waveform to frames of features, with librosa's definitions and numbers."""

from __future__ import annotations

import warnings
from functools import lru_cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.sparse import csr_array

__all__ = ["dct_matrix", "mel_filter_bank", "mel_power_spectrogram", "mfcc", "power_to_db"]

# Frames transformed at once: few enough to stay in the processor's cache.
_BLOCK_FRAMES = 256


def mfcc(
    waveform: NDArray[np.float32],
    *,
    sr: int,
    n_mfcc: int,
    n_fft: int,
    hop_length: int,
    n_mels: int,
    fmin: float,
    fmax: float | None,
) -> NDArray[np.float32]:
    """Mel-frequency cepstral coefficients, equal to ``librosa.feature.mfcc`` to 1e-3.

    Frames are centred, windowed by a periodic Hann window and zero-padded at both ends; the mel
    power spectrum is turned into dB with a floor of 80 dB under the clip's maximum, and its DCT-II
    is orthonormal. Any length works, one sample included.

    Parameters
    ----------
    waveform : ndarray of shape (n_samples,), float32
        Mono, at `sr`, at least one sample.
    sr : int > 0
        Sampling rate in Hz.
    n_mfcc : int, 1 to n_mels
        Number of coefficients.
    n_fft : int > 0
        Length of the window and of the FFT in samples.
    hop_length : int > 0
        Samples between frames.
    n_mels : int > 0
        Number of mel bands.
    fmin, fmax : float
        Lowest and highest frequency in Hz; ``fmax=None`` means ``sr / 2``.

    Returns
    -------
    ndarray of shape (n_mfcc, n_frames), float32
        For an even `n_fft`, ``n_frames = 1 + n_samples // hop_length``.
    """
    mel = mel_power_spectrogram(
        waveform, sr=sr, n_fft=n_fft, hop_length=hop_length, n_mels=n_mels, fmin=fmin, fmax=fmax
    )
    return scipy.fft.dct(power_to_db(mel), axis=0, type=2, norm="ortho")[:n_mfcc]


def mel_power_spectrogram(
    waveform: NDArray[np.float32],
    *,
    sr: int,
    n_fft: int,
    hop_length: int,
    n_mels: int,
    fmin: float,
    fmax: float | None,
) -> NDArray[np.float32]:
    """Power by mel band and frame, (n_mels, n_frames), as ``librosa.feature.melspectrogram``."""
    filters = mel_filter_bank(sr, n_fft, n_mels, fmin, fmax)
    window = _hann(n_fft)
    padded = np.pad(np.asarray(waveform, dtype=np.float32), n_fft // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop_length]
    mel = np.empty((n_mels, frames.shape[0]), dtype=np.float32)
    for start in range(0, frames.shape[0], _BLOCK_FRAMES):
        block = slice(start, start + _BLOCK_FRAMES)
        spectrum = np.fft.rfft(frames[block] * window, axis=1)
        mel[:, block] = filters @ (spectrum.real**2 + spectrum.imag**2).T
    return mel


def power_to_db(
    power: NDArray[np.float32], *, amin: float = 1e-10, top_db: float = 80.0
) -> NDArray[np.float32]:
    """Decibels relative to 1, at most `top_db` under the maximum, as ``librosa.power_to_db``."""
    decibels = 10 * np.log10(np.maximum(power, np.float32(amin)))
    return np.maximum(decibels, decibels.max() - np.float32(top_db))


@lru_cache(maxsize=16)
def mel_filter_bank(
    sr: int, n_fft: int, n_mels: int, fmin: float, fmax: float | None
) -> csr_array[np.float32, tuple[int, int]]:
    """Return librosa's Slaney-style mel filter bank, shape (n_mels, 1 + n_fft // 2).

    It is sparse, because a filter covers few bins. A product with it also has one order of sums,
    where that of a dense matrix changes its rounding with the number of threads.
    """
    import librosa.filters

    with warnings.catch_warnings():
        # MFCCTransformer says it, and at every call.
        warnings.filterwarnings("ignore", message="Empty filters")
        filters = librosa.filters.mel(sr=sr, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax)
    return csr_array(filters.astype(np.float32))


@lru_cache(maxsize=16)
def dct_matrix(n: int) -> NDArray[np.float32]:
    """Return the orthonormal DCT-II as a matrix, shape (n, n), read-only."""
    return _read_only(scipy.fft.dct(np.eye(n), axis=0, type=2, norm="ortho").astype(np.float32))


@lru_cache(maxsize=16)
def _hann(n_fft: int) -> NDArray[np.float32]:
    """Return the periodic Hann window."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    return _read_only(window.astype(np.float32))


def _read_only(array: NDArray[np.float32]) -> NDArray[np.float32]:
    # Cached arrays are shared by every caller and thread.
    array.setflags(write=False)
    return array
