"""Whisper: an encoder of log-mel spectrograms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from inspect import signature
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from .._features.mel import MelOptions, mel_power_spectrogram
from .._utils.arrays import Floats
from .family import Family, first

__all__ = ["WhisperFamily"]

# As in the training of Whisper: the lowest power that is distinguished, the range in decades below
# the loudest one, and the scale.
_LOWEST_POWER = 1e-10
_DECADES = 8.0
_OFFSET = _SCALE = 4.0


class WhisperFamily(Family):
    """The encoder of Whisper [1]_, for clips of their own length instead of 30 s.

    The spectrogram, the convolutions and the positions end where the clip ends.

    Parameters
    ----------
    encoder : transformers WhisperEncoder
    preprocessor : dict
        Settings of its feature extractor.
    sr : int
        Sampling rate in Hz.
    is_complete : bool
        Whether the encoder has all of its layers.

    References
    ----------
    .. [1] A. Radford et al., "Robust speech recognition via large-scale weak supervision", ICML
       2023.
    """

    conv1: Any
    conv2: Any
    positions: Any

    def __init__(
        self, encoder: Any, preprocessor: Mapping[str, Any], *, sr: int, is_complete: bool
    ) -> None:
        last_norm = encoder.layer_norm if is_complete else None
        super().__init__(sr, encoder.layers, last_norm, encoder.config.d_model)
        self.conv1, self.conv2 = encoder.conv1, encoder.conv2
        self.positions = encoder.embed_positions
        self.mel = MelOptions(
            sr=sr,
            n_fft=int(preprocessor.get("n_fft", 400)),
            hop_length=int(preprocessor.get("hop_length", 160)),
            n_mels=int(encoder.config.num_mel_bins),
            center=False,
        )

    @property
    def max_samples(self) -> int:
        """Number of samples of the longest clip."""
        return self.positions.num_embeddings * self.conv2.stride[0] * self.mel.hop_length

    def start(self, waveform: Floats) -> Tensor:
        """Return the first hidden state of a clip, of shape (n_frames, width)."""
        weight = self.conv1.weight
        x = torch.from_numpy(self._log_mel(waveform)).to(weight.device, weight.dtype)
        x = functional.gelu(self.conv1(x[None]))
        x = functional.gelu(self.conv2(x))[0].T
        return x + self.positions.weight[: len(x)]

    def _run(self, x: Tensor, mask: Tensor | None) -> Iterator[Tensor]:
        """Yield the output of every layer."""
        # A parameter without a default in transformers 4.
        is_former = (
            self.layers and "layer_head_mask" in signature(self.layers[0].forward).parameters
        )
        options = {"layer_head_mask": None} if is_former else {}
        for layer in self.layers:
            x = first(layer(x, attention_mask=mask, **options))
            yield x

    def _log_mel(self, waveform: Floats) -> Floats:
        """Return the spectrogram, (n_mels, n_frames); frames are centered at multiples of hop."""
        half, hop = self.mel.n_fft // 2, self.mel.hop_length
        n_frames = -(-waveform.size // hop)
        n_covered = (n_frames - 1) * hop + half
        # As in Whisper, zeros follow the end, and the start is reflected.
        samples = np.zeros(max(n_covered, half + 1), dtype=np.float32)
        n_samples = min(waveform.size, samples.size)
        samples[:n_samples] = waveform[:n_samples]
        padded = np.concatenate([samples[half:0:-1], samples[:n_covered]])
        power = mel_power_spectrogram(padded, self.mel)
        log = np.log10(np.maximum(power, _LOWEST_POWER))
        return (np.maximum(log, log.max() - _DECADES) + _OFFSET) / _SCALE
