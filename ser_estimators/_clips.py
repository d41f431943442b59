"""The input contract: what X may be, turned into waveforms one clip at a time."""

from __future__ import annotations

import os
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data

from ._audio import printable, read_audio
from ._cleaning import clean
from ._stack_level import find_stack_level
from .exceptions import AudioLevelWarning, AudioReadError

__all__ = [
    "Clip",
    "check_clips",
    "check_waveforms",
    "is_missing",
    "map_waveforms",
    "validate_clips",
]

Clip: TypeAlias = "str | os.PathLike[str] | NDArray[Any]"
Result = TypeVar("Result")

# Peaks outside this range cannot be speech on the scale [-1, 1]: under -120 dB of full scale lies
# nothing that a 16-bit file can hold, and 256 times full scale is PCM that was cast to float.
_SILENT_PEAK = 1e-6
_LOUD_PEAK = 256.0

# Beyond this, the power of float32 samples overflows.
_MAX_PEAK = 1e9

# Clips that a thread takes at once, at most: enough that handing them over costs nothing.
_PART = 8

# An array of so few columns and so many rows is a recording rather than clips.
_MOST_CHANNELS, _MANY_SAMPLES = 8, 1000

# What an error lists before it says "and so many more"; the exception itself carries them all.
_MAX_LISTED = 50

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
        For an array that looks like one recording of several channels.
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
    """Warn of what looks like one recording of several channels, as soundfile reads it."""
    n_clips, n_samples = shape
    if n_samples <= _MOST_CHANNELS and n_clips >= _MANY_SAMPLES:
        warnings.warn(
            f"X has the shape {shape}, which is {n_clips} clips of {n_samples} samples; if it is "
            f"one recording of {n_samples} channels, pass [X.mean(axis=1)]",
            stacklevel=find_stack_level(),
        )


def check_clips(X: Any) -> Any:
    """Return X as a list of paths or of 1-D waveforms; a table of numbers comes back as it is.

    Nothing is opened or decoded here, and the numbers of a 2-D array are not looked at.
    """
    if isinstance(X, (str, bytes, os.PathLike)):
        raise TypeError(f"X is the single path {X!r}; expected a list of paths: pass [{X!r}]")
    if hasattr(X, "tocsr"):  # a sparse matrix
        return X  # scikit-learn refuses it in its own words
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
            f"X is a table of shape {array.shape} that holds paths; expected {_EXPECTED}. "
            'Pass its column of paths, such as X["path"]'
        )
    if array.ndim != 2:
        raise ValueError(f"X is an array of shape {array.shape}; expected {_EXPECTED}")
    return X


@dataclass(frozen=True)
class Reading:
    """How a clip becomes a waveform: the same in training and in prediction.

    Parameters
    ----------
    sr : int > 0
        Sampling rate in Hz. Files are resampled to it; waveforms are taken to be at it.
    offset, duration : float
        Seconds that are left out at the beginning, and that are read at most; None reads all.
    res_type : str
        Quality of the resampling, see `_audio.read_audio`.
    trim_db, loudness, preemphasis : float or None
        See `_cleaning.clean`.
    """

    sr: int
    offset: float = 0.0
    duration: float | None = None
    res_type: str = "soxr_hq"
    trim_db: float | None = None
    loudness: float | None = None
    preemphasis: float | None = None

    def __call__(self, clip: Clip) -> tuple[NDArray[np.float32], float]:
        """Return the waveform and its peak before cleaning.

        Raises
        ------
        AudioReadError
            If it cannot be used.
        """
        if isinstance(clip, np.ndarray):
            waveform = self._part_of(_from_samples(clip))
        else:
            waveform = read_audio(
                clip,
                self.sr,
                offset=self.offset,
                duration=self.duration,
                res_type=self.res_type,
            )
        peak = float(max(waveform.max(), -waveform.min()))
        if peak > _MAX_PEAK:
            reason = _too_large(peak)
            raise AudioReadError(reason, ((0, "", reason),))
        cleaned = clean(
            waveform,
            self.sr,
            trim_db=self.trim_db,
            loudness=self.loudness,
            preemphasis=self.preemphasis,
        )
        return cleaned, peak

    def _part_of(self, waveform: NDArray[np.float32]) -> NDArray[np.float32]:
        if not self.offset and self.duration is None:
            return waveform
        start = int(self.offset * self.sr)
        if start >= waveform.size:
            reason = (
                f"offset={self.offset} s is beyond its end, {waveform.size / self.sr:.3f} s; lower "
                "offset, or leave it out"
            )
            raise AudioReadError(reason, ((0, "", reason),))
        if self.duration is None:
            return waveform[start:]
        return waveform[start : start + max(int(self.duration * self.sr), 1)]


def map_clips(
    function: Callable[[Clip], tuple[Result, float]],
    clips: Sequence[Clip],
    *,
    n_jobs: int | None = None,
    progress: str | None = None,
) -> Iterator[Result]:
    """Apply a function to every clip, in threads, and yield what it gives in order.

    Parameters
    ----------
    function : callable
        Returns a result and the peak of the clip's waveform, or raises AudioReadError.
    clips : sequence
        What `validate_clips` returned.
    n_jobs : int or None, default=None
        Threads, as in joblib.
    progress : str or None, default=None
        What a progress bar says; None shows none.

    Yields
    ------
    object
        Result of each clip, up to the first that failed.

    Raises
    ------
    AudioReadError
        After the last clip. It lists every clip that could not be used.

    Warns
    -----
    AudioLevelWarning
        Once for all clips that are silent, once for all that are far beyond full scale.
    """

    def work(part: slice) -> list[tuple[Result | None, float, str]]:
        outcomes: list[tuple[Result | None, float, str]] = []
        for index in range(*part.indices(len(clips))):
            try:
                outcomes.append((*function(clips[index]), ""))
            except AudioReadError as error:
                outcomes.append((None, 1.0, error.failures[0][2]))
            except Exception as error:
                name = printable(_name(clips[index]))
                where = f"in clip {index + 1} of {len(clips)}"
                error.add_note(f"{where}, '{name}'" if name else where)
                raise
        return outcomes

    n_threads = effective_n_jobs(n_jobs)
    # Of few clips, which may be long, each thread gets some.
    size = max(1, min(_PART, len(clips) // (4 * n_threads)))
    parts = [slice(start, start + size) for start in range(0, len(clips), size)]
    failures: list[tuple[int, str, str]] = []
    peaks: list[float] = []
    with _progress_bar(len(clips), progress) as bar:
        for outcomes in _in_order(work, parts, n_threads):
            for result, peak, reason in outcomes:
                if reason:
                    failures.append((len(peaks), _name(clips[len(peaks)]), reason))
                peaks.append(peak)
                if not failures:
                    yield result  # type: ignore[misc]
            bar.update(len(outcomes))
    if failures:
        raise _listed(failures, len(clips))
    _warn_levels(clips, peaks)


def map_waveforms(
    function: Callable[[NDArray[np.float32]], Result],
    clips: Sequence[Clip],
    *,
    sr: int,
    n_jobs: int | None = None,
) -> list[Result]:
    """Apply a function to the waveform of every clip, in threads.

    Parameters
    ----------
    function : callable
        Takes a mono float32 waveform at `sr`, of at least one sample.
    clips : sequence
        What `validate_clips` returned.
    sr : int > 0
        Sampling rate in Hz.
    n_jobs : int or None, default=None
        Threads, as in joblib.

    Returns
    -------
    list
        One result a clip, in order.

    Raises
    ------
    AudioReadError
        Lists every clip that could not be used; no result is kept then.

    Warns
    -----
    AudioLevelWarning
        Once for all clips that are silent, once for all that are far beyond full scale.
    """
    reading = Reading(sr)

    def work(clip: Clip) -> tuple[Result, float]:
        waveform, peak = reading(clip)
        return function(waveform), peak

    return list(map_clips(work, clips, n_jobs=n_jobs))


def _in_order(
    function: Callable[[slice], Result], parts: Sequence[slice], n_threads: int
) -> Iterator[Result]:
    """Apply a function in threads; no more results wait than the threads need to stay busy."""
    if n_threads == 1 or len(parts) == 1:
        yield from map(function, parts)
        return
    with ThreadPoolExecutor(n_threads, thread_name_prefix="ser_estimators") as pool:
        try:
            waiting = deque(pool.submit(function, part) for part in parts[: 2 * n_threads])
            for part in parts[2 * n_threads :]:
                yield waiting.popleft().result()
                waiting.append(pool.submit(function, part))
            while waiting:
                yield waiting.popleft().result()
        finally:
            # After an error or an interrupt, what has not begun need not.
            pool.shutdown(wait=True, cancel_futures=True)


def _progress_bar(total: int, description: str | None) -> Any:
    from tqdm import tqdm

    return tqdm(total=total, desc=description, unit="clip", disable=description is None)


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
            "X is a list of numbers, so perhaps one waveform; a list of one is [X]. "
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


def check_waveforms(waveforms: Sequence[NDArray[Any]]) -> None:
    """Raise for waveforms without samples, or with samples that are no numbers."""
    failures = [
        (index, "", reason)
        for index, waveform in enumerate(waveforms)
        if (reason := _fault_of(waveform))
    ]
    if failures:
        raise _listed(failures, len(waveforms))


def _fault_of(waveform: NDArray[Any]) -> str | None:
    if waveform.size == 0:
        return "it holds no samples; leave it out"
    n_bad = waveform.size - int(np.count_nonzero(np.isfinite(waveform)))
    if n_bad:
        return (
            f"{n_bad} of its {waveform.size} samples are NaN or infinity; mend it or leave it out"
        )
    peak = max(float(waveform.max()), -float(waveform.min()))
    if peak > _MAX_PEAK and not _is_pcm(waveform):
        return _too_large(peak)
    return None


def _too_large(peak: float) -> str:
    return (
        f"its samples reach {peak:.0e}; expected a waveform on the scale [-1, 1]: mend it, or "
        "leave it out"
    )


def _check_vector(array: NDArray[Any]) -> list[Any]:
    if array.size and array.dtype.kind not in "OUST":
        raise ValueError(
            f"X is a 1-D array of {array.size} numbers, so perhaps one waveform; a list of one is "
            f"[X]. Reshape your data: expected {_EXPECTED}"
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


def is_missing(value: Any) -> bool:
    """Tell whether a value stands for none: None, NaN, or pandas' NA and NaT."""
    if isinstance(value, (float, np.floating)):
        return bool(np.isnan(value))
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def _first_path(array: NDArray[Any]) -> Any:
    return next((v for v in array.flat if isinstance(v, (str, os.PathLike))), None)


def _from_samples(samples: NDArray[Any]) -> NDArray[np.float32]:
    """Turn samples into float32, with 8, 16 and 32-bit PCM on the scale [-1, 1]."""
    if not _is_pcm(samples):
        return samples.astype(np.float32)
    full_scale = 2.0 ** (8 * samples.dtype.itemsize - 1)
    middle = full_scale if samples.dtype.kind == "u" else 0.0
    return ((samples - middle) / full_scale).astype(np.float32)


def _is_pcm(samples: NDArray[Any]) -> bool:
    # Wider integers are what a cast or a list of numbers gives. They stay as they are, and are far
    # beyond full scale, which is warned of, if they were PCM once.
    return samples.dtype.kind in "iu" and samples.dtype.itemsize <= 4


def _listed(failures: list[tuple[int, str, str]], n_clips: int) -> AudioReadError:
    if len(failures) == 1:
        index, name, reason = failures[0]
        subject = f"'{printable(name)}' (clip {index + 1} of {n_clips})" if name else None
        what = (
            f"read {subject}" if subject else f"use the waveform of clip {index + 1} of {n_clips}"
        )
        return AudioReadError(f"Could not {what}: {reason}", tuple(failures))
    lines = [f"Could not read {len(failures)} of {n_clips} clips:"]
    for index, name, reason in failures[:_MAX_LISTED]:
        lines.append(
            f"  clip {index + 1}, {name!r}: {reason}" if name else f"  clip {index + 1}: {reason}"
        )
    if len(failures) > _MAX_LISTED:
        lines.append(
            f"  and {len(failures) - _MAX_LISTED} more; all are in this error's `failures`"
        )
    return AudioReadError("\n".join(lines), tuple(failures))


def _warn_levels(clips: Sequence[Clip], peaks: list[float]) -> None:
    silent = [index for index, peak in enumerate(peaks) if peak < _SILENT_PEAK]
    if silent:
        warnings.warn(
            f"{len(silent)} of {len(peaks)} clips are silent, so their features say nothing: "
            f"{_some(silent, clips)}. Leave them out, or check the recording",
            AudioLevelWarning,
            stacklevel=find_stack_level(),
        )
    loud = [index for index, peak in enumerate(peaks) if peak > _LOUD_PEAK]
    if loud:
        warnings.warn(
            f"{len(loud)} of {len(peaks)} clips are louder than {_LOUD_PEAK:.0f} times full scale: "
            f"{_some(loud, clips)}. Waveforms are expected on the scale [-1, 1]; if these were "
            "16-bit integers, pass them as int16 or divide by 32768",
            AudioLevelWarning,
            stacklevel=find_stack_level(),
        )


def _some(indices: Iterable[int], clips: Sequence[Clip]) -> str:
    names = [
        f"clip {index + 1}" + (f" '{printable(name)}'" if (name := _name(clips[index])) else "")
        for index in indices
    ]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def _name(clip: Clip) -> str:
    return "" if isinstance(clip, np.ndarray) else os.fspath(clip)
