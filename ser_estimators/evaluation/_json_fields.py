"""JSON of results, which a user may have changed: written, and read with its types checked."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._audio.segment import Segment

__all__ = [
    "are_probabilities",
    "clips_of",
    "finite_values",
    "is_number",
    "is_position",
    "items_of",
    "join_lines",
    "json_of_clip",
    "labels_of",
    "metadata_of",
    "names_of",
    "parse_record",
    "positions_of",
    "require",
    "texts_of",
    "value_of",
    "write_positions",
]

# A longer name of an emotion or a speaker would take this much memory for each clip.
_MAX_NAME = 1000
# Larger integers do not fit the types of NumPy, or overflow in sums.
_MAX_INTEGER, _MAX_PROBABILITY = 2**62, 1e9


def join_lines(record: Mapping[str, Any], indent: int) -> str:
    """Return an object as JSON with one line for each key, readable and small."""
    lines = [f"{' ' * indent}{json.dumps(name)}: {_json(value)}" for name, value in record.items()]
    start = " " * (indent - 1)
    return f"{start}{{\n" + ",\n".join(lines) + f"\n{start}}}"


def _json(value: Any) -> str:
    return json.dumps(value, allow_nan=False)


def json_of_clip(clip: Any) -> Any:
    """Return a path as a string, a segment as a list, and None for a waveform."""
    if isinstance(clip, Segment):
        return [clip.path, clip.start, clip.end, clip.channel]
    return os.fspath(clip) if isinstance(clip, (str, os.PathLike)) else None


def clips_of(record: dict[str, Any], name: str, n: int) -> list[Any]:
    """Return the clips that `json_of_clip` has written."""
    try:
        return [
            Segment(*clip) if isinstance(clip, list) else clip
            for clip in items_of(record, name, _is_clip, n)
        ]
    except TypeError as error:  # of a segment
        raise ValueError(f"{name} contains something unexpected") from error


def _is_clip(clip: Any) -> bool:
    is_segment = isinstance(clip, list) and len(clip) == 4 and type(clip[0]) is str
    return clip is None or type(clip) is str or is_segment


def finite_values(values: list[Any]) -> list[Any]:
    """Return None for NaN and infinity, for which JSON has no number."""
    return [None if isinstance(v, float) and not math.isfinite(v) else v for v in values]


def write_positions(
    classes: NDArray[Any], labels: Mapping[str, NDArray[Any]]
) -> dict[str, list[int]]:
    """Return the positions in the sorted classes of each array of labels."""
    return {name: np.searchsorted(classes, values).tolist() for name, values in labels.items()}


def parse_record(text: str, kind: str, version: int, what: str) -> dict[str, Any]:
    """Return the object in a JSON file of a certain kind and format.

    Parameters
    ----------
    text : str
    kind : str
        Expected value of the key "kind".
    version : int
        Expected value of the key "format".
    what : str
        Such as "a report", for the error message.

    Raises
    ------
    ValueError
        If it is something else.
    """
    try:
        record = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("its brackets are nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"it is not JSON, or not all of it ({error!s:.100})") from None
    if not isinstance(record, dict) or record.get("kind") != kind:
        raise ValueError(f"it is not {what}")
    if record.get("format") != version:
        raise ValueError(
            f"it has the format {record.get('format')!r:.20}, and this version reads format "
            f"{version}: install a newer version of ser_estimators, or evaluate again"
        )
    return record


def labels_of(
    record: dict[str, Any], name: str, classes: NDArray[Any], n: int
) -> dict[str, NDArray[Any]]:
    """Return arrays of labels by name, from a key that maps names to positions in the classes."""
    found = value_of(record, name, dict)
    return {key: classes[positions_of(found, key, len(classes), n)] for key in found}


def texts_of(record: dict[str, Any], name: str) -> dict[str, str]:
    """Return texts by name."""
    found = value_of(record, name, dict)
    require(all(type(text) is str for text in found.values()), f"{name} is wrong")
    return found


def metadata_of(record: dict[str, Any], name: str, n_clips: int) -> NDArray[Any]:
    """Return a column of strings or numbers, with NaN for None."""
    values = value_of(record, name, list)
    if any(type(value) is str for value in values):
        return np.array(names_of(record, name, n_clips))
    items_of(record, name, lambda v: v is None or type(v) in (bool, int, float), n_clips)
    return np.array([np.nan if value is None else value for value in values])


def positions_of(
    record: dict[str, Any], name: str, below: int | None = None, n: int | None = None
) -> NDArray[np.int64]:
    """Return an array of positions in a list of clips or classes."""
    values = items_of(record, name, lambda v: is_position(v) and (below is None or v < below), n)
    return np.array(values, dtype=np.int64)


def names_of(record: dict[str, Any], name: str, n: int | None = None) -> list[Any]:
    """Return names of classes or speakers: texts, or numbers, of one type."""
    values = value_of(record, name, list)
    types = {type(value) for value in values}
    require(len(types) <= 1, f"{name} mixes types")
    return items_of(record, name, _is_name, n)


def items_of(
    record: dict[str, Any], name: str, is_valid: Callable[[Any], bool], n: int | None = None
) -> list[Any]:
    """Return a list of which every item is valid, of length `n` if that is known."""
    values = value_of(record, name, list)
    require(n is None or len(values) == n, f"{name} has {len(values)} values instead of {n}")
    require(all(map(is_valid, values)), f"{name} contains something unexpected")
    return values


def value_of(record: dict[str, Any], name: str, kind: type) -> Any:
    """Return the value of a key that has a certain type."""
    value = record.get(name)
    if kind is float and type(value) is int and abs(value) < _MAX_INTEGER:
        value = float(value)
    require(type(value) is kind, f"{name} is missing or has the wrong type")
    return value


def is_position(value: Any) -> bool:
    """Return whether a value may be a position in a list."""
    return type(value) is int and 0 <= value < _MAX_INTEGER


def is_number(value: Any) -> bool:
    """Return whether a value is a number of ordinary size."""
    return type(value) is float or (type(value) is int and abs(value) < _MAX_INTEGER)


def _is_name(value: Any) -> bool:
    if type(value) is str:
        return len(value) <= _MAX_NAME
    return type(value) in (bool, float) or (type(value) is int and abs(value) < _MAX_INTEGER)


def are_probabilities(row: Any, n: int) -> bool:
    """Return whether a value is a list of `n` probabilities."""
    # Some classifiers give more than one.
    return (
        isinstance(row, list)
        and len(row) == n
        and all(type(v) in (int, float) and 0 <= v <= _MAX_PROBABILITY for v in row)
    )


def _refuse_constant(name: str) -> None:
    raise ValueError(f"it contains {name}")


def require(condition: Any, message: str) -> None:
    """Raise a ValueError with a message unless a condition is true."""
    if not condition:
        raise ValueError(f"it is not what to_json writes: {message}")
