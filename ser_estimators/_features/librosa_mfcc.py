"""MFCCs computed by librosa, for comparison."""

from __future__ import annotations

import warnings
from dataclasses import asdict

import numpy as np

from .._utils.arrays import Floats
from .mfcc import MFCCOptions, finish
from .spectrum import as_frames

__all__ = ["librosa_frames"]


def librosa_frames(waveform: Floats, options: MFCCOptions) -> Floats:
    """Compute the same as `mfcc_frames`, with ``librosa.feature.mfcc``."""
    import librosa

    mel = options.mel
    if not mel.center:
        # librosa raises for a clip shorter than a frame.
        frames = as_frames(waveform, n_fft=mel.n_fft, hop_length=mel.hop_length, center=False)
        waveform = frames.samples
    with warnings.catch_warnings():
        # Short clips are padded, and empty bands are reported by `warn_of_empty_bands`.
        warnings.filterwarnings("ignore", message="n_fft=|Empty filters")
        coefficients = librosa.feature.mfcc(
            y=waveform,
            n_mfcc=options.n_mfcc,
            dct_type=options.dct_type,
            norm=options.norm,
            lifter=options.lifter,
            **asdict(mel),
        )
    return finish(np.asarray(coefficients, dtype=np.float32), options)
