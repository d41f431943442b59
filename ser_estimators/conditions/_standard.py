"""The conditions of a stress test, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ._channels import add_room, limit_band, reduce_rate, tilt_spectrum
from ._codecs import code_mp3, code_opus
from ._levels import amplify, clip_peaks
from ._noise import add_babble, add_noise_around, add_white_noise
from ._tempo import change_tempo
from ._timing import add_silence, cut_silence

__all__ = ["standard_conditions"]


def standard_conditions() -> dict[str, Callable[..., Any]]:
    """Return the conditions that `evaluation.stress_test` tests by default.

    They change level, noise, line, codec, room, microphone, silence, tempo and clipping, one at a
    time. The names stay the same in later versions; more may be added.

    Returns
    -------
    dict of str to callable
        A new dict, to which functions of your own can be added.

    Examples
    --------
    >>> from functools import partial
    >>> from ser_estimators.conditions import add_room, standard_conditions
    >>> conditions = standard_conditions()
    >>> list(conditions)[:4]
    ['gain -20 dB', 'gain -10 dB', 'gain +10 dB', 'white noise 30 dB']
    >>> conditions["church"] = partial(add_room, rt60=3.0, drr=-5.0)
    """
    return {
        "gain -20 dB": partial(amplify, decibels=-20),
        "gain -10 dB": partial(amplify, decibels=-10),
        "gain +10 dB": partial(amplify, decibels=10),
        "white noise 30 dB": partial(add_white_noise, snr=30),
        "white noise 20 dB": partial(add_white_noise, snr=20),
        "white noise 10 dB": partial(add_white_noise, snr=10),
        "babble 20 dB": partial(add_babble, snr=20),
        "babble 10 dB": partial(add_babble, snr=10),
        "telephone band": limit_band,
        "sampled at 8 kHz": reduce_rate,
        "MP3 24 kbit/s": partial(code_mp3, kbps=24),
        "Opus 12 kbit/s": partial(code_opus, kbps=12),
        "room 0.4 s": partial(add_room, rt60=0.4),
        "room 0.8 s": partial(add_room, rt60=0.8),
        "bright +6 dB": partial(tilt_spectrum, decibels=6),
        "dark -6 dB": partial(tilt_spectrum, decibels=-6),
        "silence cut": cut_silence,
        "1 s of zeros before": add_silence,
        "0.5 s of noise around": add_noise_around,
        "tempo 0.85": partial(change_tempo, factor=0.85),
        "tempo 1.15": partial(change_tempo, factor=1.15),
        "clipped by 10 dB": partial(clip_peaks, decibels=10),
    }
