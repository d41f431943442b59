"""Measures of recordings: each condition changes the one that is named after it."""

import numpy as np
import pytest
import soundfile

from ser_estimators import conditions
from ser_estimators._features.audio_measures import MEASURES, measure_audio

SR = 16000


@pytest.fixture(scope="module")
def voice(voices):
    return soundfile.read(voices.data[0], dtype="float32")[0]


def measure(waveform, sr=SR):
    names = [one.name for one in MEASURES]
    return dict(zip(names, measure_audio(waveform, sr)[0].tolist(), strict=True))


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize(
    ("name", "change", "sign"),
    [
        ("duration", lambda x: np.tile(x, 2), 1),
        ("level", lambda x: conditions.amplify(x, SR, decibels=-20), -1),
        ("level", lambda x: conditions.amplify(x, SR, decibels=10), 1),
        ("noise", lambda x: conditions.add_white_noise(x, SR, rng(), snr=10), 1),
        ("top noise", lambda x: conditions.add_white_noise(x, SR, rng(), snr=20), 1),
        ("low noise", lambda x: x + 0.1 * np.sin(np.arange(x.size) * 0.04, dtype=np.float32), 1),
        ("silence before", conditions.add_silence, 1),
        ("silence after", lambda x: conditions.add_silence(x, SR, before=0, after=0.5), 1),
        ("speech", conditions.add_silence, -1),
        ("lows", lambda x: conditions.limit_band(x, SR, low=600), -1),
        ("top", lambda x: conditions.reduce_rate(x, SR, rate=8000), -1),
        ("highs", lambda x: conditions.tilt_spectrum(x, SR, decibels=12), 1),
        ("decay", lambda x: conditions.add_room(x, SR, rng(), rt60=0.8), -1),
        ("peaks", lambda x: conditions.clip_peaks(x, SR, decibels=10), 1),
    ],
)
def test_each_measure_follows_its_condition(voice, name, change, sign):
    try:
        changed = change(voice)
    except TypeError:  # one without parameters of its own
        changed = change(voice, SR)
    least = next(one.least for one in MEASURES if one.name == name)
    assert sign * (measure(changed)[name] - measure(voice)[name]) > least


def test_the_level_changes_nothing_but_the_level(voice):
    louder, as_it_is = measure(voice * 2), measure(voice)
    assert louder.pop("level") == pytest.approx(as_it_is.pop("level") + 6.02, abs=0.01)
    assert louder == pytest.approx(as_it_is, abs=0.01)


def test_a_tone():
    time = np.arange(2 * SR) / SR
    found = measure(0.1 * np.sin(2 * np.pi * 440 * time).astype(np.float32))
    assert found["duration"] == 2
    assert found["level"] == pytest.approx(-23, abs=0.5)
    assert found["silence before"] == found["silence after"] == 0
    assert found["speech"] == 1
    assert found["top"] == -80


@pytest.mark.parametrize("sr", [1, 8000, 16000, 48000, 192000])
@pytest.mark.parametrize("size", [1, 2, 300, 5000])
@pytest.mark.parametrize("kind", ["zeros", "noise", "one", "loud"])
def test_everything_is_finite(sr, size, kind):
    waveform = np.zeros(size, np.float32)
    if kind in ("noise", "loud"):
        waveform = rng().normal(size=size).astype(np.float32) * (1e5 if kind == "loud" else 1)
    elif kind == "one":
        waveform[size // 2] = 1
    found = measure_audio(waveform, sr)
    assert found.shape == (1, len(MEASURES))
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


def test_a_long_recording_is_measured_in_parts(voice):
    """More frames than are transformed at once."""
    long = np.tile(voice, 1 + 80 * SR // voice.size)
    found = measure(long)
    for name in ("level", "highs", "top", "lows"):
        assert found[name] == pytest.approx(measure(voice)[name], abs=0.3)


def test_texts():
    by_name = {one.name: one for one in MEASURES}
    assert len(by_name) == len(MEASURES)
    assert by_name["noise"].text_of_range(-200, -30.04) == "-90.0 to -30.0 dB"
    assert by_name["duration"].text_of_range(-3, 2.25) == "0.0 to 2.2 s"
    assert by_name["level"].text(-0.001) == "0.0"
    assert by_name["peaks"].text_of_range(-3, 0) == "0.001 to 1.000 % near the peak"


def test_a_value_differs_from_the_range_in_the_digits_shown():
    duration = MEASURES[0]
    assert duration.compare(0.5, 1.0, 2.6) == ("0.5", "1.0 to 2.6 s")
    assert duration.compare(1.02, 1.04, 2.61) == ("1.02", "1.04 to 2.61 s")
    assert duration.compare(1.04 - 1e-9, 1.04, 2.61) == ("1.0", "1.0 to 2.6 s")
