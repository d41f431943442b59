"""MFCCs equal those of librosa, on a grid of parameters and on many kinds of signals."""

import warnings
from itertools import product

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_estimators._features import mfcc as ours
from ser_estimators._features.librosa_mfcc import librosa_frames
from ser_estimators._features.mel import (
    MelOptions,
    mel_filter_bank,
    mel_power_spectrogram,
    power_to_db,
)
from ser_estimators._features.mfcc import (
    MFCCOptions,
    add_deltas,
    dct_matrix,
    delta,
    normalize_rows,
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


def mfcc(waveform, *, n_mfcc=40, dct_type=2, norm="ortho", lifter=0.0, **mel):
    options = MFCCOptions(MelOptions(**mel), n_mfcc, dct_type=dct_type, norm=norm, lifter=lifter)
    return ours.mfcc(waveform, options)


def librosas(waveform, **parameters):
    with warnings.catch_warnings():
        # librosa warns of a window longer than the clip, which some of these tests use.
        warnings.filterwarnings("ignore", message="n_fft=")
        # Some points of the grid have mel bands that contain no bin of the FFT.
        warnings.filterwarnings("ignore", message="Empty filters")
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
    actual = mfcc(speechlike(12000), **parameters)
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual, librosas(speechlike(12000), **parameters), atol=1e-3)


OPTIONS = [
    {},
    {"htk": True},
    {"mel_norm": None},
    {"mel_norm": 1.0},
    {"mel_norm": np.inf, "htk": True},
    {"norm": None},
    {"dct_type": 1},
    {"dct_type": 3},
    {"dct_type": 3, "norm": None},
    {"lifter": 22.0},
    {"center": False},
    {"win_length": 400},
    {"win_length": 333, "center": False},
    {"window": "hamming"},
    {"window": ("kaiser", 8.0), "win_length": 640},
    {"center": False, "htk": True, "lifter": 5.0, "dct_type": 3, "norm": None, "win_length": 1},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("n_samples", [1024, 12000])
def test_every_option_equals_librosa(options, n_samples):
    parameters = DEFAULTS | options
    np.testing.assert_allclose(
        mfcc(speechlike(n_samples), **parameters),
        librosas(speechlike(n_samples), **parameters),
        rtol=1e-6,  # of float32
        atol=1e-3,
    )


def test_clip_shorter_than_a_frame_is_zero_padded_without_center():
    waveform = speechlike(700)
    parameters = DEFAULTS | {"center": False}
    padded = np.pad(waveform, (0, 324))
    np.testing.assert_array_equal(mfcc(waveform, **parameters), mfcc(padded, **parameters))
    assert mfcc(waveform, **parameters).shape == (40, 1)


def test_ten_minutes_equal_librosa():
    rng = np.random.default_rng(0)
    waveform = np.tile(speechlike(16000 * 30), 20) * rng.uniform(0.1, 1, 20).repeat(16000 * 30)
    waveform = waveform.astype(np.float32)
    actual = mfcc(waveform, **DEFAULTS)
    assert actual.shape == (40, 37501)
    np.testing.assert_allclose(actual, librosas(waveform, **DEFAULTS), atol=1e-3)


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
def test_equal_to_librosa_on_difficult_signals(waveform):
    waveform = waveform.astype(np.float32)
    np.testing.assert_allclose(
        mfcc(waveform, **DEFAULTS), librosas(waveform, **DEFAULTS), atol=1e-3
    )


@given(n_samples=st.integers(1, 6000), hop_length=st.integers(1, 700), seed=st.integers(0, 99))
@settings(max_examples=40)
def test_equal_to_librosa_at_any_length(n_samples, hop_length, seed):
    parameters = DEFAULTS | {"hop_length": hop_length}
    waveform = speechlike(n_samples, seed)
    actual = mfcc(waveform, **parameters)
    assert actual.shape == (40, 1 + n_samples // hop_length)
    np.testing.assert_allclose(actual, librosas(waveform, **parameters), atol=1e-3)


def test_intermediate_steps_equal_librosa():
    waveform = speechlike(8000)
    parameters = {key: value for key, value in DEFAULTS.items() if key != "n_mfcc"}
    mel = librosa.feature.melspectrogram(y=waveform, **parameters)
    np.testing.assert_allclose(
        mel_power_spectrogram(waveform, MelOptions(**parameters)), mel, rtol=1e-4, atol=1e-7
    )
    np.testing.assert_allclose(power_to_db(mel), librosa.power_to_db(mel), atol=1e-4)


def test_shared_matrix_is_read_only():
    with pytest.raises(ValueError, match="read-only"):
        dct_matrix(20)[0, 0] = 1


@pytest.mark.parametrize("htk", [False, True])
@pytest.mark.parametrize("norm", ["slaney", None, 1.0, 2.0, np.inf])
@pytest.mark.parametrize("limits", [(50, 7000), (0, 8000), (1200, 3000), (0, 900)])
def test_filter_bank_equals_librosa(htk, norm, limits):
    expected = librosa.filters.mel(
        sr=16000, n_fft=2048, n_mels=40, fmin=limits[0], fmax=limits[1], htk=htk, norm=norm
    )
    actual = mel_filter_bank(16000, 2048, 40, *limits, htk, norm)
    np.testing.assert_allclose(actual.toarray(), expected, rtol=1e-5, atol=1e-9)
    assert actual.nnz < 0.1 * expected.size


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("n_frames", [9, 10, 50])
def test_deltas_equal_librosa(order, n_frames):
    features = np.random.default_rng(0).normal(size=(5, n_frames)).astype(np.float32)
    expected = librosa.feature.delta(features, order=order)
    actual = delta(features, order=order)
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual, expected, atol=1e-5)


@pytest.mark.parametrize("n_frames", range(1, 9))
def test_deltas_of_a_clip_too_short_for_librosa(n_frames):
    line = np.arange(n_frames, dtype=np.float32)[None] * 3
    first, second = delta(line, order=1), delta(line, order=2)
    np.testing.assert_allclose(first, 3 if n_frames >= 3 else 0, atol=1e-4)
    np.testing.assert_allclose(second, 0, atol=1e-4)


def test_deltas_are_stacked_below_the_features():
    features = np.random.default_rng(0).normal(size=(4, 30)).astype(np.float32)
    np.testing.assert_array_equal(add_deltas(features, order=0), features)
    stacked = add_deltas(features, order=2)
    assert stacked.shape == (12, 30)
    np.testing.assert_array_equal(stacked[4:8], delta(features, order=1))
    np.testing.assert_array_equal(stacked[8:], delta(features, order=2))


def test_rows_are_normalized_and_constant_rows_become_zero():
    features = np.random.default_rng(0).normal(5, 3, size=(4, 200)).astype(np.float32)
    features[2] = 0.1
    centered, scaled = (normalize_rows(features, variance=variance) for variance in (False, True))
    np.testing.assert_allclose(centered.mean(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose(centered[0].std(), features[0].std(), rtol=1e-5)
    np.testing.assert_allclose(scaled.std(axis=1), [1, 1, 0, 1], atol=1e-4)
    np.testing.assert_array_equal(scaled[2], 0)


@pytest.mark.parametrize("deltas", [0, 2])
def test_rounding_errors_are_not_amplified(deltas):
    """The spectrum of silence is constant and that of a click flat, except for rounding errors."""
    click = np.zeros(20000, dtype=np.float32)
    click[9000] = 0.5
    mel = {name: value for name, value in DEFAULTS.items() if name != "n_mfcc"}
    options = MFCCOptions(
        MelOptions(**mel), n_mfcc=40, deltas=deltas, normalization="mean_variance"
    )
    assert not ours.mfcc_frames(0 * click, options).any()
    expected = librosa_frames(click, options)
    assert 0 < (np.abs(expected).max(axis=1) > 0).sum() < len(expected)
    np.testing.assert_allclose(ours.mfcc_frames(click, options), expected, atol=2e-2)


def test_dct_is_orthonormal():
    matrix = dct_matrix(40)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(40), atol=1e-5)
