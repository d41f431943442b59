"""Trimming and pre-emphasis are those of librosa, loudness that of ITU-R BS.1770."""

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_estimators._audio.effects import (
    integrated_loudness,
    normalize_loudness,
    preemphasize,
    trim,
)
from ser_estimators._audio.reading import Reading


def speechlike(n_samples, seed=0):
    rng = np.random.default_rng(seed)
    envelope = np.abs(np.sin(np.linspace(0, 9, n_samples))) ** 3
    return (0.2 * envelope * rng.normal(size=n_samples)).astype(np.float32)


@given(
    n_samples=st.integers(1, 20000),
    before=st.integers(0, 9000),
    after=st.integers(0, 9000),
    top_db=st.sampled_from([10.0, 30.0, 60.0]),
    seed=st.integers(0, 99),
)
@settings(max_examples=60)
def test_trim_equals_librosa(n_samples, before, after, top_db, seed):
    waveform = np.pad(speechlike(n_samples, seed), (before, after))
    if not waveform.any():
        return
    expected, _ = librosa.effects.trim(waveform, top_db=top_db)
    np.testing.assert_array_equal(trim(waveform, top_db), expected)


def test_trim_does_not_shorten_silence():
    silence = np.zeros(5000, dtype=np.float32)
    assert trim(silence, 40.0).size == 5000


@given(n_samples=st.integers(2, 500), coef=st.floats(0, 1), seed=st.integers(0, 99))
def test_preemphasis_equals_librosa(n_samples, coef, seed):
    waveform = speechlike(n_samples, seed)
    before = waveform.copy()
    expected = librosa.effects.preemphasis(waveform, coef=coef)
    np.testing.assert_allclose(preemphasize(waveform, coef), expected, atol=1e-6)
    np.testing.assert_array_equal(waveform, before)


def test_preemphasis_does_not_change_a_single_sample():
    np.testing.assert_array_equal(preemphasize(np.array([0.5], dtype=np.float32), 0.97), [0.5])


@pytest.mark.parametrize("sr", [48000, 44100, 16000])
def test_loudness_of_the_reference_tone(sr):
    # BS.1770: a tone of 997 Hz at full scale in one channel reads -3.01 LKFS.
    tone = np.sin(2 * np.pi * 997 * np.arange(3 * sr) / sr).astype(np.float32)
    assert integrated_loudness(tone, sr) == pytest.approx(-3.01, abs=0.06)
    assert integrated_loudness(tone / 10, sr) == pytest.approx(-23.01, abs=0.06)


def test_pauses_do_not_change_loudness():
    sr = 16000
    tone = 0.3 * np.sin(2 * np.pi * 500 * np.arange(4 * sr) / sr).astype(np.float32)
    with_pauses = np.concatenate([tone, np.zeros(6 * sr, dtype=np.float32), tone])
    assert integrated_loudness(with_pauses, sr) == pytest.approx(
        integrated_loudness(tone, sr), abs=0.2
    )


@given(gain=st.floats(0.01, 30), target=st.floats(-40, -5), n=st.integers(3000, 30000))
@settings(max_examples=30)
def test_normalised_clips_have_the_loudness_asked_for(gain, target, n):
    waveform = np.float32(gain) * speechlike(n)
    normalized = normalize_loudness(waveform, 16000, target)
    assert normalized.dtype == np.float32
    assert integrated_loudness(normalized, 16000) == pytest.approx(target, abs=0.3)


@pytest.mark.parametrize("waveform", [np.zeros(9000), np.array([0.0]), np.full(9000, 1e-9)])
def test_silence_has_no_loudness_and_is_unchanged(waveform):
    waveform = waveform.astype(np.float32)
    assert integrated_loudness(waveform, 16000) == -np.inf
    assert normalize_loudness(waveform, 16000, -23.0) is waveform


@pytest.mark.parametrize("gain", [-40, -20, -3, 6])
def test_the_gain_of_a_recording_does_not_change_its_normalized_form(gain):
    """Its quiet parts are below the gate of the recommendation at some gains only."""
    waveform = speechlike(32000) * np.linspace(0.001, 0.05, 32000, dtype=np.float32)
    changed = waveform * np.float32(10 ** (gain / 20))
    difference = integrated_loudness(changed, 16000) - integrated_loudness(waveform, 16000)
    assert difference == pytest.approx(gain, abs=0.01)
    np.testing.assert_allclose(
        normalize_loudness(changed, 16000, -23.0),
        normalize_loudness(waveform, 16000, -23.0),
        rtol=2e-3,
        atol=1e-6,
    )


def test_loudness_of_one_sample_and_at_low_rates_is_finite():
    assert np.isfinite(integrated_loudness(np.array([0.5], dtype=np.float32), 16000))
    assert np.isfinite(integrated_loudness(speechlike(500), 1000))


def test_steps_are_optional_and_in_a_fixed_order():
    waveform = np.pad(speechlike(16000), 4000)
    assert Reading(16000).process(waveform) is waveform
    every = Reading(16000, trim_db=30.0, loudness=-20.0, preemphasis=0.97).process(waveform)
    expected = preemphasize(normalize_loudness(trim(waveform, 30.0), 16000, -20.0), 0.97)
    np.testing.assert_array_equal(every, expected)
