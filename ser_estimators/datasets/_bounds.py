"""The columns of a table that are used, and the segments that they describe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from .._audio.segment import Segment
from ._cells import seconds_of, text_of
from ._columns import AUTO, explain_missing, find_columns
from ._listing import Listing
from ._search import join

__all__ = ["BOUNDS", "bounds_of", "columns_of", "with_bounds"]

BOUNDS = ("start", "end", "duration", "channel")
_MAX_PLACES = 5  # rows that a message names


def columns_of(
    listing: Listing, wanted: Mapping[str, str | None], required: Sequence[str]
) -> dict[str, str]:
    """Return the column of each role that has one.

    Parameters
    ----------
    listing : Listing
    wanted : dict of {str: str or None}
        See `find_columns`. A column of durations that is not named is left out if it does not say
        where segments end.
    required : sequence of str
        Roles that must have a column.

    Returns
    -------
    dict of {str: str}

    Raises
    ------
    ValueError
        If a column is missing, or if both a column of ends and one of durations are named.
    """
    told = {
        role: listing.known.get(role, name) if name == AUTO else name
        for role, name in wanted.items()
    }
    found, missing = find_columns(listing.names, told)
    missing += [role for role in required if role not in (*found, *missing)]
    if missing:
        role = missing[0]
        raise ValueError(
            f"{listing.files.start} {explain_missing(role, str(told[role]), listing.names)}"
        )
    if wanted["duration"] not in (AUTO, None):
        if wanted["end"] not in (AUTO, None):
            raise ValueError(
                f"{listing.files.start} columns {found['end']!r:.80} and "
                f"{found['duration']!r:.80} both say where segments end; pass one of them, as "
                "end=... or duration=..."
            )
        return found
    # Without a start, or beside an end, it is usually the length of the file.
    has_end = "end" in found and any(map(text_of, listing.column(found["end"])))
    if "start" not in found or has_end:
        found.pop("duration", None)
    return found


def bounds_of(listing: Listing, found: Mapping[str, str]) -> dict[str, list[Any]]:
    """Return the starts, ends and channels of all rows, or raise for all that are wrong.

    Parameters
    ----------
    listing : Listing
    found : dict of {str: str}
        The column of each role that has one.

    Returns
    -------
    dict of {str: list}
        "start", "end" and "channel", as far as there are columns for them; None in empty cells.
    """
    bounds: dict[str, list[Any]] = {}
    for role in BOUNDS:
        if role in found:
            read = _channel_of if role == "channel" else seconds_of
            values, wrong = [], []
            for place, value in zip(listing.places, listing.column(found[role]), strict=True):
                try:
                    values.append(read(value))
                except ValueError as error:
                    wrong.append(f"{place} ({error})")
            if wrong:
                what = "number of a channel" if role == "channel" else "time"
                expected = (
                    "0 for the first channel"
                    if role == "channel"
                    else "seconds, such as 1.5, or a clock time, such as 01:02.5"
                )
                raise ValueError(
                    f"{listing.files.start} column {found[role]!r:.80} has no {what} in "
                    f"{_some(wrong)}; expected {expected}. If it has another meaning, pass "
                    f"{role}=None"
                )
            bounds[role] = values
    durations = bounds.pop("duration", None)
    if durations is not None:
        starts = bounds.get("start", [None] * len(durations))
        bounds["end"] = [
            None if length is None else (start or 0.0) + length
            for start, length in zip(starts, durations, strict=True)
        ]
    _check_order(listing, bounds)
    return bounds


def _check_order(listing: Listing, bounds: Mapping[str, Sequence[Any]]) -> None:
    nothing = [None] * len(listing.places)
    starts, ends = bounds.get("start", nothing), bounds.get("end", nothing)
    wrong = [
        f"{place} ({start or 0:g} s to {'the end' if end is None else f'{end:g} s'})"
        for place, start, end in zip(listing.places, starts, ends, strict=True)
        if (start or 0) < 0 or (end is not None and end <= (start or 0))
    ]
    if wrong:
        remedy = "pass the column of durations as duration=..., " if "end" in bounds else ""
        raise ValueError(
            f"{listing.files.start} segments start before 0 s or do not end after their start, in "
            f"{_some(wrong)}; expected the start and the end in the file: {remedy}correct these "
            "rows, or leave them out"
        )


def _channel_of(value: Any) -> int | None:
    text = text_of(value).removesuffix(".0")  # of a column of pandas with missing cells
    if text and not (text.isascii() and text.isdigit()):
        raise ValueError(f"{text!r:.40}")
    return int(text) if text else None


def _some(rows: Sequence[str]) -> str:
    more = f" and {len(rows) - _MAX_PLACES} more" if len(rows) > _MAX_PLACES else ""
    return f"{join(list(rows[:_MAX_PLACES]))}{more}"


def with_bounds(clip: Any, folder: Path, bounds: Mapping[str, Any]) -> Any:
    """Return a path in a folder as text, or as a segment of its file."""
    if isinstance(clip, Segment):
        return replace(clip, path=str(folder / clip.path))
    if not isinstance(clip, str):
        return clip
    path = str(folder / clip)
    start, end, channel = (bounds.get(name) for name in ("start", "end", "channel"))
    if not start and end is None and channel is None:
        return path
    return Segment(path, start or 0.0, end, channel)
