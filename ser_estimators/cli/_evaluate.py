"""``ser evaluate``: the score on speakers that the model was not trained on."""

from __future__ import annotations

from typing import Any

import click

from .._utils.writing import write_file
from ._command import Command, Refused, examples
from ._console import OK, Console
from ._corpora import DATA_HELP, describe, load_data
from ._options import (
    check_folder_of,
    corpus_options,
    list_option,
    pipeline_options,
    require_pandas,
    set_parameters,
)
from ._stress import conditions_of
from ._text import plain

__all__ = ["evaluate"]


@click.command(
    cls=Command,
    help=f"""\
Measure how well emotions of new speakers are recognized.

A model is trained on some of the speakers and tested on the others, five times. The report begins
with the balanced accuracy. Only the files that the options name are written.

{DATA_HELP}""",
    epilog=examples(
        "ser evaluate recordings/ --html report.html",
        "ser evaluate ravdess:/data/ravdess --random-split --resume folds/",
        "ser evaluate recordings/ --stress --html report.html",
        "ser evaluate recordings.csv --set cnn__n_networks=1 --json > single.json",
    ),
)
@click.argument("data", type=click.Path())
@click.option("--html", type=click.Path(), metavar="FILE", help="Write the report as a web page.")
@click.option(
    "--csv",
    "csv_file",
    type=click.Path(),
    metavar="FILE",
    help="Write the prediction for every clip as a table.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print the report as JSON, which ser compare reads."
)
@click.option("--cv", type=click.IntRange(2), metavar="INT", help="Number of folds.  [default: 5]")
@click.option(
    "--random-split", is_flag=True, help="Also split at random, which overestimates the scores."
)
@click.option(
    "--unknown-speakers",
    is_flag=True,
    help="Split at random because nobody knows who speaks; the report says so.",
)
@click.option(
    "--stress",
    "is_stressed",
    is_flag=True,
    help="Also test with noise, in rooms, through a telephone and so on: see ser stress --list.",
)
@list_option("--conditions", "names", "Test these conditions only, instead of all of --stress.")
@click.option(
    "--resume",
    type=click.Path(file_okay=False),
    metavar="FOLDER",
    help="Store finished folds here; the same command then continues an interrupted evaluation.",
)
@click.option("--name", help="Name of the system in the report.")
@pipeline_options
@corpus_options
@click.pass_obj
def evaluate(
    console: Console,
    /,
    data: str,
    html: str | None,
    csv_file: str | None,
    as_json: bool,
    cv: int | None,
    random_split: bool,
    unknown_speakers: bool,
    is_stressed: bool,
    names: tuple[str, ...] | None,
    resume: str | None,
    name: str | None,
    encoder: str | None,
    recordings: str,
    settings: dict[str, Any],
    random_state: int,
    memory: str | None,
    n_jobs: int | None,
    **columns: Any,
) -> int:
    """Measure how well emotions of new speakers are recognized."""
    if unknown_speakers and random_split:
        raise click.UsageError(
            "with --unknown-speakers, all splits are random: omit --random-split"
        )
    check_folder_of(html, csv_file)
    conditions = conditions_of(names) if is_stressed or names is not None else None
    if csv_file is not None:
        require_pandas("--csv")
    corpus = load_data(data, **columns)
    describe(corpus, console)
    speakers: Any = "unknown" if unknown_speakers else corpus.speakers
    if speakers is None:
        raise Refused(
            f"nothing in '{plain(data)}' says who speaks, so that a person could appear in both "
            "training and test; arrange the files as <speaker>/<emotion>/<file>, name the speakers "
            "in a CSV file, or pass --unknown-speakers, and the report says so"
        )

    from .. import evaluation, make_ser_pipeline

    pipe = make_ser_pipeline(
        encoder=encoder, recordings=recordings, random_state=random_state, memory=memory
    )
    set_parameters(pipe, settings)
    try:
        with console.nothing_on_stdout():
            report = evaluation.evaluate(
                pipe,
                corpus.data,
                corpus.target,
                speakers,
                cv=cv,
                random_split=random_split,
                metadata={key: corpus[key] for key in ("sex", "intensity")},
                conditions=conditions,
                resume=resume,
                n_jobs=n_jobs,
                name=name,
                verbose=0 if console.quiet else 1,
            )
    except KeyboardInterrupt:
        if resume is not None:
            console.note("The same command continues after the finished folds")
        raise
    try:
        if html is not None:
            console.note(f"Wrote {plain(str(report.to_html(html)))}")
        if csv_file is not None:
            write_file(csv_file, report.main.clips_frame().to_csv(index=False))
            console.note(f"Wrote {plain(csv_file)}")
    finally:
        # Also if the disk is full, because an evaluation takes minutes.
        click.echo(report.to_json() if as_json else str(report), nl=not as_json)
    return OK
