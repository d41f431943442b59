"""What is decoded of a file, and how long it is, by the bytes of the file itself."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["ENOUGH", "Stream", "percent"]

# Minimum fraction of the announced audio; players accept files that lack a little.
ENOUGH = 0.99


class Stream(NamedTuple):
    """What is decoded of a file.

    Parameters
    ----------
    content : bytes or None, default=None
        Bytes that are decoded instead of the file, with a correct header; None decodes the file.
    n_frames : int or None, default=None
        Samples per channel, where the decoder would add padding to them; None if the decoder
        counts correctly.
    n_least : int, default=0
        Samples per channel that the file contains at least.
    """

    content: bytes | None = None
    n_frames: int | None = None
    n_least: int = 0


def percent(part: float, whole: float) -> str:
    """Return a fraction that is less than 1 as a percentage of at most 99 %."""
    return f"{min(max(part / whole, 0.0), 0.994):.0%}"
