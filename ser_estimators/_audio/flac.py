"""FLAC: the number of samples by its last frame, since the header may not know it."""

from __future__ import annotations

from functools import cache
from typing import BinaryIO

from .failures import FaultError
from .streams import ENOUGH, Stream, percent

__all__ = ["inspect_flac"]

# Bytes at the end in which the last frame is searched besides its maximum length, for tags.
_MAX_TAGS = 1 << 14
_UNKNOWN_FRAME = 1 << 17  # bytes that surely contain a frame of speech
_MAX_TRIED = 64  # positions that look like the start of a frame
_POSITIONS = 18, 26  # of the rate, the channels, the bits and the 36 bits of the number of samples
_SYNC = (b"\xff\xf8", b"\xff\xf9")  # blocks of fixed and of variable length


def inspect_flac(file: BinaryIO, size: int) -> Stream:
    """Compare the number of samples that a FLAC file announces with its last frame.

    Parameters
    ----------
    file : binary file
    size : int
        Bytes in the file.

    Returns
    -------
    Stream
        With a corrected header if the number was wrong. A file whose last frame is incomplete is
        left to the decoder, which raises.

    Raises
    ------
    FaultError
        If frames are missing at the end.
    """
    file.seek(0)
    head = file.read(42)
    if len(head) < 42 or head[4] & 0x7F:
        return Stream()  # libsndfile raises for it
    first, last = _POSITIONS
    packed = int.from_bytes(head[first:last], "big")
    announced = packed & (1 << 36) - 1
    block = int.from_bytes(head[10:12], "big")
    longest = int.from_bytes(head[15:18], "big") or _UNKNOWN_FRAME
    file.seek(max(42, size - longest - _MAX_TAGS))
    tail = file.read()
    counted = _last_sample(tail, block, announced)
    if counted is None or counted == announced:
        return Stream()
    if counted < ENOUGH * announced:
        raise FaultError(
            f"it is truncated: only {percent(counted, announced)} of the audio that its header "
            "announces is there; download or copy it again"
        )
    file.seek(0)
    content = file.read()
    fields = (packed - announced | counted).to_bytes(8, "big")
    return Stream(content[:first] + fields + content[last:])


def _last_sample(tail: bytes, block: int, announced: int) -> int | None:
    """Return the number of samples up to the end of the last frame, None if it is not found.

    Parameters
    ----------
    tail : bytes
        The end of the file.
    block : int
        Samples in all frames but the last, if they have a fixed number.
    announced : int
        Number of samples according to the header.
    """
    position = len(tail)
    ends = {len(tail), len(tail.rstrip(b"\0"))}
    if tail[-128:-125] == b"TAG":
        ends.add(len(tail) - 128)
    for tried in range(_MAX_TRIED):
        position = max(tail.rfind(sync, 0, position + 1) for sync in _SYNC)
        if position < 0:
            return None
        counted = _samples_to(tail[position : position + 16], block)
        if counted is None:
            continue
        # Usually the first that is tried. The checksum of a frame takes longer than decoding it.
        if counted == announced and tried == 0:
            return counted
        if any(_checksum(tail[position:end]) == 0 for end in ends):
            return counted
    return None


def _samples_to(head: bytes, block: int) -> int | None:
    """Return the number of samples up to the end of a frame, None if the head is not one."""
    if len(head) < 6 or head[3] & 1:
        return None
    is_variable = head[1] & 1
    # The number of the frame or of its first sample, coded like a character of UTF-8.
    lead = head[4]
    n_ones = 0
    while n_ones < 8 and lead << n_ones & 0x80:
        n_ones += 1
    if n_ones in (1, 8):
        return None
    n_following = max(n_ones - 1, 0)
    number = lead & 0x7F >> n_ones
    at = 5 + n_following
    for byte in head[5:at]:
        if byte >> 6 != 2:
            return None
        number = number << 6 | byte & 0x3F
    code = head[2] >> 4
    n_extra = {6: 1, 7: 2}.get(code, 0)
    n_samples = int.from_bytes(head[at : at + n_extra], "big") + 1
    if code == 1:
        n_samples = 192
    elif 2 <= code <= 5:
        n_samples = 576 << code - 2
    elif code >= 8:
        n_samples = 256 << code - 8
    elif code == 0:
        return None
    at += n_extra + {12: 1, 13: 2, 14: 2}.get(head[2] & 15, 0)
    if at >= len(head) or _checksum_of_head(head[:at]) != head[at]:
        return None
    return number + n_samples if is_variable else number * block + n_samples


def _checksum_of_head(data: bytes) -> int:
    """Return the CRC-8 of FLAC, with the polynomial x^8 + x^2 + x + 1."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07 if crc & 0x80 else crc << 1) & 0xFF
    return crc


def _checksum(data: bytes) -> int:
    """Return the CRC-16 of FLAC, 0 for a whole frame, with the polynomial x^16 + x^15 + x^2 + 1."""
    table = _checksum_table()
    crc = 0
    for byte in data:
        crc = (crc << 8 & 0xFFFF) ^ table[crc >> 8 ^ byte]
    return crc


@cache
def _checksum_table() -> list[int]:
    table = []
    for byte in range(256):
        crc = byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x8005 if crc & 0x8000 else crc << 1) & 0xFFFF
        table.append(crc)
    return table
