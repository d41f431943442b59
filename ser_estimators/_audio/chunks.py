"""Length of formats that consist of chunks, and of AU and NIST files.

libsndfile silently reads the available samples, as if a truncated file were a short clip, and it
stops where the header says, as if the rest of a file were no audio.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from .failures import FaultError
from .mpeg import inspect_mpeg
from .streams import ENOUGH, Stream, percent

__all__ = ["inspect_au", "inspect_chunks", "inspect_nist", "is_chunked"]

# The length of a WAV written to a pipe is unknown; writers announce about 2 or 4 GiB instead.
_UNKNOWN_SIZE = 0x7FFF0000
_UNKNOWN_SIZE_64 = 1 << 62
# Bytes after the audio that may be anything, such as tags at the end. Interrupted recordings, whose
# header announces too little, lack whole buffers.
_MAX_TRAILING = 512
_MAX_LOOKED_AT = 1 << 24
_MAX_CHUNKS = 10_000  # of a file that consists of empty chunks, for example of zeros
_W64_SUFFIX = bytes.fromhex("f3acd3118cd100c04f8edb8a")
_RIFF_GUID = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
# Codes of WAV formats: plain samples of whole bytes, and MP3.
_PLAIN = (1, 3, 6, 7, 0xFFFE)
_MP3 = 0x55
_PLAIN_AIFC = frozenset(
    b"NONE sowt twos fl32 FL32 fl64 FL64 ulaw ULAW alaw ALAW in24 in32 42ni 23ni".split()
) | {b"raw "}
# ffmpeg reads WAV beyond the announced length with this option, but no other format.
_REPAIR = "repair it, for example with: ffmpeg -ignore_length 1 -i IN.wav OUT.wav"
_EXPORT = "export it again, in another format if possible"


class _Layout(NamedTuple):
    """How the chunks of a format are laid out.

    Parameters
    ----------
    head : str
        Format of the name and the length of a chunk, for `struct`.
    start : int
        Position of the first chunk.
    data : bytes
        Name of the chunk with the audio.
    prefix : int, default=0
        Bytes before the audio in this chunk.
    align : int, default=2
        Chunks begin at multiples of this number of bytes.
    included : int, default=0
        Bytes of the head of a chunk that its length includes.
    """

    head: str
    start: int
    data: bytes
    prefix: int = 0
    align: int = 2
    included: int = 0


_LAYOUTS = {
    (b"RIFF", b"WAVE"): _Layout("<4sI", 12, b"data"),
    (b"RF64", b"WAVE"): _Layout("<4sI", 12, b"data"),
    (b"RIFX", b"WAVE"): _Layout(">4sI", 12, b"data"),
    (b"FORM", b"AIFF"): _Layout(">4sI", 12, b"SSND", prefix=8),
    (b"FORM", b"AIFC"): _Layout(">4sI", 12, b"SSND", prefix=8),
}
_CAF = _Layout(">4sQ", 8, b"data", prefix=4, align=1)
_W64 = _Layout("<16sQ", 40, b"data" + _W64_SUFFIX, align=8, included=24)


class _Chunk(NamedTuple):
    name: bytes
    start: int  # position of its content
    n_bytes: int


def _layout_of(head: bytes) -> _Layout | None:
    if head[:4] == b"caff":
        return _CAF
    if head[:16] == _RIFF_GUID:
        return _W64
    return _LAYOUTS.get((head[:4], head[8:12]))


def is_chunked(head: bytes) -> bool:
    """Return whether a file begins like a WAV, RF64, W64, AIFF or CAF file."""
    return _layout_of(head) is not None


def inspect_chunks(file: BinaryIO, size: int, head: bytes) -> Stream:
    """Compare the length that a WAV, RF64, W64, AIFF or CAF file announces with its content.

    Parameters
    ----------
    file : binary file
    size : int
        Bytes in the file.
    head : bytes
        First bytes of the file, for which `is_chunked` is true.

    Returns
    -------
    Stream

    Raises
    ------
    FaultError
        If the audio is truncated, or longer than announced.
    """
    layout = _layout_of(head)
    assert layout is not None
    others: dict[bytes, bytes] = {}
    for chunk in _chunks(file, size, layout):
        if chunk.name == layout.data:
            break
        file.seek(chunk.start)
        others[chunk.name[:4]] = file.read(min(chunk.n_bytes, 64))
    else:
        return Stream()  # libsndfile raises for it, or finds no samples
    n_bytes, n_left = chunk.n_bytes, size - chunk.start
    is_known = n_bytes < _UNKNOWN_SIZE
    if layout is _CAF or layout is _W64:
        is_known = n_bytes < _UNKNOWN_SIZE_64
    elif n_bytes == 0xFFFFFFFF and len(ds64 := others.get(b"ds64", b"")) >= 16:
        n_bytes, is_known = struct.unpack("<QQ", ds64[:16])[1], True
    n_audio = _check_length(file, size, layout, chunk._replace(n_bytes=n_bytes), is_known)
    if layout in (_CAF, _W64) and not is_known:  # libsndfile refuses some lengths of this kind
        length = struct.pack(f"{layout.head[0]}Q", n_left + layout.included)
        return _with_length(file, chunk.start - 8, length)
    if layout.data == b"SSND":
        return Stream(n_frames=_aiff_frames(others.get(b"COMM", b""), n_audio - layout.prefix))
    if layout is _CAF:
        packets = others.get(b"pakt", b"")[:16]  # how many, and the samples in them
        return Stream(n_least=struct.unpack(">qq", packets)[1] if len(packets) == 16 else 0)
    n_announced = n_bytes if is_known else n_audio
    return _wav_stream(file, chunk.start, n_audio, n_announced, others, layout)


def _chunks(file: BinaryIO, size: int, layout: _Layout, start: int = 0) -> Iterator[_Chunk]:
    position = start or layout.start
    n_head = struct.calcsize(layout.head)
    for _ in range(_MAX_CHUNKS):
        if position + n_head > size:
            return
        file.seek(position)
        name, n_bytes = struct.unpack(layout.head, file.read(n_head))
        n_bytes -= layout.included
        if n_bytes < 0:
            return
        yield _Chunk(name, position + n_head, n_bytes)
        position += n_head + n_bytes
        position += -position % layout.align


def _check_length(file: BinaryIO, size: int, layout: _Layout, chunk: _Chunk, is_known: bool) -> int:
    """Return the number of bytes of audio in a chunk, or raise if it is not what is announced."""
    n_left = size - chunk.start
    if not is_known and n_left < chunk.n_bytes:
        return n_left
    n_trailing = _trailing_bytes(file, size, layout, chunk)
    remedy = _REPAIR if layout.data == b"data" and layout is not _CAF else _EXPORT
    check_announced(chunk.n_bytes - layout.prefix, n_left - layout.prefix, n_trailing, remedy)
    return min(chunk.n_bytes, n_left)


def check_announced(n_bytes: int, n_left: int, n_trailing: int, remedy: str = _EXPORT) -> None:
    """Raise if the audio is shorter or longer than the header announces.

    Parameters
    ----------
    n_bytes : int
        Bytes of audio that the header announces.
    n_left : int
        Bytes of the file from the start of the audio.
    n_trailing : int
        Bytes after the announced audio that are nothing else.
    remedy : str
        What to do if there is more audio than announced.
    """
    if n_bytes <= 0 and n_trailing > _MAX_TRAILING:
        raise FaultError(
            "its header announces no samples, but data follow: the recording was not finished "
            f"properly; {remedy}"
        )
    if n_left < ENOUGH * n_bytes:
        raise FaultError(
            f"it is truncated: only {percent(n_left, n_bytes)} of the audio that its header "
            "announces is there; download or copy it again"
        )
    if n_trailing > _MAX_TRAILING:
        raise FaultError(
            f"its header announces only {percent(n_bytes, n_left)} of the audio in the file: the "
            f"recording was not finished properly, or something was appended; {remedy}"
        )


def _trailing_bytes(file: BinaryIO, size: int, layout: _Layout, chunk: _Chunk) -> int:
    """Return the number of bytes after the audio that do not belong to another chunk."""
    end = chunk.start + chunk.n_bytes
    # Some writers pad chunks of odd length, or do not, whatever the format says.
    for start in {end, end + 1, end + -end % layout.align}:
        for following in _chunks(file, size, layout, start):
            name = following.name[:4]
            if (
                name.isascii()
                and name.decode().isprintable()
                and (following.start + following.n_bytes <= size + layout.align)
            ):
                return 0
            break
    return count_trailing(file, end, size)


def count_trailing(file: BinaryIO, end: int, size: int) -> int:
    """Return the number of bytes after the end of the audio, without zeros and ID3v1 tags."""
    if end >= size:
        return 0
    file.seek(end)
    rest = file.read(_MAX_LOOKED_AT)
    if size - end > len(rest):
        return size - end
    if rest[-128:-125] == b"TAG":
        rest = rest[:-128]
    return len(rest.rstrip(b"\0"))


def _with_length(file: BinaryIO, position: int, length: bytes) -> Stream:
    """Return the whole file with a correct length in the header."""
    file.seek(0)
    content = file.read()
    return Stream(content[:position] + length + content[position + len(length) :])


def _wav_stream(
    file: BinaryIO,
    start: int,
    n_audio: int,
    n_announced: int,
    others: dict[bytes, bytes],
    layout: _Layout,
) -> Stream:
    """Return the stream of a WAV, RF64 or W64 file."""
    order = layout.head[0]
    fmt, fact = others.get(b"fmt ", b""), others.get(b"fact", b"")
    if len(fmt) < 16:
        return Stream()
    code, _, _, _, n_block = struct.unpack(f"{order}HHIIH", fmt[:14])
    if code == _MP3:
        file.seek(start)
        stream = inspect_mpeg(file.read(n_audio))
        if stream is None:
            raise FaultError("its header announces MP3, but it contains none; download it again")
        return stream
    if code in _PLAIN:
        # A W64 would be read beyond the audio, as if other chunks were samples.
        return Stream(n_frames=n_audio // n_block if n_block else None)
    n_frames = _frames_of_blocks(fmt, fact, n_announced, order)
    return Stream(n_frames=n_frames, n_least=n_frames or 0)


def _frames_of_blocks(fmt: bytes, fact: bytes, n_bytes: int, order: str) -> int | None:
    """Return the number of samples of compressed audio, of which the last block may be padded.

    The "fact" chunk says it. If it contradicts the size of the audio, it is ignored.
    """
    if len(fmt) < 20 or len(fact) < 4:
        return None
    n_block, _, _, n_per_block = struct.unpack(f"{order}4H", fmt[12:20])
    (n_frames,) = struct.unpack(f"{order}I", fact[:4])
    n_decoded = -(-n_bytes // n_block) * n_per_block if n_block else 0
    return n_frames if n_decoded - n_per_block < n_frames <= n_decoded else None


def _aiff_frames(comm: bytes, n_audio: int) -> int | None:
    """Return the number of samples of uncompressed AIFF, without the padding of odd chunks."""
    if len(comm) < 18 or (len(comm) >= 22 and comm[18:22] not in _PLAIN_AIFC):
        return None
    n_channels, n_announced, n_bits = struct.unpack(">HIH", comm[:8])
    n_block = n_channels * (-(-n_bits // 8))
    if not n_block:
        return None
    # A chunk of odd length may be announced with its padding, but not more samples than there are.
    is_padded = 0 < n_audio - n_announced * n_block < 2
    return n_announced if is_padded else n_audio // n_block


def inspect_au(file: BinaryIO, size: int, head: bytes) -> Stream:
    """Compare the length that an AU file announces with its content."""
    order = ">" if head[:4] == b".snd" else "<"
    start, n_bytes = struct.unpack(f"{order}II", head[4:12])
    if n_bytes == 0xFFFFFFFF or start > size:
        return Stream()  # unknown, which libsndfile reads to the end
    n_trailing = count_trailing(file, start + n_bytes, size)
    check_announced(n_bytes, size - start, n_trailing)
    return Stream()


def inspect_nist(file: BinaryIO, size: int) -> Stream:
    """Compare the length that a NIST SPHERE file announces with its content."""
    file.seek(0)
    lines = file.read(1024).split(b"\n")
    fields = {words[0]: words[-1] for line in lines[2:] if len(words := line.split()) > 2}
    coding = fields.get(b"sample_coding", b"pcm")
    if b"," in coding:
        raise FaultError(
            "it is a NIST SPHERE file compressed with Shorten, which libsndfile cannot read; "
            "convert it, for example with: sph2pipe -f wav"
        )
    try:
        start = int(lines[1])
        n_block = int(fields[b"sample_n_bytes"]) * int(fields.get(b"channel_count", 1))
        n_bytes = n_block * int(fields[b"sample_count"])
    except (IndexError, KeyError, ValueError):
        return Stream()
    file.seek(0, os.SEEK_SET)
    check_announced(n_bytes, size - start, count_trailing(file, start + n_bytes, size))
    return Stream(n_frames=n_bytes // n_block if n_block else None)
