"""Fundamental frequency and periodicity of each frame of a waveform."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.fft

from .._utils.arrays import Floats, read_only
from .spectrum import BLOCK_FRAMES

__all__ = ["pitch"]

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
        Samples between the centers of frames; the first is at sample 0.
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
    # With a period of a third of the longest, the samples compared lie around the frame's center;
    # a glide is a few milliseconds early or late where the period is another.
    lead = round((_INTEGRATION_PERIODS + 1 / 3) * longest / 2)
    # Continued by its last values: zeros would make a step, louder than a voice, of an offset.
    padded = np.pad(waveform, (lead, frame_length + hop_length), mode="edge")
    smooth = np.convolve(padded, kernel, mode="same")
    frames = np.lib.stride_tricks.sliding_window_view(smooth, frame_length)[::hop_length]

    power = np.empty(n_frames, dtype=np.float32)
    for start in range(0, n_frames, BLOCK_FRAMES):
        block = slice(start, min(start + BLOCK_FRAMES, n_frames))
        # A shift of the signal changes no difference, but costs digits.
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


def _parabola(left: Floats, center: Floats, right: Floats) -> Floats:
    """Return the vertex, in samples from the center, of parabolas through three points."""
    curvature = left - 2 * center + right
    slope = (left - right) / 2
    # Where the center is not the extreme one, the vertex says nothing.
    bent = np.abs(curvature) > np.abs(slope)
    return np.divide(slope, curvature, out=np.zeros_like(slope), where=bent)


@lru_cache(maxsize=16)
def _smoothing_kernel(length: int) -> Floats:
    """Return a Hann window without zeros at its ends, of odd length, that sums to 1."""
    window = np.hanning((length | 1) + 2)[1:-1]
    return read_only((window / window.sum()).astype(np.float32))
