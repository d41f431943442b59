"""Jitter and shimmer: the irregularity of the periods of a voice, around each frame."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .._utils.arrays import Floats

__all__ = ["jitter", "period_marks", "shimmer"]

# Range in which the next period mark is searched, in periods from the last one.
_NEAREST, _FARTHEST = 0.8, 1.25
# Half-width of the segment that is matched, in periods. Praat uses 0.5; a shorter segment contains
# less of the ringing of the adjacent periods, which hides jitter.
_MATCHED = 0.3
# Minimum correlation of a match, that of a voice with noise of equal power. Praat uses 0.3.
_ALIKE = 0.5
# Half-width of the window for the amplitude of a period, in periods, as in Praat.
_AMPLITUDE_WINDOW = 0.2
# Praat's maximum period factor and maximum amplitude factor.
_PERIOD_FACTOR = 1.3
_AMPLITUDE_FACTOR = 1.6
# Periods on each side of the center of a frame over which jitter and shimmer are computed.
_SPAN = 4
# Energies below this are rounding errors.
_MIN_ENERGY = 1e-14
# Three periods have two differences.
_FEWEST_DIFFERENCES = 2


def period_marks(
    waveform: Floats, f0: Floats, *, sr: int, hop_length: int
) -> list[NDArray[np.float64]]:
    """Find one point per period of the voice by matching the waveform with itself.

    The method is that of Praat's "To PointProcess (cc)" [1]_. In each voiced segment, the first
    mark is the sample of largest magnitude near the middle. Toward both ends, each next mark is the
    position, 0.8 to 1.25 periods away, at which the normalized cross-correlation with the waveform
    around the last mark is largest. If the correlation has no maximum in this range, or one below
    0.5, a mark is left out.

    Parameters
    ----------
    waveform : ndarray of shape (n_samples,), float32
        Mono, at `sr`.
    f0 : ndarray of shape (n_frames,), float32
        As `pitch` returns it.
    sr, hop_length : int > 0
        As for `pitch`.

    Returns
    -------
    list of ndarray of shape (n_marks,), float64
        Fractional positions in samples, in increasing order; one array for each voiced segment.

    References
    ----------
    .. [1] P. Boersma and D. Weenink, "Praat: doing phonetics by computer",
       https://www.praat.org, manual page "Sound: To PointProcess (periodic, cc)...".
    """
    voiced = np.flatnonzero(np.isfinite(f0))
    if voiced.size == 0:
        return []
    # Zero-padded on both sides, so that no step has to check for the ends of the waveform.
    margin = int(2 * sr / np.nanmin(f0)) + 2
    padded = np.pad(waveform, margin)
    energy = np.concatenate([[0.0], np.cumsum(np.square(padded, dtype=np.float64))])
    periods = (sr / f0).tolist()
    marks = []
    for stretch in np.split(voiced, np.flatnonzero(np.diff(voiced) > 1) + 1):
        first, last = int(stretch[0]), int(stretch[-1])
        begin = max(0, first * hop_length - hop_length // 2)
        end = min(waveform.size, last * hop_length + hop_length // 2 + 1)
        reach = int(periods[(first + last) // 2] / 2) + 1
        middle = min((begin + end) // 2, waveform.size - 1)
        start = max(middle - reach, 0)
        start += int(np.abs(waveform[start : middle + reach]).argmax())
        walks = []
        for direction in (-1, 1):
            mark, matched, walk = float(start), True, []
            while begin <= mark < end:
                if matched:
                    walk.append(mark)
                frame = min(max(round(mark / hop_length), first), last)
                center = round(mark) + margin
                step, matched = _step(padded, energy, center, periods[frame], direction)
                mark += step
            walks.append(walk)
        marks.append(np.array(walks[0][:0:-1] + walks[1]))
    return marks


def jitter(marks: list[NDArray[np.float64]], f0: Floats, *, sr: int, hop_length: int) -> Floats:
    """Compute the local jitter around each frame, the variation of the period.

    As in Praat, "jitter (local)" is the mean absolute difference of consecutive periods divided by
    the mean period, without consecutive periods that differ by more than a factor of 1.3.

    It is computed over the periods within four periods of the center of a frame rather than over a
    sustained vowel. It therefore includes movements of the pitch, a single frame gives a rough
    estimate from about seven differences, and neighboring frames share periods. It is meant for
    comparing clips, not for clinical thresholds.

    On synthetic vowels with a jitter of 1 to 3 %, the mean over a clip is within 30 % of the true
    value up to 220 Hz. At 300 Hz, where each period rings into the next, it is up to 40 % too low,
    as in Praat. Voices with more jitter are often unvoiced.

    Parameters
    ----------
    marks : list of ndarray
        As `period_marks` returns them.
    f0 : ndarray of shape (n_frames,), float32
        As `pitch` returns it.
    sr, hop_length : int > 0
        As for `pitch`.

    Returns
    -------
    ndarray of shape (n_frames,), float32
        Ratio, 0 to 0.26; NaN in unvoiced frames and with fewer than three periods.
    """
    times, differences, means = [], [], []
    for stretch in marks:
        periods = np.diff(stretch)
        valid = _alike(periods, _PERIOD_FACTOR)
        times.append(stretch[1:-1][valid])
        differences.append(np.abs(np.diff(periods))[valid])
        means.append(((periods[1:] + periods[:-1]) / 2)[valid])
    return _around_frames(times, differences, means, f0, sr=sr, hop_length=hop_length)


def shimmer(
    waveform: Floats, marks: list[NDArray[np.float64]], f0: Floats, *, sr: int, hop_length: int
) -> Floats:
    """Compute the local shimmer around each frame, the variation of the amplitude of periods.

    As in Praat, "shimmer (local)" is the mean absolute difference of the amplitudes of consecutive
    periods divided by the mean amplitude. An amplitude is the root mean square under a Hann window
    of 0.2 periods on each side of the mark. Amplitudes that differ by more than a factor of 1.6, or
    whose adjacent periods differ by more than a factor of 1.3, are left out. The notes on frames in
    `jitter` apply as well. Jitter itself causes some shimmer, because each period rings into the
    next.

    Parameters
    ----------
    waveform : ndarray of shape (n_samples,), float32
        Mono, at `sr`.
    marks, f0, sr, hop_length
        As for `jitter`.

    Returns
    -------
    ndarray of shape (n_frames,), float32
        Ratio, 0 to 0.46; NaN in unvoiced frames and with fewer than three amplitudes.
    """
    times, differences, means = [], [], []
    for stretch in marks:
        periods = np.diff(stretch)
        amplitudes = _amplitudes(waveform, stretch[1:-1], periods[:-1], periods[1:])
        even = _alike(periods, _PERIOD_FACTOR)
        valid = even[1:] & even[:-1] & _alike(amplitudes, _AMPLITUDE_FACTOR)
        times.append(((stretch[1:-2] + stretch[2:-1]) / 2)[valid])
        differences.append(np.abs(np.diff(amplitudes))[valid])
        means.append(((amplitudes[1:] + amplitudes[:-1]) / 2)[valid])
    return _around_frames(times, differences, means, f0, sr=sr, hop_length=hop_length)


def _step(
    padded: Floats, energy: NDArray[np.float64], center: int, period: float, direction: int
) -> tuple[float, bool]:
    """Return the step to the next mark in samples, negative to the left, and whether it matches."""
    half = max(1, int(_MATCHED * period))
    nearest, farthest = int(_NEAREST * period), int(_FARTHEST * period) + 1
    left, right = (nearest, farthest) if direction > 0 else (-farthest, -nearest)
    begin, end = center + left - half, center + right + half + 1
    match = np.correlate(padded[begin:end], padded[center - half : center + half + 1], "valid")
    heard = energy[begin + 2 * half + 1 : end + 1] - energy[begin : end - 2 * half]
    likeness = match / np.sqrt(np.maximum(heard, _MIN_ENERGY))
    best = int(likeness.argmax())
    own = energy[center + half + 1] - energy[center - half]
    # A maximum at either end of the range belongs to one outside of it.
    if best in (0, likeness.size - 1) or likeness[best] < _ALIKE * math.sqrt(own):
        return direction * period, False
    lower, top, upper = likeness[best - 1 : best + 2].tolist()
    return left + best + (upper - lower) / (2 * max(2 * top - lower - upper, _MIN_ENERGY)), True


def _amplitudes(
    waveform: Floats,
    marks: NDArray[np.float64],
    before: NDArray[np.float64],
    after: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the root mean square around each mark under a Hann window, (n_marks,).

    `before` and `after` are the periods on either side of each mark in samples.
    """
    if marks.size == 0:
        return np.empty(0)
    nearest = np.clip(np.rint(marks), 0, waveform.size - 1)
    # At least one sample wide, so that the nearest sample is always under the window.
    before = np.maximum(_AMPLITUDE_WINDOW * before, 1)
    after = np.maximum(_AMPLITUDE_WINDOW * after, 1)
    reach = 1 + int(max(before.max(), after.max()))
    samples = nearest[:, None] + np.arange(-reach, reach + 1)
    away = samples - marks[:, None]
    width = np.where(away < 0, before[:, None], after[:, None])
    inside = (np.abs(away) < width) & (samples >= 0) & (samples < waveform.size)
    weight = np.where(inside, 0.5 + 0.5 * np.cos(np.pi * away / width), 0)
    picked = waveform[np.clip(samples, 0, waveform.size - 1).astype(np.intp)].astype(np.float64)
    return np.sqrt((weight * picked**2).sum(axis=1) / weight.sum(axis=1))


def _alike(values: NDArray[np.float64], factor: float) -> NDArray[np.bool_]:
    """Return which neighbors differ by at most a factor, (n_values - 1,)."""
    larger = np.maximum(values[1:], values[:-1])
    smaller = np.minimum(values[1:], values[:-1])
    return (larger <= factor * smaller) & (smaller > 0)


def _around_frames(
    times: list[NDArray[np.float64]],
    differences: list[NDArray[np.float64]],
    means: list[NDArray[np.float64]],
    f0: Floats,
    *,
    sr: int,
    hop_length: int,
) -> Floats:
    """Return the sum of differences over the sum of means around each frame, (n_frames,)."""
    local = np.full(f0.shape, np.nan, dtype=np.float32)
    if not times:
        return local
    at = np.concatenate(times)
    total = np.concatenate([[0.0], np.cumsum(np.concatenate(differences))])
    scale = np.concatenate([[0.0], np.cumsum(np.concatenate(means))])
    voiced = np.flatnonzero(np.isfinite(f0))
    span = _SPAN * sr / f0[voiced]
    first = np.searchsorted(at, voiced * hop_length - span)
    last = np.searchsorted(at, voiced * hop_length + span, side="right")
    enough = last - first >= _FEWEST_DIFFERENCES
    voiced, first, last = voiced[enough], first[enough], last[enough]
    local[voiced] = (total[last] - total[first]) / (scale[last] - scale[first])
    return local
