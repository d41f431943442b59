"""Fundamental frequency, jitter and shimmer of a voice: waveform to values per frame."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import scipy.fft
from numpy.typing import NDArray

__all__ = ["jitter", "period_marks", "pitch", "shimmer"]

Floats: TypeAlias = NDArray[np.float32]

# Periods shorter than two samples cannot be told from each other.
_SHORTEST_PERIOD = 2
# Samples compared with their shifted selves, in longest periods; the shift adds one more, so that
# a frame holds three, as Praat's do. With two in all, real voices are doubled or halved more often.
_INTEGRATION_PERIODS = 2
# Aperiodicity d'. The first dip under 0.1 is taken, as in the paper's experiments: 0.15 or 0.2 let
# a strong formant pass for the pitch. Where there is none, the first that is nearly as deep as the
# deepest; the paper takes the deepest, but two periods often fit slightly better than one.
_FIRST_DIP = 0.1
_NEARLY = 0.05
# A frame is voiced up to here, which one frame of noise in five hundred reaches. 0.2 is too strict
# for voices that are hoarse, breathy or quick to change, which is what emotion makes of them.
_VOICED = 0.3
# Frames 25 dB weaker than the clip's strongest are silence: what is periodic in them is hum and
# reverberation. So is anything under -140 dBFS.
_SILENCE = 10**-2.5
_NOTHING = 1e-14
# Share of a frame's energy that the differences of single precision are wrong by, with a margin.
_ROUNDING = 1e-5
# Frames transformed at once: few enough to stay in the processor's cache.
_BLOCK_FRAMES = 64

# Where the next period mark is looked for, in periods from the last.
_NEAREST, _FARTHEST = 0.8, 1.25
# Half of the waveform that is matched, in periods. Praat's is 0.5; a shorter piece has less of
# the ringing of the periods beside it, which hides jitter.
_MATCHED = 0.3
# Correlation from which it is a match, that of a voice and as much noise. Praat's is 0.3.
_ALIKE = 0.5
# Half of the window for a period's amplitude, in periods, as in Praat.
_AMPLITUDE_WINDOW = 0.2
# Praat's maximum period factor and maximum amplitude factor.
_PERIOD_FACTOR = 1.3
_AMPLITUDE_FACTOR = 1.6
# Periods on either side of a frame's centre whose jitter and shimmer are the frame's.
_SPAN = 4
# Three periods make two differences.
_FEWEST_DIFFERENCES = 2


def pitch(
    waveform: Floats, *, sr: int, hop_length: int, n_frames: int, f0_min: float, f0_max: float
) -> tuple[Floats, Floats]:
    """Fundamental frequency and periodicity of each frame, by YIN.

    The waveform is smoothed over one shortest period, ``1 / f0_max``, so that breath and
    friction do not count against a voice. A frame holds three longest periods, ``3 / f0_min``: two
    of them are compared with their copies up to one later, by the difference function of [1]_. It
    is divided by its cumulative mean, which gives d', the aperiodicity: 0 for a periodic signal,
    about 1 for noise. The first dip of d' under 0.1 is the period, or else the first within
    0.05 of the deepest, and a parabola through the difference function refines it. A frame is
    voiced where d' is under 0.3 and it is less than 25 dB weaker than the clip's strongest frame.
    A voice above `f0_max` comes out an octave too low, or unvoiced.

    Parameters
    ----------
    waveform : ndarray of shape (n_samples,), float32
        Mono, at `sr`, at least one sample.
    sr : int > 0
        Sampling rate in Hz.
    hop_length : int > 0
        Samples between the centres of frames; the first is at sample 0.
    n_frames : int > 0
        Number of frames.
    f0_min, f0_max : float, 0 < f0_min < f0_max
        Range of the search in Hz. Above ``sr / 2``, `f0_max` has no effect.

    Returns
    -------
    f0 : ndarray of shape (n_frames,), float32
        Hz, `f0_min` to `f0_max`; NaN in unvoiced frames.
    voicing : ndarray of shape (n_frames,), float32
        ``1 - d'``, 0 to 1, in unvoiced frames too, but 0 in silence.

    References
    ----------
    .. [1] A. de Cheveigné and H. Kawahara, "YIN, a fundamental frequency estimator for speech
       and music", J. Acoust. Soc. Am. 111(4), 2002.
    """
    shortest = max(_SHORTEST_PERIOD, int(sr / f0_max))
    longest = int(np.ceil(sr / f0_min))
    f0 = np.full(n_frames, np.nan, dtype=np.float32)
    voicing = np.zeros(n_frames, dtype=np.float32)
    if longest < shortest:
        return f0, voicing

    kernel = _smoothing_kernel(max(1, int(sr / f0_max)))
    # One lag beyond the longest period: a dip is told by its neighbours.
    frame_length = (_INTEGRATION_PERIODS + 1) * longest + 1
    # With a period of a third of the longest, the samples compared lie around the frame's centre;
    # a glide is a few milliseconds early or late where the period is another.
    lead = round((_INTEGRATION_PERIODS + 1 / 3) * longest / 2)
    # Continued by its last values: zeros would make a step, louder than a voice, of an offset.
    padded = np.pad(waveform, (lead, frame_length + hop_length), mode="edge")
    smooth = np.convolve(padded, kernel, mode="same")
    frames = np.lib.stride_tricks.sliding_window_view(smooth, frame_length)[::hop_length]

    power = np.empty(n_frames, dtype=np.float32)
    for start in range(0, n_frames, _BLOCK_FRAMES):
        block = slice(start, min(start + _BLOCK_FRAMES, n_frames))
        # A shift of the signal changes no difference, but costs digits.
        centred = frames[block] - frames[block].mean(axis=1, keepdims=True)
        power[block] = np.mean(centred**2, axis=1)
        period, aperiodicity = _yin(centred, shortest=shortest, longest=longest)
        f0[block] = np.clip(sr / period, f0_min, f0_max)
        voicing[block] = np.clip(1 - aperiodicity, 0, 1)
    voicing[power <= max(_SILENCE * power.max(), _NOTHING)] = 0
    f0[voicing <= 1 - _VOICED] = np.nan
    return f0, voicing


def period_marks(
    waveform: Floats, f0: Floats, *, sr: int, hop_length: int
) -> list[NDArray[np.float64]]:
    """Find one point per period of the voice by matching the waveform with itself.

    As in Praat's "To PointProcess (cc)" [1]_: in each voiced stretch, the extreme sample near the
    middle is the first mark; from there to both ends, the next mark is where the waveform
    resembles most, by normalised cross-correlation, that around the last, 0.8 to 1.25 periods on.
    Where the correlation has no maximum there, or one under 0.5, a mark is left out.

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
        Positions in samples, with fractions, increasing; one array for each voiced stretch.

    References
    ----------
    .. [1] P. Boersma and D. Weenink, "Praat: doing phonetics by computer",
       https://www.praat.org, manual page "Sound: To PointProcess (periodic, cc)...".
    """
    voiced = np.flatnonzero(np.isfinite(f0))
    if voiced.size == 0:
        return []
    # Zeros on both sides, so that no step of the walk has to look for the waveform's ends.
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
                centre = round(mark) + margin
                step, matched = _step(padded, energy, centre, periods[frame], direction)
                mark += step
            walks.append(walk)
        marks.append(np.array(walks[0][:0:-1] + walks[1]))
    return marks


def jitter(marks: list[NDArray[np.float64]], f0: Floats, *, sr: int, hop_length: int) -> Floats:
    """Local jitter around each frame: how unevenly the periods follow each other.

    Praat's "jitter (local)", the mean absolute difference of consecutive periods over the mean
    period, where consecutive periods that differ by more than a factor of 1.3 do not count. It is
    taken over the periods within four of the frame's centre, not over a sustained vowel: the
    pitch's own movement is in it, one frame is a rough estimate from about seven differences, and
    neighbouring frames share periods. It is for comparing clips, and not for the thresholds of
    the clinic. On synthetic vowels with 1 to 3 % of jitter, the mean over a clip is within 30 %
    up to 220 Hz, and as in Praat up to 40 % too low at 300 Hz, where each period rings into
    the next; voices with more jitter are often unvoiced.

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
        A ratio, 0 to 0.26; NaN in unvoiced frames and where there are under three periods.
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
    """Local shimmer around each frame: how unevenly loud the periods are.

    Praat's "shimmer (local)", the mean absolute difference of consecutive periods' amplitudes over
    the mean amplitude. An amplitude is, as there, the root mean square under a Hann window of 0.2
    periods on either side of the mark. Amplitudes that differ by more than a factor of 1.6, or
    stand between periods that differ by more than 1.3, do not count. What `jitter` says of frames
    holds here, and jitter itself makes some shimmer, because each period rings into the next.

    Parameters
    ----------
    waveform : ndarray of shape (n_samples,), float32
        Mono, at `sr`.
    marks, f0, sr, hop_length
        As for `jitter`.

    Returns
    -------
    ndarray of shape (n_frames,), float32
        A ratio, 0 to 0.46; NaN in unvoiced frames and where there are under three amplitudes.
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


def _yin(frames: Floats, *, shortest: int, longest: int) -> tuple[Floats, Floats]:
    """Return the period in samples and the aperiodicity of each frame, each (n_frames,)."""
    difference = _difference_function(frames, longest + 1)
    lags = np.arange(1, longest + 2, dtype=np.float32)
    mean = np.cumsum(difference[:, 1:], axis=1) / lags
    # d' is 1 at lag 0 by definition, and here too where there are but rounding errors to compare,
    # as between lags that do not reach a click.
    aperiodicity = np.ones_like(difference)
    heard = mean > _ROUNDING * np.square(frames).sum(axis=1, keepdims=True)
    np.divide(difference[:, 1:], mean, out=aperiodicity[:, 1:], where=heard)

    candidates = aperiodicity[:, shortest:-1]
    dip = (candidates < aperiodicity[:, shortest - 1 : -2]) & (
        candidates <= aperiodicity[:, shortest + 1 :]
    )
    depths = np.where(dip, candidates, np.inf)
    deepest = depths.min(axis=1, keepdims=True)
    # Without any dip all depths are infinite, and lag `shortest` is taken with its d' of infinity.
    chosen = (depths <= np.maximum(deepest + _NEARLY, _FIRST_DIP)).argmax(axis=1)
    rows = np.arange(frames.shape[0])
    lag = shortest + chosen
    shift = _parabola(difference[rows, lag - 1], difference[rows, lag], difference[rows, lag + 1])
    return (lag + shift).astype(np.float32), depths[rows, chosen]


def _difference_function(frames: Floats, n_lags: int) -> Floats:
    """Return the sums of squared differences at lags 0 to `n_lags`, (n_frames, 1 + n_lags)."""
    n_compared = frames.shape[1] - n_lags
    # The circular correlation is the plain one, because no shifted sample wraps around.
    n_fft = scipy.fft.next_fast_len(frames.shape[1], real=True)
    spectrum = scipy.fft.rfft(frames, n_fft, axis=1)
    spectrum *= scipy.fft.rfft(frames[:, :n_compared], n_fft, axis=1).conj()
    correlation = scipy.fft.irfft(spectrum, n_fft, axis=1)[:, : n_lags + 1]
    squares = frames**2
    # Energy of the shifted samples: with each lag one enters and one leaves. In double precision,
    # since what is left after the subtraction below is small.
    change = np.zeros((frames.shape[0], n_lags + 1))
    change[:, 0] = squares[:, :n_compared].sum(axis=1)
    energy = change[:, :1].copy()
    change[:, 1:] = squares[:, n_compared:] - squares[:, :n_lags]
    shifted = np.cumsum(change, axis=1)
    difference = np.maximum(energy + shifted - 2 * correlation, 0).astype(np.float32)
    difference[:, 0] = 0
    return difference


def _parabola(left: Floats, centre: Floats, right: Floats) -> Floats:
    """Return the vertex, in samples from the centre, of parabolas through three points."""
    curvature = left - 2 * centre + right
    slope = (left - right) / 2
    # Where the centre is not the extreme one, the vertex says nothing.
    bent = np.abs(curvature) > np.abs(slope)
    return np.divide(slope, curvature, out=np.zeros_like(slope), where=bent)


def _step(
    padded: Floats, energy: NDArray[np.float64], centre: int, period: float, direction: int
) -> tuple[float, bool]:
    """Return the way to the next mark in samples, negative to the left, and whether it matches."""
    half = max(1, int(_MATCHED * period))
    nearest, farthest = int(_NEAREST * period), int(_FARTHEST * period) + 1
    left, right = (nearest, farthest) if direction > 0 else (-farthest, -nearest)
    begin, end = centre + left - half, centre + right + half + 1
    match = np.correlate(padded[begin:end], padded[centre - half : centre + half + 1], "valid")
    heard = energy[begin + 2 * half + 1 : end + 1] - energy[begin : end - 2 * half]
    likeness = match / np.sqrt(np.maximum(heard, _NOTHING))
    best = int(likeness.argmax())
    own = energy[centre + half + 1] - energy[centre - half]
    # A maximum at either end of the search is the flank of one outside.
    if best in (0, likeness.size - 1) or likeness[best] < _ALIKE * math.sqrt(own):
        return direction * period, False
    lower, top, upper = likeness[best - 1 : best + 2].tolist()
    return left + best + (upper - lower) / (2 * max(2 * top - lower - upper, _NOTHING)), True


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
    """Return which neighbours differ by at most a factor, (n_values - 1,)."""
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
    """Sum of differences over sum of means within some periods of each frame, (n_frames,)."""
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


@lru_cache(maxsize=16)
def _smoothing_kernel(length: int) -> Floats:
    """Return a Hann window without zeros at its ends, of odd length, that sums to 1."""
    window = np.hanning((length | 1) + 2)[1:-1]
    kernel = (window / window.sum()).astype(np.float32)
    # Cached arrays are shared by every caller and thread.
    kernel.setflags(write=False)
    return kernel
