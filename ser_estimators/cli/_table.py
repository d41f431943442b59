"""Predictions as a table for people, as CSV and as JSON, one row after another."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import click

from ._text import pad, plain, shorten_start, width_of, wrap

__all__ = ["CsvRows", "JsonRows", "Row", "Rows", "TextRows"]

_PROBABILITY = "probability"
_MIN_NAME, _MIN_ERROR = 16, 30  # columns
_DIGITS = 6


@dataclass(frozen=True)
class Row:
    """The prediction for one recording.

    Parameters
    ----------
    name : str
        Path, or "-".
    label : object, default=None
        None if there is an error.
    probability : float or None, default=None
        Of the label; None if the model has no probabilities.
    probabilities : dict of object to float, default={}
        By class.
    error : str, default=""
        Why there is no label.
    unlike : str, default=""
        In what the recording is unlike the training audio.
    """

    name: str
    label: Any = None
    probability: float | None = None
    probabilities: dict[Any, float] = field(default_factory=dict)
    error: str = ""
    unlike: str = ""


class Rows(Protocol):
    """A format: what is printed before the rows, for each of them, and after them."""

    def start(self) -> str:
        """Return the text before the first row."""

    def row(self, row: Row) -> str:
        """Return the text of a row."""

    def end(self) -> str:
        """Return the text after the last row."""


class TextRows:
    """A table for people.

    Parameters
    ----------
    names : sequence of str
        All names that will be shown, for the width of their column.
    classes : sequence of object
    has_probability : bool
        Whether the model has probabilities.
    show_all : bool
        Whether to show the probabilities of all classes.
    width : int or None
        Number of columns of the terminal. None does not cut names, and shows each row as one line.
    """

    def __init__(
        self,
        names: Sequence[str],
        classes: Sequence[Any],
        *,
        has_probability: bool,
        show_all: bool,
        width: int | None,
    ) -> None:
        self.classes = [(one, max(width_of(_text(one)), 5)) for one in classes]
        self.has_probability, self.width = has_probability, width
        self.label = max([len("emotion"), *(width_of(_text(one)) for one in classes)])
        others = 2 + self.label + (2 + len(_PROBABILITY)) * has_probability
        self.name = max([len("file"), *(width_of(plain(name)) for name in names)])
        all_columns = sum(2 + n for _, n in self.classes) * show_all
        # Without space for a column for each class, they are listed below the row.
        is_wide = width is None or _MIN_NAME + others + all_columns <= width
        self.columns = self.classes if show_all and is_wide else []
        self.is_list = show_all and not is_wide
        if width is not None:
            room = width - others - all_columns * is_wide
            self.name = min(self.name, max(room, _MIN_NAME))

    def start(self) -> str:
        """Return the line with the names of the columns."""
        heading = [pad("file", self.name), pad("emotion", self.label)]
        heading += [_PROBABILITY] * self.has_probability
        heading += [pad(_text(one), n, right=True) for one, n in self.columns]
        return click.style("  ".join(heading).rstrip(), bold=True) + "\n"

    def row(self, row: Row) -> str:
        """Return a row, which is one line, except on a terminal that is too narrow for it."""
        name = plain(row.name)
        name = name if self.width is None else shorten_start(name, self.name)
        if row.error:
            return self._error(pad(name, self.name), f"error: {plain(row.error)}")
        cells = [pad(name, self.name), pad(_text(row.label), self.label)]
        if row.probability is not None:
            cells.append(f"{row.probability:>{len(_PROBABILITY)}.2f}")
        cells += [f"{row.probabilities[one]:>{n}.2f}" for one, n in self.columns]
        return "  ".join(cells).rstrip() + "\n" + (self._list(row) if self.is_list else "")

    def end(self) -> str:
        """Return nothing."""
        return ""

    def _error(self, name: str, error: str) -> str:
        if self.width is None:
            return f"{name}  {click.style(error, fg='red')}\n"
        indent = self.name + 2
        if self.width - indent < _MIN_ERROR:
            text = "    " + wrap(error, self.width, indent=4)
            return f"{name.rstrip()}\n{click.style(text, fg='red')}\n"
        return f"{name}  {click.style(wrap(error, self.width, indent=indent), fg='red')}\n"

    def _list(self, row: Row) -> str:
        """Return the probabilities of all classes, the highest first, in lines of their own."""
        assert self.width is not None
        ranked = sorted(row.probabilities.items(), key=lambda item: -item[1])
        # Lines do not break between an emotion and its number.
        text = ", ".join(f"{_text(one)}\xa0{value:.2f}" for one, value in ranked)
        indent = min(self.name + 2, max(self.width - _MIN_ERROR, 4))
        return " " * indent + wrap(text, self.width, indent=indent).replace("\xa0", " ") + "\n"


class CsvRows:
    """A CSV file with the columns path, emotion, probability, probability_..., and error.

    Parameters
    ----------
    classes : sequence of object
        Classes of which the probabilities are shown.
    """

    def __init__(self, classes: Sequence[Any]) -> None:
        self.classes = classes

    def start(self) -> str:
        """Return the line with the names of the columns."""
        names = [f"{_PROBABILITY}_{_text(one)}" for one in self.classes]
        return _csv(["path", "emotion", _PROBABILITY, *names, "error"])

    def row(self, row: Row) -> str:
        """Return a row."""
        values = [row.probabilities.get(one) for one in self.classes]
        numbers = [_rounded(value) for value in (row.probability, *values)]
        label = None if row.label is None else _text(row.label)
        return _csv([plain(row.name), label, *numbers, plain(row.error)])

    def end(self) -> str:
        """Return nothing."""
        return ""


class JsonRows:
    """A JSON list of objects, in ASCII, so that file names survive in any encoding.

    Parameters
    ----------
    show_all : bool
        Whether to show the probabilities of all classes.
    """

    def __init__(self, *, show_all: bool) -> None:
        self.show_all = show_all
        self.separator = "\n"

    def start(self) -> str:
        """Return the bracket before the list."""
        return "["

    def row(self, row: Row) -> str:
        """Return a row in a line of its own."""
        record: dict[str, Any] = {
            "path": row.name,
            "emotion": row.label,
            _PROBABILITY: _rounded(row.probability),
        }
        if self.show_all:
            record["probabilities"] = {
                _text(one): _rounded(value) for one, value in row.probabilities.items()
            } or None
        if row.unlike:
            record["unlike"] = row.unlike
        record["error"] = row.error or None
        start, self.separator = self.separator, ",\n"
        return start + json.dumps(record)

    def end(self) -> str:
        """Return the bracket after the list."""
        return "\n]\n"


def _text(label: Any) -> str:
    return plain(str(label))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def _csv(cells: Sequence[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()
