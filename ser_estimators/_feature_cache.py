"""Features on disk: each file is decoded once, whoever asks for it and however often."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import json
import marshal
import os
import re
import secrets
import shutil
import struct
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import InspectLoader
from importlib.machinery import ExtensionFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._stack_level import find_stack_level

__all__ = ["Entry", "FeatureCache", "cache_folder", "code_version", "parse_bytes"]

# Everything of ours lies in this folder, so that clearing never touches what else is there.
_FOLDER = "ser_estimators-features"
# Magic number, rows, columns, peak of the waveform; then the numbers, row by row.
_HEADER = struct.Struct("<8sIIf")
_MAGIC = b"serfeat1"
_UNFINISHED = ".part"
_ABANDONED_SECONDS = 3600  # after which what is unfinished was left by a process that died
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


class Entry(NamedTuple):
    """What is kept of a clip.

    Parameters
    ----------
    features : ndarray of shape (n_rows, n_columns), float32
    peak : float
        Largest magnitude of the waveform, for the warnings about levels.
    """

    features: NDArray[np.float32]
    peak: float


class FeatureCache:
    """Features of files under one set of settings.

    A file is known by its absolute path, its size, and the times of its last change: reading its
    content would cost a good part of what the cache saves. An entry is written under another name
    and then moved, so that it is there as a whole or not at all. A file that is being worked on is
    locked, by the operating system, which frees the lock when a process dies.

    Parameters
    ----------
    folder : path-like
        Where caches live, of these settings and others.
    settings : dict
        All that features depend on; JSON must be able to hold it.
    bytes_limit : int or None, default=None
        Size in bytes to which `reduce` brings the folder; None sets no limit.
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
        # As text, because pathlib would take as long as reading an entry.
        self._prefix = os.fspath(self.folder) + os.sep

    def path_of(self, clip: str) -> str | None:
        """Return where the entry of a file is or would be; None if there is no such file."""
        try:
            status = os.stat(clip)
        except (OSError, ValueError):
            return None
        # The time of the last change of the inode tells of a file that was replaced by one of
        # equal size and an older date, as archives and `cp -p` do.
        identity = f"{os.path.abspath(clip)}\0{status.st_size}\0{status.st_mtime_ns}"
        identity += f"\0{status.st_ctime_ns}"
        digest = hashlib.blake2b(
            identity.encode("utf-8", "surrogateescape"), digest_size=16
        ).hexdigest()
        return f"{self._prefix}{digest[:2]}{os.sep}{digest[2:]}"

    def read(self, path: str | None) -> Entry | None:
        """Return an entry, or None if there is none or it is damaged."""
        if path is None:
            return None
        try:
            data = np.fromfile(path, dtype=np.uint8)
        except OSError:
            return None
        if data.size < _HEADER.size:
            return None
        magic, n_rows, n_columns, peak = _HEADER.unpack_from(data.data)
        if magic != _MAGIC or data.size != _HEADER.size + 4 * n_rows * n_columns:
            return None
        if self.bytes_limit is not None:
            with contextlib.suppress(OSError):
                os.utime(path)  # so that what is in use is removed last
        features = data[_HEADER.size :].view(np.float32).reshape(n_rows, n_columns)
        return Entry(features, peak)

    def write(self, path: str, entry: Entry) -> None:
        """Store an entry as a whole or not at all."""
        features = np.ascontiguousarray(entry.features, dtype=np.float32)
        header = _HEADER.pack(_MAGIC, *features.shape, entry.peak)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        name = os.path.join(self.folder, secrets.token_hex(8) + _UNFINISHED)
        # Not mkstemp, whose files nobody else may read: groups share caches.
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

    def fill_one(self, clip: str, compute: Callable[[str], Entry]) -> None:
        """Make the entry of a file unless it is there, while nobody else makes it."""
        from filelock import FileLock

        path = self.path_of(clip)
        if path is None or os.path.exists(path):
            return
        # A lock for every two letters of a name: two processes seldom wait for each other's file.
        lock = FileLock(f"{self._prefix}{os.path.basename(path)[:2]}.lock", mode=0o666)
        with contextlib.ExitStack() as held:
            # Locks save work, and not all file systems have them; writing is safe without.
            with contextlib.suppress(OSError, NotImplementedError):
                held.enter_context(lock)
            if not os.path.exists(path):
                self.write(path, compute(clip))

    def prepare(self) -> None:
        """Make the folder, and say in it what its features were made with."""
        os.makedirs(self.folder, exist_ok=True)
        note = self.folder / "settings.json"
        if not note.exists():
            note.write_text(self.settings + "\n", encoding="utf-8")
        for left_over in self.folder.glob("*" + _UNFINISHED):
            with contextlib.suppress(OSError):
                if time.time() - left_over.stat().st_mtime > _ABANDONED_SECONDS:
                    left_over.unlink()

    def missing(self, clips: Sequence[str]) -> list[str]:
        """Return the files that exist and have no entry, each once."""
        found: dict[str, str] = {}
        for clip in clips:
            path = self.path_of(clip)
            if path is not None and path not in found and not os.path.exists(path):
                found[path] = clip
        return list(found.values())

    def reduce(self) -> None:
        """Remove what was used longest ago until the limit is kept."""
        if self.bytes_limit is None:
            return
        entries = []
        for path in self.root.glob("*/??/*"):
            with contextlib.suppress(OSError):
                status = path.stat()
                entries.append((status.st_mtime_ns, status.st_size, path))
        excess = sum(size for _, size, _ in entries) - self.bytes_limit
        for _, size, path in sorted(entries):
            if excess <= 0:
                return
            with contextlib.suppress(OSError):
                path.unlink()
                excess -= size

    def clear(self) -> None:
        """Remove all features in the folder, of these settings and others."""
        try:
            shutil.rmtree(self.root)
        except FileNotFoundError:  # there are none, or somebody else removes them too
            shutil.rmtree(self.root, ignore_errors=True)


def cache_folder(memory: Any) -> Path | None:
    """Return the folder that a `memory` parameter means, None for no cache.

    Parameters
    ----------
    memory : None, path-like or joblib.Memory

    Raises
    ------
    TypeError, ValueError
        If it is something else, or empty.
    """
    if memory is None:
        return None
    if hasattr(memory, "location"):
        return None if memory.location is None else Path(memory.location)
    if isinstance(memory, (str, os.PathLike)):
        if not os.fspath(memory):
            raise ValueError("memory is empty; expected a folder, which may be new, or None")
        return Path(memory).expanduser()
    raise TypeError(f"memory is {memory!r}; expected a folder, a joblib.Memory or None")


def parse_bytes(value: Any, name: str) -> int | None:
    """Return a number of bytes, given as one or as text such as "10G"."""
    if value is None:
        return None
    if isinstance(value, str):
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?", value.strip(), re.IGNORECASE)
        if match:
            return int(float(match[1]) * _UNITS[match[2].upper()])
    elif isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= 0:
        return int(value)
    raise ValueError(f'{name} == {value!r}, must be a number of bytes or a text such as "10G".')


def code_version(*modules: ModuleType) -> str:
    """Return a digest of the source of modules: another code makes other features."""
    digest = hashlib.blake2b(digest_size=8)
    for module in modules:
        digest.update(_content_of(module))
    return digest.hexdigest()


def _content_of(module: ModuleType) -> bytes:
    """Return the source of a module, or what was made of it, as with a compiled one."""
    try:
        return inspect.getsource(module).encode()
    except (OSError, TypeError):
        pass
    loader = module.__spec__.loader if module.__spec__ else None
    if isinstance(loader, ExtensionFileLoader):
        return Path(loader.path).read_bytes()
    code = loader.get_code(module.__name__) if isinstance(loader, InspectLoader) else None
    return marshal.dumps(code)


def _as_json(value: Any) -> Any:
    """Turn what JSON does not know, such as NumPy's numbers, into what it does."""
    return value.item() if hasattr(value, "item") else repr(value)


def warn_of_failure(folder: Path, error: OSError) -> None:
    """Say that features could not be kept; they are computed all the same."""
    warnings.warn(
        f"features cannot be cached in {str(folder)!r}: {error.strerror or error}; they are "
        "computed anew. Check the folder's rights and the space on its disk",
        stacklevel=find_stack_level(),
    )
