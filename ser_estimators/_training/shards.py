"""Shards, the parts of a batch on which encoders are trained in parallel."""

from __future__ import annotations

import copy
from itertools import pairwise

import torch
from torch import Tensor

from .._network.ensemble import Encoders
from .._network.masks import clip_lengths

__all__ = ["Replica", "cut_by_length", "gather_statistics", "n_shards"]

# Approximate number of clips in a shard, whatever the number of threads: enough for the statistics
# of batch normalization, and few enough to fit into the cache of a processor.
_SHARD_CLIPS = 16


def cut_by_length(
    spectrogram: Tensor, mask: Tensor, targets: Tensor
) -> tuple[list[tuple[Tensor, Tensor]], Tensor]:
    """Split a batch into shards of similar length, without frames that are padding only.

    Parameters
    ----------
    spectrogram : Tensor of shape (n, n_channels, n_rows, n_frames)
    mask : Tensor of shape (n, 1, 1, n_frames)
    targets : Tensor of shape (n, n_classes)

    Returns
    -------
    shards : list of (Tensor, Tensor)
        Spectrograms and masks, the longest first.
    targets : Tensor of shape (n, n_classes)
        In the order of the clips in the shards.
    """
    lengths, order = clip_lengths(mask).sort(descending=True, stable=True)
    sizes = shard_sizes(lengths)
    parts = [part.split(sizes) for part in (lengths, spectrogram[order], mask[order])]
    shards = [
        (spectrogram[..., : int(longest[0])], mask[..., : int(longest[0])])
        for longest, spectrogram, mask in zip(*parts, strict=True)
    ]
    return shards, targets[order]


def shard_sizes(lengths: Tensor) -> list[int]:
    """Return sizes of shards with equal work, and at least half the usual number of clips.

    Parameters
    ----------
    lengths : Tensor of shape (n,)
        Frames of the clips, the longest first.

    Returns
    -------
    list of int
    """
    n_clips, n_parts = len(lengths), n_shards(len(lengths))
    total = lengths.cumsum(0, dtype=torch.float64)
    ends = [round(n_clips * part / n_parts) for part in range(n_parts + 1)]
    least = n_clips // (2 * n_parts)
    for part in range(1, n_parts):
        end = int(torch.searchsorted(total, total[-1] * part / n_parts)) + 1
        ends[part] = min(max(end, ends[part - 1] + least), n_clips - least * (n_parts - part))
    return [end - start for start, end in pairwise(ends)]


def n_shards(n_clips: int) -> int:
    """Return the number of shards of a batch."""
    return max(1, round(n_clips / _SHARD_CLIPS))


class Replica(Encoders):
    """Encoders with the parameters of others, and buffers, such as batch statistics, of their own.

    Parameters
    ----------
    encoders : Encoders

    Attributes
    ----------
    is_used : bool
        Whether they have processed a batch since `gather_statistics` was last called.
    """

    def __init__(self, encoders: Encoders) -> None:
        super().__init__(copy.deepcopy(encoder) for encoder in encoders)
        for original, twin in zip(encoders.modules(), self.modules(), strict=True):
            for name, _ in original.named_parameters(recurse=False):
                setattr(twin, name, getattr(original, name))
        self.is_used = False


@torch.no_grad()
def gather_statistics(encoders: Encoders, replicas: list[Replica]) -> None:
    """Set the buffers of encoders, and of all replicas, to the mean over the replicas.

    Replicas that have processed no batch since the last call are left out, because small batches
    have fewer shards than there are replicas. Buffers that are not floating-point numbers, such as
    counters, are those of the first replica.
    """
    used = [twin for twin in replicas if twin.is_used]
    for own, *gathered in zip(encoders.buffers(), *(twin.buffers() for twin in used), strict=True):
        if own.is_floating_point():
            own.copy_(torch.stack(gathered).to(torch.float64).mean(dim=0))
        else:
            own.copy_(gathered[0])
    for twin in replicas:
        twin.is_used = False
        for own, buffer in zip(encoders.buffers(), twin.buffers(), strict=True):
            buffer.copy_(own)
