"""Tempo: the length changes, pitch and level stay."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_estimators.conditions import change_tempo

from .helpers import SR, decibels, power, speechlike, tone


@given(factor=st.floats(0.3, 4), n_samples=st.integers(1, 20000), sr=st.sampled_from([8000, SR]))
def test_tempo_changes_the_length(factor, n_samples, sr):
    changed = change_tempo(speechlike(n_samples, sr=sr), sr, factor=factor)
    assert changed.size == max(round(n_samples / factor), 1)
    assert np.isfinite(changed).all()


@pytest.mark.parametrize("factor", [0.5, 0.85, 1.15, 2.0])
@pytest.mark.parametrize("pitch", [110, 233])
def test_tempo_keeps_pitch_and_level(factor, pitch):
    # A buzz with harmonics, as of a voice.
    clip = sum(tone(pitch * k, 2, level=0.3 / k) for k in range(1, 12))
    changed = change_tempo(clip, SR, factor=factor)[1000:-1000]
    assert decibels(power(changed) / power(clip)) == pytest.approx(0, abs=0.5)
    spectrum = np.abs(np.fft.rfft(changed * np.hanning(changed.size)))
    at = np.fft.rfftfreq(changed.size, 1 / SR)
    for k in (1, 2, 5):
        near = (at > 0.6 * pitch + (k - 1) * pitch) & (at < 1.4 * pitch + (k - 1) * pitch)
        assert at[near][np.argmax(spectrum[near])] == pytest.approx(k * pitch, abs=2)
    is_harmonic = np.abs(at / pitch - np.round(at / pitch)) < 0.1
    assert (spectrum[is_harmonic] ** 2).sum() > 0.97 * (spectrum**2).sum()


def test_tempo_moves_events():
    clip = np.zeros(4 * SR, dtype="f4")
    clip[SR : SR + 2000] = tone(300)[:2000]
    clip[3 * SR : 3 * SR + 2000] = tone(300)[:2000]
    changed = change_tempo(clip, SR, factor=0.8)
    starts = np.flatnonzero(np.abs(changed) > 0.1)
    assert starts[0] / SR == pytest.approx(1 / 0.8, abs=0.05)
    second = starts[starts > 2.5 * SR]
    assert second[0] / SR == pytest.approx(3 / 0.8, abs=0.05)


def test_the_same_tempo_changes_nothing():
    clip = speechlike()
    same = change_tempo(clip, SR, factor=1)
    np.testing.assert_array_equal(same, clip)
    assert same is not clip
    # Nearly the same tempo: nearly the same samples.
    near = change_tempo(clip, SR, factor=1.0001)
    assert np.corrcoef(near, clip[: near.size])[0, 1] > 0.99


@pytest.mark.parametrize(
    ("factor", "message"),
    [
        (0, "factor == 0, must be > 0"),
        (-1, "factor == -1, must be > 0"),
        (float("inf"), "factor == inf, must be finite"),
    ],
)
def test_wrong_factors(factor, message):
    with pytest.raises(ValueError, match=message):
        change_tempo(speechlike(50), SR, factor=factor)
