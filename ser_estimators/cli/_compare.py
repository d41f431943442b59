"""``ser compare``: whether systems differ, from their reports."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from ._command import Command, examples
from ._console import OK, Console

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

    loaded = {
        name: evaluation.EvaluationReport.from_json(file)
        for name, file in zip(_names(reports), reports, strict=True)
    }
    comparison = evaluation.compare(loaded, protocol=protocol)
    click.echo(json.dumps(asdict(comparison), indent=1) if as_json else str(comparison))
    return OK


def _names(files: tuple[str, ...]) -> list[str]:
    """Return the names of the files, without folder and suffix if they differ then."""
    names = [Path(file).stem for file in files]
    if len(set(names)) < len(names):
        names = list(files)
    if len(set(names)) < len(names):
        raise click.UsageError("a report is given twice")
    return names
