"""Clipping, and the band that a recording occupies."""

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_estimators._features.quality import measure_quality
from ser_estimators.datasets import make_emotional_speech


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    voices = make_emotional_speech(
        2, 1, emotions=["anger", "sadness"], n_syllables=4,
        out_dir=tmp_path_factory.mktemp("voices"), random_state=0,
    )  # fmt: skip
    return [soundfile.read(path, dtype="float32")[0] for path in voices.data]


def in_16_bits(waveform):
    return (np.round(np.asarray(waveform) * 2**15) / 2**15).astype(np.float32)


def test_speech_is_not_clipped(speech):
    for waveform in speech:
        quality = measure_quality(waveform, 16000)
        assert quality.clipped < 0.0005
        assert quality.peak == pytest.approx(np.abs(waveform).max(), abs=1e-3)


@pytest.mark.parametrize("level", [1.0, 0.1])
@pytest.mark.parametrize("sides", [(-0.3, 0.3), (-9.0, 0.3)])
def test_clipped_speech_at_any_level(speech, level, sides):
    for waveform in speech:
        scaled = waveform / np.abs(waveform).max()
        clipped = in_16_bits(level * np.clip(scaled, *sides))
        assert measure_quality(clipped, 16000).clipped > 0.001


@pytest.mark.parametrize("value", [0.0, 1e-4, 0.5, -1.0])
def test_constants(value):
    quality = measure_quality(np.full(3000, value, dtype=np.float32), 16000)
    assert quality.peak == pytest.approx(0, abs=1e-6)  # nothing to hear
    assert quality.edge is None
    assert quality.clipped == (1.0 if abs(value) == 1 else 0.0)


def test_a_tone_is_not_clipped():
    tone = in_16_bits(0.9 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000))
    assert measure_quality(tone, 16000).clipped == 0


@pytest.mark.parametrize(("low", "high"), [(8000, 16000), (8000, 44100), (16000, 48000)])
def test_upsampled_speech(speech, low, high):
    for waveform in speech:
        narrow = soxr.resample(waveform, 16000, low)
        edge = measure_quality(in_16_bits(soxr.resample(narrow, low, high)), high).edge
        assert 0.85 * low / 2 < edge < 1.05 * low / 2


def test_full_band_noise_has_no_edge():
    noise = np.random.default_rng(0).normal(0, 0.1, 16000)
    assert measure_quality(in_16_bits(noise), 16000).edge is None


def test_a_gentle_slope_is_no_edge():
    """Speech that falls below the noise of 16 bits does so within an octave or more."""
    rng = np.random.default_rng(0)
    spectrum = np.fft.rfft(rng.normal(size=48000))
    spectrum *= np.minimum(1, (np.arange(spectrum.size) / 500 + 1e-9) ** -4.0)
    waveform = np.fft.irfft(spectrum)
    quality = measure_quality(in_16_bits(0.5 * waveform / np.abs(waveform).max()), 48000)
    assert quality.edge is None


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3000), st.floats(0.001, 1), st.integers(0, 99))
def test_measures_are_in_range(n_samples, level, seed):
    waveform = np.random.default_rng(seed).uniform(-level, level, n_samples).astype(np.float32)
    quality = measure_quality(waveform, 16000)
    assert 0 <= quality.clipped <= 1
    assert 0 <= quality.peak <= 2  # all samples but one may be at the lower end
    assert quality.edge is None or 0 <= quality.edge <= 8000
