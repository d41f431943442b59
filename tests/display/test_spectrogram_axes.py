"""Axes of spectrograms: time in seconds and frequencies on the mel scale."""

import librosa
import numpy as np
import pytest

from ser_estimators import MFCCTransformer
from ser_estimators.display import SpectrogramDisplay

from .helpers import SR, chirp


def test_mel_spectrogram_equals_librosas_on_an_axis_in_hz():
    mfcc = MFCCTransformer(n_fft=512, hop_length=160, n_mels=40, fmin=50, fmax=7000)
    display = SpectrogramDisplay.from_clip(chirp(), transformer=mfcc)
    power = librosa.feature.melspectrogram(
        y=chirp(), sr=SR, n_fft=512, hop_length=160, n_mels=40, fmin=50, fmax=7000
    )
    np.testing.assert_allclose(display.values, librosa.power_to_db(power), atol=0.01)
    np.testing.assert_array_equal(display.mesh_.get_array(), display.values)

    edges = display.mesh_.get_coordinates()
    time, hertz = edges[0, :, 0], edges[:, 0, 1]
    np.testing.assert_allclose(time[:-1] + 0.005, np.arange(101) * 0.01, atol=1e-9)
    centers = librosa.mel_frequencies(42, fmin=50, fmax=7000)[1:-1]
    assert (hertz[:-1] < centers).all()
    assert (centers < hertz[1:]).all()
    assert (hertz[0], hertz[-1]) == display.ax_.get_ylim() == (50, 7000)
    inner = librosa.hz_to_mel(hertz[1:-1])
    np.testing.assert_allclose(np.diff(inner), np.diff(librosa.hz_to_mel(centers))[0], rtol=1e-6)

    ticks = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert ticks == ["250", "500", "1000", "2000", "4000"]
    assert display.ax_.get_ylabel() == "Frequency (Hz)"
    assert display.colorbar_.ax.get_ylabel() == "Power (dB)"
    assert display.colorbar_.extend == "neither"


def test_tone_is_at_its_frequency_and_time():
    clip = np.zeros(SR * 2)
    clip[SR:] = np.sin(2 * np.pi * 3000 * np.arange(SR) / SR)
    for kind in ("mel", "mel_from_mfcc"):
        display = SpectrogramDisplay.from_clip(clip, kind=kind)
        edges = display.mesh_.get_coordinates()
        row, _ = np.unravel_index(np.argmax(display.values), display.values.shape)
        assert edges[row, 0, 1] < 3000 * 1.05
        assert edges[row + 1, 0, 1] > 3000 / 1.05
        starts = np.argmax(display.values[row] > display.values.max() - 20)
        assert edges[0, starts, 0] == pytest.approx(1.0, abs=0.04)


@pytest.mark.parametrize(
    ("parameters", "start"),
    [({}, 0), ({"offset": 0.5}, 0.5), ({"center": False}, 0.032), ({"sr": 8000}, 0)],
)
def test_time_is_that_of_the_clip(parameters, start):
    mfcc = MFCCTransformer().set_params(**parameters)
    display = SpectrogramDisplay.from_clip(chirp(), transformer=mfcc)
    assert display.start == pytest.approx(start)
    assert display.ax_.get_xlim()[0] == pytest.approx(start)
    edges = display.mesh_.get_coordinates()[0, :, 0]
    assert edges[:2].mean() == pytest.approx(start)


@pytest.mark.parametrize("kind", ["mel", "mel_from_mfcc"])
@pytest.mark.parametrize("hz", [500, 3000, 6000])
def test_tone_is_at_its_frequency_on_the_htk_scale(kind, hz):
    tone = np.sin(2 * np.pi * hz * np.arange(SR) / SR)
    mfcc = MFCCTransformer(htk=True)
    display = SpectrogramDisplay.from_clip(tone, kind=kind, transformer=mfcc)
    edges = display.mesh_.get_coordinates()[:, 0, 1]
    row = int(display.values[:, 5:-5].mean(axis=1).argmax())
    width = edges[row + 1] - edges[row]
    assert edges[row] - width / 2 <= hz <= edges[row + 1] + width / 2


@pytest.mark.parametrize(
    ("limits", "ticks"),
    [
        ({}, ["250", "500", "1000", "2000", "4000", "8000"]),
        ({"fmin": 300, "fmax": 900, "n_mels": 12}, ["300", "400", "500", "600", "700", "800"]),
    ],
)
def test_frequencies_are_round(limits, ticks):
    mfcc = MFCCTransformer(n_mfcc=12, n_fft=2048).set_params(**limits)
    ax = SpectrogramDisplay.from_clip(chirp(), transformer=mfcc).ax_
    assert [label.get_text() for label in ax.get_yticklabels()][: len(ticks)] == ticks
