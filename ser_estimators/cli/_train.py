"""``ser train``: a model from recordings."""

from __future__ import annotations

import secrets
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._command import Command, Failed, examples
from ._console import INTERRUPTED, OK, Console, counted
from ._corpora import DATA_HELP, describe, load_data, name_of
from ._models import SUFFIXES, check_suffix, save_model
from ._options import check_folder_of, corpus_options, pipeline_options, set_parameters
from ._text import plain

if TYPE_CHECKING:
    from ..models import ModelCard

__all__ = ["train"]

_READING = ("sr", "offset", "duration", "res_type")
_KEEPS_ALL = ".joblib"  # files of every model, whatever its parameters


@click.command(
    cls=Command,
    help=f"""\
Train a model on recordings and save it.

{DATA_HELP}

Training takes minutes. Ctrl-C ends the training of a network early: it is kept as it is, the model
is saved, and the exit status is {INTERRUPTED}. With --encoder, nothing is saved; with --memory as
well, the same command continues after the clips that the encoder has processed.""",
    epilog=examples(
        "ser train recordings/ -o model.safetensors",
        "ser train recordings.csv --emotion-column label -o model.safetensors",
        "ser train ravdess:/data/ravdess --recordings studio -o model.safetensors",
        "ser train recordings/ --encoder openai/whisper-base -o model.safetensors",
        "ser train recordings/ --precision 0.8 -o model.safetensors",
    ),
)
@click.argument("data", type=click.Path())
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(),
    metavar="FILE",
    help=f"Model file to write: {', '.join(SUFFIXES)}.",
)
@click.option(
    "--precision",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="SHARE",
    help="Answer unsure where less than this share of the answers would be right, such as 0.8. "
    "Takes three more trainings on some of the speakers, with --encoder of the last step only.",
)
@pipeline_options
@corpus_options
@click.pass_obj
def train(
    console: Console,
    /,
    data: str,
    output: str,
    precision: float | None,
    encoder: str | None,
    recordings: str,
    settings: dict[str, Any],
    random_state: int,
    memory: str | None,
    n_jobs: int | None,
    **columns: Any,
) -> int:
    """Train a model on recordings and save it."""
    path = Path(output)
    check_suffix(path)
    check_folder_of(output)
    corpus = load_data(data, **columns)
    describe(corpus, console)
    if len(corpus.target_names) < 2:
        emotion = plain(str(corpus.target_names[0]))
        raise Failed(f"'{emotion}' is the only emotion; expected at least two to tell apart")

    from .. import make_ser_pipeline
    from .._estimators.fit_routing import speakers_for_fit
    from ..exceptions import AudioReadError, TrainingInterruptedWarning
    from ..models import ModelCard, describe_audio

    pipe = make_ser_pipeline(
        encoder=encoder,
        recordings=recordings,
        random_state=random_state,
        n_jobs=n_jobs,
        memory=memory,
        # The model is for recordings that nobody has seen yet.
        warn_unlike=True,
        verbose=0 if console.quiet else 1,
    )
    set_parameters(pipe, settings)
    _read_alike(pipe, settings)
    fit_params: dict[str, Any] = {}
    model: Any = pipe
    if precision is not None:
        model, fit_params = _select(pipe, precision, corpus.speakers, encoder, console)
    else:
        fit_params = speakers_for_fit(pipe, corpus.speakers)
    start = time.monotonic()
    with console.nothing_on_stdout():
        model.fit(corpus.data, corpus.target, **fit_params)
    seconds = time.monotonic() - start
    # The model is for other folders and machines, whose caches and processors differ.
    for one in {id(one): one for one in (pipe, getattr(model, "estimator_", pipe))}.values():
        _make_neutral(one)
    is_interrupted = any(issubclass(one, TrainingInterruptedWarning) for one in console.warned)
    audio = {}
    try:
        audio = describe_audio(corpus.data, n_jobs=n_jobs)
    except (KeyboardInterrupt, AudioReadError) as error:
        # What took minutes is not lost: the card is written without the ranges of the audio. Parts
        # of files that the model does not use may be damaged.
        is_interrupted |= isinstance(error, KeyboardInterrupt)
    card = ModelCard(
        corpora=[name_of(data)],
        audio=audio,
        date=date.today().isoformat(),
        limitations=_interruption(pipe),
    )
    try:
        save_model(model, path, card)
    except Exception as error:
        kept = _keep(model, path, card)
        raise Failed(
            f"could not write '{plain(output)}' ({plain(str(error)):.500}); the model is in "
            f"'{plain(str(kept))}' instead"
        ) from error
    size = f"{path.stat().st_size / 1e6:.1f} MB"
    console.note(f"Saved {plain(output)} ({size}) after {counted(round(seconds), 'second')}")
    return INTERRUPTED if is_interrupted else OK


def _select(
    pipe: Any, precision: float, speakers: Any, encoder: str | None, console: Console
) -> tuple[Any, dict[str, Any]]:
    """Return a model that may be unsure, and the parameters of its fit."""
    from .. import SelectiveClassifier

    if speakers is None:
        console.note(
            "The speakers are unknown, so the precision may be lower for new speakers than asked "
            "for"
        )
    if encoder is None:
        return SelectiveClassifier(pipe, precision=precision), {"groups": speakers}
    # The encoder is not trained, so it runs once.
    name, last = pipe.steps[-1]
    pipe.set_params(**{name: SelectiveClassifier(last, precision=precision)})
    known = {} if speakers is None else {f"{step}__groups": speakers for step, _ in pipe.steps}
    return pipe, known


def _read_alike(pipe: Any, settings: dict[str, Any]) -> None:
    """Let the ranges of the audio be those of what the features are computed from."""
    (_, ranges), (_, features), *_ = pipe.steps
    for name in _READING:
        if hasattr(ranges, name) and hasattr(features, name) and f"audio__{name}" not in settings:
            ranges.set_params(**{name: getattr(features, name)})


def _make_neutral(pipe: Any) -> None:
    """Reset what is no property of the model, but of this folder and machine."""
    neutral: dict[str, Any] = {"memory": None, "cnn__verbose": 0, "encoder__verbose": 0}
    for name in ("audio", "mfcc", "encoder"):
        neutral |= {f"{name}__memory": None, f"{name}__n_jobs": None}
    pipe.set_params(**{name: neutral[name] for name in neutral.keys() & pipe.get_params()})


def _interruption(pipe: Any) -> str:
    """Return that the training was interrupted, empty if it was not."""
    for _, step in pipe.steps:
        if getattr(step, "interrupted_", False):
            return f"Training was interrupted after {step.n_iter_} of {step.max_epochs} epochs."
    return ""


def _keep(model: Any, path: Path, card: ModelCard) -> Path:
    """Save a model as a pickle, beside a file that cannot be written or among temporary files."""
    for folder in (path.parent, Path(tempfile.gettempdir())):
        kept = folder / f"{path.stem}{_KEEPS_ALL}"
        if kept.exists():  # another model
            kept = folder / f"{path.stem}-{secrets.token_hex(4)}{_KEEPS_ALL}"
        try:
            save_model(model, kept, card)
            return kept
        except OSError as error:
            failure = error
    raise failure
