"""``ser adapt``: a model adapted to a few labeled recordings of a new speaker."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ._command import Command, Refused, examples
from ._console import OK, Console, counted
from ._corpora import DATA_HELP, describe, labels_of, load_data, name_of
from ._models import (
    SUFFIXES,
    card_of,
    check_suffix,
    find_model,
    load_model,
    model_option,
    move_back,
    move_encoder,
)
from ._models import save_model as save
from ._options import check_folder_of, corpus_options
from ._text import plain

__all__ = ["adapt"]


@click.command(
    cls=Command,
    help=f"""\
Adapt a model to a few labeled recordings.

A few recordings of each emotion are enough, such as five of a new speaker or microphone. Only the
last step of the model is fitted, which takes seconds. Test the new model on other recordings.

{DATA_HELP}""",
    epilog=examples(
        "ser adapt own/ -o own.safetensors",
        "ser adapt labels.csv -m model.safetensors -o own.safetensors",
    ),
)
@click.argument("data", type=click.Path())
@model_option
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(),
    metavar="FILE",
    help=f"Model file to write: {', '.join(SUFFIXES)}.",
)
@click.option(
    "--C",
    "C",
    type=click.FloatRange(0, min_open=True),
    default=10.0,
    show_default=True,
    metavar="FLOAT",
    help="The larger, the further the model moves towards the recordings.",
)
@click.option(
    "--with-speakers",
    is_flag=True,
    help="Use the speakers of the recordings: if the new model will predict with --speakers.",
)
@corpus_options
@click.pass_obj
def adapt(
    console: Console,
    /,
    data: str,
    model_file: str | None,
    encoder: str | None,
    output: str,
    C: float,
    with_speakers: bool,
    **columns: Any,
) -> int:
    """Adapt a model to a few labeled recordings."""
    path = Path(output)
    check_suffix(path)
    check_folder_of(output)
    model_path = find_model(model_file, console)
    model = load_model(model_path)
    places = None if encoder is None else move_encoder(model, model_path, encoder)
    corpus = load_data(data, **columns)
    describe(corpus, console)

    from .. import adapt_model
    from .._estimators.speaker_routing import adapts_to_speakers
    from ..models import ModelCard

    if with_speakers and corpus.speakers is None:
        raise Refused(
            f"--with-speakers: nothing in '{plain(data)}' says who speaks; arrange the files as "
            "<speaker>/<emotion>/<file>, or name the speakers in a CSV file"
        )
    if with_speakers and not adapts_to_speakers(model):
        raise Refused("the model does not adapt to speakers; leave out --with-speakers")
    groups = corpus.speakers if with_speakers else None
    with console.nothing_on_stdout():
        adapted = adapt_model(model, corpus.data, labels_of(corpus, model), groups=groups, C=C)
    if places is not None:
        move_back(adapted, places)  # the new model, too, is for other machines
    note = f"Adapted to {counted(len(corpus.data), 'clip')} of {plain(name_of(data))}."
    card = card_of(model_path) or ModelCard()
    save(adapted, path, replace(card, limitations=f"{card.limitations} {note}".strip()))
    console.note(f"Saved {plain(output)}")
    return OK
