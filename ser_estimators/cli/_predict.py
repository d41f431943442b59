"""``ser predict``: the emotions of recordings."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from ._advice import for_command_line
from ._command import Command, Failed, examples
from ._console import FAILED, OK, Console, counted, terminal_width
from ._inputs import Input, open_inputs
from ._models import card_of, find_model, load_model, model_option
from ._options import column_options, n_jobs_option
from ._speakers import SPEAKERS, batches_of, speakers_of
from ._table import CsvRows, JsonRows, Row, Rows, TextRows
from ._text import plain

__all__ = ["predict", "predict_inputs"]

_N_NAMES = 3  # recordings that a note names


@click.command(
    cls=Command,
    epilog=examples(
        "ser predict voice.wav",
        "ser predict -m model.safetensors recordings/ more/*.mp3",
        "ser predict -m model.safetensors --speakers one interview/",
        "ser predict --csv --probabilities recordings/ > emotions.csv",
        "ser predict --json voice.wav | jq '.[0].emotion'",
        "find . -name '*.wav' -mtime -1 -print0 | ser predict -0 -",
        "ffmpeg -i film.mp4 -ss 60 -t 3 -f wav - | ser predict -",
    ),
)
@click.argument("inputs", nargs=-1, required=True, type=click.Path(allow_dash=True))
@model_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@click.option("--csv", "as_csv", is_flag=True, help="Print a CSV table.")
@click.option("--probabilities", is_flag=True, help="Show the probabilities of all emotions.")
@click.option(
    "-0",
    "--null",
    is_flag=True,
    help="Paths from standard input end with a null character, as those of find -print0.",
)
@click.option(
    "--max-duration",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Refuse longer recordings, before they are decoded.",
)
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    metavar="PROBABILITY",
    help="Say unsure instead of an emotion whose probability is lower. "
    "[default: that of the model, if it was trained with --precision]",
)
@click.option(
    "--speakers",
    type=click.Choice(SPEAKERS),
    metavar="|".join(SPEAKERS),
    help="Adapt to the speakers, given several recordings of each: 'one' if all are of one "
    "speaker, 'folder' if each folder holds one speaker, 'column' if a CSV file names them, which "
    "--speaker-column implies.",
)
@n_jobs_option
@column_options("path", "speaker", "start", "end", "duration", "channel")
@click.pass_obj
def predict(
    console: Console,
    /,
    inputs: tuple[str, ...],
    model_file: str | None,
    encoder: str | None,
    as_json: bool,
    as_csv: bool,
    probabilities: bool,
    null: bool,
    max_duration: float | None,
    threshold: float | None,
    speakers: str | None,
    n_jobs: int | None,
    **columns: str | None,
) -> int:
    """Predict the emotions of recordings.

    INPUTS are audio files, folders, which are searched for audio files, patterns such as
    'voices/*.wav', and CSV files with a column path, which is relative to the file; with the
    columns start and end, in seconds, a row is a part of a file. "-" reads standard input: an audio
    file, a CSV table, or paths, one per line.

    There is one row for each recording, with its emotion or with the reason why there is none. The
    exit status is 0 if there is an emotion in every row, 1 if not, and 2 for a wrong usage or if
    there is no model.
    """
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other")
    path = find_model(model_file, console)
    if columns["speaker"] is None and speakers == "column":
        raise click.UsageError("--speaker-column none and --speakers column exclude each other")
    if columns["speaker"] not in ("auto", None):
        if speakers not in ("column", None):
            raise click.UsageError(f"--speaker-column and --speakers {speakers} exclude each other")
        speakers = "column"
    with open_inputs(inputs, is_null=null, columns=columns) as found:
        return predict_inputs(
            console,
            path,
            found,
            as_json=as_json,
            as_csv=as_csv,
            show_all=probabilities,
            max_duration=max_duration,
            threshold=threshold,
            speakers=speakers,
            trained_on=_durations(path),
            encoder=encoder,
            n_jobs=n_jobs,
        )


def predict_inputs(
    console: Console,
    model_path: Path,
    inputs: Sequence[Input],
    *,
    as_json: bool = False,
    as_csv: bool = False,
    show_all: bool = False,
    max_duration: float | None = None,
    threshold: float | None = None,
    speakers: str | None = None,
    trained_on: tuple[float, float] | None = None,
    encoder: str | None = None,
    n_jobs: int | None = None,
) -> int:
    """Print a row for each input, and return the exit status.

    With `speakers`, the model adapts to them. With `trained_on`, the range of durations in
    training, a note names much longer recordings.
    """
    import joblib
    import numpy as np

    from .. import predict_clips
    from .._audio.unlike import describe_unlike, is_notable, unlike_collected
    from .._estimators.speaker_routing import adapts_to_speakers
    from .._estimators.unsure import check_threshold
    from ..models._predictions import knows_training_audio

    model = load_model(model_path, encoder)
    classes = np.asarray(getattr(model, "classes_", ())).tolist()
    has_probability = hasattr(model, "predict_proba")
    if (show_all or threshold is not None) and not has_probability:
        raise click.UsageError(f"the model, a {type(model).__name__}, predicts no probabilities")
    try:
        check_threshold(threshold, model)
    except (TypeError, ValueError) as error:
        raise click.UsageError(f"--threshold: {plain(str(error))}") from error
    known: Sequence[str | None] = [None] * len(inputs)
    if speakers is not None:
        if not adapts_to_speakers(model):
            raise click.UsageError("the model does not adapt to speakers; leave out --speakers")
        known = speakers_of(inputs, speakers, emotions=classes)
        n_speakers = len({name for name in known if name is not None})
        if n_speakers:
            console.note(f"Adapting to {counted(n_speakers, 'speaker')}")
    if knows_training_audio(model):
        trained_on = None  # the model itself says which recordings are longer
    predicted = functools.partial(
        predict_clips, model, on_error="skip", max_duration=max_duration, threshold=threshold
    )
    rows: Rows
    if as_json:
        rows = JsonRows(show_all=show_all)
    elif as_csv:
        rows = CsvRows(classes if show_all else [])
    else:
        rows = TextRows(
            [one.name for one in inputs],
            classes,
            has_probability=has_probability,
            show_all=show_all,
            width=terminal_width(),
        )
    start = rows.start()  # not printed before an error that concerns all inputs
    n_failed, long = 0, []
    with (
        joblib.parallel_config(n_jobs=n_jobs),
        unlike_collected() as unlike,
        console.without_decoder_notes(),
        console.progress(len(inputs), "prediction", "file") as bar,
    ):
        for part in batches_of(known):
            batch = list(_predict_batch(predicted, inputs[part], known[part]))
            if trained_on is not None:
                long += _find_long(batch, inputs[part], trained_on[1])
            n_failed += sum(bool(row.error) for row in batch)
            bar.clear()  # the rows may appear on the same terminal
            click.echo(start + "".join(map(rows.row, batch)), nl=False)
            start = ""
            bar.update(len(batch))
    click.echo(start + rows.end(), nl=False)
    if long and trained_on is not None:
        console.note(_about_long(long, len(inputs), trained_on))
    if unlike and is_notable(unlike, len(inputs)):
        names = {str(one.path): one.name for one in inputs}
        console.note(
            describe_unlike(
                unlike,
                len(inputs),
                noun="recording",
                label=lambda one: plain(names.get(one.name, one.name)),
                is_list=True,
            )
        )
    if n_failed and len(inputs) > 1:  # a single row says it
        console.note(f"{n_failed:,} of {counted(len(inputs), 'file')} could not be predicted")
    return FAILED if n_failed else OK


def _durations(model_path: Path) -> tuple[float, float] | None:
    """Return the range of durations of the training audio, None if it is not known."""
    with contextlib.suppress(OSError, ValueError):  # reported when the model is loaded
        card = card_of(model_path)
        return card.audio.get("duration") if card else None
    return None


def _about_long(names: Sequence[str], n_inputs: int, durations: tuple[float, float]) -> str:
    are, say = ("is", "its label says") if len(names) == 1 else ("are", "their labels say")
    more = ", ..." if len(names) > _N_NAMES else ""
    return (
        f"{len(names):,} of {counted(n_inputs, 'recording')} {are} more than twice as long as the "
        f"training audio ({durations[0]:g} to {durations[1]:g} s), so {say} little: "
        f"{', '.join(plain(name) for name in names[:_N_NAMES])}{more}"
    )


def _find_long(rows: Sequence[Row], inputs: Sequence[Input], seconds: float) -> list[str]:
    """Return the names of predicted recordings that are more than twice as long."""
    from .._audio.reading import duration_of

    return [
        one.name
        for row, one in zip(rows, inputs, strict=True)
        if not row.error and (duration_of(one.path) or 0) > 2 * seconds
    ]


def _predict_batch(
    predict_paths: Any, inputs: Sequence[Input], speakers: Sequence[str | None]
) -> Iterator[Row]:
    """Yield a row for each input, in their order."""
    readable = [index for index, one in enumerate(inputs) if not one.error]
    predicted = iter(
        _predict_files(
            predict_paths, [inputs[i] for i in readable], [speakers[i] for i in readable]
        )
    )
    for one in inputs:
        yield Row(one.name, error=one.error) if one.error else next(predicted)


def _predict_files(
    predict_paths: Any, inputs: Sequence[Input], speakers: Sequence[str | None]
) -> list[Row]:
    from ..exceptions import EncoderError

    if not inputs:
        return []
    try:
        paths = [one.path for one in inputs]
        is_adapted = any(speaker is not None for speaker in speakers)
        found = predict_paths(paths, speakers=list(speakers) if is_adapted else None)
    except EncoderError as error:
        # No recording can be predicted.
        raise Failed(plain(for_command_line(str(error)))) from error
    except Exception as error:
        # The other recordings need not share what is wrong with one of them.
        if len(inputs) > 1:
            return [
                row
                for one, speaker in zip(inputs, speakers, strict=True)
                for row in _predict_files(predict_paths, [one], [speaker])
            ]
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return [Row(inputs[0].name, error=f"{reason:.1000}")]
    rows = []
    for index, one in enumerate(inputs):
        if found.errors[index]:
            rows.append(Row(one.name, error=_about(one, found.errors[index])))
            continue
        label, by_class = found.labels[index], {}
        if found.probabilities is not None:
            names = found.classes.tolist()
            by_class = dict(zip(names, found.probabilities[index].tolist(), strict=True))
        # Of an unsure answer, the probability that was too low.
        probability = by_class.get(label, max(by_class.values(), default=None))
        unlike = found.unlike[index] if found.unlike else ""
        rows.append(Row(one.name, label, probability, by_class, unlike=unlike))
    return rows


def _about(one: Input, reason: str) -> str:
    """Return a reason in the words of the command line, without a file of standard input."""
    reason = for_command_line(reason)
    if one.name != "-":
        return reason
    return reason.replace(f"{one.path}-", "stdin-").replace(str(one.path), "-")
