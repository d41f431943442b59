"""MFCCs are librosa's, on a grid of parameters and on every kind of signal."""

import warnings
from itertools import product

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_estimators._features import (
    dct_matrix,
    mel_filter_bank,
    mel_power_spectrogram,
    mfcc,
    power_to_db,
)

DEFAULTS = {
    "sr": 16000,
    "n_mfcc": 40,
    "n_fft": 1024,
    "hop_length": 256,
    "n_mels": 64,
    "fmin": 0.0,
    "fmax": None,
}


def librosas(waveform, **parameters):
    with warnings.catch_warnings():
        # It warns of a window longer than the clip, which is what some of these tests are about.
        warnings.filterwarnings("ignore", message="n_fft=")
        return librosa.feature.mfcc(y=waveform, **parameters)


def speechlike(n_samples, seed=0):
    rng = np.random.default_rng(seed)
    t = np.arange(n_samples) / 16000
    tone = np.sin(2 * np.pi * 150 * t * (1 + 0.1 * np.sin(5 * t))) * np.abs(np.sin(3 * t))
    return (0.3 * tone + 0.01 * rng.normal(size=n_samples)).astype(np.float32)


@pytest.mark.parametrize(
    ("sr", "n_mfcc", "n_fft", "hop_length", "n_mels", "limits"),
    list(
        product(
            (8000, 16000, 22050),
            (13, 40),
            (400, 1023, 2048),
            (160, 512),
            (40, 128),
            ((0.0, None), (80.0, 3800.0)),
        )
    ),
)
def test_equal_to_librosa_on_a_grid(sr, n_mfcc, n_fft, hop_length, n_mels, limits):
    parameters = {
        "sr": sr,
        "n_mfcc": n_mfcc,
        "n_fft": n_fft,
        "hop_length": hop_length,
        "n_mels": n_mels,
        "fmin": limits[0],
        "fmax": limits[1],
    }
    with warnings.catch_warnings():
        # Some corners of the grid have more mel bands than the FFT can tell apart.
        warnings.filterwarnings("ignore", message="Empty filters")
        expected = librosas(speechlike(12000), **parameters)
        actual = mfcc(speechlike(12000), **parameters)
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual, expected, atol=1e-3)


@pytest.mark.parametrize(
    "waveform",
    [
        np.zeros(5000),
        np.full(5000, 0.5),
        np.eye(1, 5000, 2500)[0],
        np.array([0.3]),
        speechlike(10),
        speechlike(1023),
        speechlike(1024),
        speechlike(1025),
        1e-4 * speechlike(9000),
        100 * speechlike(9000),
    ],
    ids=["silence", "constant", "click", "sample", "10", "1023", "1024", "1025", "quiet", "loud"],
)
def test_equal_to_librosa_on_hard_signals(waveform):
    waveform = waveform.astype(np.float32)
    np.testing.assert_allclose(
        mfcc(waveform, **DEFAULTS), librosas(waveform, **DEFAULTS), atol=1e-3
    )


@given(n_samples=st.integers(1, 6000), hop_length=st.integers(1, 700), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_equal_to_librosa_at_any_length(n_samples, hop_length, seed):
    parameters = DEFAULTS | {"hop_length": hop_length}
    waveform = speechlike(n_samples, seed)
    actual = mfcc(waveform, **parameters)
    assert actual.shape == (40, 1 + n_samples // hop_length)
    np.testing.assert_allclose(actual, librosas(waveform, **parameters), atol=1e-3)


def test_parts_are_librosas():
    waveform = speechlike(8000)
    parameters = {key: value for key, value in DEFAULTS.items() if key != "n_mfcc"}
    mel = librosa.feature.melspectrogram(y=waveform, **parameters)
    np.testing.assert_allclose(
        mel_power_spectrogram(waveform, **parameters), mel, rtol=1e-4, atol=1e-7
    )
    np.testing.assert_allclose(power_to_db(mel), librosa.power_to_db(mel), atol=1e-4)


def test_shared_matrix_cannot_be_written_to():
    with pytest.raises(ValueError, match="read-only"):
        dct_matrix(20)[0, 0] = 1


def test_filter_bank_is_librosas():
    expected = librosa.filters.mel(sr=16000, n_fft=512, n_mels=40, fmin=50, fmax=7000)
    actual = mel_filter_bank(16000, 512, 40, 50, 7000)
    np.testing.assert_array_equal(actual.toarray(), expected)
    assert actual.nnz < 0.1 * expected.size


def test_dct_is_orthonormal():
    matrix = dct_matrix(40)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(40), atol=1e-5)
