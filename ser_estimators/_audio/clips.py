"""Validation of X: lists of paths, of encoded audio or of waveforms, or an array."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data

from .._utils.checks import is_missing
from .._utils.stack_level import find_stack_level
from .._utils.text import represent, type_name
from .diagnosis import describe_single_path
from .kinds import (
    Clip,
    EncodedClip,
    Rows,
    SampledClip,
    as_encoded,
    as_sampled,
    as_waveform,
    is_file,
    is_scalar,
    looks_like_path,
)
from .segment import Segment
from .waveforms import check_waveforms

__all__ = ["Clip", "check_clips", "validate_clips"]

# An array with so few columns and so many rows is probably one recording, not many clips.
_MAX_CHANNELS, _MANY_SAMPLES = 8, 1000

_EXPECTED = (
    'a list of audio paths, such as ["a.wav", "b.wav"], a list of 1-D waveforms, of '
    "(waveform, sr) pairs or of the bytes of audio files, or a 2-D float array "
    "(n_clips, n_samples)"
)

_PATH, _ENCODED, _UNDECODED, _SAMPLED, _WAVEFORM, _NUMBER, _OTHER = (
    "a path",
    "encoded audio",
    "a dict of encoded audio",
    "a waveform with its sampling rate",
    "a waveform",
    "a number",
    "another object",
)
_CLIPS = (_PATH, _ENCODED, _UNDECODED, _SAMPLED)


def validate_clips(estimator: Any, X: Any, *, reset: bool) -> Sequence[Clip]:
    """Check X for an estimator and set or compare its ``n_features_in_``.

    Only a 2-D array has a number of features (its samples per clip); for lists the attribute is
    removed by ``fit``, and clips may have any length.

    Parameters
    ----------
    estimator : estimator instance
    X : object
        See `check_clips`.
    reset : bool
        True in ``fit``, False afterwards.

    Returns
    -------
    list or 2-D array
        See `check_clips`.

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
    if isinstance(clips[0], (np.ndarray, SampledClip)):
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
    """Return X as a list of clips of one kind; a 2-D array is returned unchanged.

    Open files are read into memory, so that the clips can be sent to other processes. No path is
    opened, nothing is decoded, and the values of a 2-D array are not checked.

    Parameters
    ----------
    X : sequence of clips, or array-like of shape (n_clips, n_samples)
        All clips are paths, or segments of files; or 1-D waveforms; or ``(waveform, sr)`` tuples or
        dicts with "array" and "sampling_rate"; or encoded audio, which is bytes, binary files or
        dicts with "bytes" and "path".

    Returns
    -------
    list of str and Segment, of ndarray, of SampledClip, or of EncodedClip; or a 2-D array-like
        The list may be passed to `check_clips` again.

    Raises
    ------
    TypeError, ValueError
        See `validate_clips`.
    """
    if hasattr(X, "tocsr"):  # a sparse matrix
        return X  # scikit-learn raises for it
    _check_not_single(X)
    if isinstance(X, Mapping) or hasattr(X, "column_names"):
        raise _table_error(X)
    if isinstance(X, (set, frozenset)) or not (hasattr(X, "__len__") or hasattr(X, "__array__")):
        raise TypeError(
            f"X is a {type_name(X)}; expected {_EXPECTED}. "
            "Turn an iterator into a list first: list(X)"
        )
    if isinstance(X, Sequence):
        return _check_list(list(X))
    array = np.asarray(X)
    if array.ndim == 1:
        return _check_vector(array)
    if array.ndim == 2 and array.dtype.kind in "OUST":
        kinds = {_kind(value) for value in array.flat}
        if kinds & {*_CLIPS}:
            raise _table_error(X, array)
        if _WAVEFORM in kinds:
            raise ValueError(
                f"X is an array of shape {array.shape} that contains arrays; expected {_EXPECTED}. "
                "Pass a list instead, such as list(map(tuple, X)) for pairs"
            )
    if array.ndim != 2:
        raise ValueError(f"X is an array of shape {represent(array.shape)}; expected {_EXPECTED}")
    return X


def _check_not_single(X: Any) -> None:
    """Raise if X is one clip instead of a list of clips."""
    if isinstance(X, (bytes, bytearray)) and looks_like_path(X):
        X = X.decode()
    if isinstance(X, Segment):
        raise TypeError(f"X is the single segment {represent(X)}; expected a list: pass [X]")
    if isinstance(X, (str, os.PathLike)):
        kind, instead = describe_single_path(os.fspath(X))
        raise TypeError(f"X is {kind} {represent(X)}; expected a list of paths: pass {instead}")
    if isinstance(X, (list, tuple)):
        if len(X) == 2 and _kind(X) == _SAMPLED and _NUMBER in (_kind(X[0]), _kind(X[1])):
            pair = "[(X[1], X[0])]" if is_scalar(X[0]) else "[(X[0], X[1])]"
            raise TypeError(
                "X is a single pair of a waveform and a sampling rate; expected a list of "
                f"(waveform, sr) pairs: pass {pair}"
            )
        return
    is_columns = isinstance(X, Mapping) and any(
        isinstance(X.get(name), (list, tuple, np.ndarray))
        for name in ("bytes", "path", "sampling_rate")
    )
    kind = _kind(X)
    if kind in _CLIPS and not is_columns:
        raise TypeError(
            f"X is a single clip: {kind} ({type_name(X)}); expected a list of clips: pass [X]"
        )


def _table_error(X: Any, array: NDArray[Any] | None = None) -> Exception:
    """Return the error for several columns, of which one contains the clips."""
    keys = X if isinstance(X, Mapping) else getattr(X, "column_names", ())
    names: list[Any] = list(getattr(X, "columns", keys))
    if array is None:
        what = f"a {type_name(X)} with the keys {represent(names)}"
        firsts = [_first_of(X, name) for name in names]
    else:
        what = f"a table of shape {array.shape} that contains paths or other clips"
        firsts = list(array[0])
        names = names or [(slice(None), number) for number in range(len(firsts))]
    found = [name for name, first in zip(names, firsts, strict=False) if _kind(first) in _CLIPS]
    name = found[0] if found else "path"
    column = f":, {name[1]}" if isinstance(name, tuple) else represent(name).replace("'", '"')
    error = TypeError if array is None else ValueError
    return error(
        f"X is {what}; expected {_EXPECTED}. Pass its column of clips, such as X[{column}]"
    )


def _first_of(X: Any, column: Any) -> Any:
    try:
        return X[column][0]
    except Exception:  # not a table after all
        return None


def _check_list(items: list[Any]) -> list[Any]:
    if not items:
        raise ValueError(f"X is empty; expected {_EXPECTED}")
    kinds = [_kind(item) for item in items]
    for index, (item, kind) in enumerate(zip(items, kinds, strict=True)):
        if kind == _OTHER:
            raise TypeError(
                f"Clip {index + 1} of {len(items)} is {represent(item)} ({type_name(item)}); "
                f"expected {_hint(item) or _EXPECTED}"
            )
        if kind != kinds[0]:
            raise TypeError(
                f"X mixes clips of different kinds: clip 1 is {kinds[0]}, clip {index + 1} "
                f"is {kind}; expected {_EXPECTED}"
            )
    if kinds[0] == _NUMBER:
        raise ValueError(
            "X is a list of numbers; if it is a single waveform, pass [X]. "
            f"Reshape your data: expected {_EXPECTED}"
        )
    if kinds[0] == _PATH:
        return [item if isinstance(item, (str, Segment)) else os.fspath(item) for item in items]
    convert = {_SAMPLED: as_sampled, _WAVEFORM: as_waveform}.get(kinds[0], as_encoded)
    clips: list[Any] = []
    for index, item in enumerate(items):
        try:
            clips.append(convert(item))
        except (TypeError, ValueError) as error:
            where = f"Clip {index + 1} of {len(items)} is {error}"
            raise type(error)(where) from error.__cause__
    is_table = len(items) > 1 and all(isinstance(item, (list, tuple)) for item in items)
    if kinds[0] == _WAVEFORM and is_table and len({len(item) for item in items}) == 1:
        return Rows(clips)
    return clips


def _check_vector(array: NDArray[Any]) -> list[Any]:
    if array.size and array.dtype.kind == "S":
        raise TypeError(
            f"X is an array of the type {represent(str(array.dtype))}, which removes zeros at the "
            "end of bytes; pass a list of bytes, or of paths as str"
        )
    if array.size and array.dtype.kind not in "OUT":
        raise ValueError(
            f"X is a 1-D array of {array.size} numbers; if it is a single waveform, pass [X]. "
            f"Reshape your data: expected {_EXPECTED}"
        )
    return _check_list(array.tolist() if array.dtype.kind != "O" else list(array))


def _kind(item: Any) -> str:
    if isinstance(item, (str, os.PathLike)):
        return _PATH
    if isinstance(item, (bool, np.bool_)) or is_missing(item):
        return _OTHER
    if isinstance(item, (int, float, np.number)):
        return _NUMBER
    if isinstance(item, (bytes, bytearray, EncodedClip)):
        return _ENCODED
    if isinstance(item, memoryview):
        return _ENCODED if item.format in ("B", "b", "c") else _WAVEFORM
    if isinstance(item, SampledClip):
        return _SAMPLED
    if isinstance(item, Mapping):
        if "array" in item:
            return _SAMPLED
        return _UNDECODED if "bytes" in item or "path" in item else _OTHER
    if hasattr(item, "__array__"):  # an array, a tensor, a Series
        return _WAVEFORM if _is_numeric(item) else _OTHER
    if isinstance(item, (list, tuple)):
        if all(isinstance(value, (int, float, np.number)) for value in item):
            return _WAVEFORM
        if len(item) == 2 and is_scalar(item[0]) != is_scalar(item[1]) and _holds_samples(item):
            return _SAMPLED
        return _OTHER
    return _ENCODED if is_file(item) else _OTHER


def _is_numeric(array: Any) -> bool:
    try:
        return np.asarray(array).dtype.kind in "biuf"
    except (TypeError, ValueError):  # such as a tensor on a GPU, which `as_waveform` reports
        return True


def _holds_samples(pair: Sequence[Any]) -> bool:
    return any(not is_scalar(part) and _kind(part) == _WAVEFORM for part in pair)


def _hint(item: Any) -> str | None:
    """Return what to pass instead of some objects that are nearly clips."""
    if isinstance(item, Mapping):
        return (
            'the keys "array" and "sampling_rate" of a decoded clip, or "bytes" and "path" of an '
            "undecoded one"
        )
    if hasattr(item, "get_all_samples"):  # torchcodec
        return (
            'undecoded audio, ds.cast_column("audio", Audio(decode=False)), or '
            '{"array": clip["array"], "sampling_rate": clip["sampling_rate"]}'
        )
    if isinstance(item, (list, tuple)) and len(item) == 2 and isinstance(item[0], str):
        return "a path without a sampling rate, because a file states its own"
    return None
