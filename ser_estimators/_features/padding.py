"""Padding of clips of unequal length into one array, without holding them in memory twice."""

from __future__ import annotations

import errno
import glob
import math
import os
import platform
import tempfile
import weakref
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

import numpy as np

from .._utils.arrays import Floats

__all__ = ["gather"]

# Large enough that freed blocks return to the operating system. Small ones would stay with the
# process, and the peak memory would be twice the result.
_BLOCK_FLOATS = (64 << 20) // 4

# Errors of file systems that cannot reserve space.
_CANNOT_RESERVE = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)


def gather(clips: Iterable[Floats], *, memmap: Path | None = None) -> Floats:
    """Stack the frames of clips, padded at the end with frames of zeros.

    Parameters
    ----------
    clips : iterable of ndarray of shape (n_rows, n_frames), float32
        At least one clip; all have the same number of rows.
    memmap : path or None, default=None
        Folder in which the result is stored as a file instead of in memory. The file is removed
        with the last reference to the result, or by the next call if the process was killed.

    Returns
    -------
    ndarray of shape (n_clips, n_rows, longest n_frames), float32
        An ``np.memmap`` if `memmap` is a folder.
    """
    # The length of the longest clip is known only at the end. Clips are therefore stored one after
    # another first, and released while they are copied.
    if memmap is None:
        return _gather(clips, _Blocks(), lambda shape: np.zeros(shape, dtype=np.float32))
    memmap.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(memmap)
    with tempfile.TemporaryFile(dir=memmap) as file:
        return _gather(clips, _File(file), lambda shape: _temporary(shape, memmap))


def _gather(
    clips: Iterable[Floats],
    store: _Blocks | _File,
    make_zeros: Callable[[tuple[int, int, int]], Floats],
) -> Floats:
    shapes = []
    for clip in clips:
        shapes.append(clip.shape)
        store.append(clip.ravel())
    # Zeros take no memory until they are written.
    result = make_zeros((len(shapes), shapes[0][0], max(n_frames for _, n_frames in shapes)))
    store.rewind()
    for row, (n_rows, n_frames) in zip(result, shapes, strict=True):
        row[:, :n_frames] = store.take(n_rows * n_frames).reshape(n_rows, n_frames)
    return result


class _Blocks:
    """Sequential storage in large blocks of memory, each of which is released after reading."""

    def __init__(self) -> None:
        self.blocks: list[Floats] = []
        self.n_used = 0

    def append(self, values: Floats) -> None:
        if not self.blocks or self.n_used + values.size > self.blocks[-1].size:
            self.blocks.append(np.empty(max(_BLOCK_FLOATS, values.size), dtype=np.float32))
            self.n_used = 0
        self.blocks[-1][self.n_used : self.n_used + values.size] = values
        self.n_used += values.size

    def rewind(self) -> None:
        self.blocks.reverse()
        self.n_used = 0

    def take(self, size: int) -> Floats:
        # The same condition as in `append`, so blocks end at the same positions.
        if self.n_used + size > self.blocks[-1].size:
            self.blocks.pop()
            self.n_used = 0
        values = self.blocks[-1][self.n_used : self.n_used + size]
        self.n_used += size
        return values


class _File:
    """Sequential storage in a file."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file

    def append(self, values: Floats) -> None:
        self.file.write(np.ascontiguousarray(values).data)

    def rewind(self) -> None:
        self.file.seek(0)

    def take(self, size: int) -> Floats:
        return np.frombuffer(self.file.read(4 * size), dtype=np.float32)


def _temporary(shape: tuple[int, int, int], folder: Path) -> Floats:
    """Create a memory-mapped array of zeros, whose file is removed with the array."""
    # The name identifies the process that may still need the file.
    prefix = f"frames-{platform.node()}-{os.getpid()}-"
    number, name = tempfile.mkstemp(dir=folder, prefix=prefix, suffix=".f32")
    n_bytes = 4 * math.prod(shape)
    try:
        os.truncate(name, n_bytes)
        # Writing to a memory map without disk space kills the process.
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(number, 0, n_bytes)
    except OSError as error:
        if error.errno not in _CANNOT_RESERVE:
            _remove(name)
            megabytes = f"{n_bytes / 2**20:,.0f} MB"
            text = f"{error.strerror} for {megabytes} of features; choose another memmap folder"
            raise OSError(error.errno, text, os.fspath(folder)) from error
    finally:
        os.close(number)
    array = np.memmap(name, dtype=np.float32, mode="r+", shape=shape)
    # Attached to the map, because views refer to it rather than to the first array.
    weakref.finalize(array._mmap, _remove, name)  # type: ignore[attr-defined]
    return array


def _remove(name: str) -> None:
    Path(name).unlink(missing_ok=True)


def _remove_abandoned(folder: Path) -> None:
    """Remove the files of killed processes on this machine."""
    if os.name != "posix":
        return
    for path in folder.glob(f"frames-{glob.escape(platform.node())}-*-*.f32"):
        pid = path.name.split("-")[-2]
        if not pid.isdecimal():
            continue
        try:
            os.kill(int(pid), 0)  # only checks that it exists
        except ProcessLookupError:
            _remove(os.fspath(path))
        except OSError:  # it belongs to another user
            continue
