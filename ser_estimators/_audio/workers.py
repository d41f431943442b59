"""Processing of clips in threads, with all failures in one error."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from joblib import effective_n_jobs, parallel_config
from joblib.parallel import get_active_backend
from numpy.typing import NDArray

from .._utils.text import MAX_NAME, printable
from ..exceptions import AudioReadError
from .failures import combine, peak_of, warn_of_levels
from .kinds import Clip, name_of
from .reading import Reading

__all__ = ["default_errstate", "map_clips", "map_waveforms", "progress_bar"]

Result = TypeVar("Result")

# Maximum number of clips that a thread takes at once, enough to make the overhead negligible.
_MAX_CHUNK = 8


def default_errstate() -> np.errstate:
    """Return a context with NumPy's own treatment of floating-point errors.

    With ``np.seterr(all="raise")``, the harmless underflow of squared quiet samples would raise,
    and only without threads, since new threads begin with NumPy's defaults.
    """
    return np.errstate(divide="warn", over="warn", under="ignore", invalid="warn")


def map_clips(
    function: Callable[[Clip], Result],
    clips: Sequence[Clip],
    *,
    n_jobs: int | None = None,
    progress: str | None = None,
) -> Iterator[Result]:
    """Apply a function to every clip, in threads, and yield the results in order.

    Parameters
    ----------
    function : callable
        Takes a clip; raises AudioReadError if the clip cannot be used. It runs in
        `default_errstate`.
    clips : sequence
        As returned by `validate_clips`.
    n_jobs : int or None, default=None
        Number of threads, as in joblib.
    progress : str or None, default=None
        Label of the progress bar; None shows no bar.

    Yields
    ------
    object
        Result of each clip, up to the first failure.

    Raises
    ------
    AudioReadError
        After the last clip; lists every clip that could not be used.
    """

    def work(chunk: slice) -> list[tuple[Result | None, str]]:
        outcomes: list[tuple[Result | None, str]] = []
        for index in range(*chunk.indices(len(clips))):
            try:
                with default_errstate():
                    outcomes.append((function(clips[index]), ""))
            except AudioReadError as error:
                outcomes.append((None, error.failures[0][2]))
            except Exception as error:
                name = printable(name_of(clips[index]), MAX_NAME)
                where = f"in clip {index + 1} of {len(clips)}"
                error.add_note(f"{where}, '{name}'" if name else where)
                raise
        return outcomes

    n_threads = _count_threads(n_jobs)
    # Few clips, which may be long, are distributed over all threads.
    size = max(1, min(_MAX_CHUNK, len(clips) // (4 * n_threads)))
    chunks = [slice(start, start + size) for start in range(0, len(clips), size)]
    failures: list[tuple[int, str, str]] = []
    n_done = 0
    with progress_bar(len(clips), progress) as bar:
        for outcomes in _in_order(work, chunks, n_threads):
            for result, reason in outcomes:
                if reason:
                    failures.append((n_done, name_of(clips[n_done]), reason))
                n_done += 1
                if not failures:
                    yield result  # type: ignore[misc]
            bar.update(len(outcomes))
    if failures:
        raise combine(failures, len(clips))


def map_waveforms(
    function: Callable[[NDArray[np.float32]], Result],
    clips: Sequence[Clip],
    reading: Reading,
    *,
    n_jobs: int | None = None,
) -> list[Result]:
    """Apply a function to the waveform of every clip, in threads.

    Parameters
    ----------
    function : callable
        Takes a mono float32 waveform of at least one sample.
    clips : sequence
        As returned by `validate_clips`.
    reading : Reading
        How clips are read and processed.
    n_jobs : int or None, default=None
        Number of threads, as in joblib.

    Returns
    -------
    list
        One result per clip, in order.

    Raises
    ------
    AudioReadError
        If clips cannot be used; lists all of them.

    Warns
    -----
    AudioLevelWarning
        Once for all silent clips, and once for all clips that are far beyond full scale.
    """

    def work(clip: Clip) -> tuple[Result, float]:
        waveform = reading.load(clip)
        return function(reading.process(waveform)), peak_of(waveform)

    pairs = list(map_clips(work, clips, n_jobs=n_jobs))
    warn_of_levels(clips, [peak for _, peak in pairs])
    return [result for result, _ in pairs]


def _count_threads(n_jobs: int | None) -> int:
    """Return the number of threads in this process that `n_jobs` stands for."""
    backend, _ = get_active_backend()
    if backend.default_n_jobs == 1:
        return effective_n_jobs(n_jobs)
    # Dask's backend returns the number of cores of its whole cluster, whatever n_jobs is.
    with parallel_config("threading"):
        return effective_n_jobs(n_jobs)


def _in_order(
    function: Callable[[slice], Result], chunks: Sequence[slice], n_threads: int
) -> Iterator[Result]:
    """Apply a function in threads, with only as many pending results as keep them busy."""
    if n_threads == 1 or len(chunks) == 1:
        yield from map(function, chunks)
        return
    with ThreadPoolExecutor(n_threads, thread_name_prefix="ser_estimators") as pool:
        try:
            waiting = deque(pool.submit(function, chunk) for chunk in chunks[: 2 * n_threads])
            for chunk in chunks[2 * n_threads :]:
                yield waiting.popleft().result()
                waiting.append(pool.submit(function, chunk))
            while waiting:
                yield waiting.popleft().result()
        finally:
            # After an error or an interrupt, pending chunks are not started.
            pool.shutdown(wait=True, cancel_futures=True)


def progress_bar(total: int, description: str | None) -> Any:
    """Return a progress bar of clips, which is shown only if there is a description."""
    from tqdm import tqdm

    return tqdm(total=total, desc=description, unit="clip", disable=description is None)
