"""Clips that are the same recording: the ones that must not stand on both sides of a split."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._clips import Clip, map_waveforms
from .._features import mel_power_spectrogram

__all__ = ["Leak", "find_leaks", "find_same_recordings"]

_SR = 16000
_N_MELS = 24
_N_SEGMENTS = 24
# Fingerprints of one recording, as MP3, OGG, resampled or amplified, correlate above 0.999; those
# of two takes of one sentence by one actor (all of RAVDESS) below 0.992.
_SAME = 0.996
_MAX_DIFFERENCE = 0.08  # seconds by which codecs change the length of a clip
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
    fingerprints = map_waveforms(_fingerprint, clips, sr=_SR, n_jobs=n_jobs)
    prints = np.array([fingerprint for fingerprint, _ in fingerprints])
    seconds = np.array([duration for _, duration in fingerprints])
    is_flat = (
        np.count_nonzero(prints, axis=1) == 0
    )  # silence is like any other silence, and no recording
    groups = _Groups(len(clips))
    order = np.argsort(seconds)
    for start in range(0, len(order), _BLOCK):
        rows = order[start : start + _BLOCK]
        # Sorted by length, only clips that follow closely can be the same.
        stop = np.searchsorted(seconds[order], seconds[rows[-1]] + _MAX_DIFFERENCE, side="right")
        columns = order[start:stop]
        close = np.abs(seconds[rows][:, None] - seconds[columns]) <= _MAX_DIFFERENCE
        alike = prints[rows] @ prints[columns].T > _SAME
        for row, column in np.argwhere(alike & close):
            first, second = rows[row], columns[column]
            if first != second and not (is_flat[first] or is_flat[second]):
                groups.join(first, second)
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
    for group in groups:
        members = np.array(sorted(group))
        for train, test in splits:
            for first in members[np.isin(members, train)]:
                for second in members[np.isin(members, test)]:
                    pair = frozenset((int(first), int(second)))
                    if len(pair) == 2 and pair not in leaks:
                        kind = _kind_of(clips[first], clips[second])
                        leaks[pair] = Leak(int(first), int(second), kind)
    return list(leaks.values())


def _fingerprint(waveform: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """Return a picture that coding and level hardly change, and the length in seconds."""
    mel = mel_power_spectrogram(
        waveform, sr=_SR, n_fft=512, hop_length=160, n_mels=_N_MELS, fmin=100.0, fmax=3800.0
    )
    edges = np.linspace(0, mel.shape[1], _N_SEGMENTS + 1).astype(int)
    edges = np.minimum(edges, mel.shape[1] - 1)[:-1]
    means = np.add.reduceat(mel, edges, axis=1)
    # A floor 50 dB under the peak, where codecs begin to differ.
    picture = np.log10(np.maximum(means, means.max() * 1e-5 + 1e-20))
    picture -= picture.mean()
    norm = float(np.linalg.norm(picture))
    flat = picture.ravel() / norm if norm > 1e-3 else np.zeros(picture.size)
    return flat.astype(np.float32), waveform.size / _SR


def _kind_of(first: Clip, second: Clip) -> str:
    return "same bytes" if _digest(first) == _digest(second) else "same sound"


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
