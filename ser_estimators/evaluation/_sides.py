"""Clips with their labels, speakers and other columns, checked."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._audio.clips import check_clips
from .._audio.waveforms import check_waveforms
from .._utils.checks import is_missing
from ._leaks import MIN_SAMPLES
from ._text import counted

__all__ = ["UNKNOWN", "Side", "check_side"]

# Value of unknown `speakers`, and of missing strings in the metadata.
UNKNOWN = "unknown"

# Columns of a corpus that are clips, labels, speakers or no columns of clips at all.
_NO_METADATA = {"path", "emotion", "speaker", "data", "target", "speakers"}
_NO_METADATA |= {"frame", "target_names", "DESCR", "start", "end", "channel"}

# So many clips, each of another speaker, are more often numbered clips than people.
_MANY_CLIPS = 20


@dataclass(frozen=True)
class Side:
    """Clips for training or for testing, with their labels and speakers.

    Parameters
    ----------
    clips : list, or ndarray of shape (n_clips, n_samples)
        As `check_clips` returns them.
    labels : ndarray of shape (n_clips,)
    speakers : ndarray of shape (n_clips,) or None
        None if they are unknown.
    metadata : dict of str to ndarray of shape (n_clips,), default={}
        Other columns, by name.
    """

    clips: Any
    labels: NDArray[Any]
    speakers: NDArray[Any] | None
    metadata: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __sizeof__(self) -> int:
        """Return the number of bytes, with those of the clips."""
        is_array = isinstance(self.clips, np.ndarray)
        n_bytes = self.clips.nbytes if is_array else sum(map(sys.getsizeof, self.clips))
        return object.__sizeof__(self) + int(n_bytes) + self.labels.nbytes

    @property
    def n_speakers(self) -> int:
        """Number of different speakers, 0 if they are unknown."""
        return 0 if self.speakers is None else len(np.unique(self.speakers))

    @property
    def has_clip_numbers(self) -> bool:
        """Whether the speakers look like the numbers of the clips."""
        return self.speakers is not None and look_like_clip_numbers(self.speakers)

    def take(self, indices: NDArray[np.int64]) -> Side:
        """Return the clips at some positions."""
        clips = (
            self.clips[indices]
            if isinstance(self.clips, np.ndarray)
            else [self.clips[index] for index in indices]
        )
        return Side(
            clips,
            self.labels[indices],
            None if self.speakers is None else self.speakers[indices],
            {name: values[indices] for name, values in self.metadata.items()},
        )


def look_like_clip_numbers(speakers: NDArray[Any]) -> bool:
    """Return whether every clip has another speaker, and these are numbered or many."""
    ordered, n_clips = np.unique(speakers), len(speakers)
    if len(ordered) < n_clips:
        return False
    is_counted = ordered.dtype.kind in "iu" and any(
        np.array_equal(ordered, np.arange(first, first + n_clips)) for first in (0, 1)
    )
    return is_counted or n_clips > _MANY_CLIPS


def check_side(X: Any, y: Any, speakers: Any, suffix: str, metadata: Any = None) -> Side:
    """Check one set of clips with its labels, speakers and metadata.

    Parameters
    ----------
    X, y, speakers : object
        As passed to `evaluate`.
    suffix : {"", "_test"}
        End of the parameter names in error messages.
    metadata : object, default=None
        As passed to `evaluate`.

    Returns
    -------
    Side

    Raises
    ------
    AudioReadError
        If a waveform contains NaN or infinity, or has no samples.
    TypeError
        If a parameter has the wrong type or mixes types.
    ValueError
        If speakers is missing, or if lengths differ or values are missing.
    """
    clips = check_clips(X)
    if hasattr(clips, "tocsr"):
        raise TypeError(f"X{suffix} is a sparse matrix; expected clips, or a table: X.toarray()")
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
            f"of each clip, as the loaders return it: speakers{suffix}=corpus.speakers. If that is "
            "None, no folder or column of speakers was found: name it, as in "
            'load_table(..., speaker="name of the column"). If they are unknown, pass '
            f'speakers{suffix}="{UNKNOWN}"; the report then says so'
        )
    labels = _check_column(y, f"y{suffix}", len(clips))
    is_unknown = isinstance(speakers, str) and speakers == UNKNOWN
    return Side(
        clips,
        labels,
        None if is_unknown else _check_column(speakers, f"speakers{suffix}", len(clips)),
        _check_metadata(metadata, f"metadata{suffix}", len(clips)),
    )


def _check_column(values: Any, name: str, n_clips: int) -> NDArray[Any]:
    """Check that there is one value per clip, none missing, all of one type."""
    array, items = _one_per_clip(values, name, n_clips)
    missing = [index + 1 for index, item in enumerate(items) if is_missing(item)]
    if missing:
        raise ValueError(
            f"{name} has no value for {counted(len(missing), 'clip')}, such as clip {missing[0]}; "
            "remove such clips"
        )
    _check_one_type(items, name)
    return array


def _check_metadata(metadata: Any, name: str, n_clips: int) -> dict[str, NDArray[Any]]:
    """Return columns of strings or numbers, by name."""
    if metadata is None:
        return {}
    if not (hasattr(metadata, "keys") and hasattr(metadata, "__getitem__")):
        raise TypeError(
            f"{name} is {metadata!r:.80}; expected columns by name: a DataFrame, such as "
            'corpus.frame, or a dict, such as {"sex": corpus.sex}'
        )
    columns = {}
    for key in list(metadata.keys()):
        if not isinstance(key, str):
            raise TypeError(
                f"{name} has the column {key!r:.80}; expected names of columns that are strings"
            )
        if key not in _NO_METADATA and metadata[key] is not None:
            columns[key] = _check_values(metadata[key], f"{name}[{key!r:.80}]", n_clips)
    return columns


def _check_values(values: Any, name: str, n_clips: int) -> NDArray[Any]:
    """Return strings, with "unknown" for missing ones, or numbers, with NaN for missing ones."""
    array, items = _one_per_clip(values, name, n_clips)
    present = [item for item in items if not is_missing(item)]
    _check_one_type(present, name)
    if all(isinstance(item, str) for item in present):
        return np.array([UNKNOWN if is_missing(item) else item for item in items])
    if len(present) < n_clips:
        array = np.array([np.nan if is_missing(item) else item for item in items])
    elif array.dtype.kind == "O":
        array = np.array(items)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} contains {present[0]!r:.80} ({type(present[0]).__name__}); expected strings "
            "or numbers"
        )
    return array


def _one_per_clip(values: Any, name: str, n_clips: int) -> tuple[NDArray[Any], list[Any]]:
    """Return values as an array and as a list of the original values."""
    # The original values are checked: in an array, [None, "a"] and [nan, "a"] would be strings.
    items = values.tolist() if hasattr(values, "tolist") else values
    if isinstance(items, (str, bytes, Mapping)) or not hasattr(items, "__len__"):
        raise TypeError(f"{name} is {values!r:.80}; expected one value per clip")
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(
            f"{name} contains lists of unequal lengths; expected one value per clip"
        ) from None
    if array.shape != (n_clips,):
        raise ValueError(
            f"{name} has shape {array.shape}; expected ({n_clips},), one value per clip"
        )
    return array, list(items)


def _check_one_type(items: list[Any], name: str) -> None:
    strings = [item for item in items if isinstance(item, str)]
    if strings and len(strings) < len(items):
        other = next(item for item in items if not isinstance(item, str))
        raise TypeError(
            f"{name} mixes strings with other types, such as {strings[0]!r:.80} and {other!r:.80}; "
            "expected values of one type"
        )
