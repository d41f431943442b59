"""Masks that distinguish real frames from padding."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["clip_lengths", "frame_mask", "with_one_frame"]


def frame_mask(coefficients: Tensor) -> Tensor:
    """Return which frames are real, shape (n, 1, frames), for coefficients (n, rows, frames).

    A frame of zeros is padding. In a clip that contains only zeros, the first frame counts as real,
    because pooling needs at least one frame.
    """
    # Four times as fast as comparing each value.
    return with_one_frame(coefficients.abs().amax(dim=1, keepdim=True) > 0)
    # (n, 1, frames)


def with_one_frame(is_real: Tensor) -> Tensor:
    """Mark the first frame as real in each clip without a real frame.

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
    """Return the number of frames of each clip up to its last real one.

    Parameters
    ----------
    mask : Tensor of shape (n, 1, 1, n_frames)

    Returns
    -------
    Tensor of shape (n,)
        Of the dtype of the mask.
    """
    positions = torch.arange(1, mask.shape[3] + 1, device=mask.device)
    return (mask[:, 0, 0] * positions).amax(dim=1)
