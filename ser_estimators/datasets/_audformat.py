"""Tables and databases of audformat."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ._columns import AUTO, USUAL, fold
from ._listing import Listing
from ._own import OwnFiles
from ._search import join

__all__ = ["from_audformat"]


def from_audformat(table: Any, folder: Path | None, wanted: Mapping[str, str | None]) -> Listing:
    """Return a table of audformat with the speakers and their sex, wherever the database has them.

    Parameters
    ----------
    table : audformat.Table or audformat.Database
        Of a database, the only table with the emotions.
    folder : pathlib.Path or None
        To which paths are relative; None is the folder of the database.
    wanted : dict of {str: str or None}
        The columns that are asked for, see `find_columns`.
    """
    files = OwnFiles("the audformat table", is_path=False)
    if hasattr(table, "tables"):
        table = _table_of(table, wanted["emotion"], files)
    if not hasattr(table, "get") or getattr(table, "type", None) not in ("filewise", "segmented"):
        raise ValueError(
            f"{files.start} it is a {type(table).__name__} without files; expected a table of "
            "files or segments, or a database with one: pass db['emotion'], for example"
        )
    database = table.db
    frame = table.get().reset_index()
    columns = {str(name): list(frame[name]) for name in frame.columns}
    if not len(frame):
        raise ValueError(f"{files.start} it has no rows; expected one per clip")
    for role in ("speaker", "sex"):
        if not _names_of(role, wanted.get(role, AUTO)) & set(map(fold, columns)):
            values = _values_of_files(database, role, wanted)
            if values:
                name = wanted.get(role) or role
                columns[role if name == AUTO else name] = [
                    values.get(file) for file in columns["file"]
                ]
    root = Path(database.root) if database is not None and database.root else Path()
    title = f"the audformat database {database.name}" if database is not None else "a Table"
    places = [f"row {number}" for number in range(1, len(frame) + 1)]
    return Listing(
        title,
        files,
        list(columns),
        list(columns.values()),
        places,
        folder or root,
        {"path": "file"},
    )


def _table_of(database: Any, emotion: str | None, files: OwnFiles) -> Any:
    """Return the only table of a database that has a column of emotions."""
    names = _names_of("emotion", emotion)
    found = [
        name
        for name in database.tables
        if any(fold(column) in names for column in database[name].columns)
    ]
    if len(found) != 1:
        tables = join([repr(name) for name in database.tables]) or "none"
        what = f"the tables {join([repr(name) for name in found])}" if found else "no table"
        raise ValueError(
            f"{files.start} {what} of the database {database.name!r} {'have' if found else 'has'} "
            f"a column of emotions (its tables: {tables}); pass one of them as db[...], with "
            "emotion=... if its column has another name"
        )
    return database[found[0]]


def _names_of(role: str, name: str | None) -> set[str]:
    return {fold(one) for one in (USUAL[role] if name in (AUTO, None) else (str(name),))}


def _values_of_files(database: Any, role: str, wanted: Mapping[str, str | None]) -> dict[str, Any]:
    """Return the speaker or the sex of each file, from a table of files."""
    if database is None or wanted.get(role, AUTO) is None:
        return {}
    for name in database.tables:
        table = database[name]
        if table.type != "filewise":
            continue
        for column in table.columns:
            if fold(column) in _names_of(role, wanted.get(role, AUTO)):
                return dict(table[column].get())
            # The sex of a speaker is usually a property of the label.
            if role == "sex" and fold(column) in _names_of("speaker", wanted.get("speaker", AUTO)):
                for key in USUAL["sex"]:
                    try:
                        return dict(table[column].get(map=key))
                    except ValueError:  # there is no such property
                        continue
    return {}
