"""Silence at the ends: what is cut, and what is added."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_estimators.conditions import add_silence, cut_silence

from .helpers import SR, power, speechlike, tone


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


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        (cut_silence, {"top_db": 0}, "top_db == 0, must be > 0"),
        (add_silence, {"before": -1}, "before == -1, must be > "),
        (add_silence, {"after": float("nan")}, "after == nan, must be finite"),
    ],
)
def test_wrong_parameters(function, options, message):
    with pytest.raises(ValueError, match=message):
        function(speechlike(50), SR, **options)
