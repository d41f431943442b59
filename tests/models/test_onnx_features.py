"""Waveforms and MFCCs as ONNX: equal to those of the package, for any parameters and lengths."""

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_estimators._audio import effects
from ser_estimators._audio.reading import Reading
from ser_estimators._features.mel import MelOptions
from ser_estimators._features.mfcc import MFCCOptions, delta, mfcc, mfcc_frames
from ser_estimators.models._onnx.features import add_coefficients, fourier_transform
from ser_estimators.models._onnx.graph import Graph
from ser_estimators.models._onnx.waveform import Waveforms, add_waveforms

from .test_onnx import noise

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

DEFAULT = MelOptions(sr=16000, n_fft=1024, hop_length=256, n_mels=64)


def compute(graph, outputs, clips):
    """Run a graph on clips, which are padded to one batch."""
    helper, types = onnx.helper, onnx.TensorProto
    model = graph.model(
        [
            helper.make_tensor_value_info("waveform", types.FLOAT, ["clips", "samples"]),
            helper.make_tensor_value_info("lengths", types.INT64, ["clips"]),
        ],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()],
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    lengths = np.array([clip.size for clip in clips])
    batch = np.zeros((len(clips), max(lengths)), dtype=np.float32)
    for row, clip in zip(batch, clips, strict=True):
        row[: clip.size] = clip
    return session.run(list(outputs), {"waveform": batch, "lengths": lengths})


def coefficients_of(options, clips):
    graph = Graph()
    name = add_coefficients(graph, Waveforms("waveform", "lengths"), options)
    return compute(graph, {name: onnx.TensorProto.FLOAT}, clips)[0]


def processed(reading, clips):
    """Return the waveforms after the effects, without their padding."""
    graph = Graph()
    waveforms, _ = add_waveforms(graph, "waveform", "lengths", reading)
    types = {waveforms.samples: onnx.TensorProto.FLOAT, waveforms.lengths: onnx.TensorProto.INT64}
    samples, lengths = compute(graph, types, clips)
    for row, length in zip(samples, lengths, strict=True):
        assert not row[length:].any()
    return [row[:length] for row, length in zip(samples, lengths, strict=True)]


@settings(max_examples=60)
@given(
    n_fft=st.integers(2, 1100),
    hop_length=st.integers(1, 600),
    center=st.booleans(),
    n_samples=st.integers(1, 4000),
)
def test_any_fourier_transform(n_fft, hop_length, center, n_samples):
    """Prime, odd and composite numbers, which are factorized or not."""
    mel = MelOptions(8000, n_fft, hop_length, n_mels=10, center=center)
    options = MFCCOptions(mel, n_mfcc=10)
    clip = noise(n_samples)
    found = coefficients_of(options, [clip])[0]
    expected = mfcc(clip, options)
    # The last frame may be padding.
    assert found.shape[1] - expected.shape[1] in (0, 1)
    assert not found[:, expected.shape[1] :].any()
    np.testing.assert_allclose(found[:, : expected.shape[1]], expected, atol=5e-3)


@pytest.mark.parametrize("n_fft", [1024, 1000, 400, 401])
def test_the_tables_are_those_of_a_fourier_transform(n_fft):
    mel = MelOptions(16000, n_fft, hop_length=n_fft // 2, n_mels=40)
    tables = fourier_transform(mel)
    n_groups = len(tables.second) // 2
    frame = np.random.default_rng(0).normal(size=n_fft).astype(np.float32)
    kernels = tables.first.reshape(n_groups, -1, n_fft // n_groups)
    first = np.einsum("rqm,mr->rq", kernels, frame.reshape(-1, n_groups))
    second = tables.second @ first.reshape(2 * n_groups, -1)
    power = tables.filters @ np.square(second).ravel()
    window = scipy.signal.get_window("hann", n_fft)
    expected = mel.filters() @ np.abs(np.fft.rfft(window * frame)) ** 2
    np.testing.assert_allclose(power, expected, rtol=1e-5)


def test_a_composite_transform_takes_a_fraction_of_the_multiplications():
    tables = fourier_transform(DEFAULT)
    kernels, (n_parts, _) = tables.first, tables.second.shape
    n_products = kernels.size + n_parts**2 * (len(kernels) // n_parts)
    assert n_products < 1024 * 2 * 513 / 10


def test_levels_are_limited_by_the_loudest_real_frame():
    """A quiet clip beside a loud one keeps its own range."""
    clips = [noise(9000), 1e-3 * noise(5000, seed=1), np.zeros(3000, np.float32)]
    options = MFCCOptions(DEFAULT, n_mfcc=20)
    for found, clip in zip(coefficients_of(options, clips), clips, strict=True):
        expected = mfcc_frames(clip, options)
        np.testing.assert_allclose(found[:, : expected.shape[1]], expected, atol=2e-3)
        assert not found[:, expected.shape[1] :].any()


@pytest.mark.parametrize("normalization", [None, "mean", "mean_variance"])
@pytest.mark.parametrize("deltas", [0, 1, 2])
def test_derivatives_and_normalization_at_every_number_of_frames(deltas, normalization):
    clips = [noise(256 * n_frames, seed=n_frames) for n_frames in range(20)]
    clips[0] = noise(9)
    options = MFCCOptions(DEFAULT, n_mfcc=5, deltas=deltas, normalization=normalization)
    found = coefficients_of(options, clips)
    for n_frames, (rows, clip) in enumerate(zip(found, clips, strict=True), start=1):
        expected = mfcc_frames(clip, options)
        assert expected.shape[1] == n_frames
        np.testing.assert_allclose(rows[:, :n_frames], expected, atol=3e-3)
        assert not rows[:, n_frames:].any()
    assert len(found[0]) == 5 * (1 + deltas)
    assert delta(found[-1], order=1).any()


@settings(max_examples=40)
@given(
    lengths=st.lists(st.integers(1, 20000), min_size=1, max_size=4),
    trim_db=st.sampled_from([None, 6.0, 30.0]),
    loudness=st.sampled_from([None, -23.0]),
    preemphasis=st.sampled_from([None, 0.0, 0.97]),
)
def test_effects_on_clips_of_any_length(lengths, trim_db, loudness, preemphasis):
    reading = Reading(16000, trim_db=trim_db, loudness=loudness, preemphasis=preemphasis)
    clips = [np.roll(noise(length, seed), length // 3) for seed, length in enumerate(lengths)]
    for found, clip in zip(processed(reading, clips), clips, strict=True):
        expected = reading.process(clip)
        assert found.size == expected.size
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("trim_db", [20.0, 60.0])
def test_trim_keeps_silence_and_the_middle(trim_db):
    clips = [np.zeros(5000, np.float32), np.zeros(30000, np.float32), noise(100)]
    clips[1][12000:15000] = noise(3000)
    found = processed(Reading(16000, trim_db=trim_db), clips)
    for waveform, clip in zip(found, clips, strict=True):
        np.testing.assert_array_equal(waveform, effects.trim(clip, trim_db))
    assert found[1].size < 10000


@pytest.mark.parametrize("sr", [500, 8000, 11025, 16000, 48000])
@pytest.mark.parametrize("offset", [0.0, 0.1])
def test_loudness_at_any_rate(sr, offset):
    """Also with a constant offset, which the filter removes."""
    clips = [offset + 0.05 * noise(round(sr * s), seed=1) for s in (0.01, 0.4, 0.75, 3)]
    clips += [np.zeros(sr, np.float32), 1e-5 * noise(sr)]
    clips = [clip.astype(np.float32) for clip in clips]
    found = processed(Reading(sr, loudness=-20.0), clips)
    for waveform, clip in zip(found, clips, strict=True):
        expected = effects.normalize_loudness(clip, sr, -20.0)
        np.testing.assert_allclose(waveform, expected, rtol=1e-4)


def test_part_of_a_clip():
    clips = [noise(length) for length in (4001, 9000, 20000)]
    found = processed(Reading(16000, offset=0.25, duration=0.5), clips)
    for waveform, clip in zip(found, clips, strict=True):
        np.testing.assert_array_equal(waveform, clip[4000:12000])


def test_another_window_gives_other_coefficients():
    """The negative control of the tests above."""
    clip = noise(5000)
    hann = coefficients_of(MFCCOptions(DEFAULT, n_mfcc=20), [clip])
    other = MelOptions(16000, 1024, 256, n_mels=64, window="hamming")
    assert np.abs(coefficients_of(MFCCOptions(other, n_mfcc=20), [clip]) - hann).max() > 0.1
