"""Padding of clips of unequal length into one array, without holding them in memory twice."""

from __future__ import annotations

import contextlib
import errno
import glob
import math
import mmap
import os
import platform
import sys
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from .._utils.arrays import Floats

__all__ = ["gather", "pad"]

# Large enough that freed blocks return to the operating system. Small ones would stay with the
# process, and the peak memory would be twice the result.
_BLOCK_FLOATS = (64 << 20) // 4

# Below this size, padding is not worth the effort.
_LARGE_BYTES = 64 << 20
_MAP_NORESERVE = 0x4000

# Errors of file systems that cannot reserve space.
_CANNOT_RESERVE = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)


def gather(
    clips: Iterable[Floats], *, memmap: Path | None = None
) -> tuple[Floats, NDArray[np.int64] | None]:
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
    result : ndarray of shape (n_clips, n_rows, longest n_frames), float32
        An ``np.memmap`` if `memmap` is a folder.
    n_frames : ndarray of shape (n_clips,), int64, or None
        Number of frames of each clip if most of a large result is padding, which then takes neither
        memory nor disk space; the result is read-only. Otherwise None.
    """
    # The length of the longest clip is known only at the end. Clips are therefore stored one after
    # another first, and released while they are copied.
    if memmap is None:
        return _gather(clips, _Blocks(), None)
    memmap.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(memmap)
    with tempfile.TemporaryFile(dir=memmap) as file:
        return _gather(clips, _File(file), memmap)


def pad(clips: Sequence[Floats], n_frames: int) -> Floats:
    """Return clips in an array whose padding takes no memory.

    Parameters
    ----------
    clips : sequence of ndarray of shape (n_rows, n_frames of the clip), float32
        At least one clip; all have the same number of rows.
    n_frames : int
        Number of frames of the result, at least that of the longest clip.

    Returns
    -------
    ndarray of shape (n_clips, n_rows, n_frames), float32
        Read-only: a change of the padding would not be noticed where only frames are read.
    """
    result = _sparse_zeros((len(clips), len(clips[0]), n_frames))
    for row, clip in zip(result, clips, strict=True):
        row[:, : clip.shape[1]] = clip
    return _read_only(result)


def _gather(
    clips: Iterable[Floats], store: _Blocks | _File, memmap: Path | None
) -> tuple[Floats, NDArray[np.int64] | None]:
    n_rows, lengths = 0, []
    for clip in clips:
        n_rows = clip.shape[0]
        lengths.append(clip.shape[1])
        store.append(clip.ravel())
    n_frames = np.array(lengths, dtype=np.int64)
    shape = (len(lengths), n_rows, int(n_frames.max()))
    is_sparse = _is_mostly_padding(n_frames, n_rows)
    if memmap is not None:
        result = _temporary(shape, memmap, n_frames if is_sparse else None)
    else:
        result = _sparse_zeros(shape) if is_sparse else np.zeros(shape, dtype=np.float32)
    store.rewind()
    for row, length in zip(result, lengths, strict=True):
        row[:, :length] = store.take(n_rows * length).reshape(n_rows, length)
    if not is_sparse:
        return result, None
    return _read_only(result), n_frames


def _is_mostly_padding(n_frames: NDArray[np.int64], n_rows: int) -> bool:
    n_cells = len(n_frames) * int(n_frames.max())
    return 4 * n_rows * n_cells >= _LARGE_BYTES and n_cells > 2 * int(n_frames.sum())


def _sparse_zeros(shape: tuple[int, int, int]) -> Floats:
    """Return zeros of which only the pages that are written take memory.

    With `numpy.zeros`, writing a single frame may occupy two megabytes, a huge page of Linux.
    """
    # Linux would refuse a mapping that is larger than its memory, although it stays almost empty.
    # (The flag has this value on common processors, and a name since Python 3.13.)
    options = {}
    if sys.platform == "linux":
        no_reserve = getattr(mmap, "MAP_NORESERVE", _MAP_NORESERVE)
        options["flags"] = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | no_reserve
    pages = mmap.mmap(-1, 4 * math.prod(shape), **options)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        with contextlib.suppress(OSError):  # a kernel without huge pages
            pages.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(pages, dtype=np.float32).reshape(shape)


def _read_only(array: Floats) -> Floats:
    """Return a view that cannot be made writable again."""
    if isinstance(array, np.memmap):
        array.flags.writeable = False
        return array
    return np.frombuffer(memoryview(array.data).toreadonly(), dtype=np.float32).reshape(array.shape)


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


def _temporary(
    shape: tuple[int, int, int], folder: Path, n_frames: NDArray[np.int64] | None
) -> Floats:
    """Create a memory-mapped array of zeros, whose file is removed with the array.

    With the number of frames of each clip, disk space is reserved for these only.
    """
    # The name identifies the process that may still need the file.
    prefix = f"frames-{platform.node()}-{os.getpid()}-"
    number, name = tempfile.mkstemp(dir=folder, prefix=prefix, suffix=".f32")
    n_bytes = 4 * math.prod(shape)
    needed = n_bytes if n_frames is None else 4 * shape[1] * int(n_frames.sum())
    try:
        os.truncate(name, n_bytes)
        # Writing to a memory map without disk space kills the process.
        if hasattr(os, "posix_fallocate"):
            for start, size in _extents(shape, n_frames):
                os.posix_fallocate(number, start, size)
    except OSError as error:
        if error.errno not in _CANNOT_RESERVE:
            _remove(name)
            megabytes = f"{needed / 2**20:,.0f} MB"
            text = f"{error.strerror} for {megabytes} of features; choose another memmap folder"
            raise OSError(error.errno, text, os.fspath(folder)) from error
    finally:
        os.close(number)
    array = np.memmap(name, dtype=np.float32, mode="r+", shape=shape)
    # Attached to the map, because views refer to it rather than to the first array.
    weakref.finalize(array._mmap, _remove, name)  # type: ignore[attr-defined]
    return array


def _extents(
    shape: tuple[int, int, int], n_frames: NDArray[np.int64] | None
) -> Iterator[tuple[int, int]]:
    """Yield start and size, in bytes, of the parts of a file that are written."""
    if n_frames is None:
        yield 0, 4 * math.prod(shape)
        return
    _, n_rows, longest = shape
    for clip, length in enumerate(n_frames.tolist()):
        for row in range(n_rows):
            yield 4 * longest * (clip * n_rows + row), 4 * length


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
