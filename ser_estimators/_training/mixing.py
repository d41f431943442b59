"""Mixing of the clips of a batch: mixup and MixStyle."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

__all__ = ["mix_style", "mix_up"]

# Parameter of the beta distribution in `mix_style`: most draws are near 0 or 1.
_MIXSTYLE_ALPHA = 0.3


def mix_up(
    spectrogram: Tensor, mask: Tensor, targets: Tensor, alpha: float, rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Blend each clip of a batch, and its target, with another clip of the batch.

    The method is mixup [1]_.

    Parameters
    ----------
    spectrogram : Tensor of shape (n, n_channels, n_rows, n_frames)
    mask : Tensor of shape (n, 1, 1, n_frames)
    targets : Tensor of shape (n, n_classes)
        Probabilities, multiplied by the weight of the clip.
    alpha : float > 0
        Parameter of the beta distribution of the mixing weights.
    rng : numpy.random.Generator

    Returns
    -------
    spectrogram, mask, targets : Tensor
        The mask of a blend has the real frames of both clips.

    References
    ----------
    .. [1] H. Zhang et al., "mixup: Beyond empirical risk minimization", ICLR 2018.
    """
    n = spectrogram.shape[0]
    partner = torch.from_numpy(rng.permutation(n)).to(spectrogram.device)
    weight = torch.from_numpy(rng.beta(alpha, alpha, size=n)).to(spectrogram)
    blended = torch.lerp(spectrogram[partner], spectrogram, weight[:, None, None, None])
    return (
        blended,
        torch.maximum(mask, mask[partner]),
        torch.lerp(targets[partner], targets, weight[:, None]),
    )


def mix_style(spectrogram: Tensor, mask: Tensor, p: float, rng: np.random.Generator) -> Tensor:
    """Blend the mean and deviation of each row over time with those of another clip.

    The method is MixStyle [1]_, along frequency [2]_. These statistics characterize the speaker and
    the recording more than the emotion. A clip keeps its course over time and its target, but
    resembles a voice between those of two speakers.

    Parameters
    ----------
    spectrogram : Tensor of shape (n, n_channels, n_rows, n_frames)
        Zero in padding.
    mask : Tensor of shape (n, 1, 1, n_frames)
        One in real frames and zero in padding.
    p : float in (0, 1]
        Probability that a clip is changed.
    rng : numpy.random.Generator

    Returns
    -------
    Tensor of shape (n, n_channels, n_rows, n_frames)

    References
    ----------
    .. [1] K. Zhou et al., "Domain generalization with MixStyle", ICLR 2021.
    .. [2] F. Schmid et al., "Knowledge distillation from transformers for low-complexity acoustic
       scene classification", DCASE Workshop 2022, which takes the statistics of rows.
    """
    n = spectrogram.shape[0]
    partner = torch.from_numpy(rng.permutation(n)).to(spectrogram.device)
    drawn = rng.beta(_MIXSTYLE_ALPHA, _MIXSTYLE_ALPHA, size=n)
    own = np.where(rng.random(n) < p, drawn, 1.0)
    weight = torch.from_numpy(own).to(spectrogram)[:, None, None, None]
    n_frames = mask.sum(dim=3, keepdim=True)
    mean = spectrogram.sum(dim=3, keepdim=True) / n_frames
    deviation = (spectrogram - mean) * mask
    # The small term keeps constant rows, such as those of silence, from being amplified.
    std = (deviation.square().sum(dim=3, keepdim=True) / n_frames + 1e-3).sqrt()
    # mean, std (n, n_channels, n_rows, 1)
    new_mean = torch.lerp(mean[partner], mean, weight)
    new_std = torch.lerp(std[partner], std, weight)
    return (deviation * (new_std / std) + new_mean) * mask
