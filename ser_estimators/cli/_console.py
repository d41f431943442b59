"""What a command says: results on standard output, everything else on standard error."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
from collections.abc import Iterator
from typing import Any, TextIO

import click

from ._advice import for_command_line
from ._text import plain, wrap

__all__ = ["FAILED", "INTERRUPTED", "OK", "REFUSED", "Console", "counted", "say", "terminal_width"]

# Exit statuses. REFUSED is also that of click for a wrong usage, and INTERRUPTED that of a shell.
OK, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130
_FALLBACK_WIDTH = 80  # columns


class Console:
    """Notes, warnings and progress of a command, on standard error.

    Parameters
    ----------
    quiet : bool, default=False
        Whether to print only errors.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self.warned: list[type[Warning]] = []

    def note(self, text: str) -> None:
        """Say what is done."""
        if not self.quiet:
            say(text)

    def show_warning(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        """Show a warning as one line, without the line of code; replaces `warnings.showwarning`."""
        self.warned.append(category)
        is_internal = issubclass(category, (DeprecationWarning, FutureWarning, ResourceWarning))
        if not (is_internal or self.quiet):
            say(plain(" ".join(str(message).split())), label="ser: warning:", color="yellow")

    def progress(self, n_items: int, description: str, unit: str) -> Any:
        """Return a progress bar of tqdm, which appears after a second and only on a terminal."""
        from tqdm import tqdm

        return tqdm(
            total=n_items,
            desc=description,
            unit=unit,
            delay=1,
            leave=False,
            disable=not self.has_bar,
        )

    @property
    def has_bar(self) -> bool:
        """Whether progress bars are shown."""
        return not self.quiet and _is_terminal(sys.stderr)

    @contextlib.contextmanager
    def without_decoder_notes(self) -> Iterator[None]:
        """Silence what decoders, such as that of MP3, print on standard error by themselves.

        Python's own standard error is kept. A progress bar has to be made inside.
        """
        try:
            is_own = sys.stderr.fileno() == 2
            saved = os.dup(2)
        except (io.UnsupportedOperation, OSError, ValueError, AttributeError):
            yield  # no standard error, or one that is not a file
            return
        kept = sys.stderr
        if is_own:
            sys.stderr = open(  # noqa: SIM115
                saved, "w", encoding=kept.encoding, errors=kept.errors, buffering=1, closefd=False
            )
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)
        try:
            yield
        finally:
            sys.stderr.flush()
            sys.stderr = kept
            os.dup2(saved, 2)
            os.close(saved)

    @contextlib.contextmanager
    def nothing_on_stdout(self) -> Iterator[None]:
        """Send what libraries print, in child processes as well, to standard error."""
        saved = None
        with contextlib.suppress(io.UnsupportedOperation, OSError, ValueError, AttributeError):
            sys.stdout.flush()
            saved = os.dup(1)
            os.dup2(2, 1)
        try:
            with contextlib.redirect_stdout(sys.stderr):
                yield
        finally:
            if saved is not None:
                os.dup2(saved, 1)
                os.close(saved)


def say(text: str, *, label: str = "", color: str | None = None) -> None:
    """Print on standard error; on a terminal, in lines that end between words.

    Parameters
    ----------
    text : str
        Functions of the library in it become options of the command line.
    label : str, default=""
        What is printed before the text.
    color : str or None, default=None
        Color of the label.
    """
    text = for_command_line(f"{label} {text}" if label else text)
    if _is_terminal(sys.stderr):
        width = _width_of_stderr()
        text = "\n".join(wrap(line, width, indent=0) for line in text.split("\n"))
    if color is not None and text.startswith(label):
        text = click.style(label, fg=color) + text[len(label) :]
    click.echo(text, err=True)


def _width_of_stderr() -> int:
    # Standard output, which shutil asks for, may be a file.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return os.get_terminal_size(sys.stderr.fileno()).columns or _FALLBACK_WIDTH
    return _FALLBACK_WIDTH


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def terminal_width() -> int | None:
    """Return the number of columns of standard output, None if it is not a terminal."""
    return shutil.get_terminal_size().columns if _is_terminal(sys.stdout) else None


def counted(n: int, noun: str) -> str:
    """Return a number with its noun: "1 file", "1,440 files"."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
