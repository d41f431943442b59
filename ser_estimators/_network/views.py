"""Views of a clip over which predictions are averaged: deterministic test-time augmentation."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from .masks import clip_lengths, with_one_frame

__all__ = ["View", "row_weights", "scale_rows", "spread_views", "stretch_frames"]


class View(NamedTuple):
    """One transformation of the spectrogram of a clip.

    Parameters
    ----------
    frequency_scale : float > 0, default=1
        Values above 1 correspond to a longer vocal tract, values below 1 to a shorter one.
    time_stretch : float > 0, default=1
        Values above 1 correspond to slower speech, values below 1 to faster speech.
    delay : int >= 0, default=0
        Number of copies of the first frame that are inserted before it.
    """

    frequency_scale: float = 1.0
    time_stretch: float = 1.0
    delay: int = 0

    def __call__(self, spectrogram: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Apply this view to the spectrograms of clips and their masks.

        Parameters
        ----------
        spectrogram : Tensor of shape (n, n_channels, n_rows, n_frames)
            Zero in padding.
        mask : Tensor of shape (n, 1, 1, n_frames)
            One in real frames and zero in padding.

        Returns
        -------
        spectrogram : Tensor of shape (n, n_channels, n_rows, n_frames_out)
        mask : Tensor of shape (n, 1, 1, n_frames_out)
        """
        spectrogram = scale_rows(spectrogram, self.frequency_scale)
        spectrogram, mask = stretch_frames(spectrogram, mask, self.time_stretch)
        if self.delay:
            before = (self.delay, 0, 0, 0)
            spectrogram = functional.pad(spectrogram, before, mode="replicate")
            mask = functional.pad(mask, before, mode="replicate")
        return spectrogram, mask


def spread_views(
    n_views: int, *, frequency_warp: float, time_stretch: float, step: int
) -> list[View]:
    """Return views in equal steps, from a short vocal tract and fast speech to the opposite.

    Because of pooling and strides, the output of a network depends on the position of the first
    frame. Every second view is therefore delayed by half of the total stride.

    Parameters
    ----------
    n_views : int > 0
        Number of views. With 1, the only view is the clip itself.
    frequency_warp : float in [0, 1)
        The frequency axis is scaled by up to half of this.
    time_stretch : float >= 0
        A clip becomes up to the root of ``1 + time_stretch`` times longer or shorter.
    step : int > 0
        Total stride of the network, in frames of the spectrogram.

    Returns
    -------
    list of View
    """
    if n_views == 1:
        return [View()]
    places = [number / (n_views - 1) - 0.5 for number in range(n_views)]
    return [
        View(1 + frequency_warp * place, (1 + time_stretch) ** place, number % 2 * (step // 2))
        for number, place in enumerate(places)
    ]


def scale_rows(spectrogram: Tensor, scale: float) -> Tensor:
    """Scale the frequency axis by linear interpolation.

    Parameters
    ----------
    spectrogram : Tensor of shape (n, n_channels, n_rows, n_frames)
    scale : float > 0
        Row ``r * scale`` moves to row ``r``; 1 returns the spectrogram itself.

    Returns
    -------
    Tensor of shape (n, n_channels, n_rows, n_frames)
    """
    if scale == 1:
        return spectrogram
    weights = row_weights(spectrogram.shape[2], scale)
    return torch.matmul(weights.to(spectrogram), spectrogram)


def row_weights(n_rows: int, scale: float) -> Tensor:
    """Return the matrix with which `scale_rows` interpolates, shape (n_rows, n_rows)."""
    source = ((torch.arange(n_rows) + 0.5) * scale - 0.5).clamp(0, n_rows - 1)
    # Each row is a mean of the two nearest, weighted by distance.
    return (1 - (source[:, None] - torch.arange(n_rows)).abs()).clamp(min=0)


def stretch_frames(spectrogram: Tensor, mask: Tensor, stretch: float) -> tuple[Tensor, Tensor]:
    """Stretch time by linear interpolation.

    The result for a clip is bit for bit independent of the other clips.

    Parameters
    ----------
    spectrogram : Tensor of shape (n, n_channels, n_rows, n_frames)
    mask : Tensor of shape (n, 1, 1, n_frames)
    stretch : float > 0
        Factor on the length of a clip; 1 returns the spectrogram and the mask themselves.

    Returns
    -------
    spectrogram : Tensor of shape (n, n_channels, n_rows, n_frames_out)
    mask : Tensor of shape (n, 1, 1, n_frames_out)
    """
    if stretch == 1:
        return spectrogram, mask
    # In double precision, so that positions in long recordings are exact.
    lengths = clip_lengths(mask).double()
    lengths_out = (lengths * stretch).round().clamp(min=1)
    frames = torch.arange(int(lengths_out.max()), device=spectrogram.device)
    source = (frames + 0.5) * (lengths / lengths_out)[:, None] - 0.5
    source = source.clamp(min=0).minimum(lengths[:, None] - 1)
    # source (n, n_frames_out), in frames
    before = source.floor()
    share = (source - before).to(spectrogram)[:, None, None]
    after = (before + 1).minimum(lengths[:, None] - 1)
    stretched = torch.lerp(_take(spectrogram, before), _take(spectrogram, after), share)
    is_real = _take(mask, source.round()) > 0
    is_real = with_one_frame(is_real & (frames < lengths_out[:, None])[:, None, None])
    new_mask = is_real.to(spectrogram.dtype)
    return stretched * new_mask, new_mask


def _take(x: Tensor, frames: Tensor) -> Tensor:
    """Return frames of each clip, x[i, :, :, frames[i]]."""
    index = frames.long()[:, None, None].expand(-1, *x.shape[1:3], -1)
    return x.gather(3, index)
