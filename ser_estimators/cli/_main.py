"""The command ``ser``, its subcommands, and its exit status."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence

import click

from .._utils.version import __version__
from ._adapt import adapt
from ._check import check
from ._command import ClosedPipeError, Failed, describe, examples, is_closed_pipe
from ._compare import compare
from ._console import FAILED, INTERRUPTED, OK, REFUSED, say
from ._cross import cross
from ._evaluate import evaluate
from ._export import export
from ._features import features
from ._info import info
from ._predict import predict
from ._record import record
from ._stress import stress
from ._train import train

__all__ = ["main"]

_CLOSED_PIPE = 141  # of a shell, for a command that a closed pipe has ended


class _Group(click.Group):
    """Lists the commands in the order in which they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(self.commands)


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        "ser predict voice.wav",
        "ser train recordings/ -o model.safetensors",
        "ser evaluate recordings/ --html report.html",
        "ser predict --help",
    ),
)
@click.version_option(__version__, message="ser_estimators %(version)s")
def ser() -> None:
    """Recognize emotions in recordings of speech.

    Every command has its own help, with examples.
    """


for command in (
    *(predict, record, check, train, adapt, evaluate, stress, cross, compare, info, export),
    features,
):
    ser.add_command(command)


def main(args: Sequence[str] | None = None) -> None:
    """Run the command and exit with its status: 0, 1 for a failure, 2 for a wrong usage.

    Parameters
    ----------
    args : sequence of str or None, default=None
        Arguments; None takes those of the process.
    """
    if sys.stderr is None:  # closed; imports such as that of NumPy 2.0 use it nevertheless
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115, until the process ends
    for stream in (sys.stdout, sys.stderr):
        # A name that the encoding of the terminal lacks must not be an error.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(_run(args))


def _run(args: Sequence[str] | None) -> int:
    try:
        status = ser.main(
            args,
            prog_name="ser",
            complete_var="_SER_COMPLETE",
            standalone_mode=False,
            windows_expand_args=False,
        )
        if sys.stdout is not None:
            sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return REFUSED
    except click.ClickException as error:
        _show(error)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("ser: interrupted", err=True)
        return INTERRUPTED
    except (ClosedPipeError, OSError) as error:
        # Python flushes standard output when it ends, which would fail again.
        with contextlib.suppress(OSError, ValueError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, ClosedPipeError) or is_closed_pipe(error):
            return _CLOSED_PIPE
        _show(Failed(describe(error)))  # such as a full disk
        return FAILED
    return status if isinstance(status, int) else OK


def _show(error: click.ClickException) -> None:
    """Print an error, in one line unless a terminal is narrower."""
    text = error.format_message()
    if isinstance(error, click.UsageError) and error.ctx is not None:
        text = f"{text.rstrip('.')}; see '{error.ctx.command_path} --help'"
    has_color = not (os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb")
    say(text, label="ser: error:", color="red" if has_color else None)
