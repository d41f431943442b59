"""Checks that all conditions share."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_scalar

from .._utils.arrays import Floats
from .._utils.checks import check_finite
from .._utils.text import represent, type_name

__all__ = ["check_generator", "check_number", "check_waveform"]


def check_waveform(waveform: Any, sr: Any) -> Floats:
    """Return a waveform as float32, without a copy if it is float32 already.

    Raises
    ------
    TypeError, ValueError
        If it is not a 1-D array of finite floats with at least one sample, or if `sr` is not a
        positive integer.
    """
    check_scalar(sr, "sr", Integral, min_val=1)
    array = np.asarray(waveform)
    if array.ndim != 1 or not array.size:
        raise ValueError(
            f"waveform has the shape {represent(array.shape)}; expected (n_samples,), with at "
            "least one sample"
        )
    if array.dtype.kind != "f":
        raise TypeError(
            f"waveform is an array of the type {represent(str(array.dtype))}; expected floats on "
            "the scale [-1, 1], such as those of 16-bit samples divided by 32768"
        )
    if not np.isfinite(array).all():
        raise ValueError("waveform contains NaN or infinity; repair it, or leave it out")
    return array.astype(np.float32, copy=False)


def check_generator(rng: Any) -> np.random.Generator:
    """Raise if the source of random numbers is something else."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"rng is {represent(rng)} ({type_name(rng)}); expected a generator, such as "
            "numpy.random.default_rng(0)"
        )
    return rng


def check_number(
    value: Any, name: str, *, low: float | None = None, high: float | None = None
) -> None:
    """Raise unless a parameter is a finite number, above `low` and below `high` if these are set.

    Unlike `check_scalar`, it takes neither bound as allowed.
    """
    check_scalar(value, name, Real, min_val=low, max_val=high, include_boundaries="neither")
    check_finite(value, name)
