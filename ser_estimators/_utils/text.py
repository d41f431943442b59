"""Values and names in messages, shortened so that no message grows with its input."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterable
from typing import Any

__all__ = ["MAX_NAME", "listed", "printable", "readable", "represent", "shorten", "type_name"]

_MAX_VALUE = 80  # characters of a value
MAX_NAME = 200  # characters of a path in a message
_MAX_LISTED, _MAX_LISTED_LENGTH = 10, 60  # values in a list, and the characters of each

# Bytes of a file name that are not UTF-8 are represented as 0xDC00 plus their value.
_SURROGATE = re.compile("[\ud800-\udfff]")
_FIRST_BYTE = 0xDC00


def shorten(text: str, limit: int) -> str:
    """Return a text with its middle left out if it is longer than `limit` characters."""
    if len(text) <= limit:
        return text
    n_end = (limit - 3) // 2
    return f"{text[: limit - 3 - n_end]}...{text[len(text) - n_end :]}"


def represent(value: Any, limit: int = _MAX_VALUE) -> str:
    """Return the ``repr`` of any value in at most `limit` characters.

    Long strings and containers are cut before their ``repr`` is computed, and an error in the
    ``repr`` of an object does not hide the message.
    """
    if isinstance(value, (bytes, bytearray)):
        value = value[: limit + 1]
    short = reprlib.Repr()
    short.maxstring = short.maxother = limit
    try:
        text = short.repr(value)
    except Exception:
        text = f"<{type(value).__name__}>"
    return printable(text, limit=limit)


def listed(values: Iterable[Any]) -> str:
    """Return the first values, each shortened, and how many more there are."""
    values = list(values)
    shown = [represent(value, _MAX_LISTED_LENGTH) for value in values[:_MAX_LISTED]]
    more = len(values) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def type_name(value: Any) -> str:
    """Return the name of the type of a value."""
    return shorten(type(value).__name__, _MAX_VALUE)


def printable(name: str, limit: int | None = None) -> str:
    """Return a file name in one line that any terminal can print.

    Control characters, and bytes of the name that are not UTF-8, are escaped.

    Parameters
    ----------
    name : str
    limit : int or None, default=None
        Maximum length of the result; None does not shorten it.
    """
    if limit is not None:
        name = shorten(name, limit)
    name = readable(name)
    if name.isprintable():
        return name
    escaped = (
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in name
    )
    return "".join(escaped) if limit is None else shorten("".join(escaped), limit)


def readable(text: str) -> str:
    r"""Return a text that can be written: a byte that is not UTF-8 becomes, say, ``\xfc``."""
    return _SURROGATE.sub(lambda found: _escape(ord(found[0])), text)


def _escape(code: int) -> str:
    byte = code - _FIRST_BYTE
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else f"\\u{code:04x}"
