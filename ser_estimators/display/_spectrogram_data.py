"""Data of a spectrogram: the values of a clip, the columns to draw and the limits of the colors."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray

from .._audio.clips import Clip
from .._audio.workers import map_waveforms
from .._estimators.mfcc_transformer import MFCCTransformer
from .._features.mel import mel_power_spectrogram, power_to_db
from ._plotting import column_starts

__all__ = ["KINDS", "analyze_clip", "average_columns", "check_values", "color_limits"]

KINDS = ("mel", "mfcc", "mel_from_mfcc")


def analyze_clip(mfcc: MFCCTransformer, clips: list[Clip], kind: str) -> NDArray[np.float32]:
    """Return the spectrogram of a single clip.

    Parameters
    ----------
    mfcc : MFCCTransformer
        Parameters of the analysis.
    clips : list of one path or one ndarray
        Result of `check_clip`.
    kind : {"mel", "mfcc", "mel_from_mfcc"}

    Returns
    -------
    ndarray of shape (n_rows, n_frames), float32
        Power of the mel bands in dB, or MFCCs.
    """
    if kind == "mel":
        return _mel_spectrogram(mfcc, clips)
    (values,) = mfcc.transform(clips)
    if kind == "mfcc":
        return values
    # The derivatives that may follow the coefficients are left out. An orthonormal DCT with fewer
    # rows than mel bands scales the spectrogram by this factor.
    scale = np.float32(np.sqrt(mfcc.n_mels / mfcc.n_mfcc))
    return scipy.fft.idct(values[: mfcc.n_mfcc], axis=0, type=2, norm="ortho") / scale


def _mel_spectrogram(mfcc: MFCCTransformer, clips: list[Clip]) -> NDArray[np.float32]:
    """Return the log-mel spectrogram from which a transformer computes MFCCs."""
    options = mfcc._mel_options()

    def analyze(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
        return power_to_db(mel_power_spectrogram(waveform, options))

    (values,) = map_waveforms(analyze, clips, mfcc._reading())
    return values


def check_values(values: ArrayLike) -> NDArray[Any]:
    """Return the values of a spectrogram as an array of finite numbers."""
    values = np.asarray(values)
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(
            f"values has the shape {values.shape}; expected (n_rows, n_frames) of one clip"
        )
    if not np.isfinite(values).all():
        n_bad = np.count_nonzero(~np.isfinite(values))
        raise ValueError(
            f"values contains NaN or infinity at {n_bad} of {values.size} places; expected "
            "decibels or coefficients"
        )
    return values


def average_columns(
    values: NDArray[Any], max_columns: int
) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Average neighboring frames.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_frames)
    max_columns : int > 0

    Returns
    -------
    columns : ndarray of shape (n_rows, n_columns)
    edges : ndarray of shape (n_columns + 1,), int
        First frame of each column, and the number of frames.
    """
    starts = column_starts(values.shape[1], max_columns)
    edges = np.append(starts, values.shape[1])
    return np.add.reduceat(values, starts, axis=1) / np.diff(edges), edges


def color_limits(coefficients: NDArray[Any]) -> tuple[float, float]:
    """Return the 2nd and 98th percentile of MFCCs without the first, which is much larger."""
    low, high = np.percentile(coefficients[min(1, len(coefficients) - 1) :], [2, 98])
    return low, high
