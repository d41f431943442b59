"""Predictions of a fitted model under each condition."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._audio.kinds import name_of
from .._audio.unlike import unlike_ignored
from .._audio.workers import map_clips
from .._estimators.unsure import most_probable, unsure_label_of
from .._utils.pipelines import iter_steps
from .._utils.stack_level import find_stack_level
from .._utils.text import printable, represent, shorten, type_name
from ..exceptions import AudioLengthWarning, AudioLevelWarning
from ._clip_pool import ClipPool
from ._conditions import Condition
from ._leaks import MIN_SAMPLES
from ._sides import Side
from ._text import counted

__all__ = [
    "StressPlan",
    "Stressed",
    "check_sound",
    "choose_rate",
    "first_rate",
    "join_folds",
    "predict_as_recorded",
    "predict_conditions",
]

_DEFAULT_SR = 16000  # Hz
_MAX_REASON, _MAX_NAME = 400, 120  # characters


@dataclass(frozen=True)
class StressPlan:
    """A stress test before it is run.

    Parameters
    ----------
    conditions : list of Condition
    pool : ClipPool
    batch_size : int > 0
        Number of clips that are in memory at the same time.
    n_jobs : int or None, default=None
        Number of threads that apply the conditions.
    """

    conditions: list[Condition]
    pool: ClipPool
    batch_size: int
    n_jobs: int | None = None


@dataclass(frozen=True)
class Stressed:
    """Predictions under each condition.

    Parameters
    ----------
    predictions : dict of str to ndarray of shape (n_clips,)
        Labels, by name of the condition.
    failures : dict of str to str
        Reason for each condition that could not be tested.
    """

    predictions: dict[str, NDArray[Any]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


class _FailedConditionError(Exception):
    """A condition returned something that is no waveform."""


def first_rate(estimator: Any) -> int:
    """Return the rate of the first step that has one in Hz, 16 kHz if none has."""
    return next(iter(_rates_of(estimator)), _DEFAULT_SR)


def choose_rate(estimator: Any) -> int:
    """Return the rate of the waveforms for a model in Hz.

    Parameters
    ----------
    estimator : estimator instance
        Fitted or not.

    Returns
    -------
    int > 0
        The highest rate that its steps expect; 16 kHz if none says so.
    """
    return max(_rates_of(estimator), default=_DEFAULT_SR)


def check_sound(side: Side) -> None:
    """Raise if clips are rows of a table, which conditions cannot change."""
    is_array = isinstance(side.clips, np.ndarray)
    if is_array and (side.clips.shape[1] < MIN_SAMPLES or side.clips.dtype.kind not in "biuf"):
        raise ValueError(
            f"X is an array of shape {side.clips.shape}, whose rows are too short to be sounds; "
            "conditions change waveforms: pass paths or waveforms, and a model that computes the "
            "features itself"
        )


def predict_as_recorded(model: Any, plan: StressPlan, positions: NDArray[np.int64]) -> NDArray[Any]:
    """Predict clips as they are.

    Parameters
    ----------
    model : fitted classifier
    plan : StressPlan
    positions : ndarray of shape (n_tested,)
        Of the clips in the pool.
    """
    return _predict(model, None, plan, positions)


def predict_conditions(
    model: Any, plan: StressPlan, positions: NDArray[np.int64], *, label: str = "", verbose: int = 0
) -> Stressed:
    """Predict clips under each condition; one that fails costs only itself.

    Parameters
    ----------
    model : fitted classifier
    plan : StressPlan
    positions : ndarray of shape (n_tested,)
        Of the clips in the pool.
    label : str, default=""
        What the lines of `verbose` begin with.
    verbose : int, default=0
        If 1, print a line for each condition.
    """
    found = Stressed()
    for number, condition in enumerate(plan.conditions, start=1):
        start = time.perf_counter()
        try:
            found.predictions[condition.name] = _predict(model, condition, plan, positions)
            outcome = f"{time.perf_counter() - start:.0f} s"
        except Exception as error:
            found.failures[condition.name] = _reason_of(error)
            outcome = f"left out: {found.failures[condition.name]}"
        if verbose:
            print(
                f"{label}condition {number}/{len(plan.conditions)}, {condition.name}: {outcome}",
                flush=True,
            )
    return found


def join_folds(folds: Sequence[Stressed]) -> Stressed:
    """Put the predictions of all folds together, without conditions that failed in one of them.

    Warns
    -----
    UserWarning
        If conditions failed.
    """
    joined = Stressed()
    for fold in folds:
        for name, reason in fold.failures.items():
            joined.failures.setdefault(name, reason)
    for name in folds[0].predictions if folds else ():
        if name not in joined.failures:
            joined.predictions[name] = np.concatenate([fold.predictions[name] for fold in folds])
    if joined.failures:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in joined.failures.items())
        warnings.warn(
            f"{counted(len(joined.failures), 'condition')} could not be tested: {reasons:.1000}",
            UserWarning,
            stacklevel=find_stack_level(),
        )
    return joined


def _predict(
    model: Any, condition: Condition | None, plan: StressPlan, positions: NDArray[np.int64]
) -> NDArray[Any]:
    parts = []
    # Known for a fitted model only: a search may have chosen its rate.
    has_rates = any(rate != plan.pool.reading.sr for rate in _rates_of(model))
    with unlike_ignored(), warnings.catch_warnings():
        # The clips were checked as they were recorded. What a condition does to them is intended.
        warnings.simplefilter("ignore", AudioLevelWarning)
        warnings.simplefilter("ignore", AudioLengthWarning)
        for start in range(0, len(positions), plan.batch_size):
            batch = positions[start : start + plan.batch_size].tolist()
            waveforms = list(_apply(condition, plan, batch))
            clips: list[Any] = waveforms
            if has_rates:
                clips = [(waveform, plan.pool.reading.sr) for waveform in waveforms]
            labels = np.asarray(_labels(model, clips))
            if labels.shape != (len(batch),):
                raise ValueError(
                    f"the model predicted an array of shape {labels.shape} for {len(batch)} clips; "
                    "expected one label per clip"
                )
            parts.append(labels)
    return np.concatenate(parts)


def _labels(model: Any, clips: Any) -> Any:
    """Return the labels, the most probable ones of a model that may be unsure."""
    if unsure_label_of(model) is None or not hasattr(model, "predict_proba"):
        return model.predict(clips)
    return most_probable(np.asarray(model.classes_), model.predict_proba(clips))


def _rates_of(estimator: Any) -> list[int]:
    """Return the sampling rates that the steps of a model say they expect, without duplicates."""
    rates = (getattr(step, "sr", None) for _, step in iter_steps(estimator))
    is_rate = (int, np.integer)
    # In librosa, None stands for the rate of the file.
    found = (int(rate) for rate in rates if isinstance(rate, is_rate) and rate > 1)
    return list(dict.fromkeys(found))


def _apply(
    condition: Condition | None, plan: StressPlan, batch: Sequence[int]
) -> Iterator[NDArray[np.float32]]:
    """Yield the waveforms of some clips under a condition, in order."""
    pool = plan.pool

    def work(index: Any) -> NDArray[np.float32]:
        waveform = pool.waveform(index)
        if condition is None:
            return waveform
        parameters: dict[str, Any] = {}
        if condition.needs_rng:
            parameters["rng"] = pool.generator(index)
        if condition.needs_others:
            parameters["others"] = pool.others(index)
        try:
            return _check(condition.function(waveform, pool.reading.sr, **parameters))
        except Exception as error:
            raise _FailedConditionError(f"{_where(pool, index)}: {_reason_of(error)}") from error

    indices: Any = batch
    yield from map_clips(work, indices, n_jobs=plan.n_jobs)


def _check(result: Any) -> NDArray[np.float32]:
    """Return what a condition returned as a waveform that a model accepts."""
    if not isinstance(result, np.ndarray):
        raise _FailedConditionError(
            f"it returned {represent(result)} ({type_name(result)}); expected a 1-D array"
        )
    if result.ndim != 1 or not result.size:
        raise _FailedConditionError(
            f"it returned an array of shape {result.shape}; expected (n_samples,), with at least "
            "one sample"
        )
    if result.dtype.kind != "f":
        raise _FailedConditionError(
            f"it returned an array of the type {represent(str(result.dtype))}; expected floats on "
            "the scale [-1, 1]"
        )
    if n_bad := result.size - int(np.count_nonzero(np.isfinite(result))):
        raise _FailedConditionError(
            f"{n_bad} of the {result.size} samples that it returned are NaN or infinity"
        )
    return result.astype(np.float32)


def _where(pool: ClipPool, index: int) -> str:
    name = name_of(pool.clips[index])
    shown = f" '{printable(name, _MAX_NAME)}'" if name else ""
    return f"clip {index + 1} of {len(pool)}{shown}"


def _reason_of(error: Exception) -> str:
    text = " ".join(str(error).split())
    if not isinstance(error, _FailedConditionError):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return shorten(printable(text), _MAX_REASON)
