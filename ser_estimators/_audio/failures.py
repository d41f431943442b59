"""Errors and warnings that list clips, with reasons and remedies, in messages of bounded length."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from .._utils.stack_level import find_stack_level
from .._utils.text import MAX_NAME, printable, shorten
from ..exceptions import AudioLengthWarning, AudioLevelWarning, AudioReadError
from .kinds import Rows, name_of

__all__ = ["FaultError", "combine", "failure", "name_of", "peak_of", "printable"]
__all__ += ["warn_of_lengths", "warn_of_levels"]

# Peaks outside this range cannot be speech on the scale [-1, 1]: -120 dBFS is below the resolution
# of 16-bit files, and 256 times full scale is PCM that was cast to float.
_SILENT_PEAK = 1e-6
_LOUD_PEAK = 256.0
# No syllable is shorter, and neither emotion nor words can be heard in less.
_SHORT_SECONDS = 0.1

# Limits of the message of an error; its attribute `failures` has all clips.
_MAX_LISTED = 10  # clips
_MAX_MESSAGE = 2400  # characters
_MAX_REASON = 900
_MAX_LISTED_NAME = 80
_MAX_KEPT_NAME = 5000  # more than any file system admits


class FaultError(Exception):
    """Why a file cannot be used, before its name is known; `files.read_audio` adds it."""


def failure(reason: str, name: str = "") -> AudioReadError:
    """Return the error of a single clip, which `combine` later merges with others.

    Parameters
    ----------
    reason : str
        The fault and its remedy.
    name : str, default=""
        Path of a file; empty for a clip in memory.
    """
    reason = shorten(reason, _MAX_REASON)
    message = f"Could not read '{printable(name, MAX_NAME)}': {reason}" if name else reason
    return AudioReadError(message, ((0, shorten(name, _MAX_KEPT_NAME), reason),))


def combine(failures: Sequence[tuple[int, str, str]], n_clips: int) -> AudioReadError:
    """Return one error for all clips that could not be used.

    Clips that failed for the same reason share a line.

    Parameters
    ----------
    failures : sequence of (int, str, str)
        Position, path (empty for a clip in memory) and reason of each clip; at least one.
    n_clips : int
        Number of clips in the call.
    """
    failures = [
        (index, shorten(name, _MAX_KEPT_NAME), shorten(reason, _MAX_REASON))
        for index, name, reason in failures
    ]
    if len(failures) == 1:
        index, name, reason = failures[0]
        clip = f"clip {index + 1} of {n_clips}"
        what = f"read '{printable(name, MAX_NAME)}' ({clip})" if name else f"use {clip}"
        return AudioReadError(f"Could not {what}: {reason}", tuple(failures))
    by_reason: dict[str, list[str]] = defaultdict(list)
    for index, name, reason in failures:
        shown = f", '{printable(name, _MAX_LISTED_NAME)}'" if name else ""
        by_reason[reason].append(f"clip {index + 1}{shown}")
    lines = [f"Could not read {len(failures)} of {n_clips} clips:"]
    n_left, length = len(failures), len(lines[0])
    per_reason = max(_MAX_LISTED // len(by_reason), 1)
    for reason, clips in list(by_reason.items())[:_MAX_LISTED]:
        more = [f"and {len(clips) - per_reason} more"] if len(clips) > per_reason else []
        line = f"  {'; '.join(clips[:per_reason] + more)}: {reason}"
        length += len(line) + 1
        if length > _MAX_MESSAGE:
            break
        lines.append(line)
        n_left -= len(clips)
    if n_left:
        lines.append(f"  and {n_left} more, see the attribute `failures` of this error")
    return AudioReadError("\n".join(lines), tuple(failures))


def peak_of(waveform: NDArray[np.float32]) -> float:
    """Return the largest magnitude of a waveform."""
    return float(max(waveform.max(), -waveform.min()))


def warn_of_levels(clips: Sequence[object], peaks: Sequence[float]) -> None:
    """Warn once about all silent clips, and once about all clips far beyond full scale.

    Parameters
    ----------
    clips : sequence
        As returned by `clips.validate_clips`.
    peaks : sequence of float
        Peak of each clip as read, see `peak_of`.
    """
    silent = [index for index, peak in enumerate(peaks) if peak < _SILENT_PEAK]
    if silent:
        its, them = ("its", "it") if len(silent) == 1 else ("their", "them")
        warnings.warn(
            f"{_counted(silent, clips)} silent, so {its} features carry no information: "
            f"{_some(silent, clips)}. Leave {them} out, or check the recording",
            AudioLevelWarning,
            stacklevel=find_stack_level(),
        )
    loud = [index for index, peak in enumerate(peaks) if peak > _LOUD_PEAK]
    if loud:
        warnings.warn(
            f"{_counted(loud, clips)} louder than {_LOUD_PEAK:.0f} times full scale: "
            f"{_some(loud, clips)}. Waveforms are expected on the scale [-1, 1]; if "
            "these were 16-bit integers, pass them as int16 or divide by 32768",
            AudioLevelWarning,
            stacklevel=find_stack_level(),
        )


def warn_of_lengths(clips: Sequence[object], seconds: Sequence[float]) -> None:
    """Warn once about all clips that are too short for a syllable.

    The rows of a 2-D array or of nested lists are left out, since they may be rows of a table.

    Parameters
    ----------
    clips : sequence
        As returned by `clips.validate_clips`.
    seconds : sequence of float
        Duration of the part of each clip that was read.
    """
    short = [index for index, duration in enumerate(seconds) if duration < _SHORT_SECONDS]
    if short and not isinstance(clips, (np.ndarray, Rows)):
        shortest = min(seconds[index] for index in short)
        them = "it" if len(short) == 1 else "them"
        warnings.warn(
            f"{_counted(short, clips)} shorter than {_SHORT_SECONDS} s ({shortest:.2g} s), less "
            f"than a syllable, so a label says little about {them}: {_some(short, clips)}. Leave "
            f"{them} out, or check the sampling rate and the recording",
            AudioLengthWarning,
            stacklevel=find_stack_level(),
        )


def _counted(indices: Sequence[int], clips: Sequence[object]) -> str:
    """Return the subject and verb of a sentence, such as "1 of 2 clips is"."""
    noun = "clip" if len(clips) == 1 else "clips"
    return f"{len(indices)} of {len(clips)} {noun} {'is' if len(indices) == 1 else 'are'}"


def _some(indices: Sequence[int], clips: Sequence[object]) -> str:
    more = f" and {len(indices) - 5} more" if len(indices) > 5 else ""
    return ", ".join(_labels(indices[:5], clips)) + more


def _labels(indices: Iterable[int], clips: Sequence[object]) -> Iterable[str]:
    for index in indices:
        name = name_of(clips[index])
        shown = f" '{printable(name, _MAX_LISTED_NAME)}'" if name else ""
        yield f"clip {index + 1}{shown}"
