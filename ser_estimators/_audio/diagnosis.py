"""Diagnosis of files that cannot be read: the reason, and the remedy."""

from __future__ import annotations

import base64
import errno
import os
import re
import shlex
import stat
from collections import Counter
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from .._utils.hosts import on_host
from .._utils.text import printable, represent, shorten
from .containers import foreign_format
from .failures import FaultError

__all__ = ["check_path", "describe_single_path", "diagnose", "diagnose_foreign"]

_MAX_COMMAND_NAME = 150  # characters of a path in a command
# Samples without a header, by suffix, with the way to read them.
_SAMPLES = "numpy.fromfile({name}, dtype=numpy.int16)"
_HEADERLESS = {
    ".pcm": _SAMPLES,
    ".raw": _SAMPLES,
    ".sln": _SAMPLES,
    ".sw": _SAMPLES,
    ".al": "ffmpeg -f alaw -ar 8000 -i",
    ".alaw": "ffmpeg -f alaw -ar 8000 -i",
    ".ul": "ffmpeg -f mulaw -ar 8000 -i",
    ".ulaw": "ffmpeg -f mulaw -ar 8000 -i",
    ".vox": "sox -r 8000",
}
_TABLES = {
    ".csv": "read_csv",
    ".tsv": "read_table",
    ".txt": "read_table",
    ".json": "read_json",
    ".jsonl": "read_json",
}
_AUDIO_SUFFIXES = {".wav", ".flac", ".mp3", ".ogg", ".opus", ".aiff", ".aif", ".au", ".w64"}
_MAX_LISTED_FILES = 1000
_BASE64 = re.compile(r"(data:[\w/.+;=-]*,)?[A-Za-z0-9+/_\s-]+={0,2}\s*")
_MIN_BASE64 = 100  # characters; shorter strings cannot be audio
_MAX_COMPONENT = 255  # characters of the name of a file or a folder


def check_path(name: str) -> int:
    """Return the size of a file in bytes, or raise FaultError if there is none."""
    if not name:
        raise FaultError("the path is empty; check the list of paths")
    if name.lower().startswith("file:"):
        path = url2pathname(urlsplit(name).path)
        raise FaultError(f"it is the address of a file; pass its path: {_quoted(path)}")
    if "://" in name:
        raise FaultError("it is a URL, not a file; download it first")
    try:
        status = os.stat(name)
    except OSError as error:
        raise FaultError(_diagnose_path(name, error)) from error
    except ValueError as error:  # a null byte
        raise FaultError(f"{error}; check the path") from error
    if stat.S_ISDIR(status.st_mode):
        raise FaultError(f"it is a folder; pass the files in it, for example {_files_in(name)}")
    if not stat.S_ISREG(status.st_mode):
        raise FaultError(
            "it is a pipe or a device, not a file; read it, and pass its content in bytes"
        )
    return status.st_size


def _diagnose_path(name: str, error: OSError) -> str:
    """Return why a file cannot be opened."""
    if _is_base64(name):
        decode = 'clip.split(",", 1)[1]' if name.startswith("data:") else "clip"
        return (
            f"it is {len(name)} characters of base64, not a path; pass the bytes: "
            f"base64.b64decode({decode})"
        )
    if error.errno == errno.ENAMETOOLONG:
        return (
            f"it has {len(name)} characters, more than a path may have; pass a path, or the "
            "content of the file in bytes"
        )
    if not isinstance(error, FileNotFoundError):
        return f"{error.strerror or error}{on_host()}; check the path and its permissions"
    missing = f"there is no such file{on_host()}"
    if name.startswith("~"):
        return f"{missing}; replace ~ by Path.home()"
    return f"{missing}; check the path (relative paths start at {_quoted(os.getcwd())})"


def _is_base64(name: str) -> bool:
    """Return whether a string is the encoded content of a file rather than a path."""
    if len(name) < _MIN_BASE64 or not _BASE64.fullmatch(name):
        return False
    if name.startswith("data:"):
        return True
    head = base64.b64decode(name[:40].translate(str.maketrans("-_", "+/")) + "==")
    if head.startswith((b"RIFF", b"OggS", b"fLaC", b"FORM", b"caff", b"ID3", b"\xff")):
        return True
    return max(map(len, name.split("/"))) > _MAX_COMPONENT


def diagnose_foreign(head: bytes, name: str) -> str | None:
    """Return why a file of another format cannot be read, or None for other files.

    Parameters
    ----------
    head : bytes
        First bytes of the file, after ID3 tags.
    name : str
        Path of the file, empty for a clip in memory.
    """
    foreign = foreign_format(head)
    if foreign is None:
        return None
    if foreign.is_media:
        return f"it is {foreign.what}, which libsndfile cannot read; {_convert(name)}"
    return f"it is {foreign.what}; {foreign.remedy}"


def diagnose(head: bytes, name: str, decoder_says: str = "") -> str:
    """Return why a file cannot be decoded, with the remedy.

    Parameters
    ----------
    head : bytes
        First bytes of the file.
    name : str
        Path of the file, empty for a clip in memory.
    decoder_says : str, default=""
        Message of the decoder; empty if the file is not in a format that it reads.
    """
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    suffix = Path(name).suffix.lower()
    if head.startswith(b"version https://git-lfs"):
        return "it is a git-lfs pointer, not audio; run 'git lfs pull' in its repository"
    if start.startswith((b"<!doctype html", b"<html")):
        return "it is a web page, not audio: the download failed; download it again"
    if decoder_says and "lost sync" in decoder_says:
        return "it is damaged or truncated (the decoder lost sync); download or copy it again"
    if decoder_says:
        said = shorten(decoder_says.rstrip("."), 200)
        return (
            f"it starts like audio but cannot be decoded ({said}): it is damaged, truncated, or "
            "encoded with a codec that libsndfile lacks; download it again, or "
            f"{_convert(name)}"
        )
    if _is_text(head):
        return _diagnose_text(start, name, suffix)
    if suffix in _HEADERLESS:
        return _diagnose_samples(name, suffix)
    return (
        f"its first bytes ({head[:8].hex(' ')}) are those of no known audio format; if it is "
        f"audio, {_convert(name)}. If it is samples without a header, pass "
        "(numpy.frombuffer(content, dtype), sr)"
    )


def describe_single_path(name: str) -> tuple[str, str]:
    """Return what a path is that was passed instead of a list, and what to pass instead."""
    suffix = os.path.splitext(name)[1].lower()
    if os.path.isdir(name):
        return "the folder", _files_in(name)
    if suffix in _TABLES:
        return "the table", _column_of(name, suffix)
    return "the single path", f"[{represent(name)}]"


def _column_of(name: str, suffix: str) -> str:
    return f"pandas.{_TABLES[suffix]}({_quoted(name)})['path']"


def _files_in(folder: str) -> str:
    """Return code that lists the audio files in a folder, of the most frequent kind."""
    files = (file for _, _, names in os.walk(folder) for file in names)
    suffixes = (os.path.splitext(file)[1] for file in islice(files, _MAX_LISTED_FILES))
    counts = Counter(suffix for suffix in suffixes if suffix.lower() in _AUDIO_SUFFIXES)
    suffix = counts.most_common(1)[0][0] if counts else ".wav"
    return f"sorted(Path({_quoted(folder)}).rglob('*{suffix}'))"


def _diagnose_text(start: bytes, name: str, suffix: str) -> str:
    if suffix in _TABLES and not start.startswith(b"<"):
        return (
            f"it is a table ({suffix}), not audio; pass its column of paths, for example "
            f"{_column_of(name, suffix)}"
        )
    if start.startswith((b"{", b"[")):
        what = "JSON"
    elif start.startswith(b"<"):
        what = "XML"
    else:
        return "it is text, not audio; check how it was created or downloaded, or leave it out"
    return (
        f"it is {what}, not audio: perhaps the answer of a server that reports an error; read it, "
        "or leave it out"
    )


def _diagnose_samples(name: str, suffix: str) -> str:
    how = _HEADERLESS[suffix]
    if how is _SAMPLES:
        return (
            "raw samples have no header with a sampling rate; read them with "
            f"{how.format(name=_quoted(name))}, of the type that they have, and pass "
            "(waveform, sr)"
        )
    command = f"{how} {_shell(name)} {_shell(_converted(name))}"
    if len(name) > _MAX_COMMAND_NAME:
        command = f"{how} IN.{suffix[1:]} OUT.wav"
    return (
        "encoded samples without a header have no sampling rate; convert them to WAV at their "
        f"rate, for example with: {command}"
    )


def _is_text(head: bytes) -> bool:
    if any(byte < 32 and byte not in b"\t\n\r\f" for byte in head):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # The last character may be incomplete, because only the start of the file was read.
        return 0 < len(head) - 3 <= error.start
    return True


def _convert(name: str) -> str:
    if not name or len(name) > _MAX_COMMAND_NAME:
        return "convert it to WAV first, for example with ffmpeg"
    return f"convert it, for example with: ffmpeg -i {_shell(name)} {_shell(_converted(name))}"


def _converted(name: str) -> str:
    path = Path(name)
    return str(path.with_name(f"{path.stem}-converted.wav"))


def _shell(name: str) -> str:
    return printable(shlex.quote(name), limit=2 * _MAX_COMMAND_NAME)


def _quoted(path: str) -> str:
    return represent(path, _MAX_COMMAND_NAME)
