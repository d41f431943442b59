"""What is wrong with a file that cannot be read, and what to do about it."""

from __future__ import annotations

import os
import shlex
import struct
from pathlib import Path
from typing import BinaryIO

from ..exceptions import AudioReadError
from .failures import failure

__all__ = ["check_before_opening", "diagnose"]

# A WAV written to a pipe cannot know its length; writers announce about 2 or 4 GiB instead.
_UNKNOWN_SIZE = 0x7FFF0000
# Formats made of chunks, with the layout of a chunk's name and length.
_CHUNKS = {
    (b"RIFF", b"WAVE"): "<4sI",
    (b"RF64", b"WAVE"): "<4sI",
    (b"RIFX", b"WAVE"): ">4sI",
    (b"FORM", b"AIFF"): ">4sI",
    (b"FORM", b"AIFC"): ">4sI",
}
# Players accept a file that has at least this part of the announced audio.
_ENOUGH = 0.99


def check_before_opening(name: str) -> None:
    """Raise for faults that need no decoder: a wrong path, an empty file, a truncated WAV."""
    path = Path(name)
    if not name:
        raise failure("the path is empty; check the list of paths", name)
    if "://" in name:
        raise failure("it is an address, not a file; download it first", name)
    if path.suffix.lower() == ".raw":
        raise failure(
            "raw samples have no header that tells their rate; read them with numpy.fromfile and "
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
        raise failure(f"{error.strerror or error}; check the path and its rights", name) from error
    except ValueError as error:
        if isinstance(error, AudioReadError):
            raise
        raise failure(f"{error}; check the path", name) from error
    if fault:
        raise failure(fault, name)


def _length_fault(file: BinaryIO, size: int) -> str | None:
    """Return what is wrong with the length that a WAV or AIFF announces, None if nothing is.

    libsndfile silently reads what is there, so that a broken download would pass for a short clip.
    """
    head = file.read(12)
    layout = _CHUNKS.get((head[:4], head[8:12]))
    if layout is None:
        return None
    n_bytes_in_64_bits = None
    while len(chunk := file.read(8)) == 8:
        name, n_bytes = struct.unpack(layout, chunk)
        n_left = size - file.tell()
        if name == b"ds64":  # of an RF64, whose data may be longer than 32 bits can say
            lengths = file.read(16)
            if len(lengths) < 16 or n_bytes < 16:
                return None  # libsndfile refuses it
            n_bytes_in_64_bits = struct.unpack("<QQ", lengths)[1]
            n_bytes -= 16
        if name not in (b"data", b"SSND"):
            file.seek(n_bytes + n_bytes % 2, os.SEEK_CUR)  # chunks have an even length
            continue
        if n_bytes == 0 and n_left > 0:
            return (
                "its header says that it holds no samples but more follows: the recording was "
                "not finished properly; repair it, for example with ffmpeg"
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
        return "it is a web page, not audio: the download went wrong; download it again"
    if head[4:8] == b"ftyp":
        return f"it is MPEG-4 audio (m4a, mp4), which libsndfile cannot read; {_convert(name)}"
    if head[:4] in (b"fLaC", b"OggS") or (head[:4] == b"RIFF" and head[8:12] == b"WAVE"):
        return (
            f"it begins like audio but cannot be decoded ({decoder_says}), so it is damaged, cut "
            f"off, or of a codec that libsndfile lacks; download it again, or {_convert(name)}"
        )
    if _is_text(head):
        return "it is text, not audio; check how it was made or downloaded, or leave it out"
    return f"{decoder_says}; if it is audio, {_convert(name)}"


def _is_text(head: bytes) -> bool:
    if any(byte < 32 and byte not in b"\t\n\r\f" for byte in head):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character cut in half by the end of what was read is still text.
        return error.start >= len(head) - 3
    return True


def _convert(name: str) -> str:
    path = Path(name)
    result = path.with_name(f"{path.stem}-converted.wav")
    return f"convert it, for example with: ffmpeg -i {shlex.quote(name)} {shlex.quote(str(result))}"
