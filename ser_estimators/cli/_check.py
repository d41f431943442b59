"""``ser check``: what is wrong with recordings, before a model is trained on them."""

from __future__ import annotations

from typing import Any

import click

from .._utils.writing import write_file
from ._command import Command, examples
from ._console import FAILED, OK, Console
from ._corpora import DATA_HELP, load_data
from ._options import check_folder_of, corpus_options, n_jobs_option, require_pandas
from ._text import plain

__all__ = ["check"]


@click.command(
    cls=Command,
    help=f"""\
Check recordings for what spoils a model or its evaluation.

Finds missing, unreadable, silent, clipped and doubled recordings, speakers with two names, emotions
of a single speaker, and recordings whose rate is not what their headers say. The exit status is 1
if there is any problem. Nothing is changed.

{DATA_HELP}""",
    epilog=examples(
        "ser check recordings/",
        "ser check recordings.csv --csv problems.csv",
        "ser check ravdess:/data/ravdess --labels-only",
    ),
)
@click.argument("data", type=click.Path())
@click.option(
    "--csv",
    "csv_file",
    type=click.Path(),
    metavar="FILE",
    help="Write the recordings concerned as a table.",
)
@click.option("--labels-only", is_flag=True, help="Read no audio.")
@n_jobs_option
@corpus_options
@click.pass_obj
def check(
    console: Console,
    /,
    data: str,
    csv_file: str | None,
    labels_only: bool,
    n_jobs: int | None,
    **columns: Any,
) -> int:
    """Check recordings for what spoils a model or its evaluation."""
    check_folder_of(csv_file)
    if csv_file is not None:
        require_pandas("--csv")
    corpus = load_data(data, **columns)

    from ..datasets import check_corpus

    found = check_corpus(corpus, audio=not labels_only, n_jobs=n_jobs, verbose=int(console.has_bar))
    click.echo(str(found))
    if csv_file is not None:
        write_file(csv_file, found.to_frame().to_csv(index=False))
        console.note(f"Wrote {plain(csv_file)}")
    return FAILED if found.problems else OK
