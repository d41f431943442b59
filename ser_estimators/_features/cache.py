"""Cache of features on disk: each file is decoded once for all fits, folds and processes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import struct
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._audio.segment import Segment
from .._utils.stack_level import find_stack_level
from .._utils.text import represent

__all__ = ["FEATURES_VERSION", "Entry", "FeatureCache", "cache_folder", "parse_bytes"]
__all__ += ["remove_oldest", "warn_of_failure"]

# Part of the key of every entry. Increase it when the values of a feature change, which
# tests/test_golden_numbers.py detects; entries of older versions are then computed again.
FEATURES_VERSION = 3

# All files of the cache are in this folder, so clearing the cache never touches other files.
_FOLDER = "ser_estimators-features"
# Magic number, rows, columns, peak and duration of the waveform; the features follow, row by row.
_HEADER = struct.Struct("<8sIIff")
_MAGIC = b"serfeat2"
_UNFINISHED = ".part"
_ABANDONED_SECONDS = 3600  # age at which an unfinished file is considered abandoned
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


class Entry(NamedTuple):
    """The cached data of a clip.

    Parameters
    ----------
    features : ndarray of shape (n_rows, n_columns), float32
    peak : float
        Largest magnitude of the waveform as read, for the warnings about levels.
    seconds : float
        Duration of the waveform as read, for the warning about short clips.
    """

    features: NDArray[np.float32]
    peak: float
    seconds: float


class FeatureCache:
    """Cache of the features of files, for one set of settings.

    A file is identified by its absolute path, its size and the times of its last change, and a
    segment by these and its bounds. Reading
    its content instead would cost much of what the cache saves. An entry is written under a
    temporary name and then renamed, so it is either complete or absent. While an entry is
    computed, the process holds a file lock, which the operating system releases if it dies.

    Parameters
    ----------
    folder : path-like
        Parent folder of the caches for all settings.
    settings : dict
        Everything that the features depend on, as values that JSON can represent.
    bytes_limit : int or None, default=None
        Maximum size of the folder in bytes, enforced by `reduce`; None sets no limit.
    """

    def __init__(
        self, folder: Path, settings: Mapping[str, Any], *, bytes_limit: int | None = None
    ) -> None:
        self.root = folder / _FOLDER
        self.settings = json.dumps(settings, sort_keys=True, indent=1, default=_as_json)
        self.folder = (
            self.root / hashlib.blake2b(self.settings.encode(), digest_size=12).hexdigest()
        )
        self.bytes_limit = bytes_limit
        # A string, because pathlib would take as long as reading an entry.
        self._prefix = os.fspath(self.folder) + os.sep

    def path_of(self, clip: str | Segment) -> str | None:
        """Return the path of the entry of a file, existing or not; None if the file is missing."""
        try:
            status = os.stat(clip)
        except (OSError, ValueError):
            return None
        # The change time of the inode reveals that a file was replaced by one of the same size and
        # modification time, for example by `cp -p` or from an archive.
        identity = f"{os.path.abspath(clip)}\0{status.st_size}\0{status.st_mtime_ns}"
        identity += f"\0{status.st_ctime_ns}"
        if isinstance(clip, Segment):
            identity += f"\0{clip.start!r}\0{clip.end!r}\0{clip.channel!r}"
        digest = hashlib.blake2b(
            identity.encode("utf-8", "surrogateescape"), digest_size=16
        ).hexdigest()
        return f"{self._prefix}{digest[:2]}{os.sep}{digest[2:]}"

    def read(self, path: str | None) -> Entry | None:
        """Return an entry, or None if it is missing or damaged."""
        if path is None:
            return None
        try:
            data = np.fromfile(path, dtype=np.uint8)
        except OSError:
            return None
        if data.size < _HEADER.size:
            return None
        magic, n_rows, n_columns, peak, seconds = _HEADER.unpack_from(data.data)
        if magic != _MAGIC or data.size != _HEADER.size + 4 * n_rows * n_columns:
            return None
        if self.bytes_limit is not None:
            with contextlib.suppress(OSError):
                os.utime(path)  # so that entries in use are removed last
        features = data[_HEADER.size :].view(np.float32).reshape(n_rows, n_columns)
        return Entry(features, peak, seconds)

    def write(self, path: str, entry: Entry) -> None:
        """Store an entry completely or not at all."""
        features = np.ascontiguousarray(entry.features, dtype=np.float32)
        header = _HEADER.pack(_MAGIC, *features.shape, entry.peak, entry.seconds)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        name = os.path.join(self.folder, secrets.token_hex(8) + _UNFINISHED)
        # Not mkstemp, whose files are private to the user: groups share caches.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        number = os.open(name, flags, 0o666)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(header)
                file.write(features.data)
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise

    def fill_one(self, clip: Any, compute: Callable[[Any], Entry]) -> None:
        """Compute the entry of a file if it is missing, under a lock against other processes."""
        from filelock import FileLock

        path = self.path_of(clip)
        if path is None or os.path.exists(path):
            return
        # One lock for each pair of leading digits, so processes seldom wait for each other.
        lock = FileLock(f"{self._prefix}{os.path.basename(path)[:2]}.lock", mode=0o666)
        with contextlib.ExitStack() as held:
            # Locks only avoid duplicate work: some file systems lack them, and writing is safe.
            with contextlib.suppress(OSError, NotImplementedError):
                held.enter_context(lock)
            if not os.path.exists(path):
                self.write(path, compute(clip))

    def prepare(self) -> None:
        """Create the folder with a record of its settings, and remove abandoned files."""
        os.makedirs(self.folder, exist_ok=True)
        note = self.folder / "settings.json"
        if not note.exists():
            note.write_text(self.settings + "\n", encoding="utf-8")
        for left_over in self.folder.glob("*" + _UNFINISHED):
            with contextlib.suppress(OSError):
                if time.time() - left_over.stat().st_mtime > _ABANDONED_SECONDS:
                    left_over.unlink()

    def missing(self, clips: Sequence[Any]) -> list[Any]:
        """Return the existing files that have no entry, without duplicates."""
        found: dict[str, Any] = {}
        for clip in clips:
            path = self.path_of(clip)
            if path is not None and path not in found and not os.path.exists(path):
                found[path] = clip
        return list(found.values())

    def reduce(self) -> None:
        """Remove the least recently used entries until the size limit is met."""
        if self.bytes_limit is not None:
            remove_oldest(self.root.glob("*/??/*"), self.bytes_limit)

    def clear(self) -> None:
        """Remove all features in the folder, whatever their settings."""
        try:
            shutil.rmtree(self.root)
        except FileNotFoundError:  # there are none, or another process is removing them
            shutil.rmtree(self.root, ignore_errors=True)


def remove_oldest(paths: Iterable[Path], bytes_limit: int) -> None:
    """Remove the least recently changed of some files until their size is at most a limit."""
    files = []
    for path in paths:
        with contextlib.suppress(OSError):
            status = path.stat()
            files.append((status.st_mtime_ns, status.st_size, path))
    excess = sum(size for _, size, _ in files) - bytes_limit
    for _, size, path in sorted(files):
        if excess <= 0:
            return
        with contextlib.suppress(OSError):
            path.unlink()
            excess -= size


def cache_folder(memory: Any) -> Path | None:
    """Return the folder of a `memory` parameter, or None for no cache.

    Parameters
    ----------
    memory : None, path-like or joblib.Memory

    Raises
    ------
    TypeError, ValueError
        If `memory` has another type, or is empty.
    """
    if memory is None:
        return None
    if hasattr(memory, "location"):
        return None if memory.location is None else Path(memory.location)
    if isinstance(memory, (str, os.PathLike)):
        if not os.fspath(memory):
            raise ValueError("memory is empty; expected a folder, which need not exist, or None")
        return Path(memory).expanduser()
    raise TypeError(f"memory is {represent(memory)}; expected a folder, a joblib.Memory or None")


def parse_bytes(value: Any, name: str) -> int | None:
    """Return a number of bytes from an int or a string such as "10G"."""
    if value is None:
        return None
    if isinstance(value, str):
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?", value.strip(), re.IGNORECASE)
        if match:
            return int(float(match[1]) * _UNITS[match[2].upper()])
    elif isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= 0:
        return int(value)
    raise ValueError(
        f'{name} == {represent(value)}, must be a number of bytes or a string such as "10G".'
    )


def _as_json(value: Any) -> Any:
    """Convert values that JSON does not support, such as NumPy scalars."""
    return value.item() if hasattr(value, "item") else repr(value)


def warn_of_failure(folder: Path, error: OSError) -> None:
    """Warn that features cannot be cached, so that every call computes them again."""
    warnings.warn(
        f"features cannot be cached in {represent(str(folder), 200)}: {error.strerror or error}; "
        "they are computed again in every call. Check the permissions of the folder and the free "
        "disk space",
        stacklevel=find_stack_level(),
    )
