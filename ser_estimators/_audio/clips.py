"""Validation of X: a list of paths, a list of waveforms, or an array."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data

from .._utils.checks import is_missing
from .._utils.stack_level import find_stack_level
from .waveforms import check_waveforms

__all__ = ["Clip", "check_clips", "validate_clips"]

Clip: TypeAlias = "str | os.PathLike[str] | NDArray[Any]"

# An array with so few columns and so many rows is probably one recording, not many clips.
_MAX_CHANNELS, _MANY_SAMPLES = 8, 1000

_EXPECTED = (
    'a list of audio paths, such as ["a.wav", "b.wav"], a list of 1-D waveforms, '
    "or a 2-D float array (n_clips, n_samples)"
)


def validate_clips(estimator: Any, X: Any, *, reset: bool) -> Sequence[Clip]:
    """Check X for an estimator and set or compare its ``n_features_in_``.

    Only a 2-D array has a number of features (its samples per clip); for paths and lists of
    waveforms the attribute is removed by ``fit``, and clips may have any length.

    Parameters
    ----------
    estimator : estimator instance
    X : list of path-like, list of 1-D waveforms, or array-like of shape (n_clips, n_samples)
    reset : bool
        True in ``fit``, False afterwards.

    Returns
    -------
    list of str or path, or list or 2-D array of waveforms

    Raises
    ------
    TypeError
        For a bare string, mixed types or another kind of object.
    ValueError
        For an empty X, a single waveform, or an array of the wrong shape.

    Warns
    -----
    UserWarning
        For an array that looks like one recording with several channels.
    """
    clips = check_clips(X)
    if not isinstance(clips, list):
        clips = validate_data(estimator, clips, reset=reset, ensure_all_finite=False)
        check_waveforms(clips)
        _warn_of_channels(clips.shape)
        return clips
    if not isinstance(clips[0], str):
        check_waveforms(clips)
    if reset:
        for name in ("n_features_in_", "feature_names_in_"):
            vars(estimator).pop(name, None)
    return clips


def _warn_of_channels(shape: tuple[int, int]) -> None:
    """Warn of an array that looks like one recording with several channels."""
    n_clips, n_samples = shape
    if n_samples <= _MAX_CHANNELS and n_clips >= _MANY_SAMPLES:
        warnings.warn(
            f"X has the shape {shape}, which is {n_clips} clips of {n_samples} samples; if it is "
            f"one recording with {n_samples} channels, pass [X.mean(axis=1)]",
            stacklevel=find_stack_level(),
        )


def check_clips(X: Any) -> Any:
    """Return X as a list of paths or of 1-D waveforms; a 2-D array is returned unchanged.

    No file is opened, and the values of a 2-D array are not checked.
    """
    if isinstance(X, (str, bytes, os.PathLike)):
        raise TypeError(f"X is the single path {X!r}; expected a list of paths: pass [{X!r}]")
    if hasattr(X, "tocsr"):  # a sparse matrix
        return X  # scikit-learn raises for it
    if isinstance(X, (dict, set, frozenset)) or not (
        hasattr(X, "__len__") or hasattr(X, "__array__")
    ):
        raise TypeError(
            f"X is a {type(X).__name__}; expected {_EXPECTED}. "
            "Turn an iterator into a list first: list(X)"
        )
    if isinstance(X, (list, tuple)):
        return _check_list(list(X))
    array = np.asarray(X)
    if array.ndim == 1:
        return _check_vector(array)
    if array.ndim == 2 and array.dtype.kind in "OUST" and _first_path(array) is not None:
        raise ValueError(
            f"X is a table of shape {array.shape} that contains paths; expected {_EXPECTED}. "
            'Pass its column of paths, such as X["path"]'
        )
    if array.ndim != 2:
        raise ValueError(f"X is an array of shape {array.shape}; expected {_EXPECTED}")
    return X


def _check_list(items: list[Any]) -> list[Any]:
    if not items:
        raise ValueError(f"X is empty; expected {_EXPECTED}")
    kinds = [_kind(item) for item in items]
    for index, (item, kind) in enumerate(zip(items, kinds, strict=True)):
        if kind == "other":
            raise TypeError(
                f"Clip {index + 1} of {len(items)} is {item!r} ({type(item).__name__}); "
                f"expected {_EXPECTED}"
            )
        if kind != kinds[0]:
            raise TypeError(
                f"X mixes clips of different kinds: clip 1 is a {kinds[0]}, clip {index + 1} "
                f"is a {kind}; expected {_EXPECTED}"
            )
    if kinds[0] == "number":
        raise ValueError(
            "X is a list of numbers; if it is a single waveform, pass [X]. "
            f"Reshape your data: expected {_EXPECTED}"
        )
    if kinds[0] == "path":
        return [item if isinstance(item, str) else os.fspath(item) for item in items]
    waveforms = [np.asarray(item) for item in items]
    for index, waveform in enumerate(waveforms):
        if waveform.ndim != 1:
            raise ValueError(
                f"Clip {index + 1} of {len(items)} is an array of shape {waveform.shape}; expected "
                "a 1-D waveform. Mix the channels down first, for example with y.mean(axis=...)"
            )
    return waveforms


def _check_vector(array: NDArray[Any]) -> list[Any]:
    if array.size and array.dtype.kind not in "OUST":
        raise ValueError(
            f"X is a 1-D array of {array.size} numbers; if it is a single waveform, pass [X]. "
            f"Reshape your data: expected {_EXPECTED}"
        )
    return _check_list(array.tolist() if array.dtype.kind != "O" else list(array))


def _kind(item: Any) -> str:
    if isinstance(item, (str, os.PathLike)):
        return "path"
    if isinstance(item, (bool, np.bool_)) or is_missing(item):
        return "other"
    if isinstance(item, (int, float, np.number)):
        return "number"
    if hasattr(item, "__array__"):  # an array, a tensor, a Series
        return "waveform" if np.asarray(item).dtype.kind in "biuf" else "other"
    if isinstance(item, (list, tuple)):
        numeric = all(isinstance(value, (int, float, np.number)) for value in item)
        return "waveform" if numeric else "other"
    return "other"


def _first_path(array: NDArray[Any]) -> Any:
    return next((v for v in array.flat if isinstance(v, (str, os.PathLike))), None)
