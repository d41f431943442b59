"""CSV files: their text, separator and rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from pathlib import Path

from ._columns import USUAL, fold
from ._own import OwnFiles

__all__ = ["decode", "read_rows"]

_SEPARATORS = (",", ";", "\t")
# How R, pandas and spreadsheets write a missing cell.
_MISSING = {"NA", "N/A", "#N/A", "<NA>", "NaN", "nan", "NaT", "None", "NULL", "null"}
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_USUAL = {fold(name) for names in USUAL.values() for name in names}


def read_rows(
    files: OwnFiles, text: str, names: Collection[str] = ()
) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the columns of a table and its rows, or raise if it is not one.

    Parameters
    ----------
    files : OwnFiles
    text : str
    names : collection of str, default=()
        Names of columns that the table should have, by which its separator is recognized.

    Returns
    -------
    columns : list of str
    rows : list of (int, list of str)
        The last line of each row in the file, from 1, and its cells, one for each column. Cells
        such as "NA" are empty.
    """
    known = _USUAL.union(map(fold, names))
    text, n_skipped = _without_separator_line(text)
    separator = max(_SEPARATORS, key=lambda each: _n_found(text, each, known))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    columns: list[str] | None = None
    rows = []
    try:
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            if not any(cells):
                continue
            if columns is None:
                columns = cells
                continue
            if any(cells[len(columns) :]):
                raise ValueError(
                    f"{files.start} line {reader.line_num + n_skipped} has {len(cells)} cells, and "
                    f"the first line {len(columns)}; put cells that contain {separator!r} in quotes"
                )
            cells += [""] * (len(columns) - len(cells))
            found = ["" if cell in _MISSING else cell for cell in cells[: len(columns)]]
            rows.append((reader.line_num + n_skipped, found))
    except csv.Error as error:
        raise ValueError(
            f"{files.start} line {reader.line_num + n_skipped} is not CSV ({error}); expected a "
            "table as a spreadsheet saves it as CSV"
        ) from error
    if columns is None:
        raise ValueError(f"{files.start} it is empty; expected a line with the names of columns")
    return columns, rows


def _without_separator_line(text: str) -> tuple[str, int]:
    """Return a table without the line "sep=;" that Excel may put first, and the lines left out."""
    first, _, rest = text.lstrip("\ufeff").partition("\n")
    return (rest, 1) if first.strip().casefold().startswith("sep=") else (text, 0)


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


def _n_found(text: str, separator: str, known: set[str]) -> tuple[int, int]:
    """Return how many cells of the first line have a known name, and how many there are."""
    first = text.lstrip().split("\n", 1)[0]
    cells = [fold(cell.strip().strip('"')) for cell in first.split(separator)]
    return len(known.intersection(cells)), len(cells)
