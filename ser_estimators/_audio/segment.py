"""A part of an audio file, or one of its channels, as a clip."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from .._utils.public import public
from .._utils.text import represent, type_name

__all__ = ["Segment", "columns_of"]


@public
@dataclass(frozen=True)
class Segment:
    """A part of an audio file, or one of its channels, as a clip.

    Estimators, `evaluate` and `predict_clips` accept segments wherever they accept paths, also in
    one list with paths. Nothing is read until then, and only the segment is decoded. A segment can
    be pickled and hashed, and is a path-like object: ``open`` and ``Path`` take it as its file.

    Parameters
    ----------
    path : path-like
        The audio file.
    start : float >= 0, default=0.0
        Start in the file, in s.
    end : float > start or None, default=None
        End in the file, in s; None is the end of the file. The sample at `end` belongs to the next
        segment, so segments that follow each other have no sample in common.
    channel : int >= 0 or None, default=None
        The channel to read; None averages all channels. One of several microphones should be read
        alone, because a delay between them cancels some frequencies in the average.

    Raises
    ------
    TypeError, ValueError
        If a parameter has a wrong type or value. Whether the file exists, is long enough and has
        this channel is found out when it is read.

    See Also
    --------
    ser_estimators.datasets.load_table : Segments from a table with the columns start and end.

    Examples
    --------
    >>> import numpy as np, soundfile
    >>> from ser_estimators import MFCCTransformer, Segment
    >>> soundfile.write("call.wav", np.random.default_rng(0).normal(0, 0.1, 160000), 16000)
    >>> clips = [Segment("call.wav", 0.5, 2.5), Segment("call.wav", 2.5)]
    >>> str(clips[0])
    'call.wav#t=0.5,2.5'
    >>> MFCCTransformer().fit_transform(clips).shape
    (2, 40, 469)
    """

    path: str
    start: float = 0.0
    end: float | None = None
    channel: int | None = None

    def __post_init__(self) -> None:
        if isinstance(self.path, Segment):
            raise TypeError(f"path is {represent(self.path)}; expected a path, not a segment")
        path = os.fspath(self.path) if isinstance(self.path, os.PathLike) else self.path
        if not isinstance(path, str):
            raise TypeError(
                f"path is {represent(path)} ({type_name(path)}); expected the path of a file"
            )
        start = _seconds(self.start, "start")
        end = None if self.end is None else _seconds(self.end, "end")
        if start < 0:
            raise ValueError(f"start={start} is before the start of the file; expected 0 s or more")
        if end is not None and end <= start:
            raise ValueError(
                f"end={end} is not after start={start}; expected the end in the file in s, not "
                "the duration of the segment"
            )
        channel: Any = self.channel
        if channel is not None:
            if isinstance(channel, bool) or not isinstance(channel, Integral):
                raise TypeError(
                    f"channel is {represent(channel)} ({type_name(channel)}); expected an int, "
                    "0 for the first channel, or None"
                )
            if channel < 0:
                raise ValueError(f"channel={channel}; expected 0 or more")
            channel = int(channel)
        # Plain numbers, so that equal segments have equal texts, hashes and keys of caches.
        values = {"path": path, "start": start, "end": end, "channel": channel}
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __fspath__(self) -> str:
        return self.path

    def __str__(self) -> str:
        """Return the path with a media fragment, https://www.w3.org/TR/media-frags."""
        parts = []
        if self.start or self.end is not None:
            end = "" if self.end is None else f",{_text(self.end)}"
            parts.append(f"t={_text(self.start)}{end}")
        if self.channel is not None:
            parts.append(f"channel={self.channel}")
        return self.path + (f"#{'&'.join(parts)}" if parts else "")


def _seconds(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(
            f"{name} is {represent(value)} ({type_name(value)}); expected seconds as a number"
        )
    try:
        seconds = float(value)
    except OverflowError:  # an int of more than 300 digits
        seconds = math.inf
    if not math.isfinite(seconds):
        raise ValueError(f"{name}={seconds}; expected a finite number of seconds")
    return seconds


def _text(seconds: float) -> str:
    return repr(seconds).removesuffix(".0")


def columns_of(clips: Sequence[Any]) -> dict[str, list[Any]]:
    """Return what segments have besides a path, as columns of a table.

    Parameters
    ----------
    clips : sequence
        Clips of any kind.

    Returns
    -------
    dict of {str: list}
        "start" and "end", if any segment has bounds, and "channel", if any has a channel. Clips
        that are no segments have None.
    """
    segments = [clip for clip in clips if isinstance(clip, Segment)]
    names = ["start", "end"] if any(one.start or one.end is not None for one in segments) else []
    names += ["channel"] if any(one.channel is not None for one in segments) else []
    return {
        name: [getattr(clip, name) if isinstance(clip, Segment) else None for clip in clips]
        for name in names
    }
