"""The standard conditions: names, what all of them have in common, and bad input."""

import json
import subprocess
import sys

import numpy as np
import pytest

from ser_estimators import conditions
from ser_estimators.conditions import standard_conditions

from .helpers import SR, call, speechlike

STANDARD = standard_conditions()


def test_names_stay_the_same():
    assert list(STANDARD) == [
        "gain -20 dB",
        "gain -10 dB",
        "gain +10 dB",
        "white noise 30 dB",
        "white noise 20 dB",
        "white noise 10 dB",
        "babble 20 dB",
        "babble 10 dB",
        "telephone band",
        "sampled at 8 kHz",
        "MP3 24 kbit/s",
        "Opus 12 kbit/s",
        "room 0.4 s",
        "room 0.8 s",
        "bright +6 dB",
        "dark -6 dB",
        "silence cut",
        "1 s of zeros before",
        "0.5 s of noise around",
        "tempo 0.85",
        "tempo 1.15",
        "clipped by 10 dB",
    ]


def test_each_call_returns_a_new_dict():
    changed = standard_conditions()
    changed["mine"] = changed.pop("silence cut")
    assert list(standard_conditions()) == list(STANDARD)


@pytest.mark.parametrize("name", STANDARD)
@pytest.mark.parametrize("sr", [8000, SR, 22050, 48000])
def test_every_condition_returns_a_new_finite_waveform(name, sr):
    clip = speechlike(sr // 2, sr=sr)
    before = clip.copy()
    changed = call(STANDARD[name], clip, sr)
    np.testing.assert_array_equal(clip, before)  # not changed in place
    assert not np.shares_memory(changed, clip)
    assert changed.dtype == np.float32
    assert changed.ndim == 1
    assert np.isfinite(changed).all()
    assert changed.any()
    lengths = {
        "silence cut": changed.size,
        "1 s of zeros before": clip.size + sr,
        "0.5 s of noise around": clip.size + 2 * round(sr / 2),
        "tempo 0.85": round(clip.size / 0.85),
        "tempo 1.15": round(clip.size / 1.15),
    }
    assert changed.size == lengths.get(name, clip.size)


@pytest.mark.parametrize("name", STANDARD)
def test_every_condition_is_deterministic(name):
    clip = speechlike()
    np.testing.assert_array_equal(call(STANDARD[name], clip), call(STANDARD[name], clip))


@pytest.mark.parametrize("name", STANDARD)
@pytest.mark.parametrize("n_samples", [1, 2, 7, 400])
def test_every_condition_takes_the_shortest_clips(name, n_samples):
    changed = call(STANDARD[name], np.full(n_samples, 0.3, dtype=np.float32))
    assert changed.size > 0
    assert np.isfinite(changed).all()


@pytest.mark.parametrize("name", STANDARD)
def test_silence_stays_silent(name):
    changed = call(STANDARD[name], np.zeros(4000, dtype=np.float32))
    assert changed.size > 0
    # A codec adds noise that nobody hears.
    assert np.abs(changed).max() < 1e-4


@pytest.mark.parametrize("name", STANDARD)
def test_clips_beyond_full_scale_are_not_clipped(name):
    """What a condition does depends on the level in nothing but codecs."""
    clip = speechlike()
    if name in ("MP3 24 kbit/s", "Opus 12 kbit/s"):
        pytest.skip("codecs have an absolute scale")
    loud = call(STANDARD[name], 100 * clip)
    np.testing.assert_allclose(loud, 100 * call(STANDARD[name], clip), atol=2e-3)


@pytest.mark.parametrize("name", STANDARD)
def test_lists_and_double_precision_are_taken(name):
    clip = speechlike(4000)
    expected = call(STANDARD[name], clip)
    np.testing.assert_array_equal(call(STANDARD[name], clip.tolist()), expected)
    np.testing.assert_array_equal(call(STANDARD[name], clip.astype(np.float64)), expected)


def test_every_function_is_a_standard_condition():
    used = {getattr(function, "func", function).__name__ for function in STANDARD.values()}
    assert used == {*conditions.__all__} - {"standard_conditions"}


@pytest.mark.parametrize("name", STANDARD)
@pytest.mark.parametrize(
    ("waveform", "error", "message"),
    [
        (np.zeros((2, 50)), ValueError, r"waveform has the shape \(2, 50\); expected \(n_samples,"),
        (np.zeros(0), ValueError, r"waveform has the shape \(0,\); expected .* at least one"),
        (np.float64(0.5), ValueError, r"waveform has the shape \(\)"),
        (np.arange(9, dtype=np.int16), TypeError, "array of the type 'int16'; expected floats on"),
        (np.array([0.1, np.nan]), ValueError, "contains NaN or infinity; repair it"),
        (np.array([0.1, np.inf]), ValueError, "contains NaN or infinity; repair it"),
    ],
)
def test_what_is_no_waveform_is_refused(name, waveform, error, message):
    with pytest.raises(error, match=message):
        call(STANDARD[name], waveform)


@pytest.mark.parametrize("name", STANDARD)
def test_wrong_rates_are_refused(name):
    with pytest.raises(ValueError, match="sr == 0"):
        call(STANDARD[name], speechlike(500), 0)
    with pytest.raises(TypeError, match="sr must be an instance of"):
        call(STANDARD[name], speechlike(500), 16000.0)


def test_conditions_need_neither_torch_nor_librosa():
    code = (
        "import sys, json; from ser_estimators.conditions import standard_conditions\n"
        "standard_conditions(); print(json.dumps([m.split('.')[0] for m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "librosa", "skorch"} & set(json.loads(done.stdout))
