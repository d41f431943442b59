"""Pooling over time that ignores padding."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["VARIANCE_FLOOR", "masked_statistics"]

# Keeps the gradient of the standard deviation finite where all frames are equal.
VARIANCE_FLOOR = 1e-5


def masked_statistics(x: Tensor, mask: Tensor) -> Tensor:
    """Concatenate mean, standard deviation and maximum over the real frames.

    Parameters
    ----------
    x : Tensor of shape (n, n_channels, n_frames)
        Nonnegative, and zero in padded frames.
    mask : Tensor of shape (n, 1, n_frames)
        One in real frames, zero in padding; at least one real frame in each clip.

    Returns
    -------
    Tensor of shape (n, 3 * n_channels)
    """
    n_frames = mask.sum(dim=2)
    # n_frames (n, 1)
    mean = x.sum(dim=2) / n_frames
    deviation = (x - mean[..., None]) * mask
    std = (deviation.square().sum(dim=2) / n_frames + VARIANCE_FLOOR).sqrt()
    return torch.cat([mean, std, x.amax(dim=2)], dim=1)
