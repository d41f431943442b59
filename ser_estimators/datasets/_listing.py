"""Tables of recordings as columns of cells."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ._csv import decode, read_rows
from ._own import OwnFiles

__all__ = ["Listing", "listing_of"]


@dataclass(frozen=True)
class Listing:
    """A table of recordings.

    Parameters
    ----------
    title : str
        What it is, for the description of the corpus.
    files : OwnFiles
    names : list of str
        Names of the columns, which may repeat.
    columns : list of list
        The cells of each column.
    places : list of str
        Where each row is found, such as "line 3".
    folder : pathlib.Path
        To which paths are relative.
    known : dict of {str: str}, default={}
        Columns whose role the table itself tells.
    """

    title: str
    files: OwnFiles
    names: list[str]
    columns: list[list[Any]]
    places: list[str]
    folder: Path
    known: Mapping[str, str] = field(default_factory=dict)

    def column(self, name: str) -> list[Any]:
        """Return the cells of a column, which must exist."""
        return self.columns[self.names.index(name)]

    def take(self, row: int) -> Listing:
        """Return a single row."""
        columns = [[column[row]] for column in self.columns]
        return replace(self, columns=columns, places=[self.places[row]])


def listing_of(
    files: OwnFiles,
    path: Path,
    text: str | None = None,
    *,
    folder: Path | None = None,
    names: Collection[str] = (),
) -> Listing:
    """Read a CSV file.

    Parameters
    ----------
    files : OwnFiles
    path : pathlib.Path
    text : str or None, default=None
        Its content, if it has been read.
    folder : pathlib.Path or None, default=None
        To which paths are relative; None is that of the file.
    names : collection of str, default=()
        See `read_rows`.

    Returns
    -------
    Listing
    """
    columns, rows = read_rows(files, decode(files, path) if text is None else text, names)
    if not rows:
        raise ValueError(
            f"{files.start} it has no rows below its first line; expected one per clip"
        )
    cells = [list(column) for column in zip(*(cells for _, cells in rows), strict=True)]
    places = [f"line {line}" for line, _ in rows]
    folder = path.parent if folder is None else folder
    return Listing(f"the table {path.name}", files, columns, cells, places, folder)
