"""What a user names: files, folders, patterns, and standard input."""

from __future__ import annotations

import contextlib
import glob
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..datasets._columns import AUTO, USUAL, fold
from ..datasets._search import AUDIO_SUFFIXES, find_audio
from ._advice import for_command_line

if TYPE_CHECKING:
    from .._audio.segment import Segment

__all__ = ["TABLES", "Input", "open_inputs"]

_STDIN = "-"
TABLES = (".csv", ".tsv")
_AUTO = dict.fromkeys(("path", "speaker", "start", "end", "duration"), AUTO)
_MARK = b"\xef\xbb\xbf"  # of UTF-8 text, from Windows
_MAGIC = frozenset("*?[")
_HEAD = 4096  # bytes that tell audio from a list of paths
_TEXT_CONTROLS = b"\t\n\r"


@dataclass(frozen=True)
class Input:
    """One recording to read.

    Parameters
    ----------
    name : str
        What is shown: the path, or "-" for standard input.
    path : str or Segment, default=""
        The file, or the part of it.
    error : str, default=""
        Why there is no file.
    speaker : str, default=""
        The speaker that a table names.
    """

    name: str
    path: str | Segment = ""
    error: str = ""
    speaker: str = ""


@contextmanager
def open_inputs(
    arguments: Sequence[str],
    *,
    is_null: bool = False,
    columns: Mapping[str, str | None] = _AUTO,
) -> Iterator[list[Input]]:
    """Return every recording that the arguments name, in their order.

    A folder stands for the audio files in it and its subfolders, sorted, without hidden ones. An
    argument with ``*``, ``?`` or ``[`` that is no file is a pattern, as in a shell. ``-`` is
    standard input: an audio file, a CSV table, or a list of paths, as its content shows. A CSV file
    stands for the paths in one of its columns, or for the segments that start and end there.

    Parameters
    ----------
    arguments : sequence of str
    is_null : bool, default=False
        Whether standard input is a list of paths that are separated by null characters.
    columns : dict of {str: str or None}
        The columns of tables, see `find_columns`.

    Yields
    ------
    list of Input
        Valid within the ``with`` statement: audio from standard input is in a temporary file.
    """
    if list(arguments).count(_STDIN) > 1:
        raise click.UsageError("'-' is given twice, but standard input can be read only once")
    if is_null and _STDIN not in arguments:
        raise click.UsageError("-0 is about paths from standard input: give '-' as well")
    if is_null and _told(columns):
        raise click.UsageError("-0 is about a list of paths, which has no columns")
    with contextlib.ExitStack() as stack:
        found: list[Input] = []
        for argument in arguments:
            if argument == _STDIN:
                found += _from_stdin(stack, columns, is_null=is_null)
            else:
                found += _find(argument, columns)
        yield found


def _find(argument: str, columns: Mapping[str, str | None]) -> Iterator[Input]:
    """Yield the recordings that an argument stands for."""
    path = argument
    # Shells other than cmd.exe have expanded both already.
    if argument.startswith("~") and not os.path.lexists(argument):
        path = os.path.expanduser(argument)
    if os.path.isdir(path):
        yield from _in_folder(path)
    elif _MAGIC.intersection(path) and not os.path.lexists(path):
        names = sorted(glob.glob(path, recursive=True))
        if not names:
            yield Input(argument, error="no file matches this pattern; check it")
        for name in names:
            if not os.path.isdir(name):
                yield from _in_file(name, name, columns)
            elif "**" not in path:  # which matches the files in the folder as well
                yield from _in_folder(name)
    else:
        yield from _in_file(argument, path, columns)


def _in_file(name: str, path: str, columns: Mapping[str, str | None]) -> Iterator[Input]:
    if Path(path).suffix.lower() in TABLES and os.path.isfile(path):
        yield from _in_table(name, Path(path), None, columns)
    else:
        yield Input(name, path)


def _in_folder(folder: str) -> Iterator[Input]:
    is_empty = True
    for path, _ in find_audio(folder):
        is_empty = False
        yield Input(str(path), str(path))
    if is_empty:
        endings = ", ".join(AUDIO_SUFFIXES[:4])
        yield Input(folder, error=f"the folder contains no audio files ({endings} and so on)")


def _in_table(
    name: str, path: Path, text: str | None, columns: Mapping[str, str | None]
) -> Iterator[Input]:
    """Yield the recordings that a table lists, whose paths are relative to it."""
    from ..datasets._bounds import bounds_of, columns_of, with_bounds
    from ..datasets._listing import listing_of
    from ..datasets._own import OwnFiles

    files = OwnFiles(name)
    try:
        listing = listing_of(files, path, text, names=_told(columns))
        found = columns_of(listing, columns, ("path",))
    except (OSError, ValueError) as error:
        reason = str(error).removeprefix(files.start).strip()
        yield Input(name, error=for_command_line(reason))
        return
    for row, place in enumerate(listing.places):
        one = listing.take(row)
        (cell,) = one.column(found["path"])
        if not cell:
            yield Input(name, error=f"{place} of the table has no path")
            continue
        try:
            bounds = {role: values[0] for role, values in bounds_of(one, found).items()}
        except ValueError as error:
            reason = str(error).removeprefix(files.start).strip()
            yield Input(str(path.parent / cell), error=for_command_line(reason))
            continue
        clip = with_bounds(cell, path.parent, bounds)
        speaker = one.column(found["speaker"])[0] if "speaker" in found else ""
        yield Input(str(clip), clip, speaker=str(speaker or ""))


def _told(columns: Mapping[str, str | None]) -> list[str]:
    """Return the columns that the user named."""
    return [column for column in columns.values() if column not in (None, AUTO)]


def _is_table(data: bytes, columns: Mapping[str, str | None]) -> bool:
    """Return whether text is a table, rather than a list of paths."""
    if _told(columns):
        return _is_text(data[:_HEAD])
    line, _, rest = data.removeprefix(_MARK).partition(b"\n")
    cells = re.split(rb"[,;\t]", line.strip())
    names = {fold(cell.strip(b' "').decode(errors="replace")) for cell in cells}
    if names.isdisjoint(USUAL["path"]):
        return False
    # A single name may also be that of a file.
    return len(cells) > 1 or bool(rest.strip() and not os.path.exists(line.strip()))


def _from_stdin(
    stack: contextlib.ExitStack, columns: Mapping[str, str | None], *, is_null: bool
) -> Iterator[Input]:
    data = sys.stdin.buffer.read() if sys.stdin is not None else b""
    if not data:
        yield Input(_STDIN, error="standard input is empty; expected audio, or one path per line")
    elif not is_null and _is_table(data, columns):
        text = data.removeprefix(_MARK).decode("utf-8", errors="surrogateescape")
        yield from _in_table(_STDIN, Path(_STDIN), text, columns)
    elif is_null or _is_text(data[:_HEAD]):
        for name in _split(data, is_null=is_null):
            yield from _find(name, columns)
    else:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ser-"))
        path = Path(folder, "stdin")
        path.write_bytes(data)
        yield Input(_STDIN, str(path))


def _is_text(head: bytes) -> bool:
    """Return whether bytes may be paths: all headers of audio files contain control characters."""
    return not any(byte < 32 and byte not in _TEXT_CONTROLS for byte in head)


def _split(data: bytes, *, is_null: bool) -> list[str]:
    if is_null:
        return [_decode(part) for part in data.split(b"\0") if part]
    data = data.removeprefix(_MARK)
    return [_decode(line) for line in data.replace(b"\r\n", b"\n").split(b"\n") if line.strip()]


def _decode(name: bytes) -> str:
    try:
        return os.fsdecode(name)
    except UnicodeDecodeError:  # on Windows, in the encoding of the console
        return name.decode(sys.stdin.encoding or "utf-8", errors="replace")
