"""The meaning of the rows of an array of MFCCs."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["MFCCLayout", "layout_of"]


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


def layout_of(X: Any) -> MFCCLayout | None:
    """Return the layout of an array, a list or a Series of clips; None if it is unknown."""
    is_object = str(getattr(X, "dtype", "")) == "object" and getattr(X, "ndim", 0) == 1
    if (isinstance(X, (list, tuple)) or is_object) and len(X):
        X = next(iter(X))
    layout = getattr(X, "layout", None)
    return layout if isinstance(layout, MFCCLayout) else None
