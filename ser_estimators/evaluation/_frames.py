"""Results as pandas tables."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .._audio.segment import columns_of
from .._utils.frames import make_frame
from .._utils.text import readable

if TYPE_CHECKING:
    from ._results import Protocol

__all__ = ["clips_frame"]


def clips_frame(protocol: Protocol) -> Any:
    """Return one row per tested clip, see `Protocol.clips_frame`."""
    n_clips = len(protocol.y_true)
    columns: dict[str, Any] = {
        "clip": protocol.tested,
        "path": [_path_of(clip) for clip in protocol.clips],
        **columns_of(protocol.clips),
        "speaker": [None] * n_clips if protocol.speakers is None else protocol.speakers,
        "fold": np.repeat(
            np.arange(1, len(protocol.folds) + 1), [len(fold.test) for fold in protocol.folds]
        ),
        "y_true": protocol.y_true,
        "y_pred": protocol.y_pred,
    }
    if protocol.answered is not None:
        columns["answered"] = protocol.answered
    if protocol.probabilities is not None:
        for name, values in zip(protocol.classes, protocol.probabilities.T, strict=True):
            columns[f"probability_{name}"] = values
    for name, values in protocol.metadata.items():
        columns[f"metadata_{name}" if name in columns else str(name)] = values
    frame = make_frame(
        {readable(name): _readable_values(values) for name, values in columns.items()},
        caller="clips_frame",
        instead="the arrays of the protocol",
    )
    # In the order of X, not in that of the folds, so that the table can be put beside that of X.
    return frame.sort_values("clip", kind="stable", ignore_index=True)


def _path_of(clip: Any) -> str | None:
    return os.fspath(clip) if isinstance(clip, (str, os.PathLike)) else None


def _readable_values(values: Any) -> Any:
    """Return values of which no string has surrogates, which cannot be written as UTF-8."""
    if getattr(values, "dtype", np.dtype(object)).kind not in "OU":
        return values
    return [readable(value) if isinstance(value, str) else value for value in values]
