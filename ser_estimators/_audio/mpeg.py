"""MP3: where its frames are, and a header that states how many there are.

Without such a header, libsndfile estimates the length from the first frame. With a variable bit
rate it then stops too early, and anything that contains a few bytes like the head of a frame is
decoded as noise.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from .containers import skip_id3
from .failures import FaultError
from .streams import ENOUGH, Stream, percent

__all__ = ["inspect_mpeg"]

# Bit rates in kbit/s by (is MPEG-1, layer); index 0 means a free bit rate, which is not supported.
_BITRATES = {
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = (44100, 48000, 32000)  # Hz, of MPEG-1
_MPEG_1, _MPEG_2, _MPEG_2_5 = 3, 2, 0  # codes of the version
_MONO = 3  # code of the channel mode

# Frames that must follow each other where a stream begins; a file may be shorter.
_MIN_FRAMES = 3
# Bytes in which the first frame is searched, after tags.
_MAX_JUNK = 1 << 16
# Minimum fraction of a file that consists of frames, besides unknown tags at its ends.
_MIN_COVERAGE = 0.5


_CHANGES = (
    "{} in the middle, which libsndfile cannot read; convert it to WAV, for example with ffmpeg"
)


class _Head(NamedTuple):
    """The head of a frame; of one stream, only the bit rate and the channel mode may change."""

    version: int
    layer: int
    rate: int  # Hz
    bitrate: int  # kbit/s
    padding: int
    mode: int

    @property
    def n_samples(self) -> int:
        """Samples per channel in the frame."""
        if self.layer == 1:
            return 384
        return 1152 if self.layer == 2 or self.version == _MPEG_1 else 576

    @property
    def n_bytes(self) -> int:
        """Length of the frame."""
        if self.layer == 1:
            return (12_000 * self.bitrate // self.rate + self.padding) * 4
        return self.n_samples * 125 * self.bitrate // self.rate + self.padding

    @property
    def n_side(self) -> int:
        """Bytes of side information after the head of a frame of layer III."""
        if self.version == _MPEG_1:
            return 17 if self.mode == _MONO else 32
        return 9 if self.mode == _MONO else 17


def _parse(head: bytes) -> _Head | None:
    """Return the head of a frame, or None if the bytes are none."""
    if len(head) < 4 or head[0] != 0xFF or head[1] < 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    bitrate, rate = head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or layer == 4 or bitrate in (0, 15) or rate == 3:
        return None
    return _Head(
        version,
        layer,
        _RATES[rate] >> {_MPEG_1: 0, _MPEG_2: 1, _MPEG_2_5: 2}[version],
        _BITRATES[version == _MPEG_1, layer][bitrate],
        head[2] >> 1 & 1,
        head[3] >> 6,
    )


def inspect_mpeg(content: bytes) -> Stream | None:
    """Find the frames of an MP3 file, and make sure that its header states their number.

    Parameters
    ----------
    content : bytes
        The file.

    Returns
    -------
    Stream or None
        The frames without tags, with a header that states their number; None if it is not an MP3
        file.

    Raises
    ------
    FaultError
        If it is truncated, or if much of it is not MP3.
    """
    start, end = _without_tags(content)
    first = _find_start(content, start, min(start + _MAX_JUNK, end), end, is_short=True)
    if first is None:
        return None
    head = _parse(content[first : first + 4])
    assert head is not None
    runs = list(_runs(content, first, end, head))
    covered = sum(stop - begin for begin, stop, _ in runs)
    if covered < _MIN_COVERAGE * len(content[start:end].strip(b"\0")):
        return None
    if covered < ENOUGH * (runs[-1][1] - first):
        raise FaultError(
            f"only {percent(covered, runs[-1][1] - first)} of its bytes are frames of MP3: it is "
            "damaged; download or copy it again"
        )
    n_frames = sum(count for _, _, count in runs)
    frames = b"".join(content[begin:stop] for begin, stop, _ in runs)
    if head.layer != 3:
        return Stream(frames, n_least=n_frames * head.n_samples)
    return Stream(_with_count(frames, head, n_frames))


def _without_tags(content: bytes) -> tuple[int, int]:
    """Return where a file begins and ends without ID3, APE and Lyrics3 tags."""
    start, end = 0, len(content)
    while length := skip_id3(content[start : start + 10]):
        start += length
    while end > 0 and (length := _length_of_tag(content[max(end - 128, 0) : end])):
        end -= length
    return (start, end) if start < end else (0, len(content))


def _length_of_tag(tail: bytes) -> int:
    """Return the length of the tag with which a file ends, 0 if there is none."""
    if len(tail) == 128 and tail[:3] == b"TAG":
        return 128
    if tail[-32:-24] == b"APETAGEX":
        n_bytes, _, flags = struct.unpack("<III", tail[-20:-8])
        return n_bytes + (32 if flags >> 31 else 0)
    if tail[-9:] == b"LYRICS200" and tail[-15:-9].isdigit():
        return int(tail[-15:-9]) + 15
    return 0


def _find_start(
    content: bytes, start: int, stop: int, end: int, *, is_short: bool = False
) -> int | None:
    """Return where the first frames are that follow each other, or None."""
    position = start
    while (position := content.find(b"\xff", position, stop)) >= 0:
        head = _parse(content[position : position + 4])
        if head and _follow(content, position, end, head, is_short):
            return position
        position += 1
    return None


def _follow(content: bytes, position: int, end: int, head: _Head, is_short: bool) -> bool:
    """Return whether enough frames like the one at a position follow it.

    A short file may have fewer, if they are all that it contains.
    """
    count = 0
    while count < _MIN_FRAMES and position < end:
        following = _parse(content[position : position + 4])
        if following is None or following[:3] != head[:3]:
            return is_short and count > 0 and not content[position:end].strip(b"\0")
        position += following.n_bytes
        count += 1
    return count == _MIN_FRAMES or (is_short and (count > 1 or position == end))


def _runs(content: bytes, start: int, end: int, head: _Head) -> Iterator[tuple[int, int, int]]:
    """Yield the start, the end and the number of frames of each run of complete frames."""
    second = content[start + 1] | 1  # the last bit says whether there is a checksum
    is_mono = head.mode == _MONO
    lengths = _lengths(second, head.rate)
    position: int | None = start
    while position is not None:
        begin, count = position, 0
        while (
            position + 4 <= end
            and content[position] == 0xFF
            and content[position + 1] | 1 == second
            and (length := lengths[content[position + 2]])
            and position + length <= end
        ):
            if (content[position + 3] >> 6 == _MONO) != is_mono:
                raise FaultError(f"it changes {_CHANGES.format('the number of channels')}")
            position += length
            count += 1
        if count:
            yield begin, position, count
        # Past the start of a frame that is not complete, which is found at the same position.
        position = _find_start(content, position + 1, end, end)
        if position is not None:
            other = _parse(content[position : position + 4])
            if other is None or other[:3] != head[:3]:
                raise FaultError(f"it changes {_CHANGES.format('the sampling rate')}")


@cache
def _lengths(second: int, rate: int) -> list[int]:
    """Return the length of a frame by the third byte of its head, 0 if it has another rate."""
    heads = [_parse(bytes([0xFF, second, third, 0])) for third in range(256)]
    return [0 if head is None or head.rate != rate else head.n_bytes for head in heads]


def _with_count(frames: bytes, head: _Head, n_frames: int) -> bytes:
    """Return the frames after a header that states their number, see `inspect_mpeg`."""
    first = bytearray(frames[: head.n_bytes])
    rest = frames[head.n_bytes :]
    at = 4 + head.n_side
    announced = None
    if bytes(first[at : at + 4]) in (b"Xing", b"Info"):
        n_frames -= 1
        (flags,) = struct.unpack_from(">I", first, at + 4)
        if flags & 1:
            (announced,) = struct.unpack_from(">I", first, at + 8)
            if announced == n_frames:
                return frames
    elif first[36:40] == b"VBRI":
        n_frames -= 1
        flags = 0
        (announced,) = struct.unpack_from(">I", first, 50)
    else:
        flags, rest = 0, frames
    # Some encoders count the header as a frame.
    if announced is not None and n_frames < min(ENOUGH * announced, announced - 1):
        raise FaultError(
            f"it is truncated: only {percent(n_frames, announced)} of the audio that its header "
            "announces is there; download or copy it again"
        )
    if not flags & 1 or announced is None:
        return _header(head, n_frames, len(rest)) + rest
    struct.pack_into(">I", first, at + 8, n_frames)
    if flags & 2:
        struct.pack_into(">I", first, at + 12, len(frames))
    padding = at + 8 + 4 * (flags & 1) + 2 * (flags & 2) + 25 * (flags & 4) + (flags & 8) // 2 + 22
    if announced > n_frames and padding + 2 <= len(first):
        # Samples to remove at the end, which is missing; half a byte belongs to the start.
        first[padding : padding + 2] = bytes([first[padding] & 0xF0, 0])
    return bytes(first) + rest


def _header(head: _Head, n_frames: int, n_bytes: int) -> bytes:
    """Return a frame that states the number of frames after it, and of bytes ("Info").

    The decoder removes its own delay of 529 samples, not that of the encoder, which is unknown.
    """
    at = 4 + head.n_side
    rate = _RATES.index(head.rate << {_MPEG_1: 0, _MPEG_2: 1, _MPEG_2_5: 2}[head.version])
    bitrates = _BITRATES[head.version == _MPEG_1, 3]
    # The tag of the encoder, which is left empty, ends 140 bytes after the word "Info".
    index = next(
        index
        for index, bitrate in enumerate(bitrates)
        if head._replace(bitrate=bitrate, padding=0).n_bytes >= at + 156 or index == 14
    )
    frame = bytearray(head._replace(bitrate=bitrates[index], padding=0).n_bytes)
    struct.pack_into(
        ">I",
        frame,
        0,
        0xFFE1 << 16 | head.version << 19 | 1 << 17 | index << 12 | rate << 10 | head.mode << 6,
    )
    frame[at : at + 4] = b"Info"
    struct.pack_into(">III", frame, at + 4, 3, n_frames, len(frame) + n_bytes)
    return bytes(frame)
