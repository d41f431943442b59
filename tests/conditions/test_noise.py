"""Noise and babble: their level relative to the speech, and where they come from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_estimators.conditions import add_babble, add_noise_around, add_white_noise
from ser_estimators.conditions._levels import active_power

from .helpers import SR, decibels, power, speechlike, tone


def noise_of(changed, clip):
    return changed.astype(np.float64) - clip


@given(
    snr=st.floats(-10, 50),
    silence=st.integers(0, 3 * SR),
    level=st.sampled_from([0.001, 0.2, 3.0]),
    seed=st.integers(0, 9),
)
def test_white_noise_has_the_level_that_was_asked_for(snr, silence, level, seed):
    """Whatever the silence around the speech, and whatever its own level."""
    clip = np.pad(level * speechlike(SR // 2, seed), (silence, 0))
    changed = add_white_noise(clip, SR, np.random.default_rng(seed), snr=snr)
    measured = decibels(active_power(clip, SR) / power(noise_of(changed, clip)))
    assert measured == pytest.approx(snr, abs=0.01)


@given(snr=st.floats(-10, 40), n_others=st.integers(1, 6), seed=st.integers(0, 9))
def test_babble_has_the_level_that_was_asked_for(snr, n_others, seed):
    clip = speechlike(SR // 2, seed)
    others = [speechlike(3000 + 4000 * n, 100 + n) for n in range(n_others)]
    changed = add_babble(clip, SR, np.random.default_rng(seed), others, snr=snr)
    measured = decibels(active_power(clip, SR) / power(noise_of(changed, clip)))
    assert measured == pytest.approx(snr, abs=0.01)


def test_white_noise_is_white_and_gaussian():
    clip = tone(300, 4)
    noise = noise_of(add_white_noise(clip, SR, np.random.default_rng(0), snr=0), clip)
    halves = np.abs(np.fft.rfft(noise)) ** 2
    low, high = np.array_split(halves, 2)
    assert decibels(low.mean() / high.mean()) == pytest.approx(0, abs=0.3)
    assert (noise**4).mean() / power(noise) ** 2 == pytest.approx(3, abs=0.1)


def test_the_generator_decides():
    clip = speechlike()
    a, b, c = (add_white_noise(clip, SR, np.random.default_rng(s), snr=5) for s in (0, 0, 1))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)
    # The same noise at another level, so that conditions differ in the level alone.
    quiet = add_white_noise(clip, SR, np.random.default_rng(0), snr=25)
    np.testing.assert_allclose(noise_of(quiet, clip) * 10, noise_of(a, clip), atol=1e-5)


def test_every_voice_of_babble_is_equally_loud():
    clip = tone(100)
    others = [0.001 * tone(1000), tone(3000), np.zeros(50, dtype="f4")]  # one of them is silent
    babble = noise_of(add_babble(clip, SR, np.random.default_rng(0), others, snr=0), clip)
    spectrum = np.abs(np.fft.rfft(babble))
    assert spectrum[3000] == pytest.approx(spectrum[1000], rel=0.05)
    assert spectrum[[1000, 3000]].min() > 50 * np.median(spectrum)


def test_voices_are_repeated_to_the_end():
    clip = np.full(2 * SR, 0.1, dtype="f4")
    click = np.zeros(500, dtype="f4")
    click[:50] = 1
    babble = noise_of(add_babble(clip, SR, np.random.default_rng(0), [click], snr=0), clip)
    np.testing.assert_allclose(babble[:500], babble[500:1000], atol=1e-6)
    assert np.abs(babble[-500:]).max() == pytest.approx(np.abs(babble).max(), rel=1e-5)


def test_babble_needs_other_voices():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="others contains 0 clips, none of which has sound; exp"):
        add_babble(speechlike(), SR, rng, [], snr=10)
    with pytest.raises(ValueError, match="others contains 1 clips, none of which has sound; exp"):
        add_babble(speechlike(), SR, rng, [np.zeros(9)], snr=10)
    with pytest.raises(ValueError, match="waveform contains NaN"):
        add_babble(speechlike(), SR, rng, [np.full(9, np.nan)], snr=10)


@given(seconds=st.floats(0.001, 2), snr=st.floats(20, 70))
def test_noise_around_keeps_the_clip(seconds, snr):
    clip = speechlike(SR // 4)
    n = round(seconds * SR)
    changed = add_noise_around(clip, SR, np.random.default_rng(0), seconds=seconds, snr=snr)
    np.testing.assert_array_equal(changed[n : n + clip.size], clip)
    assert changed.size == clip.size + 2 * n
    if n > 2000:
        around = np.concatenate([changed[:n], changed[-n:]])
        assert decibels(active_power(clip, SR) / power(around)) == pytest.approx(snr, abs=0.4)


@pytest.mark.parametrize("rng", [None, 0, np.random.RandomState(0), np.random])
def test_generators_are_required(rng):
    for function, options in (
        (add_white_noise, {"snr": 10}),
        (add_noise_around, {}),
        (add_babble, {"snr": 10, "others": [speechlike()]}),
    ):
        with pytest.raises(TypeError, match=r"rng is .*; expected a generator, such as numpy"):
            function(speechlike(50), SR, rng=rng, **options)


def test_wrong_parameters():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="snr == nan, must be finite"):
        add_white_noise(speechlike(9), SR, rng, snr=float("nan"))
    with pytest.raises(ValueError, match="seconds == 0, must be > 0"):
        add_noise_around(speechlike(9), SR, rng, seconds=0)
