"""Clips of a stress test as waveforms, each with random numbers and other clips of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._audio.reading import Reading
from .._audio.workers import map_waveforms
from ._sides import Side

__all__ = ["ClipPool", "make_pool"]

_N_OTHERS = 6  # voices of babble


@dataclass(frozen=True)
class ClipPool:
    """Clips that are read when they are needed.

    Everything random about a clip follows from its own samples, and the other clips that are chosen
    for it from theirs: no result depends on the order of the clips.

    Parameters
    ----------
    clips : list, or ndarray of shape (n_clips, n_samples)
        The result of `check_clips`.
    speakers : ndarray of shape (n_clips,) or None
        None if they are unknown.
    reading : Reading
    keys : ndarray of shape (n_clips,), uint64
        Digest of the samples of each clip.
    seed : int >= 0
    """

    clips: Any
    speakers: NDArray[Any] | None
    reading: Reading
    keys: NDArray[np.uint64]
    seed: int

    def __len__(self) -> int:
        return len(self.keys)

    def waveform(self, index: int) -> NDArray[np.float32]:
        """Return the samples of a clip."""
        return self.reading.load(self.clips[index])

    def generator(self, index: int) -> np.random.Generator:
        """Return the generator of a clip, in the same state in each call."""
        return np.random.default_rng([self.seed, int(self.keys[index])])

    def others(self, index: int) -> list[NDArray[np.float32]]:
        """Return up to six other clips, of other speakers if these are known.

        Each clip ranks all others by a hash of both. Unlike with a random choice, a clip that is
        added to the corpus or removed changes the choice for few of the others.
        """
        own = self.keys[index]
        ranks = _scramble(self.keys ^ _scramble(own ^ np.uint64(self.seed % 2**64)))
        is_other = self.keys != own
        if self.speakers is not None:
            is_other &= self.speakers != self.speakers[index]
        found = np.flatnonzero(is_other)
        # Equal clips have equal ranks; one of them is enough.
        _, first = np.unique(ranks[found], return_index=True)
        return [self.waveform(int(place)) for place in found[first[:_N_OTHERS]]]


def make_pool(side: Side, sr: int, *, seed: int, n_jobs: int | None = None) -> ClipPool:
    """Read all clips once, to know their digests and that they can be read.

    Parameters
    ----------
    side : Side
    sr : int > 0
        Sampling rate of the waveforms in Hz.
    seed : int >= 0
    n_jobs : int or None, default=None
        Number of threads.

    Raises
    ------
    AudioReadError
        If clips cannot be used; lists all of them.
    """
    reading = Reading(sr)
    clips: Sequence[Any] = side.clips
    keys = map_waveforms(_key_of, clips, reading, n_jobs=n_jobs)
    return ClipPool(clips, side.speakers, reading, np.array(keys, dtype=np.uint64), seed)


def _key_of(waveform: NDArray[np.float32]) -> int:
    return int.from_bytes(hashlib.sha256(waveform.tobytes()).digest()[:8], "little")


def _scramble(values: Any) -> Any:
    """Hash 64-bit integers, with the finalizer of SplitMix64 (https://doi.org/10.1145/2714064)."""
    with np.errstate(over="ignore"):
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return values ^ (values >> np.uint64(31))
