"""``ser compare``: whether systems differ, from their reports."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ._command import Command, Refused, examples
from ._console import OK, Console
from ._text import plain

__all__ = ["compare"]


@click.command(
    cls=Command,
    epilog=examples(
        "ser evaluate recordings/ --json > cnn.json",
        "ser evaluate recordings/ --set cnn__augmentation=None --json > plain.json",
        "ser compare cnn.json plain.json",
    ),
)
@click.argument("reports", nargs=-1, required=True, type=click.Path())
@click.option("--protocol", metavar="NAME", help="Way of splitting to compare.  [default: first]")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
@click.pass_obj
def compare(console: Console, reports: tuple[str, ...], protocol: str | None, as_json: bool) -> int:
    """Test whether evaluated systems differ.

    REPORTS are two or more files of "ser evaluate --json", on the same data and folds. Their names
    are those of the systems.
    """
    if len(reports) < 2:
        raise click.UsageError("expected two reports or more")

    from .. import evaluation

    names = _names(reports)
    for file in reports:
        if not Path(file).exists():
            raise Refused(f"there is no report '{plain(file)}'; check the path")
    loaded = {name: _load(file) for name, file in zip(names, reports, strict=True)}
    comparison = evaluation.compare(loaded, protocol=protocol)
    click.echo(json.dumps(asdict(comparison), indent=1) if as_json else str(comparison))
    return OK


def _load(file: str) -> Any:
    from ..evaluation import EvaluationReport

    try:
        return EvaluationReport.from_json(file)
    except ValueError as error:
        # For a binary file, the cause would add nothing.
        why = "" if isinstance(error.__cause__, UnicodeDecodeError) else f" ({error.__cause__})"
        raise Refused(
            f"'{plain(file)}' is not a report of 'ser evaluate --json'{plain(why)}"
        ) from error


def _names(files: tuple[str, ...]) -> list[str]:
    """Return the names of the files, without folder and suffix if they differ then."""
    names = [Path(file).stem for file in files]
    if len(set(names)) < len(names):
        names = list(files)
    if len(set(names)) < len(names):
        raise click.UsageError("a report is given twice")
    return names
