"""Diagnosis of files that cannot be read: the reason, and the remedy."""

from __future__ import annotations

import os
import shlex
import struct
from pathlib import Path
from typing import BinaryIO

from ..exceptions import AudioReadError
from .failures import failure

__all__ = ["check_before_opening", "diagnose"]

# The length of a WAV written to a pipe is unknown; writers announce about 2 or 4 GiB instead.
_UNKNOWN_SIZE = 0x7FFF0000
# Formats made of chunks, with the layout of a chunk's name and length.
_CHUNKS = {
    (b"RIFF", b"WAVE"): "<4sI",
    (b"RF64", b"WAVE"): "<4sI",
    (b"RIFX", b"WAVE"): ">4sI",
    (b"FORM", b"AIFF"): ">4sI",
    (b"FORM", b"AIFC"): ">4sI",
}
# Minimum fraction of the announced audio; players accept files that lack a little.
_ENOUGH = 0.99


def check_before_opening(name: str) -> None:
    """Raise for faults that are found without a decoder, such as a missing or truncated file."""
    path = Path(name)
    if not name:
        raise failure("the path is empty; check the list of paths", name)
    if "://" in name:
        raise failure("it is a URL, not a file; download it first", name)
    if path.suffix.lower() == ".raw":
        raise failure(
            "raw samples have no header with a sampling rate; read them with numpy.fromfile and "
            "pass the waveform",
            name,
        )
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise failure(
                "it is a folder; pass the files in it, for example "
                'sorted(Path(...).rglob("*.wav"))',
                name,
            )
        if size == 0:
            raise failure("the file is empty (0 bytes); download or copy it again", name)
        with path.open("rb") as file:
            fault = _length_fault(file, size)
    except FileNotFoundError as error:
        remedy = (
            "replace ~ by Path.home()"
            if name.startswith("~")
            else f"check the path (relative paths start at {str(Path.cwd())!r})"
        )
        raise failure(f"there is no such file; {remedy}", name) from error
    except OSError as error:
        raise failure(
            f"{error.strerror or error}; check the path and its permissions", name
        ) from error
    except ValueError as error:
        if isinstance(error, AudioReadError):
            raise
        raise failure(f"{error}; check the path", name) from error
    if fault:
        raise failure(fault, name)


def _length_fault(file: BinaryIO, size: int) -> str | None:
    """Return why the length that a WAV or AIFF announces is wrong, or None if it is not.

    libsndfile silently reads the available samples, as if a truncated file were a short clip.
    """
    head = file.read(12)
    layout = _CHUNKS.get((head[:4], head[8:12]))
    if layout is None:
        return None
    n_bytes_in_64_bits = None
    while len(chunk := file.read(8)) == 8:
        name, n_bytes = struct.unpack(layout, chunk)
        n_left = size - file.tell()
        if name == b"ds64":  # in an RF64, whose length may exceed 32 bits
            lengths = file.read(16)
            if len(lengths) < 16 or n_bytes < 16:
                return None  # libsndfile raises for it
            n_bytes_in_64_bits = struct.unpack("<QQ", lengths)[1]
            n_bytes -= 16
        if name not in (b"data", b"SSND"):
            file.seek(n_bytes + n_bytes % 2, os.SEEK_CUR)  # chunks have an even length
            continue
        if n_bytes == 0 and n_left > 0:
            return (
                "its header announces no samples, but data follow: the recording was not finished "
                "properly; repair it, for example with ffmpeg"
            )
        is_known = n_bytes < _UNKNOWN_SIZE
        if n_bytes == 0xFFFFFFFF and n_bytes_in_64_bits is not None:
            n_bytes, is_known = n_bytes_in_64_bits, True
        if is_known and n_left < _ENOUGH * n_bytes:
            return (
                f"it is truncated: only {n_left / n_bytes:.0%} of the audio that its header "
                "announces is there; download or copy it again"
            )
        return None
    return None


def diagnose(name: str, decoder_says: str) -> str:
    """Return why a file cannot be decoded, with the remedy."""
    with open(name, "rb") as file:
        head = file.read(512)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(b"version https://git-lfs"):
        return "it is a git-lfs pointer, not audio; run 'git lfs pull' in its repository"
    if start.startswith((b"<!doctype html", b"<html")):
        return "it is a web page, not audio: the download failed; download it again"
    if head[4:8] == b"ftyp":
        return f"it is MPEG-4 audio (m4a, mp4), which libsndfile cannot read; {_convert(name)}"
    if head[:4] in (b"fLaC", b"OggS") or (head[:4] == b"RIFF" and head[8:12] == b"WAVE"):
        return (
            f"it starts like audio but cannot be decoded ({decoder_says}): it is damaged, "
            "truncated, or encoded with a codec that libsndfile lacks; download it again, or "
            f"{_convert(name)}"
        )
    if _is_text(head):
        return "it is text, not audio; check how it was created or downloaded, or leave it out"
    return f"{decoder_says}; if it is audio, {_convert(name)}"


def _is_text(head: bytes) -> bool:
    if any(byte < 32 and byte not in b"\t\n\r\f" for byte in head):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # The last character may be incomplete, because only the start of the file was read.
        return error.start >= len(head) - 3
    return True


def _convert(name: str) -> str:
    path = Path(name)
    result = path.with_name(f"{path.stem}-converted.wav")
    return f"convert it, for example with: ffmpeg -i {shlex.quote(name)} {shlex.quote(str(result))}"
