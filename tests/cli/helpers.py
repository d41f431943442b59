"""Running the command: in this process, in another one, and on a pseudo-terminal."""

import io
import os
import subprocess
import sys
import time
from collections import namedtuple

from ser_estimators.cli import _main

Done = namedtuple("Done", ["status", "out", "err"])

# Fast to fit, and enough to tell synthetic voices apart.
SMALL = (
    *("--set", "cnn__network__channels=(4, 8)", "--set", "cnn__embedding_dim=8"),
    *("--set", "cnn__n_networks=1"),
)
COMMAND = [sys.executable, "-m", "ser_estimators"]


class Runner:
    """Runs the command in this process, with the streams that pytest captures."""

    def __init__(self, capsys, monkeypatch):
        self.capsys, self.monkeypatch = capsys, monkeypatch

    def __call__(self, *args, stdin=None):
        if stdin is not None:
            self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        self.capsys.readouterr()
        status = _main._run([str(arg) for arg in args])
        return Done(status, *self.capsys.readouterr())


def unwritable_folder():
    """Return a folder in which no file can be created, not even by root."""
    if os.geteuid() == 0:
        return "/proc"
    os.mkdir("locked", 0o555)
    return "locked"


def start(*args, **options):
    """Start the command in another process."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([*COMMAND, *map(os.fspath, args)], **(streams | options))


def ser(*args, stdin=None, env=None):
    """Run the command in another process, and return its status and bytes."""
    done = subprocess.run(
        [*COMMAND, *map(os.fspath, args)],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        env=os.environ | (env or {}),
        timeout=300,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def on_terminal(*args, columns=80, env=None, interrupt_after=None):
    """Run the command on a pseudo-terminal; return its status and all text on the terminal.

    If the text `interrupt_after` appears, Ctrl-C is pressed.
    """
    import fcntl
    import pty
    import struct
    import termios

    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = os.environ | {"TERM": "xterm"} | (env or {})
    for name in ("COLUMNS", "LINES"):
        env.pop(name, None)
    process = subprocess.Popen(
        [*COMMAND, *map(os.fspath, args)],
        stdin=child,
        stdout=child,
        stderr=child,
        env=env,
        # The terminal of the process, which Ctrl-C needs.
        preexec_fn=lambda: (os.setsid(), fcntl.ioctl(0, termios.TIOCSCTTY, 0)),
    )
    os.close(child)
    text, deadline = b"", time.monotonic() + 300
    while time.monotonic() < deadline:
        try:
            new = os.read(parent, 65536)
        except OSError:  # the process has ended
            break
        if not new:
            break
        text += new
        if interrupt_after is not None and interrupt_after.encode() in text:
            os.write(parent, b"\x03")
            interrupt_after = None
    status = process.wait(timeout=60)
    os.close(parent)
    return status, text.decode("utf-8", errors="surrogateescape").replace("\r\n", "\n")
