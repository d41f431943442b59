"""Waveforms in memory: conversion to the scale [-1, 1], and validation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .failures import combine
from .kinds import SampledClip, name_of

__all__ = ["MAX_PEAK", "check_waveforms", "from_samples", "too_large"]

# Beyond this, the power of float32 samples overflows.
MAX_PEAK = 1e9


def check_waveforms(clips: Sequence[NDArray[Any] | SampledClip]) -> None:
    """Raise AudioReadError for empty waveforms, and for NaN, infinity or huge values."""
    failures = [
        (index, name_of(clip), reason)
        for index, clip in enumerate(clips)
        if (reason := _fault_of(clip.samples if isinstance(clip, SampledClip) else clip))
    ]
    if failures:
        raise combine(failures, len(clips))


def from_samples(samples: NDArray[Any]) -> NDArray[np.float32]:
    """Turn samples into float32, with 8, 16 and 32-bit PCM rescaled to [-1, 1]."""
    if not _is_pcm(samples):
        return samples.astype(np.float32)
    full_scale = 2.0 ** (8 * samples.dtype.itemsize - 1)
    middle = full_scale if samples.dtype.kind == "u" else 0.0
    return ((samples - middle) / full_scale).astype(np.float32)


def too_large(peak: float) -> str:
    """Return why a waveform with this peak cannot be used."""
    return (
        f"its samples reach {peak:.0e}; expected a waveform on the scale [-1, 1]: repair it, or "
        "leave it out"
    )


def _fault_of(waveform: NDArray[Any]) -> str | None:
    if waveform.size == 0:
        return "it contains no samples; leave it out"
    n_bad = waveform.size - int(np.count_nonzero(np.isfinite(waveform)))
    if n_bad:
        return (
            f"{n_bad} of its {waveform.size} samples are NaN or infinity; repair it or leave it out"
        )
    peak = max(float(waveform.max()), -float(waveform.min()))
    if peak > MAX_PEAK and not _is_pcm(waveform):
        return too_large(peak)
    return None


def _is_pcm(samples: NDArray[Any]) -> bool:
    # Wider integers come from a cast or a list of numbers and are not rescaled. If they are PCM,
    # they are far beyond full scale, which causes a warning.
    return samples.dtype.kind in "iu" and samples.dtype.itemsize <= 4
