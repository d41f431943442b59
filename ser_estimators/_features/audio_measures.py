"""What a recording is like: its length, level, noise, bandwidth, room, silence and clipping."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._utils.arrays import Floats

__all__ = ["MEASURES", "MEASURES_VERSION", "Measure", "measure_audio"]

# Part of the keys of cached measures. Increase it when their values change.
MEASURES_VERSION = 1

_WINDOW = 0.032  # seconds, rounded to a power of two samples
_BLOCK = 2048  # frames transformed at once, so that a long recording takes little memory
_ACTIVE_DB = 30.0  # speech is at most this far below the loudest frame, as in `conditions`
_DECAYING_DB = 20.0  # where a decay begins, below the loudest frame of a band
_LAG = 2  # frames over which a decay is measured
_DECAY_QUANTILE = 0.05  # of the changes of level: the fastest decays
_QUIET, _BAND_QUIET = 0.05, 0.1  # quantiles of the level in which there is no speech
_NEAR_PEAK = 0.9  # of the peak
_SILENCE = 1e-12  # power, -120 dBFS
# Hz. Recorders and lines cut below 60 Hz and near 8 kHz anyway, and speech has little there.
_EDGES = (60, 150, 300, 600, 1000, 1500, 2000, 2700, 3400, 5000, 6500, 7900)
_LOW, _MIDDLE, _HIGH, _TOP = slice(0, 2), slice(4, 6), slice(9, 10), slice(10, 11)
# Bands of the decay. Below, it depends on the pitch more than on the room.
_DECAY_BANDS = slice(2, 11)


class Measure(NamedTuple):
    """A measure of recordings, and how it is written.

    Parameters
    ----------
    name : str
    below, above : str
        What a recording is whose measure is lower or higher than usual.
    unit : str
    digits : int
        After the decimal point, in messages.
    least : float > 0
        Differences below this one say nothing, however similar the training audio is.
    lowest, highest : float, default=-inf, inf
        Limits of what the measure can be, beyond which a range is not written.
    is_log : bool, default=False
        Whether it is the decimal logarithm of what is written.
    """

    name: str
    below: str
    above: str
    unit: str
    digits: int
    least: float
    lowest: float = -math.inf
    highest: float = math.inf
    is_log: bool = False

    def shown(self, value: float, more: int = 0) -> float:
        """Return a value as it is written, with more digits than usual."""
        value = float(min(max(value, self.lowest), self.highest))
        rounded = round(10**value if self.is_log else value, self.digits + more)
        return rounded or 0.0  # not -0.0

    def text(self, value: float, more: int = 0) -> str:
        """Return a value without the unit."""
        return f"{self.shown(value, more):.{self.digits + more}f}"

    def text_of_range(self, low: float, high: float, more: int = 0) -> str:
        """Return a range with the unit."""
        return f"{self.text(low, more)} to {self.text(high, more)} {self.unit}"

    def compare(self, value: float, low: float, high: float) -> tuple[str, str]:
        """Return a value outside a range and the range, with the digits in which they differ."""
        for more in range(3):
            if self.text(value, more) not in (self.text(low, more), self.text(high, more)):
                return self.text(value, more), self.text_of_range(low, high, more)
        return self.text(value), self.text_of_range(low, high)


MEASURES = (
    Measure("duration", "shorter", "longer", "s", 1, 0.3, lowest=0),
    Measure("level", "quieter", "louder", "dBFS", 1, 3.0, lowest=-120),
    Measure("noise", "less noisy", "noisier", "dB", 1, 4.0, -90, 0),
    Measure("silence before", "less silence before", "more silence before", "s", 2, 0.15, 0),
    Measure("silence after", "less silence after", "more silence after", "s", 2, 0.15, 0),
    Measure("speech", "more pauses", "fewer pauses", "of the frames", 2, 0.1, 0, 1),
    Measure("lows", "weaker below 300 Hz", "stronger below 300 Hz", "dB", 1, 3.0, -80, 0),
    Measure("highs", "weaker at 5 to 6.5 kHz", "stronger at 5 to 6.5 kHz", "dB", 1, 3.0, -80, 0),
    Measure("top", "weaker above 6.5 kHz", "stronger above 6.5 kHz", "dB", 1, 3.0, -80, 0),
    Measure("low noise", "less noisy below 300 Hz", "noisier below 300 Hz", "dB", 1, 4.0, -80, 0),
    Measure(
        "middle noise", "less noisy at 1 to 2 kHz", "noisier at 1 to 2 kHz", "dB", 1, 4.0, -80, 0
    ),
    Measure("top noise", "less noisy above 6.5 kHz", "noisier above 6.5 kHz", "dB", 1, 4.0, -80, 0),
    Measure("decay", "more reverberant", "less reverberant", "dB/s of decay", 0, 40.0, lowest=0),
    Measure("peaks", "sharper peaks", "clipped", "% near the peak", 3, 0.3, -3, 2, is_log=True),
)


def measure_audio(waveform: Floats, sr: int) -> Floats:
    """Measure a recording.

    Parameters
    ----------
    waveform : ndarray of shape (n_samples,), float32
        At least one sample.
    sr : int > 0
        In Hz.

    Returns
    -------
    ndarray of shape (1, n_measures), float32
        In the order of `MEASURES`; all values are finite.

    Examples
    --------
    >>> import numpy as np
    >>> tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(32000) / 16000).astype(np.float32)
    >>> found = dict(zip([one.name for one in MEASURES], measure_audio(tone, 16000)[0]))
    >>> float(found["duration"]), round(float(found["level"]))
    (2.0, -23)
    """
    bands, seconds = _band_powers(waveform, sr)  # (n_frames, n_bands)
    total = bands.sum(axis=1)
    level = _decibels(total)
    active = np.flatnonzero(level >= level.max() - _ACTIVE_DB)
    speech = bands[active].mean(axis=0)
    loudness = float(_decibels(speech.sum()))
    quiet = np.quantile(bands, _BAND_QUIET, axis=0)
    magnitude = np.abs(waveform)
    # In samples of 16 bits, few clips have more than some samples near their peak.
    near = np.count_nonzero(magnitude > _NEAR_PEAK * magnitude.max()) / waveform.size
    values = [
        waveform.size / sr,
        loudness,
        max(float(np.quantile(level, _QUIET)) - loudness, -90.0),
        active[0] * seconds,
        (len(level) - 1 - active[-1]) * seconds,
        active.size / level.size,
        *(_relative(speech[part], speech) for part in (_LOW, _HIGH, _TOP)),
        *(_relative(quiet[part], speech) for part in (_LOW, _MIDDLE, _TOP)),
        _decay(bands, seconds),
        np.log10(100 * near + 1e-3),
    ]
    return np.array([values], dtype=np.float32)


def _band_powers(waveform: Floats, sr: int) -> tuple[NDArray[np.float64], float]:
    """Return the power of each frame in each band, and the seconds between frames."""
    from scipy.fft import rfft

    n_fft = max(1 << round(np.log2(max(_WINDOW * sr, 1))), 4)
    hop = n_fft // 2
    if waveform.size < n_fft:
        waveform = np.pad(waveform, (0, n_fft - waveform.size))
    frames = np.lib.stride_tricks.sliding_window_view(waveform, n_fft)[::hop]
    window = np.hanning(n_fft + 1)[:-1].astype(np.float32)
    # So that the sum over all frequencies is the mean power of the frame.
    scale = 2 / (n_fft * float(np.square(window).sum()))
    bins = [min(int(np.ceil(edge * n_fft / sr)), n_fft // 2 + 1) for edge in _EDGES]
    powers = np.empty((len(frames), len(bins) - 1))
    for start in range(0, len(frames), _BLOCK):
        part = slice(start, start + _BLOCK)
        spectrum = np.abs(rfft(frames[part] * window, axis=1))
        power = np.square(spectrum, out=spectrum)
        for band, (low, high) in enumerate(pairwise(bins)):
            powers[part, band] = power[:, low:high].sum(axis=1, dtype=np.float64)
    return powers * scale, hop / sr


def _decay(bands: NDArray[np.float64], seconds: float) -> float:
    """Return how fast sounds decay at most, in dB/s, as a mean over bands.

    A room prolongs every sound: in none of its bands can the level fall faster than by 60 dB in its
    reverberation time.
    """
    level = _decibels(bands[:, _DECAY_BANDS])
    if len(level) <= _LAG:
        return 0.0
    falls = level[:-_LAG] - level[_LAG:]
    is_loud = level[:-_LAG] >= level.max(axis=0) - _DECAYING_DB
    found = [
        np.quantile(fall[loud], 1 - _DECAY_QUANTILE)
        for fall, loud in zip(falls.T, is_loud.T, strict=True)
        if loud.any()
    ]
    return float(np.mean(found)) / (_LAG * seconds) if found else 0.0


def _relative(part: NDArray[np.float64], whole: NDArray[np.float64]) -> float:
    """Return a ratio of powers in dB."""
    return float(np.clip(_decibels(part.sum()) - _decibels(whole.sum()), -80.0, 40.0))


def _decibels(power: NDArray[np.float64]) -> NDArray[np.float64]:
    return 10 * np.log10(np.maximum(power, _SILENCE))
