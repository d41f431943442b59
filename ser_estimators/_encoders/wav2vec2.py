"""Encoders of waveforms: wav2vec 2.0, HuBERT, WavLM and data2vec."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

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

    def _mask(self, x: Tensor, lengths: Sequence[int]) -> Tensor | None:
        """Return 1 for the frames of a clip and 0 for padding, of shape (n_clips, n_frames)."""
        if min(lengths) == x.shape[1]:
            return None
        positions = torch.arange(x.shape[1], device=x.device)
        return (positions < torch.tensor(lengths, device=x.device)[:, None]).long()

    def _run(self, x: Tensor, mask: Tensor | None) -> Iterator[Tensor]:
        """Yield the output of every layer; the first one computes the bias for all of them."""
        bias = None
        for layer in self.layers:
            x, bias = layer(x, attention_mask=mask, position_bias=bias)[:2]
            yield x
