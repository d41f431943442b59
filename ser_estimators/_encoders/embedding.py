"""Statistics over time of the hidden states of clips, in batches of similar length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import torch

from .._utils.arrays import Floats
from .family import Family, pad

__all__ = ["STATISTICS", "divide", "embed"]

# Rows of what `embed` returns for every layer, before the choice of the user.
STATISTICS = ("mean", "std")
# Frames of a batch, padding included, which limit its memory: as many as in three minutes.
_MAX_FRAMES = 9000


def embed(family: Family, waveforms: Sequence[Floats], *, batch_size: int) -> Floats:
    """Return statistics over time of the hidden states of clips.

    Parameters
    ----------
    family : Family
    waveforms : sequence of ndarray of shape (n_samples,), float32
        At the sampling rate of the encoder, at least one sample each.
    batch_size : int > 0
        Maximum number of clips, or of parts of long clips, that are processed at once.

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
    # For each clip, the number of frames, the mean and the squared deviations of each part.
    moments: list[list[tuple[int, Floats, Floats]]] = [[] for _ in waveforms]
    # Clips of similar length are neighbors, so there is little padding.
    parts.sort(key=lambda part: part[1].size)
    for start in range(0, len(parts), batch_size):
        batch = parts[start : start + batch_size]
        for (clip, _), found in zip(batch, _moments(family, [x for _, x in batch]), strict=True):
            moments[clip].append(found)
    return np.stack([_join(found) for found in moments])


def divide(waveform: Floats, max_samples: int) -> Iterator[Floats]:
    """Divide a clip into as few parts as possible, of about equal length."""
    n_parts = -(-waveform.size // max_samples)
    ends = [round(number * waveform.size / n_parts) for number in range(n_parts + 1)]
    for start, end in pairwise(ends):
        yield waveform[start:end]


@torch.inference_mode()
def _moments(family: Family, waveforms: Sequence[Floats]) -> list[tuple[int, Floats, Floats]]:
    """Return the number of frames, the mean and the squared deviations of each clip.

    The arrays have the shape (n_layers, width).
    """
    states = [family.start(waveform) for waveform in waveforms]
    lengths = [len(state) for state in states]
    found: list[tuple[int, Floats, Floats]] = []
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


def _join(parts: Sequence[tuple[int, Floats, Floats]]) -> Floats:
    """Return mean and standard deviation of a clip, exactly, from those of its parts."""
    n_frames = sum(n for n, _, _ in parts)
    means = np.array([mean for _, mean, _ in parts], dtype=np.float64)
    weights = np.array([n for n, _, _ in parts], dtype=np.float64)[:, None, None] / n_frames
    mean = (weights * means).sum(axis=0)
    within = sum(deviations.astype(np.float64) for _, _, deviations in parts) / n_frames
    between = (weights * np.square(means - mean)).sum(axis=0)
    return np.stack([mean, np.sqrt(within + between)], axis=1).astype(np.float32)
