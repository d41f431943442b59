"""Torch modules: the spectrogram picture and the convolutional network that reads it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import skip_init

from ._features import dct_matrix

__all__ = ["FeatureMLP", "SpectrogramCNN"]

# Pictures are padded to a multiple of so many frames: torch compiles and keeps a kernel for every
# shape that it meets, and stretched clips come in hundreds of lengths.
_FRAMES_STEP = 16

# Deviations under this are rounding, not spread: a constant input is centred, not blown up.
_MIN_STD = 1e-4


class SpectrogramCNN(nn.Module):
    """A convolutional network on the smoothed log-mel spectrogram that MFCCs describe.

    The forward pass has four stages, which training calls one by one::

        coefficients ─ picture ─ trunk ─ embed ─ classify ─ logits

    Frames of zeros are padding and never change the result: after every layer that mixes
    neighbouring frames they are set to zero again, which is also what lies beyond the end of a
    clip that stands alone, and pooling over time leaves them out.

    Parameters
    ----------
    n_coefficients : int > 0
        Rows of the input, such as the number of MFCCs.
    n_classes : int > 0
        Number of logits.
    input_channels : int > 0
        Groups of rows that follow each other, such as MFCCs and their derivatives. Each becomes a
        channel of the picture.
    embedding_dim : int > 0
        Size of the penultimate layer.
    channels : sequence of int > 0
        Output channels of the convolutions, see `ConvolutionalTrunk`.
    dropout : float in [0, 1)
        Share of the embedding set to zero while training.
    generator : torch.Generator
        Source of the initial weights and of the dropout masks.
    """

    def __init__(
        self,
        n_coefficients: int,
        n_classes: int,
        *,
        embedding_dim: int,
        channels: Sequence[int],
        dropout: float,
        generator: torch.Generator,
        input_channels: int = 1,
    ) -> None:
        super().__init__()
        n_rows = n_coefficients // input_channels
        self.picture = PictureLayer(n_rows, input_channels)
        self.trunk = ConvolutionalTrunk(n_rows, channels, input_channels)
        self.embedding = skip_init(nn.Linear, 3 * channels[-1], embedding_dim, bias=False)
        self.embedding_norm = nn.BatchNorm1d(embedding_dim)
        self.dropout = SeededDropout(dropout)
        self.output = skip_init(nn.Linear, embedding_dim, n_classes)
        reset_parameters(self, generator)
        self.dropout.generator = generator

    def forward(self, coefficients: Tensor) -> Tensor:
        """Return logits (n, n_classes) of coefficients (n, n_coefficients, n_frames)."""
        return self.classify(self.embed(self.trunk(*self.picture(coefficients))))

    def embed(self, statistics: Tensor) -> Tensor:
        """Turn the trunk's statistics into the embedding, the penultimate layer.

        It is taken before its activation: a linear model on top gains nothing from losing the
        negative half, and the normalisation leaves it centred and on one scale.
        """
        return self.embedding_norm(self.embedding(statistics))
        # (n, embedding_dim)

    def classify(self, embedding: Tensor) -> Tensor:
        """Turn embeddings into logits."""
        return self.output(self.dropout(functional.relu(embedding)))
        # (n, n_classes)


class FeatureMLP(nn.Module):
    """A fully connected network with dropout on a table of features.

    It has the stages of `SpectrogramCNN`, of which the trunk does nothing.

    Parameters
    ----------
    n_features : int > 0
        Columns of the table.
    n_classes : int > 0
        Number of logits.
    hidden_layer_sizes : sequence of int > 0
        Units of the layers before the embedding.
    embedding_dim : int > 0
        Size of the penultimate layer.
    dropout : float in [0, 1)
        Share of the units of each layer set to zero while training.
    generator : torch.Generator
        Source of the initial weights and of the dropout masks.
    """

    def __init__(
        self,
        n_features: int,
        n_classes: int,
        *,
        hidden_layer_sizes: Sequence[int],
        embedding_dim: int,
        dropout: float,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.picture = StandardLayer(n_features)
        self.trunk = OnlyFrame()
        sizes = [n_features, *hidden_layer_sizes]
        self.hidden = nn.ModuleList(
            skip_init(nn.Linear, n_in, n_out, bias=False) for n_in, n_out in pairwise(sizes)
        )
        self.hidden_norm = nn.ModuleList(nn.BatchNorm1d(size) for size in hidden_layer_sizes)
        self.embedding = skip_init(nn.Linear, sizes[-1], embedding_dim, bias=False)
        self.embedding_norm = nn.BatchNorm1d(embedding_dim)
        self.dropout = SeededDropout(dropout)
        self.output = skip_init(nn.Linear, embedding_dim, n_classes)
        reset_parameters(self, generator)
        self.dropout.generator = generator

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (n, n_classes) of features (n, n_features, 1)."""
        return self.classify(self.embed(self.trunk(*self.picture(features))))

    def embed(self, features: Tensor) -> Tensor:
        """Turn standardised features into the embedding, the layer before its activation."""
        x = features
        for linear, norm in zip(self.hidden, self.hidden_norm, strict=True):
            x = self.dropout(functional.relu(norm(linear(x))))
            # (n, n_units)
        return self.embedding_norm(self.embedding(x))
        # (n, embedding_dim)

    def classify(self, embedding: Tensor) -> Tensor:
        """Turn embeddings into logits."""
        return self.output(self.dropout(functional.relu(embedding)))
        # (n, n_classes)


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
        Output channels of the convolutions. The first halves both axes by its stride, which costs
        little accuracy and most of the memory traffic; each of the others by max pooling.
    input_channels : int > 0
        Channels of the picture.

    Attributes
    ----------
    precision : torch.dtype
        Of the convolutions in training: ``torch.bfloat16`` is nearly twice as fast as float32 where
        the processor has it. Weights, statistics, and predictions are float32 in any case.
    """

    def __init__(self, n_rows: int, channels: Sequence[int], input_channels: int = 1) -> None:
        super().__init__()
        self.precision = torch.float32
        self.stem = ConvBlock(input_channels, channels[0], kernel_size=5, stride=2, pool=False)
        self.blocks = nn.ModuleList(
            ConvBlock(n_in, n_out, kernel_size=3, stride=1, pool=True)
            for n_in, n_out in pairwise(channels)
        )
        for _ in channels:  # every stage halves the rows, rounding up
            n_rows = math.ceil(n_rows / 2)
        self.collapse = CollapseFrequency(channels[-1], n_rows)

    def forward(self, picture: Tensor, mask: Tensor) -> Tensor:
        # picture (n, input_channels, rows, frames), mask (n, 1, 1, frames)
        n_missing = -picture.shape[3] % _FRAMES_STEP if picture.shape[3] > _FRAMES_STEP else 0
        x = functional.pad(picture, (0, n_missing)).contiguous(memory_format=torch.channels_last)
        mask = functional.pad(mask, (0, n_missing))
        is_lower = self.training and self.precision != torch.float32
        with torch.autocast(x.device.type, self.precision, enabled=is_lower):
            # Minus infinity in padding: the ReLUs turn it into zero, in both directions.
            padding = mask.log().to(self.precision if is_lower else x.dtype)
            x, padding = self.stem(x, padding)
            # x (n, channels[0], rows / 2, frames / 2)
            for block in self.blocks:
                x, padding = block(x, padding)
            # x (n, channels[-1], rows / 2^stages, frames / 2^stages)
            x = self.collapse(x, padding)
            # x (n, channels[-1], frames / 2^stages)
        return masked_statistics(x.to(mask.dtype), padding[:, 0].to(mask.dtype).exp())
        # (n, 3 * channels[-1])


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
        self.std.copy_((squares / n_frames).sqrt().clamp(min=_MIN_STD))

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

    def rows(self, coefficients: Tensor) -> Tensor:
        return torch.matmul(self.inverse_dct, super().rows(coefficients))


class ConvBlock(nn.Module):
    """Convolution, batch normalisation, ReLU, and max pooling over 2 x 2 if asked for.

    It is given, beside its input, zero for real frames and minus infinity for padding.
    """

    def __init__(self, n_in: int, n_out: int, *, kernel_size: int, stride: int, pool: bool) -> None:
        super().__init__()
        self.convolution = skip_init(
            nn.Conv2d, n_in, n_out, kernel_size, stride, padding=kernel_size // 2, bias=False
        )
        self.norm = nn.BatchNorm2d(n_out)
        self.stride = stride
        self.pool = pool

    def forward(self, x: Tensor, padding: Tensor) -> tuple[Tensor, Tensor]:
        # x (n, n_in, rows, frames), padding (n, 1, 1, frames)
        padding = padding[..., :: self.stride]
        # In place, because backward needs neither value: memory traffic is what this costs.
        x = self.norm(self.convolution(x)).add_(padding).relu_()
        # x (n, n_out, rows / stride, frames / stride)
        if self.pool:
            # After ReLU nothing is below zero, so a padded frame in a window changes no maximum;
            # ceil_mode keeps a last odd row or frame, and inputs of a single frame.
            x = functional.max_pool2d(x, 2, ceil_mode=True)
            padding = padding[..., ::2]
        return x, padding


class CollapseFrequency(nn.Module):
    """One convolution over all rows that are left, so that each frame becomes a vector."""

    def __init__(self, n_channels: int, n_rows: int) -> None:
        super().__init__()
        self.convolution = skip_init(nn.Conv2d, n_channels, n_channels, (n_rows, 1), bias=False)
        self.norm = nn.BatchNorm2d(n_channels)

    def forward(self, x: Tensor, padding: Tensor) -> Tensor:
        # x (n, n_channels, n_rows, frames), padding (n, 1, 1, frames)
        x = self.norm(self.convolution(x)).add_(padding).relu_()
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


@torch.no_grad()
def start_from_shares(output: nn.Linear, shares: Tensor) -> None:
    """Let the last layer begin with the shares of the classes as its answer.

    Training need not first find out how rare a class is, or how little it counts.

    Parameters
    ----------
    output : nn.Linear
    shares : Tensor of shape (n_classes,)
        Not negative; a share of zero counts as a very small one.
    """
    logarithms = shares.clamp(min=1e-6).log()
    output.bias.copy_(logarithms - logarithms.mean())


def frame_mask(coefficients: Tensor) -> Tensor:
    """Return which frames are real, shape (n, 1, frames), for coefficients (n, rows, frames).

    A frame of zeros is padding. A clip in which every frame is zero counts as one real frame, so
    that there is something to pool.
    """
    mask = (coefficients != 0).any(dim=1, keepdim=True)
    # mask (n, 1, frames)
    empty = ~mask.any(dim=2)
    # empty (n, 1)
    mask[:, :, 0] |= empty
    return mask


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
