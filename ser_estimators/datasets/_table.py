"""Own recordings that a CSV file lists."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sklearn.utils import Bunch

from ._bunch import UNKNOWN, make_bunch
from ._own import OwnFiles, rename_emotions
from ._search import count, join

__all__ = ["decode", "load_table", "read_rows"]

_SEPARATORS = (",", ";", "\t")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")

# Line of the file, from 1, and the cells by name of their column.
_Row = tuple[int, dict[str, str]]


def load_table(
    path: str | os.PathLike[str],
    *,
    path_column: str = "path",
    emotion_column: str = "emotion",
    speaker_column: str = "speaker",
    emotions: Mapping[str, str | None] | None = None,
    as_frame: bool = False,
) -> Bunch:
    r"""Load recordings that a CSV file lists, with their emotions and speakers.

    The first line names the columns. They are separated by commas, semicolons or tabs, in any
    order; columns without a meaning here are ignored. Names of columns may differ in upper and
    lower case, unless there are several. No audio is decoded.

    Parameters
    ----------
    path : path-like
        The CSV file, in UTF-8.
    path_column : str, default="path"
        Column of the paths, which are relative to the folder of the CSV file.
    emotion_column : str, default="emotion"
        Column of the emotions.
    speaker_column : str, default="speaker"
        Column of the speakers. A table without a column named "speaker" has no speakers; a column
        of any other name must exist.
    emotions : dict of {str: str or None} or None, default=None
        New names for some of the emotions; None as a name leaves out its clips.
    as_frame : bool, default=False
        If True, ``frame`` is a pandas DataFrame; this requires pandas.

    Returns
    -------
    sklearn.utils.Bunch
        Dictionary-like object with the following attributes.

        ``data`` : list of str of length n_clips
            Paths, in the order of the table.
        ``target`` : ndarray of shape (n_clips,)
            Names of the emotions.
        ``speakers`` : ndarray of shape (n_clips,), or None
            Names of the speakers; None without such a column.
        ``sex``, ``intensity`` : ndarray of shape (n_clips,), or None
            The columns of these names, with "unknown" for empty cells; None without such a column.
        ``frame`` : pandas.DataFrame or None
            With ``as_frame=True``, a table with the columns path, emotion, and speaker, sex and
            intensity as far as they are known.
        ``target_names`` : ndarray of shape (n_emotions,)
            Names of the emotions, sorted.
        ``DESCR`` : str
            Name of the table.

    Raises
    ------
    FileNotFoundError
        If the table does not exist, or if none of its files does.
    AudioReadError
        If no file can be audio.
    TypeError, ValueError
        If the table is not a CSV file in UTF-8, has no rows, lacks a column or a value, or gives a
        file two emotions or speakers; or if `emotions` is not a dict, contains an unknown name or
        leaves no clip.
    ImportError
        If ``as_frame=True`` and pandas is not installed.

    Warns
    -----
    UserWarning
        If files are left out because they do not exist or cannot be audio, if files are listed more
        than once, or if names of emotions differ only in upper and lower case.

    See Also
    --------
    load_folder : Load recordings from folders that are named like the emotions.

    Examples
    --------
    >>> from pathlib import Path
    >>> from ser_estimators.datasets import load_table, make_emotional_speech
    >>> _ = make_emotional_speech(1, 1, emotions=["anger", "sadness"], out_dir="voices")
    >>> _ = Path("recordings.csv").write_text(
    ...     "file,emotion,speaker\n"
    ...     "voices/speaker_01/anger_01.wav,anger,anna\n"
    ...     "voices/speaker_01/sadness_01.wav,sadness,anna\n"
    ... )
    >>> load_table("recordings.csv", path_column="file")
    Recordings in the table recordings.csv
      2 clips of 1 speaker
      emotions: anger 1, sadness 1
      attributes: data, target, speakers, target_names, DESCR
    """
    path = Path(path).expanduser()
    files = OwnFiles(str(path))
    optional = [speaker_column, "sex", "intensity"]
    text = decode(files, path)
    rows = list(read_rows(files, text, [path_column, emotion_column], optional))
    if not rows:
        raise ValueError(
            f"{files.start} it has no rows below its first line; expected one per clip"
        )
    columns = list(rows[0][1])
    if speaker_column not in columns and speaker_column != "speaker":
        raise ValueError(_no_column(files, speaker_column, columns))
    needed = [path_column, emotion_column]
    needed += [speaker_column] if speaker_column in columns else []
    for name in needed:
        empty = [line for line, cells in rows if not cells[name]]
        if empty:
            raise ValueError(
                f"{files.start} {count(empty, 'row')} without a value in column {name!r:.80}, for "
                f"example line {empty[0]}; fill them in, or leave these rows out"
            )
    clips = _choose_files(files, rows, path.parent, needed)
    files.warn([cells[emotion_column] for _, cells in clips])
    names = rename_emotions([cells[emotion_column] for _, cells in clips], emotions)
    kept = [(clip, name) for clip, name in zip(clips, names, strict=True) if name is not None]

    def values(name: str) -> list[str] | None:
        return [cells[name] or UNKNOWN for (_, cells), _ in kept] if name in columns else None

    return make_bunch(
        data=[str(clip) for (clip, _), _ in kept],
        target=[name for _, name in kept],
        speakers=values(speaker_column),
        sex=values("sex"),
        intensity=values("intensity"),
        descr=(
            f"Recordings in the table {path.name}\n\n"
            f"{count(kept, 'clip')}, loaded by load_table of ser_estimators."
        ),
        as_frame=as_frame,
    )


def read_rows(
    files: OwnFiles, text: str, needed: Sequence[str], optional: Sequence[str] = ()
) -> Iterator[_Row]:
    """Yield the rows of a table, or raise if it is not one.

    Columns of a needed or optional name are found in any case, such as "Path" for "path".
    """
    separator = max(_SEPARATORS, key=lambda each: _n_found(text, each, needed))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    columns: list[str] | None = None
    try:
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            if not any(cells):
                continue
            if columns is None:
                columns = _spell([*needed, *optional], cells)
                for name in needed:
                    if columns.count(name) != 1:
                        raise ValueError(_no_column(files, name, cells))
                continue
            if any(cells[len(columns) :]):
                raise ValueError(
                    f"{files.start} line {reader.line_num} has {len(cells)} cells, and the first "
                    f"line {len(columns)}; put cells that contain {separator!r} in quotes"
                )
            cells += [""] * (len(columns) - len(cells))
            yield reader.line_num, dict(zip(columns, cells, strict=False))
    except csv.Error as error:
        raise ValueError(
            f"{files.start} line {reader.line_num} is not CSV ({error}); expected a table as a "
            "spreadsheet saves it as CSV"
        ) from error
    if columns is None:
        raise ValueError(f"{files.start} it is empty; expected a line with the names of columns")


def _spell(names: Sequence[str], columns: list[str]) -> list[str]:
    """Return the columns, with the case of a name where a single one differs only in that."""
    spelling = {}
    for name in names:
        alike = [column for column in columns if column.casefold() == name.casefold()]
        if len(alike) == 1:
            spelling[alike[0]] = name
    return [spelling.get(column, column) for column in columns]


def decode(files: OwnFiles, path: Path) -> str:
    """Return the text of a table, or raise if it has none."""
    if path.is_dir():
        raise ValueError(f"{files.start} it is a folder; expected a CSV file, or use load_folder")
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        where = "" if path.is_absolute() else f" in '{Path.cwd()}'"
        raise FileNotFoundError(f"{files.start} there is no such file{where}") from None
    if data.startswith(b"PK\x03\x04"):
        raise ValueError(
            f"{files.start} it is a spreadsheet or a zip file; save it as CSV in UTF-8 first"
        )
    try:
        return data.decode("utf-16" if data[:2] in _UTF_16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{files.start} it is not UTF-8 text (byte {error.start}); save it as CSV in UTF-8"
        ) from None


def _n_found(text: str, separator: str, needed: Sequence[str]) -> int:
    first = text.lstrip().split("\n", 1)[0]
    cells = {cell.strip().strip('"').casefold() for cell in first.split(separator)}
    return len(cells & {name.casefold() for name in needed})


def _no_column(files: OwnFiles, name: str, columns: list[str]) -> str:
    several = "more than one" if name in columns else "no"
    return (
        f"{files.start} it has {several} column {name!r:.80}; its first line names "
        f"{join([f'{column!r:.40}' for column in columns])}. Name them in that line, or pass "
        "path_column, emotion_column or speaker_column"
    )


def _choose_files(
    files: OwnFiles, rows: list[_Row], folder: Path, needed: list[str]
) -> list[tuple[Path, dict[str, str]]]:
    """Return each file that may be audio once, with its cells."""
    lines: dict[str, _Row] = {}
    clips, repeated, missing = [], [], []
    for line, cells in rows:
        path = folder / cells[needed[0]]
        key = os.path.normpath(path)
        if key in lines:
            first, others = lines[key]
            for name in needed[1:]:
                if cells[name] != others[name]:
                    raise ValueError(
                        f"{files.start} '{path}' has two values in column {name!r:.80}: "
                        f"{others[name]!r:.80} in line {first} and {cells[name]!r:.80} in line "
                        f"{line}; leave one of the rows out"
                    )
            repeated.append(path)
            continue
        lines[key] = line, cells
        try:
            size = path.stat().st_size
        except (OSError, ValueError):  # no such file, or a null character
            size = None
            missing.append(path)
        if files.add(path, size, is_listed=True):
            clips.append((path, cells))
    if len(missing) == len(lines):
        raise FileNotFoundError(
            f"{files.start} none of its {count(missing, 'file')} exists, for example "
            f"'{missing[0]}'; paths are relative to the folder of the table, '{folder.absolute()}'"
        )
    files.check()
    if repeated:
        files.remarks.append(
            f"{count(repeated, 'row')} with files that are listed before, for example "
            f"'{repeated[0]}', each loaded once"
        )
    return clips
