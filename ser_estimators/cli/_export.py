"""``ser export``: a model as an ONNX file."""

from __future__ import annotations

from pathlib import Path

import click

from ._command import Command, Refused, examples
from ._console import OK, Console
from ._models import card_of, find_model, load_model
from ._options import check_folder_of
from ._text import plain

__all__ = ["export"]


@click.command(cls=Command, epilog=examples("ser export model.safetensors -o model.onnx"))
@click.argument("model", required=False, type=click.Path())
@click.option(
    "-o", "--output", required=True, type=click.Path(), metavar="FILE", help="ONNX file to write."
)
@click.pass_obj
def export(console: Console, model: str | None, output: str) -> int:
    """Write a model as an ONNX file.

    The file runs in ONNX Runtime, without this library. The card of the model is part of it.

    Without MODEL, this is the model of the installed package, if there is one.
    """
    if Path(output).suffix.lower() != ".onnx":
        raise Refused(f"'{plain(output)}' does not end in .onnx")
    check_folder_of(output)
    path = find_model(model, console)
    loaded = load_model(path)

    from .. import export_onnx

    with console.nothing_on_stdout():
        export_onnx(loaded, output, card=card_of(path))
    console.note(f"Saved {plain(output)} ({Path(output).stat().st_size / 1e6:.1f} MB)")
    return OK
