"""Reports as JSON: predictions, folds and settings, from which the scores are computed again."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._audio.segment import Segment
from ._leaks import KINDS, Leak
from ._metrics import score_clips
from ._results import Fold, Protocol

__all__ = ["dump_report", "parse_report"]

_KIND = "evaluation report of ser_estimators"
# Increase it when the meaning of a key changes.
_FORMAT = 1
_FIELDS = {"name": str, "estimator": str, "corpus": str, "date": str, "sr": int}
_FIELDS |= {"confidence": float, "versions": dict}
# A longer name of an emotion or a speaker would take this much memory for each clip.
_MAX_NAME = 1000
# Larger integers do not fit the types of NumPy, or overflow in sums.
_MAX_INTEGER, _MAX_PROBABILITY = 2**62, 1e9


def dump_report(report: Any) -> str:
    """Return a report as JSON, one line for each part of a protocol.

    Parameters
    ----------
    report : EvaluationReport

    Returns
    -------
    str
        In ASCII, so that it can be written in any encoding; without pickled objects.
    """
    head = {"kind": _KIND, "format": _FORMAT}
    head |= {name: getattr(report, name) for name in _FIELDS}
    protocols = [_lines(_of_protocol(protocol), 3) for protocol in report.protocols.values()]
    return _lines(head, 1)[:-2] + ',\n "protocols": [\n' + ",\n".join(protocols) + "\n ]\n}\n"


def _lines(record: Mapping[str, Any], indent: int) -> str:
    """Return an object as JSON with one line for each key, readable and small."""
    lines = [f"{' ' * indent}{json.dumps(name)}: {_json(value)}" for name, value in record.items()]
    start = " " * (indent - 1)
    return f"{start}{{\n" + ",\n".join(lines) + f"\n{start}}}"


def _json(value: Any) -> str:
    return json.dumps(value, allow_nan=False)


def _of_protocol(protocol: Protocol) -> dict[str, Any]:
    return {
        "name": protocol.name,
        "description": protocol.description,
        "classes": protocol.classes.tolist(),
        # Positions in the classes.
        "y_true": np.searchsorted(protocol.classes, protocol.y_true).tolist(),
        "y_pred": np.searchsorted(protocol.classes, protocol.y_pred).tolist(),
        "probabilities": _list_of(protocol.probabilities),
        "speakers": _list_of(protocol.speakers),
        "clips": [_of_clip(clip) for clip in protocol.clips],
        "metadata": {name: _finite(col.tolist()) for name, col in protocol.metadata.items()},
        "leaks": (
            None
            if protocol.leaks is None
            else [[leak.train, leak.test, leak.kind] for leak in protocol.leaks]
        ),
        "shared_speakers": np.asarray(protocol.shared_speakers).tolist(),
        "folds": [_of_fold(fold) for fold in protocol.folds],
    }


def _of_fold(fold: Fold) -> dict[str, Any]:
    best, history = fold.best_params, fold.history
    return {
        "train": fold.train.tolist(),
        "test": fold.test.tolist(),
        "fit_seconds": float(fold.fit_seconds),
        "best_params": None if best is None else {name: _plain(best[name]) for name in best},
        "history": (
            None if history is None else [{k: _plain(v) for k, v in row.items()} for row in history]
        ),
    }


def _list_of(array: NDArray[Any] | None) -> list[Any] | None:
    return None if array is None else array.tolist()


def _of_clip(clip: Any) -> Any:
    """Return a path as a string, a segment as a list, and None for other kinds of clips."""
    if isinstance(clip, Segment):
        return [clip.path, clip.start, clip.end, clip.channel]
    return os.fspath(clip) if isinstance(clip, (str, os.PathLike)) else None


def _plain(value: Any) -> Any:
    """Return a parameter as a JSON value, or as its ``repr``."""
    if isinstance(value, np.generic):
        value = value.item()
    is_plain = value is None or type(value) in (bool, int, str)
    is_plain = is_plain or (type(value) is float and math.isfinite(value))
    return value if is_plain else repr(value)


def _finite(values: list[Any]) -> list[Any]:
    """Return None for NaN and infinity, for which JSON has no number."""
    return [None if isinstance(v, float) and not math.isfinite(v) else v for v in values]


def parse_report(text: str) -> dict[str, Any]:
    """Return the parameters of a report from JSON.

    Parameters
    ----------
    text : str
        Result of `dump_report`.

    Returns
    -------
    dict
        Parameters of `EvaluationReport`. Clips that were waveforms are None.

    Raises
    ------
    ValueError
        If it is something else, was cut off or changed by hand into something inconsistent.
    """
    try:
        record = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("its brackets are nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"it is not JSON, or not all of it ({error!s:.100})") from None
    if not isinstance(record, dict) or record.get("kind") != _KIND:
        raise ValueError("it is not a report")
    if record.get("format") != _FORMAT:
        raise ValueError(
            f"it has the format {record.get('format')!r:.20}, and this version reads format "
            f"{_FORMAT}: install a newer version of ser_estimators, or evaluate again"
        )
    values = {name: _get(record, name, kind) for name, kind in _FIELDS.items()}
    _require(0 < values["confidence"] < 1 and values["sr"] > 0, "confidence or sr is out of range")
    _require(
        all(isinstance(text, str) for text in values["versions"].values()), "versions is wrong"
    )
    protocols = [_to_protocol(one, values["confidence"]) for one in _get(record, "protocols", list)]
    _require(len(protocols) > 0, "it has no protocol")
    return {**values, "protocols": {protocol.name: protocol for protocol in protocols}}


def _to_protocol(record: Any, confidence: float) -> Protocol:
    _require(isinstance(record, dict), "protocols is wrong")
    classes = np.array(_names(record, "classes"))
    _require(len(classes) > 0 and np.array_equal(classes, np.unique(classes)), "classes is wrong")
    folds = [_to_fold(fold) for fold in _get(record, "folds", list)]
    n_tested = sum(len(fold.test) for fold in folds)
    _require(n_tested > 0, "it has no tested clips")
    y_true, y_pred = (
        classes[_positions(record, name, len(classes), n_tested)] for name in ("y_true", "y_pred")
    )
    probabilities = _probabilities(record, (n_tested, len(classes)))
    speakers = None
    if record.get("speakers") is not None:
        speakers = np.array(_names(record, "speakers", n_tested))
    return Protocol(
        name=_get(record, "name", str),
        description=_get(record, "description", str),
        folds=folds,
        clips=list(map(_to_clip, _items(record, "clips", _is_clip, n_tested))),
        y_true=y_true,
        y_pred=y_pred,
        probabilities=probabilities,
        speakers=speakers,
        classes=classes,
        scores=score_clips(classes, y_true, y_pred, probabilities, speakers, confidence=confidence),
        leaks=_leaks(record),
        shared_speakers=_names(record, "shared_speakers"),
        metadata={
            name: _metadata(record["metadata"], name, n_tested)
            for name in _get(record, "metadata", dict)
        },
    )


def _to_fold(record: Any) -> Fold:
    _require(isinstance(record, dict), "folds is wrong")
    history = record.get("history")
    if history is not None:
        history = _items(record, "history", lambda row: isinstance(row, dict))
        # Values that are not finite were written as text.
        history = [{k: v for k, v in row.items() if _is_number(v)} for row in history]
    return Fold(
        _positions(record, "train"),
        _positions(record, "test"),
        _get(record, "fit_seconds", float),
        best_params=None
        if record.get("best_params") is None
        else _get(record, "best_params", dict),
        history=history,
    )


def _is_clip(clip: Any) -> bool:
    is_segment = isinstance(clip, list) and len(clip) == 4 and type(clip[0]) is str
    return clip is None or type(clip) is str or is_segment


def _to_clip(clip: Any) -> Any:
    if not isinstance(clip, list):
        return clip
    try:
        return Segment(*clip)
    except (TypeError, ValueError) as error:
        raise ValueError("clips is wrong") from error


def _leaks(record: dict[str, Any]) -> list[Leak] | None:
    if record.get("leaks") is None:
        return None
    for leak in _items(record, "leaks", lambda leak: isinstance(leak, list) and len(leak) == 3):
        _require(all(map(_is_position, leak[:2])) and leak[2] in KINDS, "leaks is wrong")
    return [Leak(*leak) for leak in record["leaks"]]


def _probabilities(record: dict[str, Any], shape: tuple[int, int]) -> NDArray[np.float64] | None:
    if record.get("probabilities") is None:
        return None
    rows = _items(record, "probabilities", lambda row: _are_probabilities(row, shape[1]), shape[0])
    return np.array(rows, dtype=np.float64)


def _metadata(record: dict[str, Any], name: str, n_clips: int) -> NDArray[Any]:
    values = _get(record, name, list)
    if any(type(value) is str for value in values):
        return np.array(_names(record, name, n_clips))
    _items(record, name, lambda v: v is None or type(v) in (bool, int, float), n_clips)
    return np.array([np.nan if value is None else value for value in values])


def _positions(
    record: dict[str, Any], name: str, below: int | None = None, n: int | None = None
) -> NDArray[np.int64]:
    """Return an array of positions in a list of clips or classes."""
    values = _items(record, name, lambda v: _is_position(v) and (below is None or v < below), n)
    return np.array(values, dtype=np.int64)


def _names(record: dict[str, Any], name: str, n: int | None = None) -> list[Any]:
    """Return names of classes or speakers: texts, or numbers, of one type."""
    values = _get(record, name, list)
    types = {type(value) for value in values}
    _require(len(types) <= 1, f"{name} mixes types")
    return _items(record, name, _is_name, n)


def _items(
    record: dict[str, Any], name: str, is_valid: Callable[[Any], bool], n: int | None = None
) -> list[Any]:
    """Return a list of which every item is valid, of length `n` if that is known."""
    values = _get(record, name, list)
    _require(n is None or len(values) == n, f"{name} has {len(values)} values instead of {n}")
    _require(all(map(is_valid, values)), f"{name} contains something unexpected")
    return values


def _get(record: dict[str, Any], name: str, kind: type) -> Any:
    value = record.get(name)
    if kind is float and type(value) is int and abs(value) < _MAX_INTEGER:
        value = float(value)
    _require(type(value) is kind, f"{name} is missing or has the wrong type")
    return value


def _is_position(value: Any) -> bool:
    return type(value) is int and 0 <= value < _MAX_INTEGER


def _is_number(value: Any) -> bool:
    return type(value) is float or (type(value) is int and abs(value) < _MAX_INTEGER)


def _is_name(value: Any) -> bool:
    if type(value) is str:
        return len(value) <= _MAX_NAME
    return type(value) in (bool, float) or (type(value) is int and abs(value) < _MAX_INTEGER)


def _are_probabilities(row: Any, n: int) -> bool:
    # Some classifiers give more than one.
    return (
        isinstance(row, list)
        and len(row) == n
        and all(type(v) in (int, float) and 0 <= v <= _MAX_PROBABILITY for v in row)
    )


def _refuse_constant(name: str) -> None:
    raise ValueError(f"it contains {name}")


def _require(condition: Any, message: str) -> None:
    if not condition:
        raise ValueError(f"it is not what to_json writes: {message}")
