"""Arrays of MFCCs that carry what the next step of a pipeline has to know about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.arrays import Floats
from .._utils.public import public
from .layout import MFCCLayout
from .padding import pad

__all__ = ["MFCCArray", "index_of", "known_frames"]


@public
class MFCCArray(np.ndarray):
    """An array of shape (n_clips, n_rows, n_frames) with a `layout`.

    Selections, copies, pickles and joins of arrays with the same layout keep it; reductions and
    ``numpy.save`` do not. Selections of clips also keep the `index` of a pandas Series. Otherwise
    it behaves like ``numpy.ndarray``.

    If one clip is much longer than the others, the array is read-only, and its padding takes no
    memory; ``X.copy()`` can be changed.
    """

    layout: MFCCLayout | None
    # The index of the clips, if they were a pandas Series.
    index: Any
    # The number of frames of each clip, if the padding takes no memory.
    n_frames: NDArray[np.int64] | None

    def __new__(
        cls,
        array: Floats,
        layout: Sequence[Any] | None = None,
        index: Any = None,
        n_frames: NDArray[np.int64] | None = None,
    ) -> MFCCArray:
        view = np.asarray(array).view(cls)
        view.layout = None if layout is None else MFCCLayout(*layout)
        view.index = index
        view.n_frames = n_frames
        return view

    def __array_finalize__(self, array: Any) -> None:
        self.layout = getattr(array, "layout", None) if self._is_selection_of(array) else None
        self.index = self.n_frames = None

    def __getitem__(self, key: Any) -> Any:
        clips = _selected_clips(key) if self.ndim == 3 else None
        if clips is None or (self.index is None and self.n_frames is None):
            return super().__getitem__(key)
        index = None if self.index is None else self.index[clips]
        if self.n_frames is None:
            return MFCCArray(np.asarray(self)[clips], self.layout, index)
        n_frames = self.n_frames[clips]
        if isinstance(clips, slice):
            return MFCCArray(np.asarray(self)[clips], self.layout, index, n_frames)
        return MFCCArray._from_frames(
            [self._frames(position) for position in np.arange(len(self))[clips]],
            self.shape,
            self.layout,
            index,
        )

    def copy(self, order: Any = "C") -> MFCCArray:
        """Return a copy with all padding, which can be changed."""
        return MFCCArray(np.asarray(self).copy(order), self.layout, self.index)

    def _frames(self, position: int) -> Floats:
        """Return a clip without its padding."""
        assert self.n_frames is not None
        return np.asarray(self)[position, :, : self.n_frames[position]]

    @classmethod
    def _from_frames(
        cls, frames: Sequence[Floats], shape: tuple[int, ...], layout: Any, index: Any
    ) -> MFCCArray:
        """Return an array whose padding takes no memory; `shape` has its rows and frames."""
        n_frames = np.array([clip.shape[1] for clip in frames], dtype=np.int64)
        if not frames:
            return cls(np.empty((0, *shape[1:]), dtype=np.float32), layout, index, n_frames)
        return cls(pad(frames, n_frames=shape[2]), layout, index, n_frames)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        if array.ndim == 0:
            return array[()]
        plain = np.asarray(array)
        if not _is_like(plain, self):
            return plain
        return MFCCArray(plain, self.layout, self.index if len(plain) == len(self) else None)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        layouts = {x.layout for x in _arrays_in(args)}
        result = function(*_as_plain(args), **_as_plain(kwargs))
        is_kept = function in _PRESERVING and len(layouts) == 1 and _is_like(result, self)
        return MFCCArray(result, self.layout) if is_kept else result

    def _is_selection_of(self, array: Any) -> bool:
        """Return whether this may be clips, frames or rows of an array, in their order."""
        if array is None or self.dtype.kind != "f" or not 2 <= self.ndim <= array.ndim <= 3:
            return False
        return not self.strides[-2] < 0 < array.strides[-2]

    def __reduce__(self) -> tuple[Any, ...]:
        # The state is plain arrays, so joblib shares them between processes like any others.
        layout = None if self.layout is None else tuple(self.layout)
        if self.n_frames is None:
            return MFCCArray, (np.asarray(self), layout, self.index)
        frames = [np.ascontiguousarray(self._frames(i)) for i in range(len(self))]
        return MFCCArray._from_frames, (frames, self.shape, layout, self.index)


# Functions whose result has the same rows, if it has as many.
_PRESERVING = (np.concatenate, np.vstack, np.append, np.copy, np.take, np.delete, np.where, np.pad)


def _is_like(array: Any, source: MFCCArray) -> bool:
    return (
        isinstance(array, np.ndarray)
        and array.dtype.kind == "f"
        and array.ndim == source.ndim
        and array.shape[-2:-1] == source.shape[-2:-1]
    )


def _arrays_in(value: Any) -> Iterator[MFCCArray]:
    if isinstance(value, MFCCArray):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _arrays_in(item)


def _as_plain(value: Any) -> Any:
    """Return a value with plain arrays for all `MFCCArray` in it."""
    if isinstance(value, MFCCArray):
        return np.asarray(value)
    if isinstance(value, (list, tuple)) and any(True for _ in _arrays_in(value)):
        return type(value)(map(_as_plain, value))
    if isinstance(value, dict):
        return {name: _as_plain(item) for name, item in value.items()}
    return value


def index_of(X: Any) -> Any:
    """Return the index of the clips of an array, or None."""
    return X.index if isinstance(X, MFCCArray) else None


def known_frames(X: Any) -> NDArray[np.int64] | None:
    """Return the number of frames of each clip if the padding of X takes no memory, else None.

    The rest of such an array is zero and should not be read, because it may be large.
    """
    return X.n_frames if isinstance(X, MFCCArray) else None


def _selected_clips(key: Any) -> Any:
    """Return the slice or the array with which a key selects clips, or None for any other key."""
    if isinstance(key, tuple):
        if len(key) != 2 or key[1] is not Ellipsis:
            return None
        key = key[0]
    if isinstance(key, slice):
        return key
    if isinstance(key, (list, np.ndarray)):
        clips = np.asarray(key, dtype=None if len(key) else np.intp)
        return clips if clips.ndim == 1 and clips.dtype.kind in "iub" else None
    return None
