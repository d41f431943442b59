"""Reports as JSON: predictions, folds and settings, from which the scores are computed again."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._json_fields import (
    are_probabilities,
    clips_of,
    finite_values,
    is_number,
    is_position,
    items_of,
    join_lines,
    json_of_clip,
    labels_of,
    metadata_of,
    names_of,
    parse_record,
    positions_of,
    require,
    texts_of,
    value_of,
    write_positions,
)
from ._leaks import KINDS, Leak
from ._metrics import score_clips
from ._results import Fold, Protocol

__all__ = ["dump_report", "parse_report"]

_KIND = "evaluation report of ser_estimators"
# Increase it when the meaning of a key changes.
_FORMAT = 1
_FIELDS = {"name": str, "estimator": str, "corpus": str, "date": str, "sr": int}
_FIELDS |= {"confidence": float, "versions": dict}


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
    protocols = [join_lines(_of_protocol(protocol), 3) for protocol in report.protocols.values()]
    return join_lines(head, 1)[:-2] + ',\n "protocols": [\n' + ",\n".join(protocols) + "\n ]\n}\n"


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
        "clips": [json_of_clip(clip) for clip in protocol.clips],
        "metadata": {name: finite_values(col.tolist()) for name, col in protocol.metadata.items()},
        "leaks": (
            None
            if protocol.leaks is None
            else [[leak.train, leak.test, leak.kind] for leak in protocol.leaks]
        ),
        "shared_speakers": np.asarray(protocol.shared_speakers).tolist(),
        "folds": [_of_fold(fold) for fold in protocol.folds],
        "conditions": write_positions(protocol.classes, protocol.conditions),
        "failed_conditions": protocol.failed_conditions,
        "answered": _list_of(protocol.answered),
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


def _plain(value: Any) -> Any:
    """Return a parameter as a JSON value, or as its ``repr``."""
    if isinstance(value, np.generic):
        value = value.item()
    is_plain = value is None or type(value) in (bool, int, str)
    is_plain = is_plain or (type(value) is float and math.isfinite(value))
    return value if is_plain else repr(value)


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
    record = parse_record(text, _KIND, _FORMAT, "a report")
    values = {name: value_of(record, name, kind) for name, kind in _FIELDS.items()}
    require(0 < values["confidence"] < 1 and values["sr"] > 0, "confidence or sr is out of range")
    require(all(isinstance(text, str) for text in values["versions"].values()), "versions is wrong")
    protocols = [
        _to_protocol(one, values["confidence"]) for one in value_of(record, "protocols", list)
    ]
    require(len(protocols) > 0, "it has no protocol")
    return {**values, "protocols": {protocol.name: protocol for protocol in protocols}}


def _to_protocol(record: Any, confidence: float) -> Protocol:
    require(isinstance(record, dict), "protocols is wrong")
    classes = np.array(names_of(record, "classes"))
    require(len(classes) > 0 and np.array_equal(classes, np.unique(classes)), "classes is wrong")
    folds = [_to_fold(fold) for fold in value_of(record, "folds", list)]
    n_tested = sum(len(fold.test) for fold in folds)
    require(n_tested > 0, "it has no tested clips")
    y_true, y_pred = (
        classes[positions_of(record, name, len(classes), n_tested)] for name in ("y_true", "y_pred")
    )
    probabilities = _probabilities(record, (n_tested, len(classes)))
    speakers = None
    if record.get("speakers") is not None:
        speakers = np.array(names_of(record, "speakers", n_tested))
    return Protocol(
        name=value_of(record, "name", str),
        description=value_of(record, "description", str),
        folds=folds,
        clips=clips_of(record, "clips", n_tested),
        y_true=y_true,
        y_pred=y_pred,
        probabilities=probabilities,
        speakers=speakers,
        classes=classes,
        scores=score_clips(classes, y_true, y_pred, probabilities, speakers, confidence=confidence),
        leaks=_leaks(record),
        shared_speakers=names_of(record, "shared_speakers"),
        metadata={
            name: metadata_of(record["metadata"], name, n_tested)
            for name in value_of(record, "metadata", dict)
        },
        # Reports of earlier versions have no stress test.
        conditions=labels_of({"conditions": {}, **record}, "conditions", classes, n_tested),
        failed_conditions=texts_of({"failed_conditions": {}, **record}, "failed_conditions"),
        answered=_answered(record, n_tested),
    )


def _to_fold(record: Any) -> Fold:
    require(isinstance(record, dict), "folds is wrong")
    history = record.get("history")
    if history is not None:
        history = items_of(record, "history", lambda row: isinstance(row, dict))
        # Values that are not finite were written as text.
        history = [{k: v for k, v in row.items() if is_number(v)} for row in history]
    return Fold(
        positions_of(record, "train"),
        positions_of(record, "test"),
        value_of(record, "fit_seconds", float),
        best_params=None
        if record.get("best_params") is None
        else value_of(record, "best_params", dict),
        history=history,
    )


def _leaks(record: dict[str, Any]) -> list[Leak] | None:
    if record.get("leaks") is None:
        return None
    for leak in items_of(record, "leaks", lambda leak: isinstance(leak, list) and len(leak) == 3):
        require(all(map(is_position, leak[:2])) and leak[2] in KINDS, "leaks is wrong")
    return [Leak(*leak) for leak in record["leaks"]]


def _answered(record: dict[str, Any], n: int) -> NDArray[np.bool_] | None:
    if record.get("answered") is None:
        return None
    return np.array(items_of(record, "answered", lambda value: type(value) is bool, n), dtype=bool)


def _probabilities(record: dict[str, Any], shape: tuple[int, int]) -> NDArray[np.float64] | None:
    if record.get("probabilities") is None:
        return None
    rows = items_of(record, "probabilities", lambda row: are_probabilities(row, shape[1]), shape[0])
    return np.array(rows, dtype=np.float64)
