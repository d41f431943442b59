"""Commands: the options that all of them have, errors in one line, examples in the help."""

from __future__ import annotations

import errno
import os
import sys
import traceback
import warnings
from typing import Any

import click

from ..exceptions import AudioReadError
from ._console import FAILED, REFUSED, Console
from ._text import plain

__all__ = [
    "ClosedPipeError",
    "Command",
    "Failed",
    "Refused",
    "describe",
    "examples",
    "is_closed_pipe",
]

_MAX_MESSAGE = 2000  # characters
# Their messages are written for users; other errors begin with their name.
_CLEAR = (ValueError, OSError, ImportError, TypeError)


class ClosedPipeError(Exception):
    """The reader of standard output, such as ``head``, has ended."""


class Failed(click.ClickException):
    """The command could not do its work."""

    exit_code = FAILED


class Refused(click.ClickException):
    """The command was not tried: wrong usage, or no model."""

    exit_code = REFUSED


class Command(click.Command):
    """A command with ``--quiet`` and ``--debug``, which shows an error as one line.

    The function receives a `Console` as its first argument, with ``click.pass_obj``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += [
            click.Option(
                ["-q", "--quiet"], is_flag=True, help="Print only errors on standard error."
            ),
            click.Option(["--debug"], is_flag=True, help="Show the traceback of an error."),
        ]

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; every error becomes one that click shows, every warning one line."""
        console = ctx.obj = Console(quiet=ctx.params.pop("quiet"))
        is_debug = ctx.params.pop("debug")
        if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            ctx.color = False
        with warnings.catch_warnings():
            warnings.showwarning = console.show_warning
            try:
                return super().invoke(ctx)
            except click.exceptions.Exit:
                raise
            except Exception as error:
                if is_closed_pipe(error):
                    raise ClosedPipeError from error
                if is_debug:
                    traceback.print_exc()
                if isinstance(error, (click.ClickException, click.Abort)):
                    raise
                raise Failed(describe(error)) from error


def describe(error: Exception) -> str:
    """Return the message of an error in one line, or in one line for each unreadable clip."""
    lines = str(error).splitlines() if isinstance(error, AudioReadError) else [str(error)]
    text = "\n".join(plain(line if len(lines) > 1 else " ".join(line.split())) for line in lines)
    if isinstance(error, OSError) and error.strerror:
        start = "" if error.filename is None else f"{plain(str(error.filename))}: "
        text = f"{start}{error.strerror}"
    if not (isinstance(error, _CLEAR) and text):
        text = f"{type(error).__name__}: {text}; --debug shows where it comes from"
    is_long = len(text) > _MAX_MESSAGE and not isinstance(error, AudioReadError)
    return f"{text[: _MAX_MESSAGE - 3]}..." if is_long else text


def is_closed_pipe(error: BaseException) -> bool:
    """Return whether an error says that the reader of standard output has ended."""
    codes = {errno.EPIPE, errno.EINVAL} if sys.platform == "win32" else {errno.EPIPE}
    return isinstance(error, OSError) and error.errno in codes and error.filename is None


def examples(*lines: str) -> str:
    """Return the end of a help text, with lines that are not filled.

    Parameters
    ----------
    *lines : str
        Commands, or comments on the command before them.
    """
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
