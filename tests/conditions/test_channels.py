"""Rooms, lines and microphones: their frequency responses and impulse responses."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_estimators.conditions import add_room, limit_band, reduce_rate, tilt_spectrum

from .helpers import SR, decibels, gain_at, power, speechlike, tone


def response_of_room(rt60, drr=0.0, seconds=2.0, sr=SR, seed=0):
    """Return the impulse response, scaled to a direct sound of 1."""
    click = np.zeros(int(seconds * sr), dtype="f4")
    click[0] = 1
    heard = add_room(click, sr, np.random.default_rng(seed), rt60=rt60, drr=drr)
    return heard / heard[0]


@pytest.mark.parametrize("rt60", [0.2, 0.4, 0.8])
@pytest.mark.parametrize("drr", [-6.0, 0.0, 10.0])
def test_rooms_have_their_reverberation(rt60, drr):
    response = response_of_room(rt60, drr)
    tail = response[1:].astype(np.float64)
    assert decibels(1 / np.square(tail).sum()) == pytest.approx(drr, abs=1e-3)
    assert np.abs(tail[: int(0.0024 * SR)]).max() < 1e-9  # the direct sound is alone at first
    # Schroeder's backward integration: the energy that is still to come falls by 60 dB in rt60.
    left = decibels(np.cumsum(np.square(tail)[::-1])[::-1] + 1e-12)
    early, late = int(0.1 * rt60 * SR), int(0.5 * rt60 * SR)
    slope = (left[late] - left[early]) / ((late - early) / SR)
    assert -60 / slope == pytest.approx(rt60, rel=0.15)


def test_rooms_damp_high_frequencies():
    spectrum = np.abs(np.fft.rfft(response_of_room(0.8)[1:])) ** 2  # 0.5 Hz
    assert decibels(spectrum[:2000].mean() / spectrum[14000:].mean()) > 3


@given(seed=st.integers(0, 50), rt60=st.floats(0.05, 3))
def test_rooms_keep_length_and_energy(seed, rt60):
    clip = speechlike(6000, seed)
    heard = add_room(clip, SR, np.random.default_rng(seed), rt60=rt60)
    assert heard.size == clip.size
    assert power(heard) == pytest.approx(power(clip), rel=1e-4)


def test_rooms_smear_pauses():
    clip = np.concatenate([speechlike(SR // 2), np.zeros(SR // 2, dtype="f4")])
    heard = add_room(clip, SR, np.random.default_rng(0), rt60=0.5)
    assert not clip[-SR // 2 :].any()
    assert power(heard[-SR // 2 : -SR // 4]) > 1e-3 * power(heard[: SR // 2])


def test_the_telephone_band():
    for frequency in (50, 100, 6000, 7000):
        assert gain_at(limit_band, frequency) < -20
    for frequency in (500, 1000, 2500):
        assert gain_at(limit_band, frequency) == pytest.approx(0, abs=0.3)
    for edge in (300, 3400):
        assert gain_at(limit_band, edge) == pytest.approx(-3, abs=0.3)


def test_the_upper_edge_has_no_effect_at_low_rates():
    assert gain_at(limit_band, 2800, sr=6000) == pytest.approx(0, abs=0.3)
    assert gain_at(limit_band, 50, sr=6000) < -40


def test_a_lower_rate_removes_high_frequencies_only():
    assert gain_at(reduce_rate, 5000) < -60
    assert gain_at(reduce_rate, 3000) == pytest.approx(0, abs=0.1)
    assert gain_at(partial(reduce_rate, rate=4000), 3000) < -60
    for n in (1, 2, 3, 1001):
        assert reduce_rate(speechlike(n), 22050).size == n
    clip = tone(3000)
    np.testing.assert_array_equal(reduce_rate(clip, SR, rate=SR), clip)
    np.testing.assert_array_equal(reduce_rate(clip, 8000), clip)


@pytest.mark.parametrize("sr", [8000, SR, 48000])
@pytest.mark.parametrize("tilt", [-12.0, -6.0, 6.0])
def test_tilts_have_opposite_gains_around_1_khz(tilt, sr):
    function = partial(tilt_spectrum, decibels=tilt)
    assert gain_at(function, 1000, sr) == pytest.approx(0, abs=0.05)
    assert gain_at(function, 20, sr) == pytest.approx(-tilt, abs=0.3)
    if sr > 8000:
        assert gain_at(function, sr // 2 - 500, sr) == pytest.approx(tilt, abs=0.5)
    # A bright and a dark microphone one after the other are none.
    clip = speechlike(2000)
    both = tilt_spectrum(function(clip, sr), sr, decibels=-tilt)
    np.testing.assert_allclose(both, clip, atol=1e-6)


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        (limit_band, {"low": 0}, "low == 0, must be > 0"),
        (limit_band, {"low": 9000}, "low == 9000, must be < 8000"),
        (limit_band, {"low": 500, "high": 400}, "high == 400, must be > 500"),
        (reduce_rate, {"rate": 0}, "rate == 0, must be >= 1"),
        (tilt_spectrum, {"decibels": float("inf")}, "decibels == inf, must be finite"),
        (add_room, {"rt60": 0, "rng": np.random.default_rng(0)}, "rt60 == 0, must be > 0"),
    ],
)
def test_wrong_parameters(function, options, message):
    with pytest.raises(ValueError, match=message):
        function(speechlike(50), SR, **options)


def test_rooms_need_a_generator():
    with pytest.raises(TypeError, match="rng is 0"):
        add_room(speechlike(50), SR, 0, rt60=0.4)
