"""Checks of what `EncoderEmbedder` receives: parameters, labels and groups."""

from __future__ import annotations

import os
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_scalar
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from .._encoders.embedding import STATISTICS
from .._utils.checks import check_choice, check_finite, is_missing
from .._utils.text import represent
from .layer_choice import check_layers, resolve_layers
from .speaker_codes import is_unknown

__all__ = ["check_encoder_params", "check_targets", "check_unchanged", "name_of_speed"]

_PRECISIONS = ("auto", "float32", "bfloat16")
# Outside this range, the result no longer resembles human speech.
_MIN_SPEED, _MAX_SPEED = 0.5, 2.0


def check_encoder_params(estimator: Any) -> None:
    """Raise an error unless the parameters of an `EncoderEmbedder` have allowed values."""
    model = estimator.model
    if not isinstance(model, (str, os.PathLike)) or not os.fspath(model):
        raise TypeError(
            f"model is {represent(model)}; expected a folder, or a name on the Hugging Face Hub, "
            "such as 'openai/whisper-base'"
        )
    check_scalar(estimator.local_files_only, "local_files_only", (bool, np.bool_))
    if estimator.revision is not None:
        check_scalar(estimator.revision, "revision", str)
    check_scalar(estimator.batch_size, "batch_size", Integral, min_val=1)
    check_choice(estimator.precision, "precision", _PRECISIONS)
    check_scalar(estimator.device, "device", str)
    check_layers(estimator.layers)
    _check_pooling(estimator.pooling)
    _check_speeds(estimator.speeds)


def _check_pooling(pooling: Any) -> None:
    # The order of a set differs between processes.
    if not isinstance(pooling, (list, tuple, np.ndarray)) or np.ndim(pooling) != 1:
        raise TypeError(
            f"pooling == {represent(pooling)}, must be a list or a tuple of one or more of "
            f"{', '.join(STATISTICS)}"
        )
    if not len(pooling):
        raise ValueError(
            f"pooling == {represent(pooling)}, must have one or more of {', '.join(STATISTICS)}"
        )
    for statistic in pooling:
        check_choice(statistic, "pooling", STATISTICS)
    if len(set(pooling)) < len(pooling):
        raise ValueError(f"pooling == {represent(pooling)}, must not contain duplicates")


def _check_speeds(speeds: Any) -> None:
    if not isinstance(speeds, (list, tuple, np.ndarray)) or np.ndim(speeds) != 1 or not len(speeds):
        raise TypeError(
            f"speeds == {represent(speeds)}, must be a list or a tuple of one or more numbers"
        )
    for speed in speeds:
        if isinstance(speed, (bool, np.bool_)):
            raise TypeError(f"speeds == {represent(speeds)}, must contain numbers, not {speed}")
        check_scalar(speed, "speeds", Real, min_val=_MIN_SPEED, max_val=_MAX_SPEED)
        check_finite(speed, "speeds")
    if len({name_of_speed(speed) for speed in speeds}) < len(speeds):
        raise ValueError(
            f"speeds == {represent(speeds)}, must not contain duplicates, to six digits"
        )


def name_of_speed(speed: float) -> str:
    """Return a speed as in the names of features."""
    return f"{float(speed):g}"


def check_unchanged(estimator: Any, n_layers: int) -> None:
    """Raise an error if parameters were set after `fit` that change the columns of embeddings."""
    now: dict[str, tuple[Any, Any]] = {
        "pooling": (tuple(map(str, estimator.pooling)), estimator.pooling_),
        "speeds": (tuple(map(float, estimator.speeds)), estimator.speeds_),
    }
    if not isinstance(estimator.layers, str):
        now["layers"] = resolve_layers(estimator.layers, n_layers), estimator.layers_
    for name, (value, fitted) in now.items():
        if value != fitted:
            raise ValueError(
                f"{name} has changed from {represent(fitted)} to {represent(value)} since fit; fit "
                "again, or set it back"
            )


def check_targets(y: Any, groups: Any, n_layers: int) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Return labels and groups as 1-D arrays, in which no value is missing."""
    if y is None:
        raise ValueError(
            "layers='auto' requires y to be passed, but the target y is None: pass the labels, or "
            f"set layers to a number from 0 to {n_layers}"
        )
    y = _without_missing(y, "y", "label", is_missing)
    check_classification_targets(y)
    if groups is not None:
        groups = _without_missing(groups, "groups", "speaker", is_unknown)
    return y, groups


def _without_missing(
    values: Any, name: str, what: str, lacks: Callable[[Any], bool]
) -> NDArray[Any]:
    values = column_or_1d(values)
    for number, value in enumerate(values, start=1):
        if lacks(value):
            raise ValueError(
                f"{name} contains {value!r}: clip {number} of {len(values)} has no {what}; pass "
                f"the {what} of each clip, or leave out clips without one"
            )
    return values
