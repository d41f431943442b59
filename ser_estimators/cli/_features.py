"""``ser features``: a table of acoustic features of recordings."""

from __future__ import annotations

import csv
import importlib.util
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from .._utils.writing import write_file
from ..exceptions import AudioReadError
from ._command import Command, Failed, Refused, examples
from ._console import FAILED, OK, Console, counted
from ._corpora import DATA_HELP, is_corpus, load_data
from ._inputs import Input, open_inputs
from ._options import (
    check_folder_of,
    corpus_options,
    list_option,
    n_jobs_option,
    set_parameters,
    settings_option,
)
from ._text import plain

__all__ = ["features"]

_BATCH = 64  # recordings between two steps of the progress bar
_STDOUT = "-"


@click.command(
    cls=Command,
    help=f"""\
Compute a table of acoustic features of recordings.

{DATA_HELP} Emotions and speakers become columns. Any other folder, file or pattern gives a table
without them.

Recordings that cannot be read are left out, with a reason on standard error, and the exit status is
1.""",
    epilog=examples(
        "ser features recordings/ -o table.csv",
        "ser features voice.wav --features pitch,rms --statistics mean,std",
        "ser features ravdess:/data/ravdess -o table.parquet",
    ),
)
@click.argument("data", type=click.Path())
@click.option(
    "-o",
    "--output",
    default=_STDOUT,
    type=click.Path(),
    metavar="FILE",
    help="Table to write, .csv or .parquet.  [default: CSV on standard output]",
)
@list_option("--features", "groups", "Groups of features, such as mfcc,pitch,rms.  [default: all]")
@list_option("--statistics", "statistics", "Statistics over time, such as mean,std,p90.")
@settings_option("trim_db=None")
@click.option(
    "--memory", type=click.Path(file_okay=False), metavar="FOLDER", help="Cache features here."
)
@n_jobs_option
@corpus_options
@click.pass_obj
def features(
    console: Console,
    /,
    data: str,
    output: str,
    groups: tuple[str, ...] | None,
    statistics: tuple[str, ...] | None,
    settings: dict[str, Any],
    memory: str | None,
    n_jobs: int | None,
    **columns: Any,
) -> int:
    """Compute a table of acoustic features of recordings."""
    suffix = Path(output).suffix.lower()
    if output != _STDOUT:
        if suffix not in (".csv", ".parquet"):
            raise Refused(f"'{plain(output)}' ends in neither .csv nor .parquet")
        check_folder_of(output)
    if suffix == ".parquet":
        _check_parquet()

    from .. import AcousticFeatures

    chosen = {"features": groups, "statistics": statistics, "memory": memory, "n_jobs": n_jobs}
    extractor = AcousticFeatures()
    set_parameters(extractor, {name: v for name, v in chosen.items() if v is not None} | settings)
    names = extractor.get_feature_names_out().tolist()
    with _open(data, columns, console) as (inputs, known):
        rows, failures = _extract(extractor, inputs, console)
    for index, reason in failures:
        console.note(f"left out: {plain(inputs[index].name)}: {plain(reason)}")
    if not rows:
        raise Failed("no recording could be read")
    table = [
        [plain(inputs[index].name), *(column[index] for column in known.values()), *values]
        for index, values in rows
    ]
    _write(["path", *known, *names], table, output)
    if output != _STDOUT:
        console.note(f"Wrote {counted(len(rows), 'row')} to {plain(output)}")
    return FAILED if failures else OK


@contextmanager
def _open(
    data: str, columns: dict[str, Any], console: Console
) -> Iterator[tuple[list[Input], dict[str, Any]]]:
    """Yield the recordings, and the columns that are known of them."""
    corpus = None
    if is_corpus(data):
        corpus = load_data(data, **columns)
    elif Path(data).is_dir():
        try:
            corpus = load_data(data, **columns)
        except (ValueError, FileNotFoundError):
            console.note(
                f"'{plain(data)}' has no folders of emotions, so the table has no such column"
            )
    if corpus is None:
        with open_inputs([data]) as inputs:
            yield inputs, {}
        return
    of = {"emotion": "target", "speaker": "speakers", "sex": "sex", "intensity": "intensity"}
    known = {name: corpus[key] for name, key in of.items() if corpus[key] is not None}
    yield [Input(str(clip), clip) for clip in corpus.data], known


def _extract(
    extractor: Any, inputs: Sequence[Input], console: Console
) -> tuple[list[tuple[int, Any]], list[tuple[int, str]]]:
    """Return (position, features) of readable recordings and (position, reason) of the others."""
    rows: list[tuple[int, Any]] = []
    failures = [(index, one.error) for index, one in enumerate(inputs) if one.error]
    readable = [index for index, one in enumerate(inputs) if not one.error]
    with (
        console.without_decoder_notes(),
        console.progress(len(readable), "features", "file") as bar,
    ):
        for start in range(0, len(readable), _BATCH):
            batch = readable[start : start + _BATCH]
            bar.update(len(batch))
            while batch:
                try:
                    rows += zip(
                        batch, extractor.transform([inputs[i].path for i in batch]), strict=True
                    )
                    break
                except AudioReadError as error:
                    failures += [(batch[index], reason) for index, _, reason in error.failures]
                    failed = {index for index, _, _ in error.failures}
                    batch = [one for index, one in enumerate(batch) if index not in failed]
    return rows, sorted(failures)


def _check_parquet() -> None:
    """Raise unless Parquet files can be written."""
    missing = [name for name in ("pandas", "pyarrow") if importlib.util.find_spec(name) is None]
    if missing:
        raise Refused(
            f"Parquet files need {' and '.join(missing)}; run 'pip install {' '.join(missing)}', "
            "or write a .csv file"
        )


def _write(names: list[str], rows: list[list[Any]], output: str) -> None:
    if output.lower().endswith(".parquet"):
        import pandas

        content: str | bytes = pandas.DataFrame(rows, columns=names).to_parquet(index=False)
        write_file(output, content)
        return
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([names, *rows])
    if output == _STDOUT:
        click.echo(buffer.getvalue(), nl=False)
    else:
        write_file(output, buffer.getvalue())
