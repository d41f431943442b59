"""The search for audio files in a folder, and what is wrong with a file that is not audio."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..exceptions import AudioReadError

__all__ = [
    "AUDIO_SUFFIXES",
    "OTHER_SUFFIXES",
    "count",
    "describe_unreadable",
    "examples",
    "fault_of",
    "find_audio",
    "join",
    "unreadable_error",
]

# Audio formats that libsndfile reads, and others, which have to be converted first.
AUDIO_SUFFIXES: tuple[str, ...] = (
    *(".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus"),
    *(".aif", ".aiff", ".aifc", ".au", ".snd", ".caf", ".w64", ".rf64"),
)
OTHER_SUFFIXES = (".m4a", ".aac", ".wma", ".amr")

# Only files below this size (bytes), half a second of 16-bit PCM at 16 kHz, are opened: other files
# than audio are rarely larger, and opening a whole corpus on a network disk takes minutes.
_SMALL = 16 * 1024

_LFS = "a git-lfs pointer, not audio; run 'git lfs pull' in its repository"
_EMPTY = "empty (0 bytes); download or copy it again"
_PAGE = "a web page, not audio: the download failed; download it again"
_FOLDER = "a folder; list the files in it instead"
_LINK = "a broken link; fetch its target, for example with 'datalad get'"

# Names that a message lists before "and 65 more".
_MAX_LISTED = 24


def find_audio(
    root: str | os.PathLike[str], suffixes: Collection[str] = AUDIO_SUFFIXES + OTHER_SUFFIXES
) -> Iterator[tuple[Path, int | None]]:
    """Yield every audio file in a folder and its subfolders with its size, in a fixed order.

    Links to folders are followed, but each folder is visited once. Hidden folders (.git) and hidden
    files (._a01.wav, from macOS) are skipped.

    Parameters
    ----------
    root : path-like
    suffixes : collection of str, default=all audio formats
        Ends of file names, in lower case.

    Yields
    ------
    path : pathlib.Path
        Begins with `root`.
    size : int or None
        In bytes; None for a broken link.
    """
    seen = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if Path(name).suffix.casefold() in suffixes and name[0] != ".":
                path = Path(folder, name)
                try:
                    yield path, path.stat().st_size
                except OSError:
                    yield path, None


def fault_of(path: Path, size: int | None) -> str | None:
    """Return why a file cannot be audio, without decoding it; None if it may be audio."""
    if size is None:
        return _LINK
    if size == 0:
        return _EMPTY
    if path.is_dir():
        return _FOLDER
    if size >= _SMALL:
        return None
    with path.open("rb") as file:
        head = file.read(64)
    if head.startswith(b"version https://git-lfs"):
        return _LFS
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype html", b"<html")):
        return _PAGE
    return None


def count(items: Sequence[Any], noun: str) -> str:
    """Return the number of items with its noun: "1 file", "3 files"."""
    return f"{len(items)} {noun}" if len(items) == 1 else f"{len(items)} {noun}s"


def examples(paths: Sequence[str | Path]) -> str:
    """Return the number of files, and one of them."""
    return f"{count(paths, 'file')}, for example '{paths[0]}'"


def join(names: Sequence[str]) -> str:
    """Join names, at most as many as are readable in a message."""
    more = f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    return ", ".join(names[:_MAX_LISTED]) + more


def describe_unreadable(unreadable: Mapping[str, Sequence[Path]]) -> list[str]:
    """Return a text for each fault, with examples of the files that have it."""
    return [
        f"{examples(paths)}, {'which is' if len(paths) == 1 else 'each of which is'} {fault}"
        for fault, paths in unreadable.items()
    ]


def unreadable_error(start: str, unreadable: Mapping[str, Sequence[Path]]) -> AudioReadError:
    """Return the error for a folder or a table in which no file is readable.

    Parameters
    ----------
    start : str
        Beginning of the message: what could not be loaded, and a colon.
    unreadable : dict of str to sequence of Path
        Files by fault, as a noun phrase.
    """
    failures = [
        (str(path), f"it is {fault}") for fault, paths in unreadable.items() for path in paths
    ]
    return AudioReadError(
        f"{start} all files are unreadable: {'; '.join(describe_unreadable(unreadable))}",
        tuple((index, path, reason) for index, (path, reason) in enumerate(failures)),
    )
