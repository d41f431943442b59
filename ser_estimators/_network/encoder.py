"""The convolutional encoder: from a log-mel spectrogram to statistics over time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from .layers import uninitialized
from .normalization import pool_and_normalize
from .pooling import masked_statistics

__all__ = ["ConvolutionalEncoder"]

# Minimum number of frames of a spectrogram, so that more than two remain before the second stride:
# on processors with AMX, torch 2.13 computes strided bfloat16 convolutions with one output frame
# wrongly, as reported with a stride of three (https://github.com/pytorch/pytorch/issues/169688).
_MIN_FRAMES = 8


class ConvolutionalEncoder(nn.Module):
    """Convolutions on a log-mel spectrogram, followed by statistics over time.

    Parameters
    ----------
    n_rows : int > 0
        Number of rows of the spectrogram.
    channels : sequence of int > 0
        Output channels of the convolutions. Each convolution halves both axes, the first two by
        their stride, which quarters the work of all later ones, the others by max pooling.
    input_channels : int > 0, default=1
        Number of channels of the spectrogram.
    se_ratio : float in [0, 1], default=0.0
        Bottleneck of the squeeze-and-excitation of pooled blocks, as a fraction of the channels; 0
        disables it.

    Attributes
    ----------
    precision : torch.dtype
        Type of the convolutions during training, which are faster in ``torch.bfloat16`` where the
        processor supports it. Weights, statistics and predictions are always float32.
    """

    def __init__(
        self,
        n_rows: int,
        channels: Sequence[int],
        input_channels: int = 1,
        *,
        se_ratio: float = 0.0,
    ) -> None:
        super().__init__()
        self.precision = torch.float32
        self.stem = ConvBlock(input_channels, channels[0], kernel_size=5, is_strided=True)
        self.blocks = nn.ModuleList(
            ConvBlock(n_in, n_out, kernel_size=3, is_strided=number == 0, se_ratio=se_ratio)
            for number, (n_in, n_out) in enumerate(pairwise(channels))
        )
        self.n_stages = len(channels)
        for _ in channels:  # every stage halves the rows, rounding up
            n_rows = math.ceil(n_rows / 2)
        self.collapse = CollapseFrequency(channels[-1], n_rows)

    def forward(self, spectrogram: Tensor, mask: Tensor) -> Tensor:
        # spectrogram (n, input_channels, rows, frames), mask (n, 1, 1, frames)
        step = 2**self.n_stages
        n_frames = math.ceil(max(spectrogram.shape[3], _MIN_FRAMES) / step) * step
        n_missing = n_frames - spectrogram.shape[3]
        x = functional.pad(spectrogram, (0, n_missing)).contiguous(
            memory_format=torch.channels_last
        )
        # Clips are padded to a multiple of the total stride, so that no pooling window is partly
        # padding, and torch, which compiles and keeps a kernel for every shape, sees few shapes.
        mask = functional.max_pool2d(functional.pad(mask, (0, n_missing)), (1, step))
        is_lower = self.training and self.precision != torch.float32
        with torch.autocast(x.device.type, self.precision, enabled=is_lower):
            x = self.stem(x, mask)
            # x (n, channels[0], rows / 2, frames / 2)
            for block in self.blocks:
                x = block(x, mask)
            # x (n, channels[-1], rows / 2^stages, frames / 2^stages)
            x = self.collapse(x, mask)
            # x (n, channels[-1], frames / 2^stages)
        return self.pool(x.to(mask.dtype), mask[:, 0])
        # (n, 3 * channels[-1])

    def pool(self, x: Tensor, mask: Tensor) -> Tensor:
        """Pool a clip of any length to one vector by `masked_statistics`."""
        return masked_statistics(x, mask)


class ConvBlock(nn.Module):
    """Convolution, batch normalization and ReLU; a stride or max pooling halves both axes.

    Squeeze-and-excitation may follow max pooling. In the strided blocks, whose outputs are large,
    it would be slow and not improve the network.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        kernel_size: int,
        is_strided: bool,
        se_ratio: float = 0.0,
    ) -> None:
        super().__init__()
        self.convolution = uninitialized(
            nn.Conv2d,
            n_in,
            n_out,
            kernel_size,
            stride=2 if is_strided else 1,
            padding=kernel_size // 2,
            bias=False,
        )
        self.norm = nn.BatchNorm2d(n_out)
        self.is_strided = is_strided
        self.gate = SqueezeExcitation(n_out, se_ratio) if se_ratio and not is_strided else None

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        # x (n, n_in, rows, frames), mask (n, 1, 1, fewer frames)
        x = self.convolution(x)
        x = pool_and_normalize(x, self.norm, mask, is_pooled=not self.is_strided)
        # x (n, n_out, rows / 2, frames / 2)
        return x if self.gate is None else self.gate(x, mask)


class SqueezeExcitation(nn.Module):
    """Scale each channel of a clip by a gate computed from the channel means.

    Convolutions cover a fraction of a second; squeeze-and-excitation [1]_ adds information on the
    whole clip.

    Parameters
    ----------
    n_channels : int > 0
    se_ratio : float in (0, 1]
        Size of the bottleneck as a fraction of the channels.

    References
    ----------
    .. [1] J. Hu, L. Shen and G. Sun, "Squeeze-and-excitation networks", CVPR 2018.
    """

    def __init__(self, n_channels: int, se_ratio: float) -> None:
        super().__init__()
        n_squeezed = max(1, round(se_ratio * n_channels))
        self.squeeze = uninitialized(nn.Linear, n_channels, n_squeezed)
        self.excite = uninitialized(nn.Linear, n_squeezed, n_channels)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        # x (n, n_channels, rows, frames), zero in padding; mask (n, 1, 1, n_windows)
        # In memory order, channels last; torch is twice as fast with three axes.
        flat = x.permute(0, 2, 3, 1).flatten(1, 2)
        # flat (n, rows * frames, n_channels)
        n_real = mask.mean(dim=(2, 3)) * flat.shape[1]
        mean = flat.sum(dim=1, dtype=mask.dtype) / n_real
        # mean (n, n_channels), over the real frames
        with torch.autocast(x.device.type, enabled=False):
            # Near one at the start of training, as if there were no gate.
            gate = 2 * self.excite(functional.relu(self.squeeze(mean))).sigmoid()
        gated = flat * gate[:, None].to(x.dtype)
        return gated.unflatten(1, x.shape[2:]).permute(0, 3, 1, 2)
        # (n, n_channels, rows, frames)


class CollapseFrequency(nn.Module):
    """One convolution over all remaining rows, which turns each frame into a vector."""

    def __init__(self, n_channels: int, n_rows: int) -> None:
        super().__init__()
        self.convolution = uninitialized(nn.Conv2d, n_channels, n_channels, (n_rows, 1), bias=False)
        self.norm = nn.BatchNorm2d(n_channels)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        # x (n, n_channels, n_rows, frames), mask (n, 1, 1, frames)
        x = pool_and_normalize(self.convolution(x), self.norm, mask, is_pooled=False)
        # x (n, n_channels, 1, frames)
        return x[:, :, 0]
