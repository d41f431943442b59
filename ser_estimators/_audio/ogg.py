"""Ogg: whether the last page is complete, and whether there is a single recording."""

from __future__ import annotations

from typing import BinaryIO

from .chunks import count_trailing
from .failures import FaultError
from .streams import Stream

__all__ = ["inspect_ogg"]

_BEGINS = 0x02  # flag of the first page of a recording
_MAX_TRAILING = 512  # bytes after the last page that may be anything


def inspect_ogg(file: BinaryIO, size: int) -> Stream:
    """Check that an Ogg file is complete and contains a single recording.

    libsndfile drops an incomplete page, as if the clip were shorter, and reads the first of
    several recordings only.

    Raises
    ------
    FaultError
        If the file is truncated, or if it contains more than libsndfile reads.
    """
    position, n_first = 0, 0
    while position + 27 <= size:
        file.seek(position)
        head = file.read(27)
        if head[:4] != b"OggS":
            break
        lengths = file.read(head[26])
        if head[5] & _BEGINS:
            n_first += 1
        position += 27 + head[26] + sum(lengths)
    if n_first > 1:
        raise FaultError(
            f"it contains {n_first} recordings one after the other or at once, of which libsndfile "
            "would read the first; split them, or convert it to WAV, for example with ffmpeg"
        )
    n_trailing = count_trailing(file, position, size)
    file.seek(min(position, size))
    if position > size or (n_trailing and file.read(4).startswith(b"OggS"[: size - position])):
        raise FaultError("it is truncated: its last page is incomplete; download or copy it again")
    if n_trailing > _MAX_TRAILING:
        raise FaultError(
            f"it is damaged: there is no Ogg page at byte {position} of {size}; download or copy "
            "it again"
        )
    return Stream()
