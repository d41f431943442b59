"""The samples and channels of a file that a segment, an offset and a duration ask for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .failures import FaultError
from .segment import Segment

__all__ = ["channel_of", "frames_of", "part_of"]

# By which a segment may end after its file: tables round, and codecs change lengths.
_MAX_BEYOND_SECONDS = 0.1


def frames_of(
    segment: Segment | None, n_frames: int, sr: int, offset: float, duration: float | None
) -> slice:
    """Return the requested part of a file, at least one sample.

    Parameters
    ----------
    segment : Segment or None
        None is the whole file.
    n_frames : int > 0
        Samples of each channel of the file.
    sr : int > 0
        Its sampling rate in Hz.
    offset, duration
        As in `files.read_audio`, relative to the start of the segment.

    Raises
    ------
    FaultError
        If the file is too short for the segment, or the segment for `offset`.
    """
    within = slice(0, n_frames) if segment is None else _bounds_of(segment, n_frames, sr)
    part = part_of(within.stop - within.start, sr, offset, duration)
    return slice(within.start + part.start, within.start + part.stop)


def _bounds_of(segment: Segment, n_frames: int, sr: int) -> slice:
    # Rounded, not cut off: the end of a segment is then the start of the next one.
    start = round(segment.start * sr)
    seconds = n_frames / sr
    if start >= n_frames:
        raise FaultError(
            f"the segment starts at {segment.start:g} s, and the file ends at {seconds:.3f} s; "
            "check that start is in seconds and belongs to this file"
        )
    if segment.end is None:
        return slice(start, n_frames)
    if segment.end > seconds + _MAX_BEYOND_SECONDS:
        raise FaultError(
            f"the segment ends at {segment.end:g} s, and the file at {seconds:.3f} s; check that "
            "end is in seconds and belongs to this file, or leave it out to read to the end"
        )
    return slice(start, min(max(round(segment.end * sr), start + 1), n_frames))


def part_of(n_samples: int, sr: int, offset: float, duration: float | None) -> slice:
    """Return the requested part of a clip, at least one sample.

    Parameters
    ----------
    n_samples : int > 0
        Samples in the clip.
    sr : int > 0
        Its sampling rate in Hz.
    offset, duration
        As in `files.read_audio`.

    Raises
    ------
    FaultError
        If the clip ends before the part starts.
    """
    start = int(offset * sr)
    if start >= n_samples:
        raise FaultError(
            f"offset={offset} s is beyond its end at {n_samples / sr:.3f} s; lower offset, or "
            "leave it out"
        )
    stop = n_samples if duration is None else min(start + max(int(duration * sr), 1), n_samples)
    return slice(start, stop)


def channel_of(samples: NDArray[np.float32], clip: object) -> NDArray[np.float32]:
    """Return the channel of a segment that names one, and otherwise all channels.

    Parameters
    ----------
    samples : ndarray of shape (n_frames, n_channels)
    clip : object

    Returns
    -------
    ndarray of shape (n_frames, 1) or (n_frames, n_channels)

    Raises
    ------
    FaultError
        If there is no such channel.
    """
    if not isinstance(clip, Segment) or clip.channel is None:
        return samples
    n_channels = samples.shape[1]
    if clip.channel >= n_channels:
        found = "only channel 0" if n_channels == 1 else f"the channels 0 to {n_channels - 1}"
        raise FaultError(f"it has {found}, not channel {clip.channel}; pass another channel")
    return samples[:, clip.channel : clip.channel + 1]
