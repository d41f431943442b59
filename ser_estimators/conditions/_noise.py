"""Noise at a given distance from the level of the speech."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.arrays import Floats
from ._checks import check_generator, check_number, check_waveform
from ._levels import active_power

__all__ = ["add_babble", "add_noise_around", "add_white_noise"]


def add_white_noise(waveform: Any, sr: int, rng: np.random.Generator, *, snr: float) -> Floats:
    """Add white noise.

    Parameters
    ----------
    waveform : array-like of shape (n_samples,)
        Floats on the scale [-1, 1].
    sr : int > 0
        Sampling rate in Hz.
    rng : numpy.random.Generator
        Source of the noise.
    snr : float
        Signal-to-noise ratio in dB: that of the mean power of the speech to the mean power of the
        noise. The speech is the active part of the clip, the blocks of 20 ms that are at most 30 dB
        below the loudest one, so that silence around it has no influence.

    Returns
    -------
    ndarray of shape (n_samples,), float32
        Nothing is clipped. A clip of zeros has no speech, and is returned as it is.

    Examples
    --------
    >>> import numpy as np
    >>> from ser_estimators.conditions import add_white_noise
    >>> tone = np.sin(np.arange(16000) / 10)
    >>> noise = add_white_noise(tone, 16000, np.random.default_rng(0), snr=20) - tone
    >>> print(f"{10 * np.log10(np.mean(tone**2) / np.mean(noise**2)):.1f} dB")
    20.0 dB
    """
    samples = check_waveform(waveform, sr)
    check_number(snr, "snr")
    return _mix(samples, check_generator(rng).standard_normal(samples.size), sr, snr)


def add_babble(
    waveform: Any, sr: int, rng: np.random.Generator, others: Sequence[Any], *, snr: float
) -> Floats:
    """Add other people who talk at the same time.

    Parameters
    ----------
    waveform : array-like of shape (n_samples,)
        Floats on the scale [-1, 1].
    sr : int > 0
        Sampling rate in Hz.
    rng : numpy.random.Generator
        Chooses where each of the other clips begins.
    others : sequence of array-like of shape (n_other_samples,)
        Clips of other speakers, at `sr`. They are brought to the same level, repeated up to the end
        of the clip, and added. `stress_test` passes six.
    snr : float
        Signal-to-noise ratio in dB, see `add_white_noise`.

    Returns
    -------
    ndarray of shape (n_samples,), float32
        Nothing is clipped. A clip of zeros has no speech, and is returned as it is.

    Raises
    ------
    ValueError
        If all other clips are silent, or if there are none.

    Examples
    --------
    >>> import numpy as np
    >>> from ser_estimators.conditions import add_babble
    >>> voices = [np.sin(np.arange(8000) / pitch) for pitch in (9, 12, 15)]
    >>> add_babble(voices[0], 16000, np.random.default_rng(0), voices[1:], snr=10).shape
    (8000,)
    """
    samples = check_waveform(waveform, sr)
    check_number(snr, "snr")
    check_generator(rng)
    babble = np.zeros(samples.size)
    n_voices = 0
    for other in others:
        voice = check_waveform(other, sr).astype(np.float64)
        start = int(rng.integers(voice.size))
        power = active_power(np.asarray(other), sr)
        if power > 0:
            # The voice repeats from its start when it ends.
            babble += np.resize(np.roll(voice, -start), samples.size) / np.sqrt(power)
            n_voices += 1
    if not n_voices:
        raise ValueError(
            f"others contains {len(others)} clips, none of which has sound; expected clips of "
            "other speakers"
        )
    return _mix(samples, babble, sr, snr)


def add_noise_around(
    waveform: Any, sr: int, rng: np.random.Generator, *, seconds: float = 0.5, snr: float = 50.0
) -> Floats:
    """Add quiet noise before the start and after the end, as of a recorder that runs longer.

    Parameters
    ----------
    waveform : array-like of shape (n_samples,)
        Floats on the scale [-1, 1].
    sr : int > 0
        Sampling rate in Hz.
    rng : numpy.random.Generator
        Source of the noise.
    seconds : float > 0, default=0.5
        Duration of the noise, at either end.
    snr : float, default=50.0
        Level of the white noise in dB below the speech, see `add_white_noise`.

    Returns
    -------
    ndarray of shape (n_samples + 2 * round(seconds * sr),), float32

    Examples
    --------
    >>> import numpy as np
    >>> from ser_estimators.conditions import add_noise_around
    >>> add_noise_around(np.ones(100), 1000, np.random.default_rng(0)).shape
    (1100,)
    """
    samples = check_waveform(waveform, sr)
    check_number(seconds, "seconds", low=0)
    check_number(snr, "snr")
    amplitude = np.sqrt(active_power(samples, sr) * 10 ** (-snr / 10))
    noise = amplitude * check_generator(rng).standard_normal(2 * round(seconds * sr))
    before, after = np.split(noise.astype(np.float32), 2)
    return np.concatenate([before, samples, after])


def _mix(samples: Floats, noise: NDArray[np.float64], sr: int, snr: float) -> Floats:
    """Add noise whose mean power is `snr` decibels below that of the speech."""
    power = float(np.square(noise).mean())
    if power == 0:  # one sample of a voice that passes through zero
        return samples.copy()
    wanted = active_power(samples, sr) * 10 ** (-snr / 10)
    return np.asarray(samples + np.sqrt(wanted / power) * noise, dtype=np.float32)
