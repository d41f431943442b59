"""``ser stress``: what is left of the accuracy of a model outside the studio."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import click

from .._utils.writing import write_file
from ._command import Command, Refused, examples
from ._console import OK, Console
from ._corpora import DATA_HELP, describe, labels_of, load_data, name_of
from ._models import card_of, find_model, load_model, model_option
from ._options import check_folder_of, corpus_options, list_option, n_jobs_option
from ._text import plain

__all__ = ["conditions_of", "stress"]


@click.command(
    cls=Command,
    help=f"""\
Test a model with noise, in rooms, through a telephone.

Every recording is predicted as it is, and after it was changed as other microphones, rooms and
lines change it. The recordings must be others than those that the model was trained on; "ser
evaluate --stress" trains on some speakers and tests on the others.

{DATA_HELP}""",
    epilog=examples(
        "ser stress recordings/ -m model.safetensors",
        "ser stress recordings/ -m model.safetensors --html stress.html",
        "ser stress recordings/ -m model.safetensors --conditions 'room 0.4 s'",
    ),
)
@click.argument("data", type=click.Path())
@model_option
@list_option(
    "--conditions", "names", 'Names of conditions, see "ser stress --list".  [default: all]'
)
@click.option(
    "--list",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda ctx, param, value: _list_conditions(ctx) if value else None,
    help="List the names of all conditions, and exit.",
)
@click.option("--html", type=click.Path(), metavar="FILE", help="Write the result as a web page.")
@click.option(
    "--csv",
    "csv_file",
    type=click.Path(),
    metavar="FILE",
    help="Write the scores under each condition as a table.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@n_jobs_option
@corpus_options
@click.pass_obj
def stress(
    console: Console,
    /,
    data: str,
    model_file: str | None,
    encoder: str | None,
    names: tuple[str, ...] | None,
    html: str | None,
    csv_file: str | None,
    as_json: bool,
    n_jobs: int | None,
    **columns: str,
) -> int:
    """Test a model on recordings that are changed."""
    check_folder_of(html, csv_file)
    if csv_file is not None and importlib.util.find_spec("pandas") is None:
        raise Refused("--csv needs pandas, which is not installed; run 'pip install pandas'")
    conditions = conditions_of(names)
    path = find_model(model_file, console)
    model = load_model(path, encoder)
    corpus = load_data(data, **columns)
    describe(corpus, console)
    _note_training_data(console, path, data)

    from .. import evaluation

    with console.without_decoder_notes(), console.nothing_on_stdout():
        result = evaluation.stress_test(
            model,
            corpus.data,
            labels_of(corpus, model),
            corpus.speakers,
            conditions=conditions,
            metadata={key: corpus[key] for key in ("sex", "intensity")},
            corpus=name_of(data),
            n_jobs=n_jobs,
            verbose=0 if console.quiet else 1,
        )
    try:
        if html is not None:
            console.note(f"Wrote {plain(str(result.to_html(html)))}")
        if csv_file is not None:
            write_file(csv_file, result.to_frame().to_csv(index=False))
            console.note(f"Wrote {plain(csv_file)}")
    finally:
        # Also if the disk is full, because a stress test takes minutes.
        click.echo(result.to_json() if as_json else str(result), nl=not as_json)
    return OK


def conditions_of(names: tuple[str, ...] | None) -> Any:
    """Return what the option `--conditions` stands for, in the words of the library.

    Raises
    ------
    Refused
        If a name is unknown.
    """
    if names is None:
        return "standard"
    from ..conditions import standard_conditions

    known = standard_conditions()
    for name in names:
        if name not in known:
            raise Refused(
                f"there is no condition '{plain(name)}'; 'ser stress --list' lists all of them"
            )
    if not names:
        raise Refused("--conditions is empty; pass names, separated by commas")
    return list(dict.fromkeys(names))


def _list_conditions(ctx: click.Context) -> None:
    from ..conditions import standard_conditions

    click.echo("\n".join(standard_conditions()))
    ctx.exit()


def _note_training_data(console: Console, path: Path, data: str) -> None:
    """Warn if the card of the model says that it was trained on data of this name."""
    card = card_of(path)
    name = name_of(data)
    if card is not None and name.lower() in {corpus.lower() for corpus in card.corpora}:
        console.note(
            f"The card of the model says that it was trained on '{plain(name)}'. If these are the "
            "same recordings, the scores say nothing about new ones"
        )
