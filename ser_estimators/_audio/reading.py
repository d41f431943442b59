"""Reading of clips as waveforms, identical in training and prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .effects import normalize_loudness, preemphasize, trim
from .failures import FaultError, failure, peak_of
from .files import length_of, read_audio, read_native, resample
from .kinds import Clip, SampledClip, name_of
from .parts import part_of
from .segment import Segment
from .waveforms import MAX_PEAK, from_samples, too_large

__all__ = ["Reading", "duration_of", "load_native"]


def duration_of(clip: Clip) -> float | None:
    """Return the length of a clip in seconds, without decoding it.

    Parameters
    ----------
    clip : str, path-like, Segment, ndarray, EncodedClip or SampledClip

    Returns
    -------
    float or None
        None for a waveform without a sampling rate, and for a file that cannot be read.
    """
    if isinstance(clip, np.ndarray):
        return None
    if isinstance(clip, SampledClip):
        return clip.samples.size / clip.sr
    if isinstance(clip, Segment) and clip.end is not None:
        return clip.end - clip.start
    seconds = length_of(clip)
    if seconds is None or not isinstance(clip, Segment):
        return seconds
    return max(seconds - clip.start, 0.0)


def load_native(clip: Clip, sr: int) -> tuple[NDArray[np.float32], int]:
    """Return the waveform of a clip at its own sampling rate.

    Parameters
    ----------
    clip : str, path-like, Segment, ndarray, EncodedClip or SampledClip
    sr : int > 0
        Sampling rate of a waveform that comes without one, in Hz.

    Returns
    -------
    waveform : ndarray of shape (n_samples,), float32
    sr : int
        In Hz.

    Raises
    ------
    AudioReadError
        If the clip cannot be used.
    """
    if isinstance(clip, np.ndarray):
        return from_samples(clip), sr
    if isinstance(clip, SampledClip):
        return from_samples(clip.samples), clip.sr
    return read_native(clip)


@dataclass(frozen=True)
class Reading:
    """How a clip is read and processed.

    Parameters
    ----------
    sr : int > 0
        Sampling rate in Hz. Clips with another rate are resampled to it; waveforms without a rate
        are assumed to have it.
    offset : float >= 0, default=0.0
        Seconds that are skipped at the start.
    duration : float > 0 or None, default=None
        Maximum number of seconds to read; None reads to the end.
    res_type : str, default="soxr_hq"
        Resampling quality, see `files.read_audio`.
    trim_db, loudness, preemphasis : float or None, default=None
        See `effects.trim`, `effects.normalize_loudness` and `effects.preemphasize`; None skips the
        step.
    """

    sr: int
    offset: float = 0.0
    duration: float | None = None
    res_type: str = "soxr_hq"
    trim_db: float | None = None
    loudness: float | None = None
    preemphasis: float | None = None

    def load(self, clip: Clip) -> NDArray[np.float32]:
        """Return the requested part of a clip, unprocessed.

        Raises
        ------
        AudioReadError
            If the clip cannot be used.
        """
        if isinstance(clip, np.ndarray):
            waveform = self._part_of(clip, self.sr)
        elif isinstance(clip, SampledClip):
            waveform = self._part_of(clip.samples, clip.sr)
            waveform = resample(waveform, clip.sr, self.sr, res_type=self.res_type)
        else:
            waveform = read_audio(
                clip,
                self.sr,
                offset=self.offset,
                duration=self.duration,
                res_type=self.res_type,
            )
        peak = peak_of(waveform)
        if peak > MAX_PEAK:
            raise failure(too_large(peak), name_of(clip))
        return waveform

    def process(self, waveform: NDArray[np.float32]) -> NDArray[np.float32]:
        """Trim silence, normalize the loudness and emphasize high frequencies, in this order.

        Without any of these steps, the waveform itself is returned.
        """
        if self.trim_db is not None:
            waveform = trim(waveform, self.trim_db)
        if self.loudness is not None:
            waveform = normalize_loudness(waveform, self.sr, self.loudness)
        if self.preemphasis is not None:
            waveform = preemphasize(waveform, self.preemphasis)
        return waveform

    def _part_of(self, samples: NDArray[Any], sr: int) -> NDArray[np.float32]:
        if self.offset or self.duration is not None:
            try:
                samples = samples[part_of(samples.size, sr, self.offset, self.duration)]
            except FaultError as fault:
                raise failure(str(fault)) from None
        return from_samples(samples)
