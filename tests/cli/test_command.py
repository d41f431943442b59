"""What all commands share: help, errors in one line, warnings, and the exit status."""

import io
import sys
import warnings

import pytest

from ser_estimators.cli import _main, main
from ser_estimators.cli._command import describe
from ser_estimators.cli._console import Console
from ser_estimators.exceptions import AudioLevelWarning, AudioReadError

COMMANDS = list(_main.ser.commands)


def test_help(run):
    done = run("--help")
    assert (done.status, done.err) == (0, "")
    listed = done.out.split("Commands:\n")[1].split("\n\n")[0]
    assert [line.split()[0] for line in listed.splitlines()] == [
        *("predict", "record", "check", "train", "adapt", "evaluate", "stress", "cross", "compare"),
        *("info", "export", "features"),
    ]
    assert "..." not in listed  # nothing is cut off
    assert run().err == done.out
    assert run().status == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_commands(run, command):
    done = run(command, "-h")
    assert (done.status, done.err) == (0, "")
    for words in (f"Usage: ser {command}", "--quiet", "--debug", "Examples:"):
        assert words in done.out
    assert f"    ser {command}" in done.out.split("Examples:")[1]
    assert all(len(line) <= 80 for line in done.out.splitlines())


def test_the_process_ends_with_the_status(capsys):
    for args, status in ((["--version"], 0), (["predict"], 2)):
        with pytest.raises(SystemExit) as error:
            main(args)
        assert error.value.code == status
    assert capsys.readouterr().out.startswith("ser_estimators ")


def test_similar_commands(run):
    done = run("predikt", "a.wav")
    assert done.status == 2
    assert done.err.startswith("ser: error: No such command 'predikt'")
    assert done.err.endswith("; see 'ser --help'\n")


class Closed(io.StringIO):
    """A pipe of which the other end is closed."""

    def write(self, text):
        raise BrokenPipeError(32, "Broken pipe")


def test_closed_pipe(run, monkeypatch, model_file):
    monkeypatch.setattr(sys, "stdout", Closed())
    assert _main._run(["info", str(model_file)]) == 141


def test_interrupt(run, monkeypatch, model_file, voices):
    def interrupt(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("ser_estimators.predict_clips", interrupt, raising=False)
    done = run("predict", "-m", model_file, voices.data[0])
    assert done.status == 130
    assert done.err.splitlines()[-1] == "ser: interrupted"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("two\n  lines"), "two lines"),
        (RuntimeError("odd"), "RuntimeError: odd; --debug shows where it comes from"),
        (ValueError(), "ValueError: ; --debug shows where it comes from"),
        (PermissionError(13, "Permission denied", "a\nb"), r"a\nb: Permission denied"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (FileNotFoundError("there is no such file"), "there is no such file"),
        (ValueError("\x1b[31mred"), r"\x1b[31mred"),
        (AudioReadError("Could not read 2 of 3 clips:\n  a\x07\n  b"), None),
        (ValueError("x" * 10_000), "x" * 1997 + "..."),
    ],
)
def test_errors_are_described(error, message):
    expected = message or "Could not read 2 of 3 clips:\n  a\\x07\n  b"
    assert describe(error) == expected


def test_warnings_are_lines(capsys):
    console = Console()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = console.show_warning
        warnings.warn("one\nclip is silent", AudioLevelWarning, stacklevel=1)
        warnings.warn("a library will change", FutureWarning, stacklevel=1)
    assert console.warned == [AudioLevelWarning, FutureWarning]
    assert capsys.readouterr().err == "ser: warning: one clip is silent\n"
    Console(quiet=True).show_warning("silent", AudioLevelWarning, "", 1)
    assert capsys.readouterr().err == ""
