"""The frame-level features that `AcousticFeatures` summarizes, in the order of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .._utils.arrays import Floats
from .descriptors import GROUPS, describe, row_names
from .mfcc import MFCCOptions, add_deltas, mfcc

__all__ = ["FEATURES", "MFCC_FEATURES", "AcousticOptions", "acoustic_frames", "acoustic_rows"]

MFCC_FEATURES = ("mfcc", "mfcc_delta", "mfcc_delta2")
FEATURES = (*MFCC_FEATURES, *GROUPS)


@dataclass(frozen=True)
class AcousticOptions:
    """Which frame-level features are computed, and how.

    Parameters
    ----------
    features : tuple of str, from `FEATURES`
    mfcc : MFCCOptions
        Its sampling rate, FFT length and hop length apply to all features.
    f0_min, f0_max : float, 0 < f0_min < f0_max
        Range of the fundamental frequency in Hz.
    """

    features: tuple[str, ...]
    mfcc: MFCCOptions
    f0_min: float
    f0_max: float


def acoustic_frames(waveform: Floats, options: AcousticOptions) -> Floats:
    """Compute the features of every frame.

    Parameters
    ----------
    waveform : ndarray of shape (n_samples,), float32
    options : AcousticOptions

    Returns
    -------
    ndarray of shape (n_rows, n_frames), float32
        `acoustic_rows` returns the names of the rows.
    """
    rows: dict[str, Floats] = {}
    orders = [MFCC_FEATURES.index(name) for name in options.features if name in MFCC_FEATURES]
    if orders:
        stacked = add_deltas(mfcc(waveform, options.mfcc), order=max(orders))
        n_mfcc = options.mfcc.n_mfcc
        rows |= {
            MFCC_FEATURES[order]: stacked[order * n_mfcc : (order + 1) * n_mfcc] for order in orders
        }
    mel = options.mfcc.mel
    rows |= describe(
        waveform,
        sr=mel.sr,
        n_fft=mel.n_fft,
        hop_length=mel.hop_length,
        groups=[name for name in options.features if name not in MFCC_FEATURES],
        f0_min=options.f0_min,
        f0_max=options.f0_max,
    )
    return np.concatenate([rows[name] for name in options.features])


def acoustic_rows(features: Sequence[str], *, n_mfcc: int, sr: int) -> list[str]:
    """Return the names of the rows of `acoustic_frames`."""
    rows: list[str] = []
    for name in features:
        if name in MFCC_FEATURES:
            rows += [f"{name}_{number}" for number in range(n_mfcc)]
        else:
            rows += [row for _, row in row_names([name], sr=sr)]
    return rows
