"""Tiny encoders with random weights, saved as transformers saves pretrained ones."""

import json
from pathlib import Path

import pytest
import torch

_COMMON = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2}
_COMMON |= {"intermediate_size": 32, "conv_dim": (8, 8, 8), "conv_kernel": (10, 8, 4)}
_COMMON |= {"conv_stride": (5, 8, 8), "num_conv_pos_embeddings": 6}
_COMMON |= {"num_conv_pos_embedding_groups": 2, "num_feat_extract_layers": 3}
_LARGE = {"do_stable_layer_norm": True, "feat_extract_norm": "layer"}

# By an identifier: classes of configuration and model, and settings.
MODELS = {
    "whisper": (
        "WhisperConfig",
        "WhisperForAudioClassification",
        {
            "d_model": 16,
            "encoder_layers": 3,
            "encoder_attention_heads": 2,
            "encoder_ffn_dim": 32,
            "decoder_layers": 1,
            "decoder_attention_heads": 2,
            "decoder_ffn_dim": 32,
            "num_mel_bins": 20,
            "max_source_positions": 100,  # two seconds
            "vocab_size": 30,
            "pad_token_id": 0,
        },
    ),
    "wav2vec2": ("Wav2Vec2Config", "Wav2Vec2Model", _COMMON),
    "wav2vec2-large": ("Wav2Vec2Config", "Wav2Vec2ForCTC", _COMMON | _LARGE),
    "hubert": ("HubertConfig", "HubertModel", _COMMON),
    "hubert-large": ("HubertConfig", "HubertModel", _COMMON | _LARGE),
    "wavlm": ("WavLMConfig", "WavLMModel", _COMMON | {"num_buckets": 32}),
    "wavlm-large": ("WavLMConfig", "WavLMModel", _COMMON | _LARGE | {"num_buckets": 32}),
    "data2vec": (
        "Data2VecAudioConfig",
        "Data2VecAudioModel",
        _COMMON | {"num_conv_pos_embeddings": 2, "conv_pos_kernel_size": 5},
    ),
}


def save_encoder(folder, kind="whisper", *, seed=0, **settings):
    """Save a tiny encoder of a kind with random weights, and return it."""
    transformers = pytest.importorskip("transformers")
    config_name, model_name, default = MODELS[kind]
    config = getattr(transformers, config_name)(**default | settings)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = getattr(transformers, model_name)(config).eval()
        # Weights are initialized so small that layers would hardly differ.
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.1 * torch.randn(parameter.shape))
    model.save_pretrained(folder)
    if kind == "whisper":
        extractor = transformers.WhisperFeatureExtractor(feature_size=20, chunk_length=2)
    else:
        extractor = transformers.Wav2Vec2FeatureExtractor(do_normalize="large" in kind)
    extractor.save_pretrained(folder)
    return model


def change_json(path, **changes):
    """Change entries of a JSON file; None removes one."""
    path = Path(path)
    found = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in found.items() if value is not None}))
