"""Files that are complete or absent, whatever happens while they are written."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

__all__ = ["write_file"]

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
    except FileNotFoundError as error:
        raise FileNotFoundError(
            error.errno, "there is no such folder; create it first", os.fspath(path.parent)
        ) from None
    try:
        with os.fdopen(number, "wb") as file:
            file.write(data)
        if target.exists():
            name.chmod(target.stat().st_mode & 0o777)
        name.replace(target)
    except BaseException:
        name.unlink(missing_ok=True)
        raise
    return path
