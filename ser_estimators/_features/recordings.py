"""Recordings that are the same, whatever their file names, formats and levels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .mel import MelOptions, mel_power_spectrogram

__all__ = ["FINGERPRINT_SR", "MIN_SAMPLES", "Fingerprint", "fingerprint", "group", "pairs_of_same"]

FINGERPRINT_SR = 16000  # Hz
_HOP = 160  # samples between frames
_MEL = MelOptions(sr=FINGERPRINT_SR, n_fft=512, hop_length=_HOP, n_mels=24, fmin=100.0, fmax=3800.0)
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
MIN_SAMPLES = int(_MIN_SECONDS * FINGERPRINT_SR)
# Pairs of fingerprints compared at once: 32 MB of correlations.
_BLOCK = 2000


class Fingerprint(NamedTuple):
    """A small log-mel spectrogram that format, level and surrounding silence hardly change."""

    spectrogram: NDArray[np.float32]
    seconds: float


def fingerprint(waveform: NDArray[np.float32]) -> Fingerprint | None:
    """Return the fingerprint of a waveform, or None if it is too short or too steady for one.

    Parameters
    ----------
    waveform : ndarray of shape (n_samples,), float32
        At `FINGERPRINT_SR`.
    """
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
    seconds = float(stop - start) * _HOP / FINGERPRINT_SR
    edges = np.linspace(start, stop, _N_SEGMENTS + 1)
    segments = np.diff([np.interp(edges, frames, band) for band in energy], axis=1)
    # The floor is 50 dB below the peak, where codecs begin to differ.
    log_mel = np.log10(np.maximum(segments, segments.max() * 1e-5))
    if seconds < _MIN_SECONDS or log_mel.std(axis=1).mean() < _MIN_CHANGE:
        return None
    log_mel -= log_mel.mean()
    return Fingerprint((log_mel / np.linalg.norm(log_mel)).ravel().astype(np.float32), seconds)


def pairs_of_same(
    fingerprints: Sequence[Fingerprint | None], digest: Callable[[int], Hashable]
) -> list[tuple[int, int]]:
    """Return pairs that connect all clips of the same recording.

    Parameters
    ----------
    fingerprints : sequence of Fingerprint or None of length n_clips
    digest : callable
        Maps the position of a clip without a fingerprint to a digest of its content.

    Returns
    -------
    list of (int, int)
        Positions of clips.
    """
    shaped = [index for index, found in enumerate(fingerprints) if found is not None]
    pairs: list[tuple[int, int]] = []
    if shaped:
        found = [one for one in fingerprints if one is not None]
        prints = np.array([one.spectrogram for one in found])
        seconds = np.array([one.seconds for one in found])
        pairs += [(shaped[first], shaped[second]) for first, second in _similar(prints, seconds)]
    by_digest: dict[Hashable, int] = {}
    for index in sorted(set(range(len(fingerprints))) - set(shaped)):
        pairs.append((index, by_digest.setdefault(digest(index), index)))
    return pairs


def group(pairs: Iterable[tuple[int, int]], n: int) -> list[set[int]]:
    """Return the groups of more than one of n clips that pairs connect."""
    first, second = np.array(list(pairs), dtype=np.int32).reshape(-1, 2).T
    graph = coo_array((np.ones(len(first)), (first, second)), shape=(n, n))
    _, labels = connected_components(graph, directed=False)
    groups: dict[int, set[int]] = defaultdict(set)
    for index, label in enumerate(labels):
        groups[label].add(index)
    return [members for members in groups.values() if len(members) > 1]


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
