"""Extraction of features from clips, with an optional cache."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator, Sequence

from .._audio.failures import peak_of, warn_of_lengths, warn_of_levels
from .._audio.kinds import Clip
from .._audio.reading import Reading
from .._audio.workers import map_clips
from .._utils.arrays import Floats
from ..exceptions import AudioReadError
from .cache import Entry, FeatureCache, warn_of_failure

__all__ = ["extract"]


def extract(
    function: Callable[[Floats], Floats],
    clips: Sequence[Clip],
    reading: Reading,
    *,
    cache: FeatureCache | None = None,
    n_jobs: int | None = None,
    progress: str | None = None,
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
        waveform = reading.load(clip)
        features = function(reading.process(waveform))
        return Entry(features, peak_of(waveform), waveform.size / reading.sr)

    if cache is None or not all(isinstance(clip, str) for clip in clips):
        entries = map_clips(compute, clips, n_jobs=n_jobs, progress=progress)
    else:
        entries = _cached(compute, clips, cache, n_jobs, progress)
    peaks, seconds = [], []
    for entry in entries:
        peaks.append(entry.peak)
        seconds.append(entry.seconds)
        yield entry.features
    warn_of_levels(clips, peaks)
    warn_of_lengths(clips, seconds)


def _cached(
    compute: Callable[[Clip], Entry],
    clips: Sequence[Clip],
    cache: FeatureCache,
    n_jobs: int | None,
    progress: str | None,
) -> Iterator[Entry]:
    """Yield the entry of every clip, after computing and storing the missing ones."""
    missing = cache.missing([str(clip) for clip in clips])
    is_kept = not missing or _fill(cache, missing, compute, n_jobs, progress)

    def look_up(clip: Clip) -> Entry:
        path = cache.path_of(str(clip))
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


def _fill(
    cache: FeatureCache,
    missing: list[str],
    compute: Callable[[Clip], Entry],
    n_jobs: int | None,
    progress: str | None,
) -> bool:
    """Compute and store the missing entries; return whether they could be stored."""
    # In random order, so that processes with the same clips seldom wait for each other.
    random.Random().shuffle(missing)

    def fill_one(clip: Clip) -> None:
        # Files that cannot be read are reported together when all entries are looked up.
        with contextlib.suppress(AudioReadError):
            cache.fill_one(str(clip), compute)

    try:
        cache.prepare()
        for _ in map_clips(fill_one, missing, n_jobs=n_jobs, progress=progress):
            pass
    except OSError as error:
        warn_of_failure(cache.root, error)
        return False
    return True
