"""Fundamental frequency and periodicity of each frame of a waveform."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.fft

from .._utils.arrays import Floats, read_only
from .spectrum import BLOCK_FRAMES

__all__ = ["pitch"]

# Periods shorter than two samples cannot be distinguished.
_SHORTEST_PERIOD = 2
# Length of the samples that are compared with their shifted copies, in longest periods. The shift
# adds one more, so a frame holds three, as in Praat. With two in total, octave errors are more
# frequent on real voices.
_INTEGRATION_PERIODS = 2
# Thresholds of the aperiodicity d'. The first dip below 0.1 is chosen, as in the experiments of the
# paper: with 0.15 or 0.2, a strong formant is mistaken for the pitch. If there is none, the first
# dip that is nearly as deep as the deepest is chosen. The paper chooses the deepest, but two
# periods often fit slightly better than one.
_FIRST_DIP = 0.1
_NEARLY = 0.05
# A frame is voiced up to this d', which one in five hundred frames of noise reaches. 0.2 is too
# strict for the hoarse, breathy or rapidly changing voices of emotional speech.
_VOICED = 0.3
# Frames 25 dB below the strongest of the clip are silent, because periodic components in them are
# hum and reverberation. So are frames below -140 dBFS.
_SILENCE = 10**-2.5
_NOTHING = 1e-14
# Error of single-precision differences as a fraction of the energy of a frame, with a margin.
_ROUNDING = 1e-5


def pitch(
    waveform: Floats, *, sr: int, hop_length: int, n_frames: int, f0_min: float, f0_max: float
) -> tuple[Floats, Floats]:
    """Estimate the fundamental frequency and the periodicity of each frame by YIN.

    The waveform is smoothed over the shortest period, ``1 / f0_max``, to reduce the effect of
    breath and friction noise. A frame lasts three longest periods, ``3 / f0_min``: the difference
    function of YIN [1]_ compares two of them with copies that are shifted by up to one period.
    Divided by its cumulative mean, it gives the aperiodicity d', which is 0 for a periodic signal
    and about 1 for noise.

    The period is the lag of the first dip of d' below 0.1 or, if there is none, of the first dip
    within 0.05 of the deepest. A parabola through the difference function refines it. A frame is
    voiced if d' is below 0.3 and its level is less than 25 dB below the strongest frame of the
    clip. A voice above `f0_max` is estimated an octave too low, or as unvoiced.

    Parameters
    ----------
    waveform : ndarray of shape (n_samples,), float32
        Mono, at `sr`, at least one sample.
    sr : int > 0
        Sampling rate in Hz.
    hop_length : int > 0
        Samples between the centers of frames; the first center is sample 0.
    n_frames : int > 0
        Number of frames.
    f0_min, f0_max : float, 0 < f0_min < f0_max
        Range of the search in Hz. Above ``sr / 2``, `f0_max` has no effect.

    Returns
    -------
    f0 : ndarray of shape (n_frames,), float32
        Hz, `f0_min` to `f0_max`; NaN in unvoiced frames.
    voicing : ndarray of shape (n_frames,), float32
        ``1 - d'``, 0 to 1, also in unvoiced frames; 0 in silence.

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
    # One lag beyond the longest period, because a dip is lower than both of its neighbors.
    frame_length = (_INTEGRATION_PERIODS + 1) * longest + 1
    # For a period of a third of the longest, the compared samples are centered in the frame. For
    # other periods, a glide is a few milliseconds early or late.
    lead = round((_INTEGRATION_PERIODS + 1 / 3) * longest / 2)
    # Padded with the edge values: zeros would turn an offset into a step louder than a voice.
    padded = np.pad(waveform, (lead, frame_length + hop_length), mode="edge")
    smooth = np.convolve(padded, kernel, mode="same")
    frames = np.lib.stride_tricks.sliding_window_view(smooth, frame_length)[::hop_length]

    power = np.empty(n_frames, dtype=np.float32)
    for start in range(0, n_frames, BLOCK_FRAMES):
        block = slice(start, min(start + BLOCK_FRAMES, n_frames))
        # An offset of the signal changes no difference, but costs precision.
        centered = frames[block] - frames[block].mean(axis=1, keepdims=True)
        power[block] = np.mean(centered**2, axis=1)
        period, aperiodicity = _yin(centered, shortest=shortest, longest=longest)
        f0[block] = np.clip(sr / period, f0_min, f0_max)
        voicing[block] = np.clip(1 - aperiodicity, 0, 1)
    voicing[power <= max(_SILENCE * power.max(), _NOTHING)] = 0
    f0[voicing <= 1 - _VOICED] = np.nan
    return f0, voicing


def _yin(frames: Floats, *, shortest: int, longest: int) -> tuple[Floats, Floats]:
    """Return the period in samples and the aperiodicity of each frame, each (n_frames,)."""
    difference = _difference_function(frames, longest + 1)
    lags = np.arange(1, longest + 2, dtype=np.float32)
    mean = np.cumsum(difference[:, 1:], axis=1) / lags
    # d' is 1 at lag 0 by definition. It is also set to 1 where only rounding errors are compared,
    # for example at lags that do not reach a click.
    aperiodicity = np.ones_like(difference)
    heard = mean > _ROUNDING * np.square(frames).sum(axis=1, keepdims=True)
    np.divide(difference[:, 1:], mean, out=aperiodicity[:, 1:], where=heard)

    candidates = aperiodicity[:, shortest:-1]
    dip = (candidates < aperiodicity[:, shortest - 1 : -2]) & (
        candidates <= aperiodicity[:, shortest + 1 :]
    )
    depths = np.where(dip, candidates, np.inf)
    deepest = depths.min(axis=1, keepdims=True)
    # Without any dip, all depths are infinite, and lag `shortest` is chosen with an infinite d'.
    chosen = (depths <= np.maximum(deepest + _NEARLY, _FIRST_DIP)).argmax(axis=1)
    rows = np.arange(frames.shape[0])
    lag = shortest + chosen
    shift = _parabola(difference[rows, lag - 1], difference[rows, lag], difference[rows, lag + 1])
    return (lag + shift).astype(np.float32), depths[rows, chosen]


def _difference_function(frames: Floats, n_lags: int) -> Floats:
    """Return the sums of squared differences at lags 0 to `n_lags`, (n_frames, 1 + n_lags)."""
    n_compared = frames.shape[1] - n_lags
    # The circular correlation equals the linear one, because no shifted sample wraps around.
    n_fft = scipy.fft.next_fast_len(frames.shape[1], real=True)
    spectrum = scipy.fft.rfft(frames, n_fft, axis=1)
    spectrum *= scipy.fft.rfft(frames[:, :n_compared], n_fft, axis=1).conj()
    correlation = scipy.fft.irfft(spectrum, n_fft, axis=1)[:, : n_lags + 1]
    squares = frames**2
    # Energy of the shifted samples: at each lag, one sample enters and one leaves. In double
    # precision, because the result of the subtraction below is small.
    change = np.zeros((frames.shape[0], n_lags + 1))
    change[:, 0] = squares[:, :n_compared].sum(axis=1)
    energy = change[:, :1].copy()
    change[:, 1:] = squares[:, n_compared:] - squares[:, :n_lags]
    shifted = np.cumsum(change, axis=1)
    difference = np.maximum(energy + shifted - 2 * correlation, 0).astype(np.float32)
    difference[:, 0] = 0
    return difference


def _parabola(left: Floats, center: Floats, right: Floats) -> Floats:
    """Return the vertex, in samples from the center, of parabolas through three points."""
    curvature = left - 2 * center + right
    slope = (left - right) / 2
    # If the center is not the extreme point, the vertex has no meaning.
    bent = np.abs(curvature) > np.abs(slope)
    return np.divide(slope, curvature, out=np.zeros_like(slope), where=bent)


@lru_cache(maxsize=16)
def _smoothing_kernel(length: int) -> Floats:
    """Return a Hann window without zeros at its ends, of odd length, that sums to 1."""
    window = np.hanning((length | 1) + 2)[1:-1]
    return read_only((window / window.sum()).astype(np.float32))
