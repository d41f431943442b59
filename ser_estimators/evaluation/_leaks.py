"""Clips that are the same recording, which must not appear in both training and test."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._audio.clips import Clip
from .._audio.reading import Reading
from .._audio.segment import Segment
from .._audio.workers import map_waveforms
from .._features.recordings import FINGERPRINT_SR, MIN_SAMPLES, fingerprint, group, pairs_of_same
from ..exceptions import AudioLevelWarning
from ._identity import digest

__all__ = ["KINDS", "MIN_SAMPLES", "SAME_FILE", "Leak", "find_leaks", "find_same_recordings"]

SAME_FILE = "same file"
KINDS = ("same bytes", "same sound", SAME_FILE)


@dataclass(frozen=True)
class Leak:
    """Two clips that are the same recording, one in training and one in test.

    Parameters
    ----------
    train, test : int >= 0
        Positions of the clips in X. With another corpus as test set, its clips follow those of X.
    kind : {"same bytes", "same sound", "same file"}
        The last one stands for different segments of a file. There is one such leak for each file,
        whatever the number of its segments.
    """

    train: int
    test: int
    kind: str


def find_same_recordings(clips: Sequence[Clip], *, n_jobs: int | None = None) -> list[set[int]]:
    """Find groups of clips that are the same recording, whatever their file names and formats.

    Segments of a file are the same recording, whether they overlap or not: they share a room, a
    microphone, and often a mood.

    Parameters
    ----------
    clips : sequence
        The result of `check_clips`.
    n_jobs : int or None, default=None
        Number of threads that read files.

    Returns
    -------
    list of set of int
        Positions of the clips of each recording that occurs more than once.

    Raises
    ------
    AudioReadError
        If clips cannot be read.
    """
    positions = [
        index
        for index, clip in enumerate(clips)
        if not isinstance(clip, np.ndarray) or clip.size >= MIN_SAMPLES
    ]
    with warnings.catch_warnings():
        # The estimator warns of waveforms; of a table with many columns it would be misleading.
        warnings.simplefilter("ignore", AudioLevelWarning)
        found = map_waveforms(
            fingerprint, [clips[i] for i in positions], Reading(FINGERPRINT_SR), n_jobs=n_jobs
        )
    by_position = dict(zip(positions, found, strict=True))
    fingerprints = [by_position.get(index) for index in range(len(clips))]
    pairs = pairs_of_same(fingerprints, lambda index: _digest(clips[index]))
    first_of: dict[str, int] = {}
    for index, file in enumerate(_files_of(clips)):
        if file is not None:
            pairs.append((index, first_of.setdefault(file, index)))
    return group(pairs, len(clips))


def find_leaks(
    groups: Iterable[set[int]],
    clips: Sequence[Clip],
    splits: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]],
) -> list[Leak]:
    """Find recordings that appear in both training and test of any split.

    Parameters
    ----------
    groups : iterable of set of int
        The result of `find_same_recordings`.
    clips : sequence
    splits : sequence of (train, test)
        Positions of the training clips and of the test clips.

    Returns
    -------
    list of Leak
        One for each pair of clips, or of files that have segments, even if several splits separate
        it.
    """
    leaks: dict[frozenset[Hashable], Leak] = {}
    files = _files_of(clips)
    digest_at = cache(lambda index: _digest(clips[index]))

    def first_clips(members: NDArray[Any]) -> Iterator[tuple[Hashable, int]]:
        """Yield each clip, of the segments of a file the first one, with what identifies it."""
        seen = set()
        for index in members.tolist():
            key = index if files[index] is None else files[index]
            if key not in seen:
                seen.add(key)
                yield key, index

    for same in groups:
        members = np.array(sorted(same))
        for train, test in splits:
            trained = list(first_clips(members[np.isin(members, train)]))
            for test_key, second in first_clips(members[np.isin(members, test)]):
                for train_key, first in trained:
                    pair = frozenset((train_key, test_key))
                    if first != second and pair not in leaks:
                        if train_key == test_key:
                            kind = SAME_FILE
                        else:
                            is_same = digest_at(first) == digest_at(second)
                            kind = "same bytes" if is_same else "same sound"
                        leaks[pair] = Leak(first, second, kind)
    return list(leaks.values())


def _files_of(clips: Sequence[Any]) -> list[str | None]:
    """Return the file of each clip that has segments in the list, and None for other clips."""
    cut = {os.path.realpath(clip) for clip in clips if isinstance(clip, Segment)}
    if not cut:
        return [None] * len(clips)
    files = [
        os.path.realpath(clip) if isinstance(clip, (str, os.PathLike)) else None for clip in clips
    ]
    return [file if file in cut else None for file in files]


def _digest(clip: Any) -> str:
    """Return a digest of the bytes of a file, or of the values of another kind of clip."""
    if isinstance(clip, (str, os.PathLike)) and not isinstance(clip, Segment):
        with open(clip, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    return digest(clip, "a clip")
