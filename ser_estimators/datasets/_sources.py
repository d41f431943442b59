"""The kinds of tables that `load_table` takes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .._utils.text import represent, type_name
from ._audformat import from_audformat
from ._hugging_face import from_hugging_face
from ._listing import Listing, listing_of
from ._own import OwnFiles

__all__ = ["read_listing"]

_EXPECTED = (
    "the path of a CSV file, a DataFrame, a PyArrow table, a dict of columns, a table or database "
    "of audformat, or a Dataset of Hugging Face"
)


def read_listing(
    table: Any, root: str | os.PathLike[str] | None, wanted: Mapping[str, str | None]
) -> Listing:
    """Read a table.

    Parameters
    ----------
    table : object
        See `load_table`.
    root : path-like or None
        To which paths are relative; None is the folder of the table, or the current one.
    wanted : dict of {str: str or None}
        The columns that are asked for, see `find_columns`.

    Returns
    -------
    Listing
    """
    folder = None if root is None else Path(root).expanduser()
    package = type(table).__module__.partition(".")[0]
    if isinstance(table, (str, os.PathLike)):
        path = Path(table).expanduser()
        names = [name for name in wanted.values() if name]
        return listing_of(OwnFiles(str(path)), path, folder=folder, names=names)
    if package == "audformat":
        return from_audformat(table, folder, wanted)
    if package == "pyarrow" and hasattr(table, "to_pydict"):
        table = table.to_pydict()
    if package == "datasets":
        return from_hugging_face(table, folder or Path())
    return _from_frame(table, folder or Path())


def _from_frame(table: Any, folder: Path) -> Listing:
    names = getattr(table, "columns", None)
    if isinstance(table, Mapping):
        names = list(table)
    elif names is None or not hasattr(table, "__getitem__") or callable(names):
        raise TypeError(f"table is {represent(table)} ({type_name(table)}); expected {_EXPECTED}")
    elif any(name is not None for name in getattr(getattr(table, "index", None), "names", ())):
        # As in audformat, whose files and segments are the index. A column of the same name wins.
        repeated = [level for level, name in enumerate(table.index.names) if name in names]
        table = table.reset_index(level=repeated, drop=True)
        if any(name is not None for name in table.index.names):
            table = table.reset_index()
        names = table.columns
    files = OwnFiles(f"the {type_name(table)}", is_path=False)
    columns = [list(_cells(table, position, name)) for position, name in enumerate(names)]
    sizes = {len(column) for column in columns}
    if sizes in (set(), {0}):
        raise ValueError(f"{files.start} it has no rows; expected one per clip")
    if len(sizes) > 1:
        listed = ", ".join(
            f"{name!r:.40} {len(column)}" for name, column in zip(names, columns, strict=True)
        )
        raise ValueError(f"{files.start} its columns differ in length: {listed}")
    places = [f"row {number}" for number in range(1, sizes.pop() + 1)]
    return Listing(
        f"a {type_name(table)}", files, [str(name) for name in names], columns, places, folder
    )


def _cells(table: Any, position: int, name: Any) -> Sequence[Any]:
    """Return the cells of a column, by position where names may repeat."""
    return table.iloc[:, position] if hasattr(table, "iloc") else table[name]
