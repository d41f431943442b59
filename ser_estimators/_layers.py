"""Layers: the spectrogram picture, convolutions that leave padding alone, statistics over time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import skip_init

from ._features import dct_matrix
from ._normalisation import pool_and_normalise

__all__ = [
    "ConvolutionalTrunk",
    "OnlyFrame",
    "PictureLayer",
    "SeededDropout",
    "StandardLayer",
    "clip_lengths",
    "frame_mask",
    "masked_statistics",
    "reset_parameters",
    "with_one_frame",
]

# Deviations of a picture, in decibels, under this are rounding and not spread.
_MIN_STD = 1e-4
# Pictures are at least so wide, and so wider than two frames before the second stride: where the
# processor has AMX, torch 2.13 gets strided convolutions in bfloat16 that leave one frame wrong, as
# others have seen it with a stride of three (https://github.com/pytorch/pytorch/issues/169688).
_MIN_FRAMES = 8


class StandardLayer(nn.Module):
    """Standardises each row by its mean and standard deviation over the training frames.

    Parameters
    ----------
    n_rows : int > 0
    n_channels : int > 0
        Groups of so many rows that follow each other in the input.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, n_rows: int, n_channels: int = 1) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_channels, n_rows, 1))
        self.register_buffer("std", torch.ones(n_channels, n_rows, 1))

    @torch.no_grad()
    def fit_scale(self, batches: Callable[[], Iterable[Tensor]]) -> None:
        """Set mean and standard deviation from all real frames of some batches of coefficients.

        `batches` is called twice: one pass over the data would cancel where the mean is far from
        zero.
        """
        n_frames, total = 0.0, torch.zeros_like(self.mean, dtype=torch.float64)
        for coefficients in batches():
            mask = frame_mask(coefficients)[:, None]
            n_frames += mask.sum().item()
            total += (self.rows(coefficients).double() * mask).sum(dim=(0, 3))[..., None]
        mean = total / n_frames
        squares = torch.zeros_like(mean)
        for coefficients in batches():
            deviation = self.rows(coefficients).double() - mean
            deviation *= frame_mask(coefficients)[:, None]
            squares += deviation.square().sum(dim=(0, 3))[..., None]
        self.mean.copy_(mean)
        self.std.copy_(self.spread(mean, (squares / n_frames).sqrt()))

    def spread(self, mean: Tensor, std: Tensor) -> Tensor:
        """Return what to divide by: a constant column is centred, not blown up."""
        rounding = 10 * torch.finfo(std.dtype).eps * mean.abs() + torch.finfo(torch.float32).tiny
        return torch.where(std > rounding, std, 1.0)

    def rows(self, coefficients: Tensor) -> Tensor:
        """Return what is standardised, (n, n_channels, n_rows, frames)."""
        return coefficients.unflatten(1, self.mean.shape[:2])

    def forward(self, coefficients: Tensor) -> tuple[Tensor, Tensor]:
        # coefficients (n, n_channels * n_rows, frames)
        mask = frame_mask(coefficients).to(coefficients.dtype)[:, None]
        # mask (n, 1, 1, frames)
        return (self.rows(coefficients) - self.mean) / self.std * mask, mask
        # picture (n, n_channels, n_rows, frames)


class PictureLayer(StandardLayer):
    """The inverse DCT of the coefficients, standardised row by row.

    The orthonormal inverse DCT of MFCCs is a log-mel spectrogram without the fine detail that the
    missing coefficients held; that of their derivatives is its derivative. It is fixed.
    """

    inverse_dct: Tensor

    def __init__(self, n_rows: int, n_channels: int = 1) -> None:
        super().__init__(n_rows, n_channels)
        self.register_buffer("inverse_dct", torch.tensor(dct_matrix(n_rows).T.copy()))

    def spread(self, mean: Tensor, std: Tensor) -> Tensor:
        """Return what to divide by."""
        return std.clamp(min=_MIN_STD)

    def rows(self, coefficients: Tensor) -> Tensor:
        return torch.matmul(self.inverse_dct, super().rows(coefficients))


class OnlyFrame(nn.Module):
    """Takes the single frame of a table's row for what it is, a vector."""

    def forward(self, picture: Tensor, mask: Tensor) -> Tensor:
        # picture (n, 1, n_features, 1)
        return picture[:, 0, :, 0]
        # (n, n_features)


class ConvolutionalTrunk(nn.Module):
    """Convolutions on pictures and statistics over time: nearly all of the network's work.

    Parameters
    ----------
    n_rows : int > 0
        Rows of the picture.
    channels : sequence of int > 0
        Output channels of the convolutions. The first two halve both axes by their stride, because
        all that follows is then a quarter of the work; each of the others by max pooling.
    input_channels : int > 0
        Channels of the picture.
    se_ratio : float in [0, 1]
        Share of the channels to which the `ChannelGate` of a pooled block squeezes them; with 0
        there is none.

    Attributes
    ----------
    precision : torch.dtype
        Of the convolutions in training, which are faster in ``torch.bfloat16`` than in float32
        where the processor has it. Weights, statistics, and predictions are float32 in any case.
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

    def forward(self, picture: Tensor, mask: Tensor) -> Tensor:
        # picture (n, input_channels, rows, frames), mask (n, 1, 1, frames)
        step = 2**self.n_stages
        n_frames = math.ceil(max(picture.shape[3], _MIN_FRAMES) / step) * step
        n_missing = n_frames - picture.shape[3]
        x = functional.pad(picture, (0, n_missing)).contiguous(memory_format=torch.channels_last)
        # Clips go on to a multiple of what is one frame in the end: no window of the pooling is
        # partly padding then, and torch, which compiles and keeps a kernel for every shape that it
        # meets, meets few.
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
        """Return `masked_statistics`: from a clip of any length to one vector."""
        return masked_statistics(x, mask)


class ConvBlock(nn.Module):
    """Convolution, batch normalisation, ReLU; a stride or max pooling halves both axes.

    Where it is max pooling, a gate may follow. Before, where pictures are large, it would take long
    and add nothing.
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
        self.convolution = skip_init(
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
        self.gate = ChannelGate(n_out, se_ratio) if se_ratio and not is_strided else None

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        # x (n, n_in, rows, frames), mask (n, 1, 1, fewer frames)
        x = self.convolution(x)
        x = pool_and_normalise(x, self.norm, mask, is_pooled=not self.is_strided)
        # x (n, n_out, rows / 2, frames / 2)
        return x if self.gate is None else self.gate(x, mask)


class ChannelGate(nn.Module):
    """Makes each channel of a clip louder or softer, by what all channels are on average [1]_.

    Convolutions see a part of a second; this is how they learn of the rest of the clip.

    Parameters
    ----------
    n_channels : int > 0
    se_ratio : float in (0, 1]
        Share of the channels to which their means are squeezed.

    References
    ----------
    .. [1] J. Hu, L. Shen and G. Sun, "Squeeze-and-excitation networks", CVPR 2018.
    """

    def __init__(self, n_channels: int, se_ratio: float) -> None:
        super().__init__()
        n_squeezed = max(1, round(se_ratio * n_channels))
        self.squeeze = skip_init(nn.Linear, n_channels, n_squeezed)
        self.excite = skip_init(nn.Linear, n_squeezed, n_channels)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        # x (n, n_channels, rows, frames), zero in padding; mask (n, 1, 1, n_windows)
        # As they are stored, channels last: torch goes twice as fast through three axes.
        flat = x.permute(0, 2, 3, 1).flatten(1, 2)
        # flat (n, rows * frames, n_channels)
        n_real = mask.mean(dim=(2, 3)) * flat.shape[1]
        mean = flat.sum(dim=1, dtype=mask.dtype) / n_real
        # mean (n, n_channels), over the real frames
        with torch.autocast(x.device.type, enabled=False):
            # Near one in the beginning, so that it is as if there were no gate.
            gate = 2 * self.excite(functional.relu(self.squeeze(mean))).sigmoid()
        gated = flat * gate[:, None].to(x.dtype)
        return gated.unflatten(1, x.shape[2:]).permute(0, 3, 1, 2)
        # (n, n_channels, rows, frames)


class CollapseFrequency(nn.Module):
    """One convolution over all rows that are left, so that each frame becomes a vector."""

    def __init__(self, n_channels: int, n_rows: int) -> None:
        super().__init__()
        self.convolution = skip_init(nn.Conv2d, n_channels, n_channels, (n_rows, 1), bias=False)
        self.norm = nn.BatchNorm2d(n_channels)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        # x (n, n_channels, n_rows, frames), mask (n, 1, 1, frames)
        x = pool_and_normalise(self.convolution(x), self.norm, mask, is_pooled=False)
        # x (n, n_channels, 1, frames)
        return x[:, :, 0]


class SeededDropout(nn.Module):
    """Dropout that draws from a generator of its own instead of the process-wide one."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        # Drawn on the CPU, where the generator lives, so that every device sees the same masks.
        keep = torch.rand(x.shape, generator=self.generator) >= self.p
        return x * keep.to(x.device, x.dtype) / (1 - self.p)


def reset_parameters(network: nn.Module, generator: torch.Generator) -> None:
    """Draw the initial weights.

    Modules are made with skip_init because torch's own initialisation draws from the process-wide
    generator, which is the user's.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
        elif isinstance(module, nn.Linear):
            bound = 1 / math.sqrt(module.in_features)
            nn.init.uniform_(module.weight, -bound, bound, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def frame_mask(coefficients: Tensor) -> Tensor:
    """Return which frames are real, shape (n, 1, frames), for coefficients (n, rows, frames).

    A frame of zeros is padding. A clip in which every frame is zero counts as one real frame, so
    that there is something to pool.
    """
    # Four times as fast as comparing each number.
    return with_one_frame(coefficients.abs().amax(dim=1, keepdim=True) > 0)
    # (n, 1, frames)


def with_one_frame(is_real: Tensor) -> Tensor:
    """Let the first frame of each clip that has no real one count as real.

    Parameters
    ----------
    is_real : Tensor of shape (n, ..., n_frames), bool
        Changed in place.

    Returns
    -------
    Tensor of shape (n, ..., n_frames), bool
    """
    is_real[..., 0] |= ~is_real.any(dim=-1)
    return is_real


def clip_lengths(mask: Tensor) -> Tensor:
    """Return the frames of each clip up to its last real one.

    Parameters
    ----------
    mask : Tensor of shape (n, 1, 1, n_frames)

    Returns
    -------
    Tensor of shape (n,)
        Of the dtype of the mask.
    """
    places = torch.arange(1, mask.shape[3] + 1, device=mask.device)
    return (mask[:, 0, 0] * places).amax(dim=1)


def masked_statistics(x: Tensor, mask: Tensor) -> Tensor:
    """Mean, standard deviation and maximum over the real frames, side by side.

    Parameters
    ----------
    x : Tensor of shape (n, n_channels, n_frames)
        Not negative, and zero in padded frames.
    mask : Tensor of shape (n, 1, n_frames)
        One in real frames, zero in padding; at least one real frame a clip.

    Returns
    -------
    Tensor of shape (n, 3 * n_channels)
    """
    n_frames = mask.sum(dim=2)
    # n_frames (n, 1)
    mean = x.sum(dim=2) / n_frames
    deviation = (x - mean[..., None]) * mask
    # The small term keeps the gradient of the root finite where all frames are equal.
    std = (deviation.square().sum(dim=2) / n_frames + 1e-5).sqrt()
    return torch.cat([mean, std, x.amax(dim=2)], dim=1)
