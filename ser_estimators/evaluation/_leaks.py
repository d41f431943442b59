"""Clips that are the same recording: the ones that must not stand on both sides of a split."""

from __future__ import annotations

import hashlib
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._audio.clips import Clip
from .._audio.reading import Reading
from .._audio.workers import map_waveforms
from .._features.mel import MelOptions, mel_power_spectrogram
from ..exceptions import AudioLevelWarning

__all__ = ["MIN_SAMPLES", "Leak", "find_leaks", "find_same_recordings"]

_SR = 16000
_HOP = 160  # samples between frames
_MEL = MelOptions(sr=_SR, n_fft=512, hop_length=_HOP, n_mels=24, fmin=100.0, fmax=3800.0)
_N_SEGMENTS = 24
# Fingerprints of one recording, as MP3, OGG, resampled, amplified or with other silence around it,
# correlate above 0.99; those of two takes of one sentence by one actor (in RAVDESS) below 0.97.
_SAME = 0.985
# Share of the energy at either end that is left out, so that silence there may differ.
_EDGE = 0.02
_MAX_DIFFERENCE = 0.08  # seconds by which codecs change the length of a clip
# What is shorter (in seconds), or steadier over time (in powers of ten), has too little shape to be
# told from others by its sound: a click, a tone, hiss, a row of a table. Its bytes decide.
_MIN_SECONDS = 0.1
_MIN_CHANGE = 0.1
_SILENT_PEAK = 1e-6  # of full scale
# A shorter array is no sound, but a row of a table.
MIN_SAMPLES = int(_MIN_SECONDS * _SR)
# Pairs of fingerprints compared at once: 32 MB of correlations.
_BLOCK = 2000


@dataclass(frozen=True)
class Leak:
    """Two clips of one recording that stand on both sides of a split.

    Parameters
    ----------
    train, test : int
        Positions of the clips in X.
    kind : {"same bytes", "same sound"}
    """

    train: int
    test: int
    kind: str


def find_same_recordings(clips: Sequence[Clip], *, n_jobs: int | None = None) -> list[set[int]]:
    """Find groups of clips that are one recording, whatever their file name and coding.

    Parameters
    ----------
    clips : sequence
        What `check_clips` returned.
    n_jobs : int or None, default=None
        Threads that read files.

    Returns
    -------
    list of set of int
        Positions of the clips of each recording that stands more than once.
    """
    groups = _Groups(len(clips))
    positions = [
        index
        for index, clip in enumerate(clips)
        if not isinstance(clip, np.ndarray) or clip.size >= MIN_SAMPLES
    ]
    with warnings.catch_warnings():
        # Of waveforms, the estimator warns; of a table with many columns, it would be nonsense.
        warnings.simplefilter("ignore", AudioLevelWarning)
        found = map_waveforms(
            _fingerprint, [clips[i] for i in positions], Reading(_SR), n_jobs=n_jobs
        )
    has_shape = [fingerprint is not None for fingerprint in found]
    shaped = np.array(positions, dtype=int)[has_shape]
    if len(shaped):
        fingerprints = [fingerprint for fingerprint in found if fingerprint is not None]
        prints = np.array([fingerprint.picture for fingerprint in fingerprints])
        seconds = np.array([fingerprint.seconds for fingerprint in fingerprints])
        for first, second in _alike(prints, seconds):
            groups.join(shaped[first], shaped[second])
    by_digest: dict[bytes, int] = {}
    for index in sorted(set(range(len(clips))) - set(shaped.tolist())):
        groups.join(index, by_digest.setdefault(_digest(clips[index]), index))
    return groups.sets()


def find_leaks(
    groups: Iterable[set[int]],
    clips: Sequence[Clip],
    splits: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]],
) -> list[Leak]:
    """Find recordings that stand on both sides of any of some splits.

    Parameters
    ----------
    groups : iterable of set of int
        What `find_same_recordings` found in the clips.
    clips : sequence
    splits : sequence of (train, test)
        Positions of the clips on either side.

    Returns
    -------
    list of Leak
        One for each pair of clips, however many splits it crosses.
    """
    leaks: dict[frozenset[int], Leak] = {}
    digest = cache(lambda index: _digest(clips[index]))
    for group in groups:
        members = np.array(sorted(group))
        for train, test in splits:
            for first in members[np.isin(members, train)]:
                for second in members[np.isin(members, test)]:
                    pair = frozenset((int(first), int(second)))
                    if len(pair) == 2 and pair not in leaks:
                        same_bytes = digest(int(first)) == digest(int(second))
                        kind = "same bytes" if same_bytes else "same sound"
                        leaks[pair] = Leak(int(first), int(second), kind)
    return list(leaks.values())


class _Fingerprint(NamedTuple):
    """A picture of a sound that coding, level and silence around it hardly change."""

    picture: NDArray[np.float32]
    seconds: float


def _fingerprint(waveform: NDArray[np.float32]) -> _Fingerprint | None:
    """Return the fingerprint of a waveform, or None if it has too little shape for one."""
    waveform = waveform - waveform.mean()
    if np.abs(waveform).max() < _SILENT_PEAK:
        return None
    mel = mel_power_spectrogram(waveform, _MEL)
    # (n_mels, n_frames + 1): energy up to each moment. Edges between frames are interpolated, so
    # that a shift by half a frame moves every segment alike.
    energy = np.pad(np.cumsum(mel, axis=1, dtype=np.float64), ((0, 0), (1, 0)))
    total = energy.sum(axis=0)
    frames = np.arange(energy.shape[1])
    start, stop = np.interp([_EDGE, 1 - _EDGE], total / total[-1], frames)
    seconds = float(stop - start) * _HOP / _SR
    edges = np.linspace(start, stop, _N_SEGMENTS + 1)
    segments = np.diff([np.interp(edges, frames, band) for band in energy], axis=1)
    # A floor 50 dB under the peak, where codecs begin to differ.
    picture = np.log10(np.maximum(segments, segments.max() * 1e-5))
    if seconds < _MIN_SECONDS or picture.std(axis=1).mean() < _MIN_CHANGE:
        return None
    picture -= picture.mean()
    return _Fingerprint((picture / np.linalg.norm(picture)).ravel().astype(np.float32), seconds)


def _alike(prints: NDArray[np.float32], seconds: NDArray[np.float64]) -> Iterator[tuple[int, int]]:
    """Yield the positions of fingerprints that are one recording's, each pair once."""
    order = np.argsort(seconds)
    prints, seconds = prints[order], seconds[order]
    for start in range(0, len(order), _BLOCK):
        rows = slice(start, start + _BLOCK)
        # Sorted by length, only clips that follow closely can be the same.
        stop = np.searchsorted(seconds, seconds[rows][-1] + _MAX_DIFFERENCE, side="right")
        close = np.abs(seconds[rows][:, None] - seconds[start:stop]) <= _MAX_DIFFERENCE
        alike = prints[rows] @ prints[start:stop].T > _SAME
        for row, column in np.argwhere(alike & close):
            if row < column:
                yield int(order[start + row]), int(order[start + column])


def _digest(clip: Clip) -> bytes:
    if isinstance(clip, np.ndarray):
        return hashlib.sha256(np.ascontiguousarray(clip).tobytes()).digest()
    with open(clip, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


class _Groups:
    """Union-find over the positions of clips."""

    def __init__(self, n: int) -> None:
        self.parent = list(range(n))

    def root(self, item: int) -> int:
        while self.parent[item] != item:
            self.parent[item] = self.parent[self.parent[item]]
            item = self.parent[item]
        return item

    def join(self, first: Any, second: Any) -> None:
        self.parent[self.root(int(first))] = self.root(int(second))

    def sets(self) -> list[set[int]]:
        members: dict[int, set[int]] = defaultdict(set)
        for item in range(len(self.parent)):
            members[self.root(item)].add(item)
        return [group for group in members.values() if len(group) > 1]
