"""Stress tests as JSON: predictions, labels and settings, from which scores are computed again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._conditions import AS_RECORDED
from ._json_fields import (
    clips_of,
    finite_values,
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

if TYPE_CHECKING:
    from ._stress_results import StressTest

__all__ = ["dump_stress", "parse_stress"]

_KIND = "stress test of ser_estimators"
# Increase it when the meaning of a key changes.
_FORMAT = 1
_FIELDS = {"name": str, "description": str, "corpus": str, "date": str, "sr": int}
_FIELDS |= {"confidence": float}


def dump_stress(stress: StressTest) -> str:
    """Return a stress test as JSON, one line for each part."""
    classes = np.unique(np.concatenate([stress.y_true, *stress.predictions.values()]))
    record: dict[str, Any] = {"kind": _KIND, "format": _FORMAT}
    record |= {name: getattr(stress, name) for name in _FIELDS}
    record |= {
        "classes": classes.tolist(),
        **write_positions(classes, {"y_true": stress.y_true}),
        "predictions": write_positions(classes, stress.predictions),
        "failures": stress.failures,
        "speakers": None if stress.speakers is None else stress.speakers.tolist(),
        "clips": [json_of_clip(clip) for clip in stress.clips],
        "metadata": {name: finite_values(col.tolist()) for name, col in stress.metadata.items()},
    }
    return join_lines(record, 1) + "\n"


def parse_stress(text: str) -> dict[str, Any]:
    """Return the parameters of a stress test from JSON.

    Parameters
    ----------
    text : str
        Result of `dump_stress`.

    Raises
    ------
    ValueError
        If it is something else, was cut off or changed by hand into something inconsistent.
    """
    record = parse_record(text, _KIND, _FORMAT, "a stress test")
    values = {name: value_of(record, name, kind) for name, kind in _FIELDS.items()}
    require(0 < values["confidence"] < 1 and values["sr"] > 0, "confidence or sr is out of range")
    classes = np.array(names_of(record, "classes"))
    require(len(classes) > 0 and np.array_equal(classes, np.unique(classes)), "classes is wrong")
    y_true = classes[positions_of(record, "y_true", len(classes))]
    require(len(y_true) > 0, "it has no tested clips")
    predictions = labels_of(record, "predictions", classes, len(y_true))
    require(next(iter(predictions), None) == AS_RECORDED, "predictions is wrong")
    speakers = None
    if record.get("speakers") is not None:
        speakers = np.array(names_of(record, "speakers", len(y_true)))
    return {
        **values,
        "predictions": predictions,
        "y_true": y_true,
        "speakers": speakers,
        "failures": texts_of(record, "failures"),
        "clips": clips_of(record, "clips", len(y_true)),
        "metadata": {
            name: metadata_of(record["metadata"], name, len(y_true))
            for name in value_of(record, "metadata", dict)
        },
    }
