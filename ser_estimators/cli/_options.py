"""Options that several commands have."""

from __future__ import annotations

import ast
import difflib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from .._utils.pipelines import iter_steps
from .._utils.writing import check_writable
from ._command import Refused
from ._models import check_encoder
from ._text import plain

__all__ = [
    "check_folder_of",
    "column_options",
    "corpus_options",
    "list_option",
    "n_jobs_option",
    "pipeline_options",
    "require_pandas",
    "set_parameters",
    "settings_option",
]

# What the columns of a CSV file contain. The library finds those with a usual name.
_COLUMNS = {
    "path": "the paths, such as path or file",
    "emotion": "the emotions, such as emotion or label",
    "speaker": "the speakers, such as speaker; none ignores it",
    "start": "the starts of segments, such as start; none ignores it",
    "end": "the ends of segments, such as end; none ignores it",
    "duration": "the durations of segments, such as duration, if there is no end",
    "channel": "the channels to read, from 0",
}

Function = TypeVar("Function", bound=Callable[..., Any])


def column_options(*names: str) -> Callable[[Function], Function]:
    """Return options for the names of columns of a CSV file."""

    def add(function: Function) -> Function:
        for name in reversed(names):
            function = click.option(
                f"--{name}-column",
                name,
                default=None if name == "channel" else "auto",
                metavar="NAME",
                callback=_parse_column,
                help=f"Column of a CSV file with {_COLUMNS[name]}.",
            )(function)
        return function

    return add


def corpus_options(function: Function) -> Function:
    """Add the layout of a folder and the names of the columns of a CSV file."""
    function = column_options(*_COLUMNS)(function)
    return click.option(
        "--layout",
        type=click.Choice(_LAYOUTS),
        default="auto",
        metavar="LAYOUT",
        help=f"What the folders stand for: {', '.join(_LAYOUTS[1:])}.  [default: found]",
    )(function)


_LAYOUTS = ("auto", "emotion/file", "speaker/emotion/file", "emotion/speaker/file")


def _parse_column(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value == "":
        raise click.BadParameter("the name is empty, as of a variable that is not set")
    is_none = value is not None and value.lower() == "none"
    if is_none and param.name in ("path", "emotion"):
        raise click.BadParameter("there must be such a column")
    return None if is_none else value


def _parse_settings(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> dict[str, Any]:
    """Return parameters from NAME=VALUE; what is not a Python literal is a string."""
    settings = {}
    for text in values:
        name, sign, value = text.partition("=")
        if not (sign and name.strip()):
            raise click.BadParameter(
                f"'{plain(text)}' is not NAME=VALUE, such as cnn__max_epochs=30"
            )
        try:
            settings[name.strip()] = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            settings[name.strip()] = value.strip()
    return settings


def settings_option(example: str) -> Callable[[Function], Function]:
    """Return the option that sets parameters, with an example for its help."""
    return click.option(
        "-s",
        "--set",
        "settings",
        multiple=True,
        metavar="NAME=VALUE",
        callback=_parse_settings,
        help=f"Set a parameter, such as {example}. Can be repeated.",
    )


def _check_n_jobs(ctx: click.Context, param: click.Parameter, value: int | None) -> int | None:
    if value == 0:
        raise click.BadParameter("0 workers; expected 1 or more, or -1 for all processors")
    return value


n_jobs_option = click.option(
    "-j",
    "--n-jobs",
    type=int,
    metavar="INT",
    callback=_check_n_jobs,
    help="Number of parallel workers; -1 uses all processors.",
)


def pipeline_options(function: Function) -> Function:
    """Add the parameters of the pipeline."""
    options = (
        click.option(
            "--encoder",
            metavar="NAME",
            callback=check_encoder,
            help="Use a pretrained encoder instead of a CNN: a folder, or a name on the Hugging "
            "Face Hub, such as openai/whisper-base.",
        ),
        click.option(
            "--recordings",
            type=click.Choice(("any", "studio")),
            default="any",
            show_default=True,
            metavar="any|studio",
            help="Which recordings the CNN is made for: of any level, room and microphone, or all "
            "from the same studio. No effect with --encoder.",
        ),
        settings_option("cnn__max_epochs=30"),
        click.option(
            "--random-state",
            type=click.IntRange(0),
            default=0,
            show_default=True,
            metavar="INT",
            help="Seed: the same one gives the same model.",
        ),
        click.option(
            "--memory",
            type=click.Path(file_okay=False),
            metavar="FOLDER",
            help="Cache features and networks in this folder.",
        ),
        n_jobs_option,
    )
    for option in reversed(options):
        function = option(function)
    return function


def set_parameters(estimator: Any, settings: dict[str, Any]) -> Any:
    """Set parameters of an estimator, and return it.

    Raises
    ------
    Refused
        If the parameter does not exist, or if its value is invalid.
    """
    for name, value in settings.items():
        # One after the other, because a step may be replaced before its own parameters are set.
        try:
            estimator.set_params(**{name: value})
        except (AttributeError, TypeError, ValueError) as error:
            similar = difflib.get_close_matches(name, estimator.get_params(), n=3)
            hint = f"; did you mean {' or '.join(similar)}?" if similar else ""
            if not similar and name.startswith("lr__"):
                hint = "; the step lr is a part of --recordings studio only"
            raise Refused(f"there is no parameter '{plain(name)}'{hint}") from error
    if settings:
        _check_values(estimator)
    return estimator


def _check_values(estimator: Any) -> None:
    """Raise if a parameter is invalid, before the steps ahead of it are trained."""
    for prefix, step in iter_steps(estimator):
        check = getattr(step, "_check_params", getattr(step, "_validate_params", None))
        if check is None:
            continue
        try:
            check()
        except (TypeError, ValueError) as error:
            where = f"the parameters of '{prefix.removesuffix('__')}': " if prefix else ""
            raise Refused(f"{where}{plain(str(error))}") from error


def _parse_list(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> tuple[str, ...] | None:
    return None if value is None else tuple(part.strip() for part in value.split(",") if part)


def list_option(option: str, name: str, text: str) -> Callable[[Function], Function]:
    """Return an option that takes names, separated by commas."""
    return click.option(option, name, metavar="A,B,...", callback=_parse_list, help=text)


def require_pandas(option: str) -> None:
    """Raise if an option needs pandas, and it is not installed."""
    if importlib.util.find_spec("pandas") is None:
        raise Refused(f"{option} needs pandas, which is not installed; run 'pip install pandas'")


def check_folder_of(*files: str | None) -> None:
    """Raise if a file cannot be written, before the work whose result it is."""
    for file in files:
        if file is not None:
            folder = Path(file).parent
            if not folder.is_dir():
                raise Refused(f"there is no folder '{plain(str(folder))}'; create it first")
            if Path(file).is_dir():
                raise Refused(f"'{plain(file)}' is a folder; expected the name of a file")
            try:
                check_writable(file)
            except OSError as error:
                raise Refused(f"'{plain(file)}' cannot be written: {error.strerror}") from error
