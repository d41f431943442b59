"""Files that are complete or absent, whatever happens while they are written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["write_file"]

_MODE = 0o666  # of a new file, less the umask of the user


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
    # A link stays a link, and its target is replaced.
    path = Path(path)
    target = Path(os.path.realpath(path))
    data = content.encode("utf-8", errors="replace") if isinstance(content, str) else content
    try:
        number, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}-")
    except FileNotFoundError as error:
        raise FileNotFoundError(
            error.errno, "there is no such folder; create it first", os.fspath(path.parent)
        ) from None
    try:
        with os.fdopen(number, "wb") as file:
            file.write(data)
        os.chmod(name, _mode_of(target))
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path


def _mode_of(target: Path) -> int:
    """Return the permissions of an existing file, or those that `open` would give a new one."""
    if target.exists():
        return target.stat().st_mode & 0o777
    umask = os.umask(0)
    os.umask(umask)
    return _MODE & ~umask
