"""Speech-like clips, and calls of conditions."""

import inspect

import numpy as np

SR = 16000


def speechlike(n_samples=SR, seed=0, sr=SR):
    """Return syllables of noise between pauses, which no two seeds share."""
    rng = np.random.default_rng(seed)
    envelope = np.abs(np.sin(4 * np.pi * np.arange(n_samples) / sr)) ** 3
    return (0.2 * envelope * rng.normal(size=n_samples)).astype(np.float32)


def tone(frequency, seconds=1.0, sr=SR, level=0.5):
    return (level * np.sin(2 * np.pi * frequency * np.arange(int(seconds * sr)) / sr)).astype("f4")


def call(function, waveform, sr=SR, *, seed=0, others=None):
    """Call a condition with what it takes."""
    named = inspect.signature(function).parameters
    parameters = {}
    if "rng" in named:
        parameters["rng"] = np.random.default_rng(seed)
    if "others" in named:
        parameters["others"] = [speechlike(9000, 98), speechlike(30000, 99)]
        parameters["others"] = others if others is not None else parameters["others"]
    return function(waveform, sr, **parameters)


def power(waveform):
    return float(np.mean(np.square(waveform, dtype=np.float64)))


def decibels(ratio):
    return 10 * np.log10(ratio)


def gain_at(function, frequency, sr=SR):
    """Return the gain of a condition for a tone in dB, without its start and end."""
    clip = tone(frequency, sr=sr)
    inner = slice(sr // 4, -sr // 4)
    return decibels(power(call(function, clip, sr)[inner]) / power(clip[inner]))
