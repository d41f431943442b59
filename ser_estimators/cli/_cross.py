"""``ser cross``: training on each of several corpora, and testing on all of them."""

from __future__ import annotations

from typing import Any

import click

from .._utils.writing import write_file
from ._command import Command, Refused, examples
from ._console import OK, Console
from ._corpora import DATA_HELP, describe, load_data, name_of
from ._options import (
    check_folder_of,
    corpus_options,
    pipeline_options,
    require_pandas,
    set_parameters,
)
from ._text import plain

__all__ = ["cross"]


@click.command(
    cls=Command,
    help=f"""\
Train on each of several corpora, and test on all of them.

Prints a matrix: rows are the corpora that a model is trained on, and columns those that it is
tested on. Only emotions that all corpora have are used. Within a corpus, speakers are held out.
Training takes minutes for each corpus, and for each fold within it.

{DATA_HELP}""",
    epilog=examples(
        "ser cross ravdess:/data/ravdess crema_d:/data/crema-d calls/",
        "ser cross ravdess:/data/ravdess calls/ --encoder openai/whisper-base",
    ),
)
@click.argument("data", nargs=-1, required=True, type=click.Path())
@click.option(
    "--csv", "csv_file", type=click.Path(), metavar="FILE", help="Write the scores as a table."
)
@click.option("--json", "as_json", is_flag=True, help="Print the scores as JSON.")
@click.option(
    "--cv",
    type=click.IntRange(2),
    default=5,
    show_default=True,
    metavar="INT",
    help="Number of folds within each corpus.",
)
@click.option(
    "--resume",
    type=click.Path(file_okay=False),
    metavar="FOLDER",
    help="Store finished fits here; the same command then continues an interrupted run.",
)
@pipeline_options
@corpus_options
@click.pass_obj
def cross(
    console: Console,
    /,
    data: tuple[str, ...],
    csv_file: str | None,
    as_json: bool,
    cv: int,
    resume: str | None,
    encoder: str | None,
    recordings: str,
    settings: dict[str, Any],
    random_state: int,
    memory: str | None,
    n_jobs: int | None,
    **columns: Any,
) -> int:
    """Train on each of several corpora, and test on all of them."""
    check_folder_of(csv_file)
    if csv_file is not None:
        require_pandas("--csv")
    names = [name_of(one) for one in data]
    for name in names:
        if names.count(name) > 1:
            raise Refused(
                f"two corpora are named '{name}'; pass each corpus once, and give folders and "
                "tables different names"
            )
    if len(names) < 2:
        raise Refused("there is one corpus; expected two or more")
    corpora = {}
    for name, one in zip(names, data, strict=True):
        corpora[name] = load_data(one, **columns)
        describe(corpora[name], console)
        if corpora[name].speakers is None:
            raise Refused(
                f"nothing in '{plain(one)}' says who speaks; arrange the files as "
                "<speaker>/<emotion>/<file>, or name the speakers in a CSV file"
            )

    from .. import evaluation, make_ser_pipeline

    pipe = make_ser_pipeline(
        encoder=encoder, recordings=recordings, random_state=random_state, memory=memory
    )
    set_parameters(pipe, settings)
    try:
        with console.nothing_on_stdout():
            found = evaluation.cross_corpus(
                pipe,
                corpora,
                cv=cv,
                resume=resume,
                n_jobs=n_jobs,
                verbose=0 if console.quiet else 1,
            )
    except KeyboardInterrupt:
        if resume is not None:
            console.note("The same command continues after the finished fits")
        raise
    try:
        if csv_file is not None:
            write_file(csv_file, found.to_frame().to_csv(index=False))
            console.note(f"Wrote {plain(csv_file)}")
    finally:
        # Also if the disk is full, because this takes long.
        click.echo(found.to_json() if as_json else str(found), nl=not as_json)
    return OK
