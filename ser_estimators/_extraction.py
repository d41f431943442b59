"""From clips to features, through the cache if there is one."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ._clips import Clip, Reading, map_clips
from ._feature_cache import Entry, FeatureCache, warn_of_failure
from .exceptions import AudioReadError

__all__ = ["extract"]

Floats = NDArray[np.float32]


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
        From a waveform to features of shape (n_rows, n_columns).
    clips : sequence
        What `validate_clips` returned.
    reading : Reading
        How clips become waveforms.
    cache : FeatureCache or None, default=None
        Where features of files are kept. Waveforms are never kept: looking them up would cost as
        much as computing them.
    n_jobs, progress
        As in `map_clips`.

    Yields
    ------
    ndarray of shape (n_rows, n_columns), float32
    """

    def compute(clip: Clip) -> Entry:
        waveform, peak = reading(clip)
        return Entry(function(waveform), peak)

    if cache is None or isinstance(clips[0], np.ndarray):
        yield from map_clips(compute, clips, n_jobs=n_jobs, progress=progress)
        return

    kept: FeatureCache = cache
    missing = kept.missing([str(clip) for clip in clips])
    is_kept = not missing or _fill(kept, missing, compute, n_jobs, progress)

    def look_up(clip: Clip) -> Entry:
        path = kept.path_of(str(clip))
        entry = kept.read(path)
        if entry is None:
            # It could not be read, was removed since, or is damaged.
            entry = compute(clip)
            if is_kept and path is not None:
                with contextlib.suppress(OSError):
                    kept.write(path, entry)
        return entry

    try:
        # One thread: the work is so little that several would wait for each other.
        yield from map_clips(look_up, clips, n_jobs=1 if is_kept else n_jobs)
    finally:
        # Not before: what has just been made would be made again.
        if missing:
            with contextlib.suppress(OSError):
                kept.reduce()


def _fill(
    cache: FeatureCache,
    missing: list[str],
    compute: Callable[[Clip], Entry],
    n_jobs: int | None,
    progress: str | None,
) -> bool:
    """Make the entries that are missing; tell whether they could be kept."""
    # In an order of its own, so that processes with the same work seldom meet at the same file.
    random.Random().shuffle(missing)

    def fill_one(clip: Clip) -> tuple[None, float]:
        # What cannot be read is named with all others when they are looked up.
        with contextlib.suppress(AudioReadError):
            cache.fill_one(str(clip), compute)
        return None, 1.0

    try:
        cache.prepare()
        for _ in map_clips(fill_one, missing, n_jobs=n_jobs, progress=progress):
            pass
    except OSError as error:
        warn_of_failure(cache.root, error)
        return False
    return True
