"""Input layers: from coefficients to a standardized log-mel spectrogram or table."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from .._features.layout import MFCCLayout
from .._features.mfcc import dct_matrix
from .masks import frame_mask

__all__ = ["LogMelLayer", "StandardizationLayer"]

# Number of mel bands of `MFCCTransformer` by default.
_N_MELS = 64
# Standard deviations below this, in decibels, are rounding errors.
_MIN_STD = 1e-4


class StandardizationLayer(nn.Module):
    """Standardize each row by its mean and standard deviation over the training frames.

    Parameters
    ----------
    n_rows : int > 0
        Rows per channel.
    n_channels : int > 0, default=1
        Number of channels, whose rows are concatenated in the input.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, n_rows: int, n_channels: int = 1) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_channels, n_rows, 1))
        self.register_buffer("std", torch.ones(n_channels, n_rows, 1))

    @torch.no_grad()
    def fit_scale(self, batches: Callable[[], Iterable[Tensor]]) -> None:
        """Set mean and standard deviation from all real frames of batches of coefficients.

        `batches` is called twice, because a single pass loses precision if the mean is large
        compared with the deviation.
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
        """Return the divisor of each row, which is 1 for a constant row."""
        rounding = 10 * torch.finfo(std.dtype).eps * mean.abs() + torch.finfo(torch.float32).tiny
        return torch.where(std > rounding, std, 1.0)

    def rows(self, coefficients: Tensor) -> Tensor:
        """Return the rows to standardize, (n, n_channels, n_rows, frames)."""
        return coefficients.unflatten(1, self.mean.shape[:2])

    def forward(self, coefficients: Tensor) -> tuple[Tensor, Tensor]:
        # coefficients (n, n_channels * n_rows, frames)
        mask = frame_mask(coefficients).to(coefficients.dtype)[:, None]
        # mask (n, 1, 1, frames)
        return (self.rows(coefficients) - self.mean) / self.std * mask, mask
        # (n, n_channels, n_rows, frames)


class LogMelLayer(StandardizationLayer):
    """Recover a log-mel spectrogram from MFCCs by the inverse DCT, and standardize its rows.

    The orthonormal inverse DCT of MFCCs is a log-mel spectrogram smoothed along frequency, because
    the higher coefficients are missing; that of their derivatives is its derivative.

    Parameters
    ----------
    n_rows : int > 0
        Coefficients per channel.
    n_channels : int > 0, default=1
        Number of channels: coefficients and their derivatives.
    layout : MFCCLayout or None, default=None
        Meaning of the coefficients; None stands for the defaults of `MFCCTransformer`.

    Attributes
    ----------
    decibels : float
        Factor from rows to decibels.
    """

    inverse_dct: Tensor

    def __init__(self, n_rows: int, n_channels: int = 1, layout: MFCCLayout | None = None) -> None:
        super().__init__(n_rows, n_channels)
        layout = layout or _default_layout(n_rows)
        self.register_buffer("inverse_dct", torch.empty(n_rows, n_rows, dtype=torch.float32))
        if not self.inverse_dct.is_meta:
            inverse = dct_matrix(n_rows).T * layout.scale(n_rows)
            self.inverse_dct.copy_(torch.from_numpy(inverse))
        # With fewer coefficients than mel bands, the orthonormal inverse scales decibels down.
        self.decibels = math.sqrt(n_rows / layout.n_mels)

    def spread(self, mean: Tensor, std: Tensor) -> Tensor:
        """Return the divisor of each row."""
        return std.clamp(min=_MIN_STD)

    def rows(self, coefficients: Tensor) -> Tensor:
        """Return the log-mel spectrogram, (n, n_channels, n_rows, frames)."""
        return torch.matmul(self.inverse_dct, super().rows(coefficients))


def _default_layout(n_rows: int) -> MFCCLayout:
    return MFCCLayout(n_mfcc=n_rows, n_mels=_N_MELS)
