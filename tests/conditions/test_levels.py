"""Gain, clipping, and the level of the active part of a clip."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_estimators.conditions import amplify, clip_peaks
from ser_estimators.conditions._levels import active_power

from .helpers import SR, decibels, power, speechlike


@given(gain=st.floats(-60, 40), seed=st.integers(0, 99))
def test_gain_is_exact(gain, seed):
    clip = speechlike(2000, seed)
    changed = amplify(clip, SR, decibels=gain)
    assert decibels(power(changed) / power(clip)) == pytest.approx(gain, abs=1e-4)
    np.testing.assert_allclose(changed, clip * 10 ** (gain / 20), rtol=1e-6)


@given(depth=st.floats(0.1, 40), scale=st.sampled_from([0.001, 1.0, 5.0]))
def test_samples_are_limited_below_the_peak(depth, scale):
    clip = scale * speechlike(4000)
    changed = clip_peaks(clip, SR, decibels=depth)
    peak = np.abs(clip).max()
    limit = peak * 10 ** (-depth / 20)
    assert np.abs(changed).max() == pytest.approx(limit, rel=1e-6)
    is_below = np.abs(clip) < 0.999 * limit
    np.testing.assert_array_equal(changed[is_below], clip[is_below])


def test_active_power_leaves_out_silence():
    voice = speechlike()
    alone = active_power(voice, SR)
    around = np.pad(voice, (3 * SR, 5 * SR))
    assert active_power(around, SR) == pytest.approx(alone, rel=1e-6)
    hiss = around + (1e-5 * np.random.default_rng(0).normal(size=around.size)).astype("f4")
    assert active_power(hiss, SR) == pytest.approx(alone, rel=1e-3)
    assert power(around) < 0.2 * alone


def test_active_power_of_odd_clips():
    assert active_power(np.zeros(100, dtype="f4"), SR) == 0
    assert active_power(np.full(1, 0.5, dtype="f4"), SR) == pytest.approx(0.25)
    # A steady clip is active as a whole.
    assert active_power(np.full(999, 0.5, dtype="f4"), SR) == pytest.approx(0.25)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_must_be_finite(value):
    with pytest.raises(ValueError, match=r"decibels == .*, must be finite"):
        amplify(speechlike(9), SR, decibels=value)


def test_wrong_parameters():
    with pytest.raises(TypeError, match="decibels must be an instance of"):
        amplify(speechlike(9), SR, decibels="loud")
    with pytest.raises(ValueError, match="decibels == 0, must be > 0"):
        clip_peaks(speechlike(9), SR, decibels=0)
    with pytest.raises(TypeError, match="decibels"):
        amplify(speechlike(9), SR)
