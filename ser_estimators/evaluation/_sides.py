"""Clips with their labels and speakers, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._audio.clips import check_clips
from .._audio.waveforms import check_waveforms
from .._utils.checks import is_missing
from ._leaks import MIN_SAMPLES
from ._text import counted

__all__ = ["Side", "check_side"]


@dataclass(frozen=True)
class Side:
    """Clips for training or for testing, with their labels and speakers.

    Parameters
    ----------
    clips : list of path-like, list of 1-D ndarray, or ndarray of shape (n_clips, n_samples)
    labels, speakers : ndarray of shape (n_clips,)
    """

    clips: Any
    labels: NDArray[Any]
    speakers: NDArray[Any]

    @property
    def n_speakers(self) -> int:
        """Number of different speakers."""
        return len(np.unique(self.speakers))

    def take(self, indices: NDArray[np.int64]) -> Side:
        """Return the clips at some positions."""
        clips = (
            self.clips[indices]
            if isinstance(self.clips, np.ndarray)
            else [self.clips[index] for index in indices]
        )
        return Side(clips, self.labels[indices], self.speakers[indices])


def check_side(X: Any, y: Any, speakers: Any, suffix: str) -> Side:
    """Check one set of clips with its labels and speakers.

    Parameters
    ----------
    X, y, speakers : object
        As passed to `evaluate`.
    suffix : {"", "_test"}
        End of the parameter names in error messages.

    Returns
    -------
    Side

    Raises
    ------
    AudioReadError
        If a waveform contains NaN or infinity, or has no samples.
    TypeError
        If X, y or speakers has the wrong type or mixes types.
    ValueError
        If speakers is missing, or if lengths differ or values are missing.
    """
    clips = check_clips(X)
    if not isinstance(clips, list):
        clips = np.asarray(clips)
        # Shorter rows are rows of a table, in which a step may impute NaN.
        if clips.ndim == 2 and clips.shape[1] >= MIN_SAMPLES and clips.dtype.kind in "biuf":
            check_waveforms(list(clips))
    elif isinstance(clips[0], np.ndarray):
        check_waveforms(clips)
    if speakers is None:
        raise ValueError(
            f"speakers{suffix} is missing. Without it, clips of one speaker could appear in both "
            "training and test, and the scores would not apply to new speakers. Pass the speaker "
            f"of each clip, as the loaders return it: speakers{suffix}=corpus.speakers. If every "
            "clip has a different speaker, pass range(len(X))"
        )
    return Side(
        clips,
        _check_column(y, f"y{suffix}", len(clips)),
        _check_column(speakers, f"speakers{suffix}", len(clips)),
    )


def _check_column(values: Any, name: str, n_clips: int) -> NDArray[Any]:
    """Check that there is one value per clip, none missing, all of one type."""
    # The original values are checked: in an array, [None, "a"] and [nan, "a"] would be strings.
    items = values.tolist() if hasattr(values, "tolist") else values
    if isinstance(items, str) or not hasattr(items, "__len__"):
        raise TypeError(f"{name} is {values!r}; expected one value per clip")
    array = np.asarray(values)
    if array.shape != (n_clips,):
        raise ValueError(
            f"{name} has shape {array.shape}; expected ({n_clips},), one value per clip"
        )
    items = list(items)
    missing = [index + 1 for index, item in enumerate(items) if is_missing(item)]
    if missing:
        raise ValueError(
            f"{name} has no value for {counted(len(missing), 'clip')}, such as clip {missing[0]}; "
            "remove such clips"
        )
    strings = [item for item in items if isinstance(item, str)]
    if strings and len(strings) < n_clips:
        other = next(item for item in items if not isinstance(item, str))
        raise TypeError(
            f"{name} mixes strings with other types, such as {strings[0]!r} and {other!r}; "
            "expected values of one type"
        )
    return array
