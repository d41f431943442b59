"""Clips that are the same recording, which must not appear in both training and test."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .._audio.clips import Clip
from .._audio.reading import Reading
from .._audio.workers import map_waveforms
from .._features.mel import MelOptions, mel_power_spectrogram
from ..exceptions import AudioLevelWarning
from ._identity import digest

__all__ = ["MIN_SAMPLES", "Leak", "find_leaks", "find_same_recordings"]

_SR = 16000  # Hz
_HOP = 160  # samples between frames
_MEL = MelOptions(sr=_SR, n_fft=512, hop_length=_HOP, n_mels=24, fmin=100.0, fmax=3800.0)
_N_SEGMENTS = 24
# Fingerprints of one recording, as MP3 or OGG, resampled, amplified or with other silence around
# it, correlate above 0.99; those of two takes of a sentence by one actor of RAVDESS below 0.97.
_SAME = 0.985
# Fraction of the energy that is ignored at either end, so that silence there may differ.
_EDGE = 0.02
_MAX_DIFFERENCE = 0.08  # seconds; codecs change the length of a clip by less
# A shorter or steadier clip, such as a click, a tone, hiss or a row of a table, sounds like many
# others, so only its bytes are compared.
_MIN_SECONDS = 0.1
_MIN_CHANGE = 0.1  # standard deviation over time, in powers of ten
_SILENT_PEAK = 1e-6  # of full scale
# A shorter array is a row of a table rather than a sound.
MIN_SAMPLES = int(_MIN_SECONDS * _SR)
# Pairs of fingerprints compared at once: 32 MB of correlations.
_BLOCK = 2000


@dataclass(frozen=True)
class Leak:
    """Two clips that are the same recording, one in training and one in test.

    Parameters
    ----------
    train, test : int >= 0
        Positions of the clips in X. With another corpus as test set, its clips follow those of X.
    kind : {"same bytes", "same sound"}
    """

    train: int
    test: int
    kind: str


def find_same_recordings(clips: Sequence[Clip], *, n_jobs: int | None = None) -> list[set[int]]:
    """Find groups of clips that are the same recording, whatever their file names and formats.

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
            _fingerprint, [clips[i] for i in positions], Reading(_SR), n_jobs=n_jobs
        )
    has_shape = [fingerprint is not None for fingerprint in found]
    shaped = np.array(positions, dtype=int)[has_shape]
    pairs: list[tuple[int, int]] = []
    if len(shaped):
        fingerprints = [fingerprint for fingerprint in found if fingerprint is not None]
        prints = np.array([fingerprint.spectrogram for fingerprint in fingerprints])
        seconds = np.array([fingerprint.seconds for fingerprint in fingerprints])
        pairs += [(shaped[first], shaped[second]) for first, second in _similar(prints, seconds)]
    by_digest: dict[str, int] = {}
    for index in sorted(set(range(len(clips))) - set(shaped.tolist())):
        pairs.append((index, by_digest.setdefault(_digest(clips[index]), index)))
    return _groups_of(pairs, len(clips))


def _groups_of(pairs: Sequence[tuple[int, int]], n: int) -> list[set[int]]:
    """Return the groups of more than one of n clips that pairs connect."""
    first, second = np.array(pairs, dtype=np.int32).reshape(-1, 2).T
    graph = coo_array((np.ones(len(pairs)), (first, second)), shape=(n, n))
    _, labels = connected_components(graph, directed=False)
    groups: dict[int, set[int]] = defaultdict(set)
    for index, label in enumerate(labels):
        groups[label].add(index)
    return [group for group in groups.values() if len(group) > 1]


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
        One for each pair of clips, even if several splits separate it.
    """
    leaks: dict[frozenset[int], Leak] = {}
    digest_at = cache(lambda index: _digest(clips[index]))
    for group in groups:
        members = np.array(sorted(group))
        for train, test in splits:
            for first in members[np.isin(members, train)]:
                for second in members[np.isin(members, test)]:
                    pair = frozenset((int(first), int(second)))
                    if len(pair) == 2 and pair not in leaks:
                        same_bytes = digest_at(int(first)) == digest_at(int(second))
                        kind = "same bytes" if same_bytes else "same sound"
                        leaks[pair] = Leak(int(first), int(second), kind)
    return list(leaks.values())


class _Fingerprint(NamedTuple):
    """A small log-mel spectrogram that format, level and surrounding silence hardly change."""

    spectrogram: NDArray[np.float32]
    seconds: float


def _fingerprint(waveform: NDArray[np.float32]) -> _Fingerprint | None:
    """Return the fingerprint of a waveform, or None if it is too short or too steady for one."""
    waveform = waveform - waveform.mean()
    if np.abs(waveform).max() < _SILENT_PEAK:
        return None
    mel = mel_power_spectrogram(waveform, _MEL)
    # (n_mels, n_frames + 1): energy up to each frame. Edges of segments are interpolated between
    # frames, so that a shift by half a frame moves every segment by the same amount.
    energy = np.pad(np.cumsum(mel, axis=1, dtype=np.float64), ((0, 0), (1, 0)))
    total = energy.sum(axis=0)
    frames = np.arange(energy.shape[1])
    start, stop = np.interp([_EDGE, 1 - _EDGE], total / total[-1], frames)
    seconds = float(stop - start) * _HOP / _SR
    edges = np.linspace(start, stop, _N_SEGMENTS + 1)
    segments = np.diff([np.interp(edges, frames, band) for band in energy], axis=1)
    # The floor is 50 dB below the peak, where codecs begin to differ.
    log_mel = np.log10(np.maximum(segments, segments.max() * 1e-5))
    if seconds < _MIN_SECONDS or log_mel.std(axis=1).mean() < _MIN_CHANGE:
        return None
    log_mel -= log_mel.mean()
    return _Fingerprint((log_mel / np.linalg.norm(log_mel)).ravel().astype(np.float32), seconds)


def _similar(
    prints: NDArray[np.float32], seconds: NDArray[np.float64]
) -> Iterator[tuple[int, int]]:
    """Yield the positions of fingerprints of the same recording, each pair once."""
    order = np.argsort(seconds)
    prints, seconds = prints[order], seconds[order]
    for start in range(0, len(order), _BLOCK):
        rows = slice(start, start + _BLOCK)
        # In order of length, only the next few clips can be the same recording.
        stop = np.searchsorted(seconds, seconds[rows][-1] + _MAX_DIFFERENCE, side="right")
        close = np.abs(seconds[rows][:, None] - seconds[start:stop]) <= _MAX_DIFFERENCE
        similar = prints[rows] @ prints[start:stop].T > _SAME
        for row, column in np.argwhere(similar & close):
            if row < column:
                yield int(order[start + row]), int(order[start + column])


def _digest(clip: Any) -> str:
    """Return a digest of the bytes of a file, or of the values of another kind of clip."""
    if isinstance(clip, (str, os.PathLike)):
        with open(clip, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    return digest(clip, "a clip")
