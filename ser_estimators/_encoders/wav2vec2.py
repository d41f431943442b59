"""Encoders of waveforms: wav2vec 2.0, HuBERT, WavLM and data2vec."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from .._utils.arrays import Floats
from .family import Family, first

__all__ = ["Wav2Vec2Family", "WavLMFamily"]

# Longer clips are divided, because the cost of attention grows with the square of their length.
_MAX_SECONDS = 30
_VARIANCE_FLOOR = 1e-7  # as in the feature extractor of transformers


class Wav2Vec2Family(Family):
    """wav2vec 2.0 [1]_, HuBERT [2]_ or data2vec [3]_.

    Parameters
    ----------
    model : transformers Wav2Vec2Model, HubertModel or Data2VecAudioModel
    preprocessor : dict
        Settings of its feature extractor.
    sr : int
        Sampling rate in Hz.
    is_complete : bool
        Whether the encoder has all of its layers.

    References
    ----------
    .. [1] A. Baevski et al., "wav2vec 2.0: a framework for self-supervised learning of speech
       representations", NeurIPS 2020.
    .. [2] W.-N. Hsu et al., "HuBERT: self-supervised speech representation learning by masked
       prediction of hidden units", IEEE/ACM Trans. Audio, Speech, Lang. Process. 29, 2021.
    .. [3] A. Baevski et al., "data2vec: a general framework for self-supervised learning in speech,
       vision and language", ICML 2022.
    """

    convolutions: Any
    projection: Any
    positions: Any
    first_norm: Any

    def __init__(
        self, model: Any, preprocessor: Mapping[str, Any], *, sr: int, is_complete: bool
    ) -> None:
        encoder, config = model.encoder, model.config
        # Large models normalize after the last layer, base models before the first one.
        is_stable = bool(getattr(config, "do_stable_layer_norm", False))
        last_norm = encoder.layer_norm if is_stable and is_complete else None
        super().__init__(sr, encoder.layers, last_norm, config.hidden_size)
        self.convolutions = model.feature_extractor
        self.projection = model.feature_projection
        self.positions = encoder.pos_conv_embed
        self.first_norm = None if is_stable else encoder.layer_norm
        self.is_normalized = bool(preprocessor.get("do_normalize", True))
        # A clip must have this many samples for a frame.
        self.min_samples = 1
        for kernel, stride in zip(config.conv_kernel[::-1], config.conv_stride[::-1], strict=True):
            self.min_samples = (self.min_samples - 1) * stride + kernel

    @property
    def max_samples(self) -> int:
        """Number of samples of the longest clip."""
        return _MAX_SECONDS * self.sr

    def start(self, waveform: Floats) -> Tensor:
        """Return the first hidden state of a clip, of shape (n_frames, width)."""
        if self.is_normalized:
            deviation = np.sqrt(waveform.var(dtype=np.float64) + _VARIANCE_FLOOR)
            waveform = (waveform - waveform.mean(dtype=np.float64)) / deviation
        if waveform.size < self.min_samples:
            waveform = np.pad(waveform, (0, self.min_samples - waveform.size))
        weight = next(self.convolutions.parameters())
        x = torch.from_numpy(np.asarray(waveform, np.float32)).to(weight.device, weight.dtype)
        x = self.convolutions(x[None]).transpose(1, 2)
        x = first(self.projection(x))
        x = x + self.positions(x)
        return (x if self.first_norm is None else self.first_norm(x))[0]


class WavLMFamily(Wav2Vec2Family):
    """WavLM [1]_, whose layers share a bias that depends on the distance of frames.

    Parameters
    ----------
    model : transformers WavLMModel
    preprocessor : dict
        Settings of its feature extractor.
    sr : int
        Sampling rate in Hz.
    is_complete : bool
        Whether the encoder has all of its layers.

    References
    ----------
    .. [1] S. Chen et al., "WavLM: large-scale self-supervised pre-training for full stack speech
       processing", IEEE J. Sel. Topics Signal Process. 16(6), 2022.
    """

    def _run(self, x: Tensor, mask: Tensor | None) -> Iterator[Tensor]:
        """Yield the output of every layer; the first one has the bias of all of them."""
        # (1, n_heads, n_frames, n_frames)
        bias = None
        for layer in self.layers:
            if bias is None:
                bias = layer.attention.compute_bias(x.shape[1], x.shape[1])[None]
            if self.first_norm is None:  # a large model, which normalizes before each part
                x = x + _attend(layer.attention, layer.layer_norm(x), bias, mask)
                x = x + layer.feed_forward(layer.final_layer_norm(x))
            else:
                x = layer.layer_norm(x + _attend(layer.attention, x, bias, mask))
                x = layer.final_layer_norm(x + layer.feed_forward(x))
            yield x


def _attend(attention: Any, x: Tensor, bias: Tensor, mask: Tensor | None) -> Tensor:
    """Return the attention of WavLM, whose bias has a gate for each frame.

    That of transformers computes the same in several times the time, because it returns the weights
    as well.
    """
    n_clips, n_frames, width = x.shape

    def in_heads(values: Tensor) -> Tensor:
        return values.view(n_clips, n_frames, attention.num_heads, -1).transpose(1, 2)

    # (n_clips, n_heads, n_frames, 2, 4)
    projected = attention.gru_rel_pos_linear(in_heads(x)).unflatten(-1, (2, 4))
    gate_a, gate_b = projected.sum(dim=-1).sigmoid().chunk(2, dim=-1)
    gated = (gate_a * (gate_b * attention.gru_rel_pos_const - 1.0) + 2.0) * bias
    found = functional.scaled_dot_product_attention(
        in_heads(attention.q_proj(x)),
        in_heads(attention.k_proj(x)),
        in_heads(attention.v_proj(x)),
        attn_mask=gated if mask is None else gated + mask,
    )
    return attention.out_proj(found.transpose(1, 2).reshape(n_clips, n_frames, width))
