"""What all encoders have in common: hidden states of one clip, and layers on batches of clips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .._utils.arrays import Floats

__all__ = ["Family", "pad"]


class Family(nn.Module):
    """An encoder that has been cut after its deepest layer of interest.

    The first part, `start`, receives a single clip, so neither its convolutions nor its
    normalization see the padding of a batch. The layers attend to the clip only. Therefore a clip
    has the same hidden states alone and in any batch.

    Parameters
    ----------
    sr : int
        Sampling rate in Hz of the waveforms.
    layers : nn.ModuleList
        Transformer layers.
    last_norm : nn.Module or None
        Applied to the last hidden state of the complete encoder; None if the encoder is cut, or has
        no such normalization.
    width : int
        Size of the hidden states.
    """

    # Modules of transformers, whose types torch does not tell.
    layers: Any
    last_norm: Any

    def __init__(
        self, sr: int, layers: nn.ModuleList, last_norm: nn.Module | None, width: int
    ) -> None:
        super().__init__()
        self.sr = sr
        self.layers = layers
        self.last_norm = last_norm
        self.width = width

    @property
    def max_samples(self) -> int:
        """Number of samples of the longest clip that can be processed as a whole."""
        raise NotImplementedError

    def start(self, waveform: Floats) -> Tensor:
        """Return the first hidden state of a clip, of shape (n_frames, width)."""
        raise NotImplementedError

    def hidden_states(self, x: Tensor, lengths: Sequence[int]) -> Iterator[Tensor]:
        """Yield the hidden states of a batch, those before the first layer first.

        Parameters
        ----------
        x : Tensor of shape (n_clips, n_frames, width)
            First hidden states, padded at the end.
        lengths : sequence of int
            Number of frames of each clip.

        Yields
        ------
        Tensor of shape (n_clips, n_frames, width)
        """
        mask = self._mask(x, lengths)
        yield x
        for number, output in enumerate(self._run(x, mask), 1):
            is_last = number == len(self.layers)
            yield self.last_norm(output) if is_last and self.last_norm is not None else output

    def _mask(self, x: Tensor, lengths: Sequence[int]) -> Tensor | None:
        """Return what is added to attention scores: a large negative number for padding."""
        if min(lengths) == x.shape[1]:
            return None
        mask = torch.zeros(len(x), 1, 1, x.shape[1], dtype=x.dtype, device=x.device)
        for row, length in zip(mask, lengths, strict=True):
            row[..., length:] = torch.finfo(x.dtype).min
        return mask

    def _run(self, x: Tensor, mask: Tensor | None) -> Iterator[Tensor]:
        """Yield the output of every layer."""
        for layer in self.layers:
            x = first(layer(x, attention_mask=mask))
            yield x


def first(output: Tensor | tuple[Tensor, ...]) -> Tensor:
    """Return the hidden states that a layer returns; some versions of transformers add others."""
    return output if isinstance(output, Tensor) else output[0]


def pad(states: Sequence[Tensor]) -> Tensor:
    """Stack hidden states of unequal length, with zeros at the end."""
    return nn.utils.rnn.pad_sequence(list(states), batch_first=True)
