"""Codecs: alignment with the input, bit rates, and an installation that lacks them."""

import numpy as np
import pytest
import soundfile

from ser_estimators.conditions import code_mp3, code_opus

from .helpers import SR, decibels, power, speechlike, tone

CODECS = [(code_mp3, 24), (code_mp3, 8), (code_mp3, 96), (code_opus, 12), (code_opus, 64)]


def low_speech(n_samples=2 * SR, sr=SR, seed=0):
    """Return speech-like noise without high frequencies, which codecs may leave out."""
    spectrum = np.fft.rfft(speechlike(n_samples, seed, sr))
    spectrum[np.fft.rfftfreq(n_samples, 1 / sr) > 1500] = 0
    return np.fft.irfft(spectrum, n_samples).astype("f4")


def delay_of(changed, clip):
    """Return by how many samples a waveform is later than another."""
    n = 2 * clip.size
    correlation = np.fft.irfft(np.fft.rfft(changed, n) * np.conj(np.fft.rfft(clip, n)))
    lag = int(np.argmax(correlation))
    return lag if lag < clip.size else lag - n


@pytest.mark.parametrize(("codec", "kbps"), CODECS)
@pytest.mark.parametrize("sr", [8000, SR, 22050, 48000])
def test_the_delay_of_the_codec_is_removed(codec, kbps, sr):
    clip = low_speech(2 * sr, sr)
    changed = codec(clip, sr, kbps=kbps)
    assert changed.size == clip.size
    assert abs(delay_of(changed, clip)) <= max(2, sr // 8000)
    assert np.corrcoef(changed, clip)[0, 1] > 0.5
    assert not np.array_equal(changed, clip)


@pytest.mark.parametrize(("codec", "kbps"), CODECS)
def test_the_level_stays(codec, kbps):
    clip = low_speech()
    assert decibels(power(codec(clip, SR, kbps=kbps)) / power(clip)) == pytest.approx(0, abs=2.5)


@pytest.mark.parametrize("codec", [code_mp3, code_opus])
def test_a_higher_bit_rate_is_nearer(codec):
    clip = low_speech()
    errors = [power(codec(clip, SR, kbps=kbps) - clip) for kbps in (8, 24, 96)]
    assert errors == sorted(errors, reverse=True)


def test_mp3_at_a_low_rate_leaves_out_high_frequencies():
    assert power(code_mp3(tone(7000), SR)) < 1e-4 * power(tone(7000))
    assert power(code_mp3(tone(7000), SR, kbps=96)) > 0.5 * power(tone(7000))


@pytest.mark.parametrize("codec", [code_mp3, code_opus])
@pytest.mark.parametrize("n_samples", [1, 3, 100, 575, 577, 1153])
def test_short_clips_keep_their_length(codec, n_samples):
    assert codec(speechlike(n_samples), SR).size == n_samples
    assert codec(speechlike(n_samples), 44100).size == n_samples


@pytest.mark.parametrize(
    ("codec", "kbps", "message"),
    [
        (code_mp3, 7, "kbps == 7, must be > 7.99"),
        (code_mp3, 161, "kbps == 161, must be < 160.0"),
        (code_opus, 5, "kbps == 5, must be > 5.99"),
        (code_opus, 500, "kbps == 500, must be < 256.0"),
        (code_opus, float("nan"), "kbps == nan, must be finite"),
    ],
)
def test_wrong_bit_rates(codec, kbps, message):
    with pytest.raises(ValueError, match=message):
        codec(speechlike(50), SR, kbps=kbps)


@pytest.mark.parametrize(("codec", "name"), [(code_mp3, "MP3"), (code_opus, "Opus")])
def test_an_old_libsndfile(codec, name, monkeypatch):
    # Only the answer of the library is replaced, because an old one cannot be installed beside it.
    monkeypatch.setattr(soundfile, "check_format", lambda *arguments: False)
    message = rf"libsndfile \S+ cannot write {name}; install a newer one: pip install -U soundfile"
    with pytest.raises(RuntimeError, match=message):
        codec(speechlike(50), SR)
