"""Text for terminals: its width in columns, and what must not be printed as it is."""

from __future__ import annotations

import textwrap
import unicodedata

__all__ = ["pad", "plain", "shorten_start", "width_of", "wrap"]

# Control characters, halves of pairs (bytes of a file name that are not UTF-8), line separators.
_UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}
# They change the direction of the text that follows.
_DIRECTIONS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_NO_WIDTH = {"Mn", "Me", "Cf"}


def plain(text: str) -> str:
    r"""Return a text that is safe to print in one line: a control character becomes ``\x1b``."""
    if text.isprintable():
        return text
    return "".join(_escape(char) for char in text)


def _escape(char: str) -> str:
    if unicodedata.category(char) in _UNPRINTABLE or char in _DIRECTIONS:
        return char.encode("unicode_escape").decode("ascii")
    return char


def width_of(text: str) -> int:
    """Return the number of columns of a text in a terminal: 2 for a Chinese character."""
    if text.isascii():
        return len(text)
    return sum(map(_width_of_char, text))


def _width_of_char(char: str) -> int:
    if unicodedata.category(char) in _NO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Return a text with spaces after it, or before it, that fills a number of columns."""
    spaces = " " * (width - width_of(text))
    return spaces + text if right else text + spaces


def shorten_start(text: str, width: int) -> str:
    """Return the end of a text, which identifies a path, in at most `width` columns."""
    if width_of(text) <= width:
        return text
    kept, n_columns = "", 3
    for char in reversed(text):
        n_columns += _width_of_char(char)
        if n_columns > width:
            break
        kept = char + kept
    return "..." + kept


def wrap(text: str, width: int, *, indent: int) -> str:
    """Return a text in lines of at most `width` columns, the second and later ones indented.

    Words, such as paths, are not cut. The first line is assumed to begin at the indent, too.
    """
    lines = textwrap.wrap(
        text, max(width - indent, 1), break_long_words=False, break_on_hyphens=False
    )
    return ("\n" + " " * indent).join(lines)
