"""Mel-frequency cepstral coefficients and their derivatives, with librosa's values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.fft

from .._utils.arrays import Floats, read_only
from .mel import MelOptions, mel_power_spectrogram, power_to_db

__all__ = [
    "DELTA_WIDTH",
    "FLAT",
    "MFCCOptions",
    "add_deltas",
    "dct_matrix",
    "delta",
    "lifter_weights",
    "mfcc",
    "mfcc_frames",
    "normalize_rows",
]

# Number of frames from which a derivative is estimated, as in librosa.feature.delta.
DELTA_WIDTH = 9
# A row is constant if its deviation is below this fraction of the largest value of the clip: a
# hundred times the rounding errors, and a twentieth of that of second derivatives in speech.
FLAT = 1e-5


@dataclass(frozen=True)
class MFCCOptions:
    """How the coefficients are computed from a mel spectrogram.

    Parameters
    ----------
    mel : MelOptions
    n_mfcc : int, 1 to n_mels
        Number of coefficients.
    dct_type : {1, 2, 3}, default=2
        Type of the discrete cosine transform.
    norm : {"ortho", None}, default="ortho"
        Whether the cosine transform is orthonormal.
    lifter : float >= 0, default=0.0
        If positive, coefficient n is weighted by ``1 + lifter / 2 * sin(pi * n / lifter)``, where
        the first coefficient is number 1.
    deltas : {0, 1, 2}, default=0
        Order of the derivatives over time that follow the coefficients.
    normalization : {None, "mean", "mean_variance"}, default=None
        Whether the mean of each row over the clip is subtracted, and whether the row is divided by
        its standard deviation.
    """

    mel: MelOptions
    n_mfcc: int
    dct_type: int = 2
    norm: str | None = "ortho"
    lifter: float = 0.0
    deltas: int = 0
    normalization: str | None = None


def mfcc(waveform: Floats, options: MFCCOptions) -> Floats:
    """Compute the coefficients of every frame, within 1e-3 of ``librosa.feature.mfcc``.

    The mel power spectrogram is converted to dB, with a floor of 80 dB below the maximum of the
    clip, and transformed by the discrete cosine transform. Waveforms of any length are valid, down
    to one sample.

    Parameters
    ----------
    waveform : ndarray of shape (n_samples,), float32
        Mono, at the sampling rate of the options, at least one sample.
    options : MFCCOptions
        `deltas` and `normalization` have no effect here, see `mfcc_frames`.

    Returns
    -------
    ndarray of shape (n_mfcc, n_frames), float32
        For an even `n_fft` and centered frames, ``n_frames = 1 + n_samples // hop_length``.
    """
    decibels = power_to_db(mel_power_spectrogram(waveform, options.mel))
    # (n_mels, n_frames)
    coefficients = scipy.fft.dct(
        decibels, axis=0, type=options.dct_type, norm=options.norm, overwrite_x=True
    )[: options.n_mfcc]
    if options.lifter > 0:
        coefficients = coefficients * lifter_weights(options)[:, None]
    return coefficients


def mfcc_frames(waveform: Floats, options: MFCCOptions) -> Floats:
    """Compute the coefficients, add their derivatives and normalize them.

    Returns
    -------
    ndarray of shape (n_mfcc * (1 + deltas), n_frames), float32
    """
    return finish(mfcc(waveform, options), options)


def finish(coefficients: Floats, options: MFCCOptions) -> Floats:
    """Add derivatives and normalize the rows according to the options."""
    frames = add_deltas(coefficients, order=options.deltas)
    if options.normalization is not None:
        frames = normalize_rows(frames, variance=options.normalization == "mean_variance")
    return frames


def lifter_weights(options: MFCCOptions) -> Floats:
    """Return the weight of each coefficient, shape (n_mfcc,), for a positive `lifter`."""
    number = np.arange(1, options.n_mfcc + 1)
    weights = 1 + options.lifter / 2 * np.sin(np.pi * number / options.lifter)
    return weights.astype(np.float32)


def delta(features: Floats, *, order: int, width: int = DELTA_WIDTH) -> Floats:
    """Estimate the derivative over time, as ``librosa.feature.delta``.

    A polynomial of degree `order` is fitted to the `width` frames around each frame
    (Savitzky-Golay), and to the first or last `width` frames at the ends. A shorter clip is fitted
    as a whole; with no more than `order` frames, the derivatives are zero.

    Parameters
    ----------
    features : ndarray of shape (n_rows, n_frames), float32
    order : {1, 2}
        First or second derivative.
    width : int >= 3, odd, default=9
        Number of frames per fit.

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
    """Subtract the mean of each row over time, and optionally divide by the standard deviation.

    A constant row becomes zero.
    """
    centered = features - features.mean(axis=1, keepdims=True, dtype=np.float64)
    if variance:
        std = centered.std(axis=1, keepdims=True)
        # The deviations of a constant row are rounding errors, which are as large as in all other
        # rows: the cosine transform adds up the same values.
        is_flat = std <= FLAT * np.abs(features).max()
        centered = np.where(is_flat, 0.0, centered / np.where(is_flat, 1.0, std))
    return np.asarray(centered, dtype=np.float32)


@lru_cache(maxsize=16)
def dct_matrix(n: int) -> Floats:
    """Return the orthonormal DCT-II as a matrix, shape (n, n), read-only."""
    return read_only(scipy.fft.dct(np.eye(n), axis=0, type=2, norm="ortho").astype(np.float32))
