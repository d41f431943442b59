"""Arrays of MFCCs that carry the meaning of their rows from one pipeline step to the next."""

from __future__ import annotations

import math
from collections.abc import Sequence
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
    """An array of shape (n_clips, n_rows, n_frames) with a `layout`, which indexing preserves.

    Otherwise it behaves like ``numpy.ndarray``.
    """

    layout: MFCCLayout | None

    def __new__(cls, array: Floats, layout: Sequence[Any] | None = None) -> MFCCArray:
        view = np.asarray(array).view(cls)
        view.layout = None if layout is None else MFCCLayout(*layout)
        return view

    def __array_finalize__(self, array: Any) -> None:
        self.layout = getattr(array, "layout", None)

    def __reduce__(self) -> tuple[Any, ...]:
        # The state is a plain array, so joblib shares it between processes like any other.
        layout = None if self.layout is None else tuple(self.layout)
        return MFCCArray, (np.asarray(self), layout)


def layout_of(X: Any) -> MFCCLayout | None:
    """Return the layout of an array, or of a list of clips; None if it is unknown."""
    if isinstance(X, (list, tuple)) and X:
        X = X[0]
    layout = getattr(X, "layout", None)
    return layout if isinstance(layout, MFCCLayout) else None
