"""Silence and tempo: lengths, and what stays the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_estimators.conditions import add_silence, change_tempo, cut_silence

from .helpers import SR, decibels, power, speechlike, tone


@given(before=st.integers(0, 20000), after=st.integers(0, 20000))
def test_silence_at_both_ends_is_cut(before, after):
    voice = tone(200, 0.5)
    kept = cut_silence(np.pad(voice, (before, after)), SR)
    # To frames of 2,048 samples.
    assert voice.size <= kept.size <= voice.size + 2 * 2048
    assert power(kept) * kept.size == pytest.approx(power(voice) * voice.size, rel=1e-6)


def test_how_quiet_silence_is():
    quiet = np.concatenate([tone(200, level=0.001), tone(200), tone(200, level=0.001)])
    assert cut_silence(quiet, SR).size < 1.2 * SR  # 54 dB below
    assert cut_silence(quiet, SR, top_db=60).size > 2.9 * SR
    pause = np.concatenate([tone(200), np.zeros(SR, dtype="f4"), tone(200)])
    np.testing.assert_array_equal(cut_silence(pause, SR), pause)  # not inside


def test_a_threshold_that_nothing_reaches():
    clip = np.ones(512, dtype="f4")
    assert cut_silence(clip, SR, top_db=1e-9).size > 0


@given(before=st.floats(0, 2), after=st.floats(0, 2), n_samples=st.integers(1, 500))
def test_zeros_are_added(before, after, n_samples):
    clip = speechlike(n_samples) + 1
    changed = add_silence(clip, 1000, before=before, after=after)
    n = round(before * 1000)
    assert changed.size == n + n_samples + round(after * 1000)
    np.testing.assert_array_equal(changed[n : n + n_samples], clip)
    assert np.count_nonzero(changed) == n_samples


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
    ("function", "options", "message"),
    [
        (cut_silence, {"top_db": 0}, "top_db == 0, must be > 0"),
        (add_silence, {"before": -1}, "before == -1, must be > "),
        (add_silence, {"after": float("nan")}, "after == nan, must be finite"),
        (change_tempo, {"factor": 0}, "factor == 0, must be > 0"),
        (change_tempo, {"factor": float("inf")}, "factor == inf, must be finite"),
    ],
)
def test_wrong_parameters(function, options, message):
    with pytest.raises(ValueError, match=message):
        function(speechlike(50), SR, **options)
