"""Extraction of features from clips, with an optional cache."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from .._audio.failures import peak_of, warn_of_lengths, warn_of_levels
from .._audio.kinds import Clip
from .._audio.progress import ClipProgress
from .._audio.reading import Reading
from .._audio.segment import Segment
from .._audio.workers import map_clips
from .._utils.arrays import Floats
from ..exceptions import AudioReadError
from .cache import Entry, FeatureCache, warn_of_failure

__all__ = ["extract", "extract_in_batches"]

# Seconds of audio after which a batch ends, so that its waveforms take little memory.
_MAX_SECONDS = 1200


def extract(
    function: Callable[[Floats], Floats],
    clips: Sequence[Clip],
    reading: Reading,
    *,
    cache: FeatureCache | None = None,
    n_jobs: int | None = None,
    progress: str | None = None,
    is_silent: bool = False,
) -> Iterator[Floats]:
    """Yield the features of every clip, in order.

    Parameters
    ----------
    function : callable
        Maps a waveform to features of shape (n_rows, n_columns).
    clips : sequence
        As returned by `validate_clips`.
    reading : Reading
        How clips are read and processed.
    cache : FeatureCache or None, default=None
        Cache for the features of files. Clips in memory are not cached: the lookup would take as
        long as the computation.
    n_jobs, progress
        As in `map_clips`.
    is_silent : bool, default=False
        Whether to leave out all warnings, for a step before the one that computes the features.

    Yields
    ------
    ndarray of shape (n_rows, n_columns), float32

    Raises
    ------
    AudioReadError
        After the last clip; lists every clip that could not be used.

    Warns
    -----
    AudioLevelWarning
        Once for all silent clips, and once for all clips that are far beyond full scale.
    AudioLengthWarning
        Once for all clips that are shorter than a syllable.
    """

    def compute(clip: Clip) -> Entry:
        loaded = _load(clip, reading)
        return Entry(function(loaded.waveform), loaded.peak, loaded.seconds)

    def store(clips: list[Clip], cache: FeatureCache) -> None:
        def store_one(clip: Clip) -> None:
            # Files that cannot be read are reported together when all entries are looked up.
            with contextlib.suppress(AudioReadError):
                cache.fill_one(clip, compute)

        for _ in map_clips(store_one, clips, n_jobs=n_jobs, progress=progress):
            pass

    if cache is None or not all(isinstance(clip, (str, Segment)) for clip in clips):
        entries = map_clips(compute, clips, n_jobs=n_jobs, progress=progress)
    else:
        entries = _cached(clips, cache, store, compute, n_jobs)
    if is_silent:
        yield from (entry.features for entry in entries)
    else:
        yield from _with_warnings(clips, entries)


def extract_in_batches(
    function: Callable[[Sequence[Floats], ClipProgress], Iterable[Floats]],
    clips: Sequence[Clip],
    reading: Reading,
    *,
    batch_size: int,
    cache: FeatureCache | None = None,
    n_jobs: int | None = None,
    progress: Callable[[int], ClipProgress],
) -> Iterator[Floats]:
    """Yield the features of every clip, in order, from a function of many waveforms.

    Parameters
    ----------
    function : callable
        Maps waveforms to as many features, each of shape (n_rows, n_columns). It advances the
        progress that is its second argument.
    clips, reading, cache
        As in `extract`.
    batch_size : int > 0
        Maximum number of waveforms in a call. A call with long ones has fewer.
    n_jobs
        As in `map_clips`, for reading.
    progress : callable
        Makes the progress of a number of clips.

    Yields
    ------
    ndarray of shape (n_rows, n_columns), float32

    Raises
    ------
    AudioReadError
        As `extract`, which also gives the warnings.
    """

    def load(clip: Clip) -> _Loaded:
        return _load(clip, reading)

    def compute(loaded: Iterable[_Loaded], bar: ClipProgress) -> Iterator[Entry]:
        for batch in _batches(loaded, batch_size):
            features = function([one.waveform for one in batch], bar)
            for one, found in zip(batch, features, strict=True):
                yield Entry(found, one.peak, one.seconds)

    def load_or_none(clip: Clip) -> _Loaded | None:
        # Files that cannot be read are reported together when all entries are looked up.
        with contextlib.suppress(AudioReadError):
            return load(clip)
        return None

    def store(clips: list[Clip], cache: FeatureCache) -> None:
        with progress(len(clips)) as bar:
            for start in range(0, len(clips), batch_size):
                # Other processes may have stored some of them by now.
                new = cache.missing(clips[start : start + batch_size])
                paths = [cache.path_of(clip) for clip in new]
                loaded = list(map_clips(load_or_none, new, n_jobs=n_jobs))
                readable = [one for one in loaded if one is not None]
                bar.skip(len(clips[start : start + batch_size]) - len(readable))
                entries = compute(readable, bar)
                for path, one in zip(paths, loaded, strict=True):
                    if one is not None and path is not None:
                        cache.write(path, next(entries))

    def compute_all() -> Iterator[Entry]:
        with progress(len(clips)) as bar:
            yield from compute(map_clips(load, clips, n_jobs=n_jobs), bar)

    def compute_one(clip: Clip) -> Entry:
        with ClipProgress(1, None) as bar:
            return next(compute([load(clip)], bar))

    if cache is None or not all(isinstance(clip, (str, Segment)) for clip in clips):
        entries = compute_all()
    else:
        entries = _cached(clips, cache, store, compute_one, n_jobs)
    yield from _with_warnings(clips, entries)


class _Loaded(NamedTuple):
    """The waveform of a clip after processing, and what is known about it before.

    Parameters
    ----------
    waveform : ndarray of shape (n_samples,), float32
    peak, seconds : float
        As in `Entry`.
    """

    waveform: Floats
    peak: float
    seconds: float


def _load(clip: Clip, reading: Reading) -> _Loaded:
    waveform = reading.load(clip)
    return _Loaded(reading.process(waveform), peak_of(waveform), waveform.size / reading.sr)


def _batches(loaded: Iterable[_Loaded], batch_size: int) -> Iterator[list[_Loaded]]:
    batch: list[_Loaded] = []
    for one in loaded:
        batch.append(one)
        if len(batch) == batch_size or sum(each.seconds for each in batch) > _MAX_SECONDS:
            yield batch
            batch = []
    if batch:
        yield batch


def _with_warnings(clips: Sequence[Clip], entries: Iterable[Entry]) -> Iterator[Floats]:
    peaks, seconds = [], []
    for entry in entries:
        peaks.append(entry.peak)
        seconds.append(entry.seconds)
        yield entry.features
    warn_of_levels(clips, peaks)
    warn_of_lengths(clips, seconds)


def _cached(
    clips: Sequence[Clip],
    cache: FeatureCache,
    store: Callable[[list[Clip], FeatureCache], None],
    compute: Callable[[Clip], Entry],
    n_jobs: int | None,
) -> Iterator[Entry]:
    """Yield the entry of every clip, after storing the missing ones."""
    missing = cache.missing(clips)
    is_kept = not missing or _store(missing, cache, store)

    def look_up(clip: Any) -> Entry:
        path = cache.path_of(clip)
        entry = cache.read(path)
        if entry is None:
            # The clip cannot be read, or its entry has been removed or damaged.
            entry = compute(clip)
            if is_kept and path is not None:
                with contextlib.suppress(OSError):
                    cache.write(path, entry)
        return entry

    try:
        # One thread: each lookup is so short that several threads would wait for each other.
        yield from map_clips(look_up, clips, n_jobs=1 if is_kept else n_jobs)
    finally:
        # Not earlier: new entries could be removed before they are read.
        if missing:
            with contextlib.suppress(OSError):
                cache.reduce()


def _store(
    missing: list[Any],
    cache: FeatureCache,
    store: Callable[[list[Clip], FeatureCache], None],
) -> bool:
    """Compute and store the missing entries; return whether they could be stored."""
    # In random order, so that processes with the same clips seldom wait for each other.
    random.Random().shuffle(missing)
    try:
        cache.prepare()
        store(list(missing), cache)
    except OSError as error:
        warn_of_failure(cache.root, error)
        return False
    return True
