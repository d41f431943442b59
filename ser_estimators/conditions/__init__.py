"""What happens to a recording outside the studio, as plain functions of a waveform.

Each function takes a waveform and its sampling rate, and returns a new waveform on the same scale.
Functions that draw random numbers take a generator as `rng`, and those that need other speech take
waveforms as `others`. `evaluation.stress_test` calls them, and functions of your own, by these
names.
"""

from __future__ import annotations

from ._channels import add_room, limit_band, reduce_rate, tilt_spectrum
from ._codecs import code_mp3, code_opus
from ._levels import amplify, clip_peaks
from ._noise import add_babble, add_noise_around, add_white_noise
from ._standard import standard_conditions
from ._tempo import change_tempo
from ._timing import add_silence, cut_silence

__all__ = [
    "add_babble",
    "add_noise_around",
    "add_room",
    "add_silence",
    "add_white_noise",
    "amplify",
    "change_tempo",
    "clip_peaks",
    "code_mp3",
    "code_opus",
    "cut_silence",
    "limit_band",
    "reduce_rate",
    "standard_conditions",
    "tilt_spectrum",
]
