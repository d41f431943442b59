"""Arrays of MFCCs that carry the meaning of their rows from one pipeline step to the next."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._utils.arrays import Floats
from .._utils.public import public

__all__ = ["MFCCArray", "MFCCLayout", "layout_of"]


class MFCCLayout(NamedTuple):
    """The meaning of the rows of an array of MFCCs, see `MFCCOptions`.

    Parameters
    ----------
    n_mfcc, n_mels : int > 0
    dct_type : {1, 2, 3}
    norm : {"ortho", None}
    lifter : float >= 0
    deltas : {0, 1, 2}
    """

    n_mfcc: int
    n_mels: int
    dct_type: int = 2
    norm: str | None = "ortho"
    lifter: float = 0.0
    deltas: int = 0

    def scale(self, n_rows: int) -> NDArray[np.float64]:
        """Return the factors that turn the first coefficients into orthonormal, unliftered ones.

        Parameters
        ----------
        n_rows : int, 1 to n_mfcc
            Number of coefficients.

        Returns
        -------
        ndarray of shape (n_rows,), float64
        """
        scale = np.ones(n_rows)
        if self.norm is None:
            # https://docs.scipy.org/doc/scipy/reference/generated/scipy.fft.dct.html
            scale *= math.sqrt(1 / (2 * self.n_mels))
            scale[0] /= math.sqrt(2)
        if self.lifter > 0:
            number = np.arange(1, n_rows + 1)
            scale /= 1 + self.lifter / 2 * np.sin(np.pi * number / self.lifter)
        return scale


@public
class MFCCArray(np.ndarray):
    """An array of shape (n_clips, n_rows, n_frames) with a `layout`.

    Selections, copies, pickles and joins of arrays with the same layout keep it; reductions and
    ``numpy.save`` do not. Otherwise it behaves like ``numpy.ndarray``.
    """

    layout: MFCCLayout | None

    def __new__(cls, array: Floats, layout: Sequence[Any] | None = None) -> MFCCArray:
        view = np.asarray(array).view(cls)
        view.layout = None if layout is None else MFCCLayout(*layout)
        return view

    def __array_finalize__(self, array: Any) -> None:
        self.layout = getattr(array, "layout", None) if self._is_selection_of(array) else None

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        if array.ndim == 0:
            return array[()]
        plain = np.asarray(array)
        return MFCCArray(plain, self.layout) if _is_like(plain, self) else plain

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
        # The state is a plain array, so joblib shares it between processes like any other.
        layout = None if self.layout is None else tuple(self.layout)
        return MFCCArray, (np.asarray(self), layout)


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


def layout_of(X: Any) -> MFCCLayout | None:
    """Return the layout of an array, a list or a Series of clips; None if it is unknown."""
    is_object = str(getattr(X, "dtype", "")) == "object" and getattr(X, "ndim", 0) == 1
    if (isinstance(X, (list, tuple)) or is_object) and len(X):
        X = next(iter(X))
    layout = getattr(X, "layout", None)
    return layout if isinstance(layout, MFCCLayout) else None
