"""Descriptors equal those of librosa, on a grid of parameters and on many kinds of signals."""

import warnings
from itertools import product

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_estimators._features.descriptors import GROUPS, chroma_filter_bank, describe, row_names

DEFAULTS = {"sr": 16000, "n_fft": 1024, "hop_length": 256}
VOICE = {"f0_min": 60.0, "f0_max": 500.0}
LIBROSAS = GROUPS[:8]
# Both are in float32, with a rounding error of about 1e-7 in each of a thousand terms. Contrast and
# flatness depend on the weakest bins, which are affected by the rounding of the strongest.
TOLERANCE = {
    "chroma": {"rtol": 1e-4, "atol": 1e-5},
    "contrast": {"rtol": 0, "atol": 0.03},
    "centroid": {"rtol": 1e-4, "atol": 1e-3},
    "bandwidth": {"rtol": 1e-4, "atol": 1e-2},
    "flatness": {"rtol": 1e-3, "atol": 1e-7},
    "zero_crossing_rate": {"rtol": 1e-6, "atol": 0},
    "rms": {"rtol": 1e-5, "atol": 1e-9},
}


def ours(waveform, groups=GROUPS, **parameters):
    return describe(waveform, groups=groups, **(DEFAULTS | VOICE | parameters))


def librosas(waveform, *, sr, n_fft, hop_length, n_bands=6):
    feature = librosa.feature
    with warnings.catch_warnings():
        # librosa warns of a window longer than the clip, which some of these tests use.
        warnings.filterwarnings("ignore", message="n_fft=")
        magnitude = np.abs(librosa.stft(waveform, n_fft=n_fft, hop_length=hop_length))
    spectrum = {"S": magnitude, "sr": sr, "n_fft": n_fft}
    framing = {"frame_length": n_fft, "hop_length": hop_length}
    return {
        "chroma": feature.chroma_stft(S=magnitude**2, sr=sr, n_fft=n_fft, tuning=0.0),
        "contrast": feature.spectral_contrast(**spectrum, fmin=200, n_bands=n_bands),
        "centroid": feature.spectral_centroid(**spectrum),
        "bandwidth": feature.spectral_bandwidth(**spectrum),
        "rolloff": feature.spectral_rolloff(**spectrum),
        "flatness": feature.spectral_flatness(S=magnitude, n_fft=n_fft),
        "zero_crossing_rate": feature.zero_crossing_rate(waveform, **framing),
        "rms": feature.rms(y=waveform, **framing),
    }


def assert_librosas(waveform, **parameters):
    n_bands = 5 if parameters["sr"] == 8000 else 6
    expected = librosas(waveform, n_bands=n_bands, **parameters)
    actual = ours(waveform, LIBROSAS, **parameters)
    assert tuple(actual) == LIBROSAS
    for group, values in actual.items():
        assert values.dtype == np.float32
        assert values.shape == expected[group].shape, group
        if group == "rolloff":
            # If the cumulative sum is close to 85 % at a bin, rounding may select the next one.
            bins = np.abs(values - expected[group]) * parameters["n_fft"] / parameters["sr"]
            assert bins.max() < 1.01
            assert np.mean(bins > 0.01) < 0.01
        else:
            np.testing.assert_allclose(
                values, expected[group], **TOLERANCE[group], err_msg=f"{group} {parameters}"
            )


def noise(n_samples, seed=0):
    return (0.1 * np.random.default_rng(seed).normal(size=n_samples)).astype(np.float32)


def tone(n_samples, sr=16000, f0=220.0):
    """Return a tone with noise, because a pure tone has only rounding errors in other bins."""
    sine = 0.5 * np.sin(2 * np.pi * f0 * np.arange(n_samples) / sr)
    return (sine + 0.1 * noise(n_samples)).astype(np.float32)


def vowel(n_samples, sr=16000, f0=130.0):
    """Return pulses that ring at three formants."""
    t = np.arange(int(0.03 * sr)) / sr
    ring = sum(
        np.exp(-np.pi * width * t) * np.sin(2 * np.pi * formant * t)
        for formant, width in ((700, 80), (1200, 90), (2600, 120))
    )
    pulses = np.zeros(n_samples)
    pulses[(np.arange(0, n_samples * f0 / sr - 1) * sr / f0).astype(int)] = 1
    voice = np.convolve(pulses, ring)[:n_samples]
    return (0.2 * voice + 0.02 * noise(n_samples)).astype(np.float32)


def click(n_samples):
    return np.eye(1, n_samples, n_samples // 2, dtype=np.float32)[0]


SIGNALS = {
    "noise": noise(9000),
    "tone": tone(9000),
    "vowel": vowel(9000),
    "silence": np.zeros(5000, dtype=np.float32),
    "click": click(5000),
    "sample": np.float32([0.3]),
    "two": np.float32([0.3, -0.2]),
    "short": vowel(300),
    "window": vowel(1024),
    "quiet": np.float32(1e-3) * vowel(5000),
    "loud": np.float32(3e4) * vowel(5000),
    "half silent": np.concatenate([np.zeros(4000, dtype=np.float32), vowel(4000)]),
}
# For some of these signals, most bins contain only rounding errors, in librosa as well; only ranges
# are tested.
ALL_SIGNALS = SIGNALS | {
    "constant": np.full(5000, 0.5, dtype=np.float32),
    "negative": np.full(5000, -3e4, dtype=np.float32),
    "pure": np.sin(np.arange(5000, dtype=np.float32) / 10),
    "alternating": np.tile(np.float32([1, -1]), 2500),
    "square": np.sign(np.sin(np.arange(5000, dtype=np.float32) / 20)),
    "tiny": np.float32(1e-30) * noise(3000),
    "denormal": np.full(3000, 1e-42, dtype=np.float32),
    "one at the end": click(2999)[:1500],
    "click at the end": np.eye(1, 3000, 2999, dtype=np.float32)[0],
}


@pytest.mark.parametrize(
    ("sr", "n_fft", "hop_length"),
    list(product((8000, 16000, 22050), (512, 1024, 2048), (128, 256, 512))),
)
def test_equal_to_librosa_on_a_grid(sr, n_fft, hop_length):
    for waveform in (noise(6000), tone(6000, sr), vowel(6000, sr)):
        assert_librosas(waveform, sr=sr, n_fft=n_fft, hop_length=hop_length)


@pytest.mark.parametrize("waveform", SIGNALS.values(), ids=SIGNALS.keys())
def test_equal_to_librosa_on_difficult_signals(waveform):
    assert_librosas(waveform, **DEFAULTS)


@pytest.mark.parametrize("n_fft", [400, 511, 1023])
def test_equal_to_librosa_with_odd_windows(n_fft):
    assert_librosas(vowel(6000), sr=16000, n_fft=n_fft, hop_length=160)


@given(n_samples=st.integers(1, 5000), hop_length=st.integers(1, 700), seed=st.integers(0, 99))
@settings(max_examples=25)
def test_equal_to_librosa_at_any_length(n_samples, hop_length, seed):
    assert_librosas(noise(n_samples, seed), sr=16000, n_fft=1024, hop_length=hop_length)


@pytest.mark.parametrize(("sr", "n_fft"), [(16000, 1024), (22050, 2048), (8000, 511), (44100, 64)])
def test_chroma_filter_bank_equals_librosa(sr, n_fft):
    filters = chroma_filter_bank(sr, n_fft)
    expected = librosa.filters.chroma(sr=sr, n_fft=n_fft)
    np.testing.assert_allclose(filters, expected, rtol=1e-5, atol=1e-12)
    assert chroma_filter_bank(sr, n_fft) is filters
    with pytest.raises(ValueError, match="read-only"):
        filters[0, 0] = 1


@pytest.mark.parametrize("waveform", ALL_SIGNALS.values(), ids=ALL_SIGNALS.keys())
@pytest.mark.parametrize(
    "parameters",
    [{}, {"sr": 8000, "n_fft": 512, "hop_length": 128}, {"n_fft": 255, "hop_length": 1000}],
    ids=["default", "8 kHz", "odd"],
)
def test_values_are_finite_and_in_range_and_have_one_length(waveform, parameters):
    rows = ours(waveform, **parameters)
    n_fft = parameters.get("n_fft", 1024)
    n_frames = 1 + (waveform.size - n_fft % 2) // parameters.get("hop_length", 256)
    assert tuple(rows) == GROUPS
    for group, values in rows.items():
        assert values.dtype == np.float32
        assert values.shape[1] == n_frames, group
        if group not in ("pitch", "jitter", "shimmer"):
            assert np.isfinite(values).all(), group
            assert values.min() >= 0, group
    half = parameters.get("sr", 16000) / 2
    assert rows["chroma"].max() <= 1
    assert rows["centroid"].max() <= half * (1 + 1e-5)
    assert rows["bandwidth"].max() <= half / 2 * (1 + 1e-5)
    assert rows["rolloff"].max() <= half
    assert rows["flatness"].max() <= 1 + 1e-5
    assert rows["zero_crossing_rate"].max() <= 1
    f0, voicing = rows["pitch"]
    assert np.isfinite(voicing).all()
    assert ((voicing >= 0) & (voicing <= 1)).all()
    unvoiced = np.isnan(f0)
    assert ((f0[~unvoiced] >= 60) & (f0[~unvoiced] <= 500)).all()
    for group, most in (("jitter", 0.27), ("shimmer", 0.47)):
        values = rows[group][0]
        assert np.isnan(values[unvoiced]).all()
        assert ((values >= 0) & (values <= most) | np.isnan(values)).all()


@pytest.mark.parametrize("n_fft", [2, 3, 16, 64, 100])
@pytest.mark.parametrize("sr", [50, 300, 400, 401, 1000, 16000, 96000])
def test_any_rate_and_window_length_works(sr, n_fft):
    parameters = {"sr": sr, "n_fft": n_fft, "hop_length": 50}
    rows = ours(vowel(600), **parameters)
    names = row_names(GROUPS, sr=sr)
    assert sum(values.shape[0] for values in rows.values()) == len(names)
    assert all(np.isfinite(rows[group]).all() for group in LIBROSAS)


@pytest.mark.parametrize(
    ("sr", "n_rows"), [(300, 1), (400, 1), (401, 2), (8000, 6), (12800, 6), (16000, 7), (48000, 7)]
)
def test_contrast_has_the_octaves_below_half_the_rate(sr, n_rows):
    waveform = noise(4000)
    contrast = ours(waveform, ["contrast"], sr=sr)["contrast"]
    assert contrast.shape[0] == n_rows
    assert len(row_names(["contrast"], sr=sr)) == n_rows
    if n_rows > 1:
        expected = librosas(waveform, sr=sr, n_fft=1024, hop_length=256, n_bands=n_rows - 1)
        np.testing.assert_allclose(contrast, expected["contrast"], atol=1e-2)


def test_a_band_narrower_than_a_bin_has_no_contrast():
    # Bins are 250 Hz apart, so the band below 200 Hz contains only the one at 0 Hz.
    contrast = ours(noise(4000), ["contrast"], n_fft=64)["contrast"]
    assert (contrast[0] == 0).all()
    assert (contrast[-1] > 0).all()


def test_rows_are_named():
    names = row_names(GROUPS, sr=16000)
    assert len(names) == len(set(names)) == 12 + 7 + 6 + 2 + 2
    assert list(dict.fromkeys(group for group, _ in names)) == list(GROUPS)
    for group, values in ours(vowel(3000)).items():
        assert values.shape[0] == sum(name == group for name, _ in names)
    chroma = [row for group, row in names if group == "chroma"]
    assert chroma[:2] == ["chroma_C", "chroma_C#"]
    a440 = ours(tone(8000, f0=440.0), ["chroma"])["chroma"].mean(axis=1)
    assert chroma[int(a440.argmax())] == "chroma_A"


def test_groups_are_independent_and_in_a_fixed_order():
    waveform = vowel(5000)
    everything = ours(waveform)
    for group in GROUPS:
        alone = ours(waveform, [group])
        assert list(alone) == [group]
        np.testing.assert_array_equal(alone[group], everything[group])
    assert list(ours(waveform, {"pitch", "rms", "chroma"})) == ["chroma", "rms", "pitch"]
    assert ours(waveform, []) == {}
    assert row_names([], sr=16000) == []


def test_waveform_is_not_modified():
    waveform = vowel(3000)
    before = waveform.copy()
    waveform.setflags(write=False)
    ours(waveform)
    np.testing.assert_array_equal(waveform, before)


def test_unknown_group_is_refused():
    with pytest.raises(ValueError, match=r"Unknown groups \['timbre'\]; expected some of chr"):
        ours(noise(100), ["rms", "timbre"])
    with pytest.raises(ValueError, match=r"Unknown groups"):
        row_names(["timbre"], sr=16000)


def test_single_string_is_refused_as_groups():
    with pytest.raises(ValueError, match=r"a single string: pass \['rms'\]"):
        ours(noise(100), "rms")


@pytest.mark.parametrize(("f0_min", "f0_max"), [(500, 60), (100, 100), (0, 100), (-50, 100)])
def test_invalid_pitch_range_is_refused(f0_min, f0_max):
    with pytest.raises(ValueError, match="expected 0 < f0_min < f0_max"):
        ours(noise(100), ["jitter"], f0_min=f0_min, f0_max=f0_max)
    # Other groups do not use it.
    ours(noise(100), ["rms"], f0_min=f0_min, f0_max=f0_max)


@given(doublings=st.integers(-2, 14), f0=st.floats(90, 300), seed=st.integers(0, 99))
@settings(max_examples=25)
def test_gain_changes_only_the_level(doublings, f0, seed):
    # A power of two does not change the mantissa of a float, so no frame crosses a threshold.
    gain = np.float32(2.0**doublings)
    waveform = vowel(4000, f0=f0) + np.float32(0.1) * noise(4000, seed)
    plain, loud = ours(waveform), ours(gain * waveform)
    np.testing.assert_allclose(loud.pop("rms"), gain * plain["rms"], rtol=1e-6)
    for group, values in loud.items():
        # The lower bound of the power in the flatness does not change with the gain.
        rtol = 0.03 if group == "flatness" else 1e-4
        np.testing.assert_allclose(values, plain[group], rtol=rtol, atol=1e-4, err_msg=group)


@given(hops=st.integers(1, 20), hop_length=st.sampled_from([100, 256, 400]), f0=st.floats(90, 300))
@settings(max_examples=25)
def test_leading_silence_shifts_the_frames(hops, hop_length, f0):
    waveform = vowel(6000, f0=f0)
    later = np.concatenate([np.zeros(hops * hop_length, dtype=np.float32), waveform])
    plain, shifted = ours(waveform, hop_length=hop_length), ours(later, hop_length=hop_length)
    # Pitch frames extend 1.5 / 60 s from their center, which is 400 samples. Jitter and shimmer,
    # which cover four more periods and are not tested here, start from the middle of a segment.
    border = 1 + 512 // hop_length
    for group in GROUPS[:9]:
        np.testing.assert_allclose(
            shifted[group][:, hops + border :],
            plain[group][:, border:],
            rtol=1e-4,
            atol=1e-3,
            err_msg=group,
        )
