"""Hidden states of every family, against transformers itself."""

import numpy as np
import pytest
import torch
import transformers

from ser_estimators._encoders.embedding import divide, embed
from ser_estimators._encoders.family import pad
from ser_estimators._encoders.files import find_files
from ser_estimators._encoders.loading import load_encoder, shape_of

from .helpers import MODELS

SR = 16000
WAVEFORMS = [kind for kind in MODELS if kind != "whisper"]


def noise(seconds, seed=0):
    rng = np.random.default_rng(seed)
    return (0.1 * rng.normal(size=round(seconds * SR))).astype(np.float32)


def load(folder, n_layers=None):
    files = find_files(folder, revision=None, local_files_only=True)
    n_layers = shape_of(files).n_layers if n_layers is None else n_layers
    return load_encoder(files, n_layers=n_layers, device="cpu", dtype=torch.float32)


def hidden_states(family, waveform):
    with torch.inference_mode():
        start = family.start(waveform)
        states = family.hidden_states(start[None], [len(start)])
        return np.stack([state[0].numpy() for state in states])


@pytest.mark.parametrize("kind", WAVEFORMS)
def test_hidden_states_are_those_of_transformers(encoder_folders, kind):
    folder = encoder_folders[kind]
    model = transformers.AutoModel.from_pretrained(folder).eval()
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    waveform = noise(0.7)
    inputs = extractor(waveform, sampling_rate=SR, return_tensors="pt")
    with torch.inference_mode():
        expected = model(inputs.input_values, output_hidden_states=True)
    found = hidden_states(load(folder), waveform)
    assert len(found) == len(expected.hidden_states) == 4
    for number, state in enumerate(expected.hidden_states[:-1]):
        np.testing.assert_allclose(found[number], state[0].numpy(), atol=1e-5)
    np.testing.assert_allclose(found[-1], expected.last_hidden_state[0].numpy(), atol=1e-5)


def test_whisper_is_that_of_transformers_for_a_clip_of_full_length(whisper_folder):
    model = transformers.WhisperForAudioClassification.from_pretrained(whisper_folder).eval()
    extractor = transformers.WhisperFeatureExtractor.from_pretrained(whisper_folder)
    waveform = noise(2.0)
    inputs = extractor(waveform, sampling_rate=SR, return_tensors="pt")
    with torch.inference_mode():
        expected = model.encoder(inputs.input_features, output_hidden_states=True)
    found = hidden_states(load(whisper_folder), waveform)
    for number, state in enumerate(expected.hidden_states[:-1]):
        np.testing.assert_allclose(found[number], state[0].numpy(), atol=1e-4)
    np.testing.assert_allclose(found[-1], expected.last_hidden_state[0].numpy(), atol=1e-4)


@pytest.mark.parametrize("n_samples", [1, 50, 200, 399, 4000, 16001, 31000])
def test_the_spectrogram_of_whisper_ends_with_the_clip(whisper_folder, n_samples):
    extractor = transformers.WhisperFeatureExtractor.from_pretrained(whisper_folder)
    waveform = noise(2.0)[:n_samples]
    expected = extractor(waveform, sampling_rate=SR, return_tensors="np").input_features[0]
    found = load(whisper_folder)._log_mel(waveform)
    assert found.shape == (20, -(-n_samples // 160))
    # A reflection at the start that is longer than the clip is not defined in the same way.
    if n_samples > 200:
        np.testing.assert_allclose(found, expected[:, : found.shape[1]], atol=2e-5)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("kind", MODELS)
def test_a_clip_is_the_same_alone_and_in_any_batch(encoder_folders, kind):
    family = load(encoder_folders[kind])
    clips = [noise(seconds, seed) for seed, seconds in enumerate((0.3, 1.9, 0.01, 0.8, 0.31))]
    alone = np.concatenate([embed(family, [clip], batch_size=1) for clip in clips])
    assert alone.shape == (5, 4, 2, 16)
    for batch_size in (2, 16):
        np.testing.assert_allclose(embed(family, clips, batch_size=batch_size), alone, atol=1e-5)
    turned = embed(family, clips[::-1], batch_size=3)[::-1]
    np.testing.assert_allclose(turned, alone, atol=1e-5)


def test_padding_that_is_not_masked_would_be_noticed(whisper_folder, monkeypatch):
    family = load(whisper_folder)
    clips = [noise(0.3), noise(1.9)]
    expected = embed(family, clips[:1], batch_size=1)
    monkeypatch.setattr(type(family), "_mask", lambda self, x, lengths: None)
    assert np.abs(embed(family, clips, batch_size=2)[:1] - expected).max() > 1e-3


@pytest.mark.parametrize("kind", ["whisper", "wav2vec2", "wavlm-large"])
@pytest.mark.parametrize("n_layers", [0, 1, 2])
def test_the_first_layers_alone(encoder_folders, kind, n_layers):
    folder, clips = encoder_folders[kind], [noise(0.5), noise(0.9)]
    expected = embed(load(folder), clips, batch_size=2)[:, : 1 + n_layers]
    family = load(folder, n_layers)
    assert len(family.layers) == n_layers
    np.testing.assert_allclose(embed(family, clips, batch_size=2), expected, atol=1e-6)


def test_statistics_of_frames(whisper_folder):
    family, clip = load(whisper_folder), noise(1.1)
    states = hidden_states(family, clip)
    found = embed(family, [clip], batch_size=1)[0]
    np.testing.assert_allclose(found[:, 0], states.mean(axis=1), atol=1e-5)
    np.testing.assert_allclose(found[:, 1], states.std(axis=1), atol=1e-5)


@pytest.mark.parametrize("kind", ["whisper", "hubert"])
def test_statistics_of_long_clips_are_those_of_all_frames(encoder_folders, kind, monkeypatch):
    family, clip = load(encoder_folders[kind]), noise(5.3)
    if kind == "hubert":
        monkeypatch.setattr(type(family), "max_samples", 2 * SR)
    parts = list(divide(clip, family.max_samples))
    assert len(parts) == 3
    states = np.concatenate([hidden_states(family, part) for part in parts], axis=1)
    for batch_size in (1, 2, 8):
        found = embed(family, [noise(0.4), clip], batch_size=batch_size)[1]
        np.testing.assert_allclose(found[:, 0], states.mean(axis=1), atol=1e-5)
        np.testing.assert_allclose(found[:, 1], states.std(axis=1), atol=1e-5)


@pytest.mark.parametrize("n_samples", [1, 9, 10, 11, 25, 999])
def test_clips_are_divided_into_equal_parts(n_samples):
    waveform = np.arange(n_samples, dtype=np.float32)
    parts = list(divide(waveform, 10))
    assert len(parts) == -(-n_samples // 10)
    assert max(map(len, parts)) <= 10
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    np.testing.assert_array_equal(np.concatenate(parts), waveform)


def test_long_batches_are_divided(whisper_folder, monkeypatch):
    family, clips = load(whisper_folder), [noise(1.0, seed) for seed in range(5)]
    expected = embed(family, clips, batch_size=5)
    sizes = []

    def counted(states):
        sizes.append(len(states))
        return pad(states)

    monkeypatch.setattr("ser_estimators._encoders.embedding.pad", counted)
    monkeypatch.setattr("ser_estimators._encoders.embedding._MAX_FRAMES", 100)
    np.testing.assert_allclose(embed(family, clips, batch_size=5), expected, atol=1e-6)
    assert sizes == [2, 2, 1]


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("n_samples", [1, 100])
def test_very_short_clips(encoder_folders, kind, n_samples):
    found = embed(load(encoder_folders[kind]), [noise(1.0)[:n_samples]], batch_size=1)
    assert np.isfinite(found).all()


def test_silence(encoder_folders):
    for folder in encoder_folders.values():
        assert np.isfinite(embed(load(folder), [np.zeros(5000, np.float32)], batch_size=1)).all()


def test_encoders_are_loaded_once(whisper_folder, encoder_folders):
    first = load(whisper_folder)
    assert load(whisper_folder) is first
    load(encoder_folders["hubert"]), load(encoder_folders["wavlm"])
    assert load(whisper_folder) is not first
