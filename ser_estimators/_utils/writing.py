"""Files that are complete or absent, whatever happens while they are written."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

__all__ = ["check_writable", "write_file"]

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def write_file(path: str | os.PathLike[str], content: str | bytes) -> Path:
    """Write a file beside its destination, then rename it.

    If this fails, or the process is killed, a file that was there before is unchanged.

    Parameters
    ----------
    path : path-like
    content : str or bytes
        Text is written as UTF-8, with "?" in the place of characters that it cannot represent, such
        as the bytes of a file name that is not valid text.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    path = Path(path)
    data = content.encode("utf-8", errors="replace") if isinstance(content, str) else content
    if path.exists() and not (path.is_file() or path.is_dir()):
        # A device or a pipe, such as /dev/stdout, must not be replaced by a file.
        path.write_bytes(data)
        return path
    # A link stays a link, and its target is replaced.
    target = Path(os.path.realpath(path))
    name = target.parent / f".{secrets.token_hex(8)}.part"
    try:
        # Not mkstemp, whose files are private to the user.
        number = os.open(name, _NEW_FILE, 0o666)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(data)
            if target.exists():
                name.chmod(target.stat().st_mode & 0o777)
            name.replace(target)
        except BaseException:
            name.unlink(missing_ok=True)
            raise
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not target.parent.is_dir():
            reason, named = "there is no such folder; create it first", path.parent
        else:
            reason, named = error.strerror or str(error), path
        # Not with the name of the hidden file, which means nothing to anybody.
        raise type(error)(error.errno, reason, os.fspath(named)) from None
    return path


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise unless `write_file` can write a file, before the work whose result it is.

    Raises
    ------
    OSError
        If it cannot.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        return
    name = Path(os.path.realpath(path)).parent / f".{secrets.token_hex(8)}.part"
    try:
        os.close(os.open(name, _NEW_FILE, 0o666))
        name.unlink()
    except OSError as error:
        raise type(error)(error.errno, error.strerror, os.fspath(path)) from None
