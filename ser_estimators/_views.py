"""Views of a clip, over which predictions average: test-time augmentation, with nothing random."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from ._layers import clip_lengths, with_one_frame

__all__ = ["View", "scale_rows", "spread_views", "stretch_frames"]


class View(NamedTuple):
    """One way to look at the picture of a clip.

    Parameters
    ----------
    frequency_scale : float > 0, default=1
        As of a longer vocal tract above 1, of a shorter one below.
    time_stretch : float > 0, default=1
        As of slower speech above 1, of faster speech below.
    delay : int >= 0, default=0
        Frames for which the first frame stands before it begins.
    """

    frequency_scale: float = 1.0
    time_stretch: float = 1.0
    delay: int = 0

    def __call__(self, picture: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return the pictures of some clips, and their masks, as they look in this view.

        Parameters
        ----------
        picture : Tensor of shape (n, n_channels, n_rows, n_frames)
            Zero in padding.
        mask : Tensor of shape (n, 1, 1, n_frames)
            One in real frames and zero in padding.

        Returns
        -------
        picture : Tensor of shape (n, n_channels, n_rows, n_frames_out)
        mask : Tensor of shape (n, 1, 1, n_frames_out)
        """
        picture = scale_rows(picture, self.frequency_scale)
        picture, mask = stretch_frames(picture, mask, self.time_stretch)
        if self.delay:
            before = (self.delay, 0, 0, 0)
            picture = functional.pad(picture, before, mode="replicate")
            mask = functional.pad(mask, before, mode="replicate")
        return picture, mask


def spread_views(
    n_views: int, *, frequency_warp: float, time_stretch: float, step: int
) -> list[View]:
    """Return views in equal steps, from that of a small and fast speaker to a large and slow one.

    Pooling and strides make many frames one, and what a clip looks like to a network depends on
    where its first frame falls: every second view begins half of such a step later.

    Parameters
    ----------
    n_views : int > 0
        1 is the clip as it is.
    frequency_warp : float in [0, 1)
        The frequency axis is scaled by up to half of this.
    time_stretch : float >= 0
        A clip becomes up to the root of ``1 + time_stretch`` times longer or shorter.
    step : int > 0
        Frames of the picture that become one in the network.

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


def scale_rows(picture: Tensor, scale: float) -> Tensor:
    """Scale the frequency axis as `Augmentation` does, by linear interpolation.

    Parameters
    ----------
    picture : Tensor of shape (n, n_channels, n_rows, n_frames)
    scale : float > 0
        What is in row ``r * scale`` moves to row ``r``; 1 returns the picture itself.

    Returns
    -------
    Tensor of shape (n, n_channels, n_rows, n_frames)
    """
    if scale == 1:
        return picture
    n_rows = picture.shape[2]
    source = ((torch.arange(n_rows) + 0.5) * scale - 0.5).clamp(0, n_rows - 1)
    # Each row is the mean of the two nearest, by how near they are.
    weights = (1 - (source[:, None] - torch.arange(n_rows)).abs()).clamp(min=0)
    return torch.matmul(weights.to(picture), picture)


def stretch_frames(picture: Tensor, mask: Tensor, stretch: float) -> tuple[Tensor, Tensor]:
    """Stretch time as `Augmentation` does, by linear interpolation.

    What becomes of a clip depends on nothing beside it, to the last bit.

    Parameters
    ----------
    picture : Tensor of shape (n, n_channels, n_rows, n_frames)
    mask : Tensor of shape (n, 1, 1, n_frames)
    stretch : float > 0
        A clip becomes so many times as long; 1 returns the picture and the mask themselves.

    Returns
    -------
    picture : Tensor of shape (n, n_channels, n_rows, n_frames_out)
    mask : Tensor of shape (n, 1, 1, n_frames_out)
    """
    if stretch == 1:
        return picture, mask
    # In double, so that the places of long recordings are exact.
    lengths = clip_lengths(mask).double()
    lengths_out = (lengths * stretch).round().clamp(min=1)
    frames = torch.arange(int(lengths_out.max()), device=picture.device)
    source = (frames + 0.5) * (lengths / lengths_out)[:, None] - 0.5
    source = source.clamp(min=0).minimum(lengths[:, None] - 1)
    # source (n, n_frames_out), in frames
    before = source.floor()
    share = (source - before).to(picture)[:, None, None]
    after = (before + 1).minimum(lengths[:, None] - 1)
    stretched = torch.lerp(_take(picture, before), _take(picture, after), share)
    is_real = _take(mask, source.round()) > 0
    is_real = with_one_frame(is_real & (frames < lengths_out[:, None])[:, None, None])
    new_mask = is_real.to(picture.dtype)
    return stretched * new_mask, new_mask


def _take(x: Tensor, frames: Tensor) -> Tensor:
    """Return frames of each clip, x[i, :, :, frames[i]]."""
    index = frames.long()[:, None, None].expand(-1, *x.shape[1:3], -1)
    return x.gather(3, index)
