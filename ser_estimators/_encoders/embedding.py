"""Statistics over time of the hidden states of clips, in batches of similar length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import torch

from .._utils.arrays import Floats
from .family import Family, pad

__all__ = ["STATISTICS", "divide", "embed"]

# Rows of what `embed` returns for every layer, before the choice of the user.
STATISTICS = ("mean", "std")
# Frames of a batch, padding included, which limit its memory: as many as in three minutes.
_MAX_FRAMES = 9000

# Of a part of a clip: number of frames, mean and squared deviations, of shape (n_layers, width).
_Moments: TypeAlias = tuple[int, Floats, Floats]


def embed(
    family: Family,
    waveforms: Sequence[Floats],
    *,
    batch_size: int,
    run: Callable[..., Iterable[Any]] = map,
    advance: Callable[[], object] = lambda: None,
) -> Floats:
    """Return statistics over time of the hidden states of clips.

    Parameters
    ----------
    family : Family
    waveforms : sequence of ndarray of shape (n_samples,), float32
        At the sampling rate of the encoder, at least one sample each.
    batch_size : int > 0
        Maximum number of clips, or of parts of long clips, that are processed at once.
    run : callable, default=map
        Applies a function to every batch, in order, as ``map`` does; it may use threads.
    advance : callable
        Called after each clip.

    Returns
    -------
    ndarray of shape (n_clips, 1 + n_layers, n_statistics, width), float32
        The statistics are those of `STATISTICS`. The first layer is the input of the layers.
    """
    parts = [
        (clip, part)
        for clip, waveform in enumerate(waveforms)
        for part in divide(waveform, family.max_samples)
    ]
    missing = Counter(clip for clip, _ in parts)
    moments: list[list[_Moments]] = [[] for _ in waveforms]
    # Clips of similar length are neighbors, so there is little padding. The longest are the first,
    # so that threads end at about the same time.
    parts.sort(key=lambda part: -part[1].size)
    batches = [parts[start : start + batch_size] for start in range(0, len(parts), batch_size)]

    def process(batch: Sequence[tuple[int, Floats]]) -> list[_Moments]:
        return _moments(family, [waveform for _, waveform in batch])

    for batch, results in zip(batches, run(process, batches), strict=True):
        for (clip, _), found in zip(batch, results, strict=True):
            moments[clip].append(found)
            missing[clip] -= 1
            if not missing[clip]:
                advance()
    return np.stack([_join(found) for found in moments])


def divide(waveform: Floats, max_samples: int) -> Iterator[Floats]:
    """Divide a clip into as few parts as possible, of about equal length."""
    n_parts = -(-waveform.size // max_samples)
    ends = [round(number * waveform.size / n_parts) for number in range(n_parts + 1)]
    for start, end in pairwise(ends):
        yield waveform[start:end]


@torch.inference_mode()
def _moments(family: Family, waveforms: Sequence[Floats]) -> list[_Moments]:
    states = [family.start(waveform) for waveform in waveforms]
    lengths = [len(state) for state in states]
    found: list[_Moments] = []
    # A batch of long clips is divided, so that memory has a limit.
    step = max(_MAX_FRAMES // max(lengths), 1)
    for first in range(0, len(states), step):
        part = lengths[first : first + step]
        x = pad(states[first : first + step])
        n_frames = torch.tensor(part, device=x.device)[:, None, None]
        is_frame = torch.arange(x.shape[1], device=x.device)[None, :, None] < n_frames
        rows = []
        for hidden in family.hidden_states(x, part):
            hidden = torch.where(is_frame, hidden.float(), 0.0)
            mean = hidden.sum(dim=1, keepdim=True) / n_frames
            deviations = torch.where(is_frame, hidden - mean, 0.0).square().sum(dim=1)
            rows.append(torch.stack([mean[:, 0], deviations]))
        # (n_layers, 2, n_clips, width)
        table = torch.stack(rows).cpu().numpy()
        found += [(n, table[:, 0, row], table[:, 1, row]) for row, n in enumerate(part)]
    return found


def _join(parts: Sequence[_Moments]) -> Floats:
    """Return mean and standard deviation of a clip, exactly, from those of its parts."""
    n_frames = sum(n for n, _, _ in parts)
    means = np.array([mean for _, mean, _ in parts], dtype=np.float64)
    weights = np.array([n for n, _, _ in parts], dtype=np.float64)[:, None, None] / n_frames
    mean = (weights * means).sum(axis=0)
    within = sum(deviations.astype(np.float64) for _, _, deviations in parts) / n_frames
    between = (weights * np.square(means - mean)).sum(axis=0)
    return np.stack([mean, np.sqrt(within + between)], axis=1).astype(np.float32)
