"""Errors and warnings that list clips, with reasons and remedies."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from .._utils.stack_level import find_stack_level
from ..exceptions import AudioLevelWarning, AudioReadError

__all__ = ["combine", "failure", "name_of", "peak_of", "printable", "warn_of_levels"]

# Peaks outside this range cannot be speech on the scale [-1, 1]: -120 dBFS is below the resolution
# of 16-bit files, and 256 times full scale is PCM that was cast to float.
_SILENT_PEAK = 1e-6
_LOUD_PEAK = 256.0

# Maximum number of clips in the message of an error; its attribute `failures` has all of them.
_MAX_LISTED = 50


def failure(reason: str, name: str | None = None) -> AudioReadError:
    """Return the error of a single clip, which `combine` later merges with others.

    Parameters
    ----------
    reason : str
        The fault and its remedy.
    name : str or None, default=None
        Path of a file; None for a waveform.
    """
    message = reason if name is None else f"Could not read '{printable(name)}': {reason}"
    return AudioReadError(message, ((0, name or "", reason),))


def combine(failures: list[tuple[int, str, str]], n_clips: int) -> AudioReadError:
    """Return one error for all clips that could not be used.

    Parameters
    ----------
    failures : list of (int, str, str)
        Position, path (empty for a waveform) and reason of each clip; at least one.
    n_clips : int
        Number of clips in the call.
    """
    if len(failures) == 1:
        index, name, reason = failures[0]
        clip = f"clip {index + 1} of {n_clips}"
        what = f"read '{printable(name)}' ({clip})" if name else f"use the waveform of {clip}"
        return AudioReadError(f"Could not {what}: {reason}", tuple(failures))
    lines = [f"Could not read {len(failures)} of {n_clips} clips:"]
    for index, name, reason in failures[:_MAX_LISTED]:
        lines.append(
            f"  clip {index + 1}, {name!r}: {reason}" if name else f"  clip {index + 1}: {reason}"
        )
    if len(failures) > _MAX_LISTED:
        lines.append(
            f"  and {len(failures) - _MAX_LISTED} more, see the attribute `failures` of this error"
        )
    return AudioReadError("\n".join(lines), tuple(failures))


def peak_of(waveform: NDArray[np.float32]) -> float:
    """Return the largest magnitude of a waveform."""
    return float(max(waveform.max(), -waveform.min()))


def warn_of_levels(clips: Sequence[object], peaks: list[float]) -> None:
    """Warn once about all silent clips, and once about all clips far beyond full scale.

    Parameters
    ----------
    clips : sequence of path or ndarray
    peaks : list of float
        Peak of each clip as read, see `peak_of`.
    """
    silent = [index for index, peak in enumerate(peaks) if peak < _SILENT_PEAK]
    if silent:
        warnings.warn(
            f"{len(silent)} of {len(peaks)} clips are silent, so their features carry no "
            f"information: {_some(silent, clips)}. Leave them out, or check the recording",
            AudioLevelWarning,
            stacklevel=find_stack_level(),
        )
    loud = [index for index, peak in enumerate(peaks) if peak > _LOUD_PEAK]
    if loud:
        warnings.warn(
            f"{len(loud)} of {len(peaks)} clips are louder than {_LOUD_PEAK:.0f} times full scale: "
            f"{_some(loud, clips)}. Waveforms are expected on the scale [-1, 1]; if these were "
            "16-bit integers, pass them as int16 or divide by 32768",
            AudioLevelWarning,
            stacklevel=find_stack_level(),
        )


def name_of(clip: object) -> str:
    """Return the path of a clip, empty for a waveform."""
    return os.fspath(clip) if isinstance(clip, (str, os.PathLike)) else ""


def printable(name: str) -> str:
    """Return a file name that any terminal can print; bytes that are not UTF-8 are escaped."""
    return name.encode("utf-8", "backslashreplace").decode()


def _some(indices: Iterable[int], clips: Sequence[object]) -> str:
    names = [
        f"clip {index + 1}" + (f" '{printable(name)}'" if (name := name_of(clips[index])) else "")
        for index in indices
    ]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
