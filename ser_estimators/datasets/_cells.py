"""Cells of tables: as text, and as times in seconds."""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import timedelta
from typing import Any

import numpy as np

from .._utils.checks import is_missing

__all__ = ["name_in", "seconds_of", "text_of"]

_NUMBER = re.compile(r"[+-]?(\d+(?:[.,]\d*)?|[.,]\d+)(e[+-]?\d+)?\s*s?", re.IGNORECASE)
# "0 days 00:00:01.5" is how pandas and audformat write durations.
_CLOCK = re.compile(r"(?:(\d+) days?,? )?(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:[.,]\d*)?)")


def seconds_of(value: Any) -> float | None:
    """Return a time in seconds, or None for a missing one.

    Parameters
    ----------
    value : object
        A number of seconds, a duration (timedelta), or a text: "1.5", "1,5" with a decimal comma,
        "02:01.5", "1:02:01.5" or "0 days 00:02:01.5".

    Raises
    ------
    ValueError
        If it is something else, or not finite.

    Examples
    --------
    >>> from datetime import timedelta
    >>> [seconds_of(value) for value in (2, "1,5", "02:01.5", timedelta(minutes=1), None, "")]
    [2.0, 1.5, 121.5, 60.0, None, None]
    """
    if is_missing(value) or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, np.timedelta64):
        return None if np.isnat(value) else float(value / np.timedelta64(1, "ns")) / 1e9
    if isinstance(value, timedelta):  # also that of pandas
        return value.total_seconds()
    if isinstance(value, str):
        return _from_text(value.strip())
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.number)):
        raise ValueError(f"{value!r:.40}")
    return _finite(float(value), value)


def _from_text(text: str) -> float | None:
    if text in ("NaT", "NaN", "nan"):
        return None
    if _NUMBER.fullmatch(text):
        return _finite(float(text.rstrip("sS ").replace(",", ".")), text)
    if clock := _CLOCK.fullmatch(text):
        days, hours, minutes = (int(part or 0) for part in clock.groups()[:3])
        seconds = float(clock[4].replace(",", "."))
        return _finite(((24 * days + hours) * 60 + minutes) * 60 + seconds, text)
    raise ValueError(f"{text!r:.40}")


def _finite(seconds: float, value: Any) -> float:
    if not math.isfinite(seconds):
        raise ValueError(f"{value!r:.40}")
    return seconds


def name_in(value: Any) -> str:
    """Return a cell, or the name of a folder, as the name of an emotion or a speaker.

    An accented letter becomes one character, even if the table or the file system stores it as a
    letter and a combining accent, since the two look the same.

    Examples
    --------
    >>> name_in(" Jo\u0308rg ") == "J\u00f6rg"
    True
    """
    return unicodedata.normalize("NFC", text_of(value))


def text_of(value: Any) -> str:
    """Return a cell as text, empty if it is missing; 3.0 is the 3 of a column with missing cells.

    Examples
    --------
    >>> [text_of(value) for value in (" anna ", 3, 3.0, 2.5, float("nan"), None)]
    ['anna', '3', '3', '2.5', '', '']
    """
    if is_missing(value):
        return ""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    return str(value).strip()
