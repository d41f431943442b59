"""Augmentation of batches of spectrogram pictures, as pure tensor functions.

All of it works on training batches inside ``fit``; nothing here ever sees validation or test clips.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ._layers import clip_lengths, with_one_frame

__all__ = ["Augmentation", "Noise", "TrainingExamples", "mix_style", "mix_up"]

# Parameter of the beta distribution of shares in `mix_style`: most are near 0 or 1.
_MIXSTYLE_ALPHA = 0.3


@dataclass(frozen=True)
class Augmentation:
    """Random changes that leave the emotion of a clip as it is.

    Parameters
    ----------
    time_stretch : float >= 0
        A clip becomes up to ``1 + time_stretch`` times longer or shorter, evenly on a log scale.
    frequency_warp : float >= 0
        The frequency axis is scaled by up to this share, as with a longer or shorter vocal tract,
        and shifted by up to a quarter of it [1]_.
    gain : float >= 0
        Up to this is added to or taken from the whole picture, in standard deviations of its rows.
    time_mask, frequency_mask : float in [0, 1]
        Up to this share of the frames, and of the rows, is set to the mean, in one piece each [2]_.
    time_shift : float in [0, 1)
        A clip is moved by up to this share of its length; the place that becomes free repeats its
        first or last frame, which is silence in most recordings.

    References
    ----------
    .. [1] N. Jaitly and G. Hinton, "Vocal Tract Length Perturbation (VTLP) improves speech
       recognition", ICML Workshop on Deep Learning for Audio, Speech and Language, 2013.
    .. [2] D. S. Park et al., "SpecAugment: A simple data augmentation method for automatic speech
       recognition", Interspeech 2019.
    """

    time_stretch: float
    frequency_warp: float
    gain: float
    time_mask: float
    frequency_mask: float
    time_shift: float

    def __call__(
        self, picture: Tensor, mask: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Change a batch at random.

        Parameters
        ----------
        picture : Tensor of shape (n, n_channels, n_rows, n_frames)
            Standardised, so that 0 is the mean, and zero in padding.
        mask : Tensor of shape (n, 1, 1, n_frames)
            One in real frames and zero in padding, which is cut off at the end of a clip and stays
            padding before its end.
        generator : torch.Generator
            On the device of the picture or on the CPU.

        Returns
        -------
        picture : Tensor of shape (n, n_channels, n_rows, n_frames_out)
        mask : Tensor of shape (n, 1, 1, n_frames_out)
        """
        n = picture.shape[0]

        def uniform(low: float, high: float) -> Tensor:
            drawn = torch.rand(n, generator=generator).to(picture.device)
            return low + (high - low) * drawn

        log_stretch = math.log1p(self.time_stretch)
        stretch = uniform(-log_stretch, log_stretch).exp()
        scale = 1 + uniform(-self.frequency_warp, self.frequency_warp)
        shift = uniform(-self.frequency_warp / 4, self.frequency_warp / 4)
        time_shift = uniform(-self.time_shift, self.time_shift) if self.time_shift else None
        lengths = clip_lengths(mask)
        lengths_out = (lengths * stretch).round().clamp(min=1)
        source_frames = _source_frames(lengths, lengths_out, time_shift)
        # source_frames (n, frames)
        picture = _resample(picture, source_frames, scale, shift)
        # The first channel alone: the derivatives in the others know nothing of the level.
        picture[:, 0] += uniform(-self.gain, self.gain)[:, None, None]

        n_rows, n_frames = picture.shape[2:]
        rows = torch.arange(n_rows, device=picture.device)
        frames = torch.arange(n_frames, device=picture.device)
        hidden_frames = _interval(frames, lengths_out, uniform(0, self.time_mask), uniform(0, 1))
        hidden_rows = _interval(
            rows, torch.full_like(stretch, n_rows), uniform(0, self.frequency_mask), uniform(0, 1)
        )
        # hidden_frames (n, frames), hidden_rows (n, rows)
        is_real = mask[:, 0, 0].gather(1, source_frames.long()) > 0
        # A shift may leave nothing but padding that stood before the clip.
        is_real = with_one_frame(is_real & (frames < lengths_out[:, None]))
        mask = is_real.to(picture.dtype)[:, None, None]
        picture = picture * ~hidden_frames[:, None, None] * ~hidden_rows[:, None, :, None] * mask
        return picture, mask


@dataclass(frozen=True)
class Noise:
    """White noise of a random level, added as powers to the first channel of the picture.

    Parameters
    ----------
    snr : float
        Lowest ratio of the mean power of a clip to that of the noise, in dB. The ratio is drawn
        evenly from here to `SNR_RANGE` above.
    mean, std : Tensor of shape (n_channels, n_rows, 1)
        How the rows were standardised, in dB.
    """

    snr: float
    mean: Tensor
    std: Tensor

    SNR_RANGE: ClassVar[float] = 30.0

    def __call__(self, picture: Tensor, mask: Tensor, generator: torch.Generator) -> Tensor:
        """Add noise to a batch.

        Parameters
        ----------
        picture : Tensor of shape (n, n_channels, n_rows, n_frames)
            Standardised, and zero in padding.
        mask : Tensor of shape (n, 1, 1, n_frames)
            One in real frames and zero in padding.
        generator : torch.Generator

        Returns
        -------
        Tensor of shape (n, n_channels, n_rows, n_frames)
        """
        n, _, n_rows, n_frames = picture.shape
        mean, std = self.mean[0].to(picture), self.std[0].to(picture)
        # From decibels to natural logarithms of power, in which powers add up.
        nepers = math.log(10) / 10
        log_power = (picture[:, 0] * std + mean) * nepers
        is_real = mask[:, 0].bool()
        n_real = mask.sum(dim=(1, 2, 3)) * n_rows
        level = log_power.masked_fill(~is_real, -math.inf).flatten(1).logsumexp(1) - n_real.log()
        snr = self.snr + self.SNR_RANGE * torch.rand(n, generator=generator).to(picture)
        # The power of white noise within a band of a frame is distributed exponentially.
        drawn = torch.rand(n, n_rows, n_frames, generator=generator).to(picture)
        fluctuation = (-(1 - drawn).log()).clamp(min=1e-6).log()
        noise = (level - snr * nepers)[:, None, None] + fluctuation
        noisy = torch.logaddexp(log_power, noise) / nepers
        picture = picture.clone()
        picture[:, 0] = ((noisy - mean) / std) * mask[:, 0]
        return picture


@dataclass(frozen=True)
class TrainingExamples:
    """Makes a batch of pictures and targets into what the network is trained on.

    Parameters
    ----------
    mixup_alpha : float >= 0
        Parameter of `mix_up`; 0 leaves it out.
    mixstyle_p : float in [0, 1]
        Parameter of `mix_style`; 0 leaves it out.
    augmentation : Augmentation or None
    noise : Noise or None
    generator : torch.Generator
        Source of the augmentation.
    rng : numpy.random.Generator
        Source of the blends.
    """

    mixup_alpha: float
    mixstyle_p: float
    augmentation: Augmentation | None
    noise: Noise | None
    generator: torch.Generator
    rng: np.random.Generator

    def __call__(
        self, picture: Tensor, mask: Tensor, targets: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return pictures, masks and targets of a batch.

        Parameters
        ----------
        picture : Tensor of shape (n, n_channels, n_rows, n_frames)
        mask : Tensor of shape (n, 1, 1, n_frames)
        targets : Tensor of shape (n, n_classes)

        Returns
        -------
        picture : Tensor of shape (n, n_channels, n_rows, n_frames_out)
        mask : Tensor of shape (n, 1, 1, n_frames_out)
        targets : Tensor of shape (n, n_classes)
        """
        if self.noise is not None:
            picture = self.noise(picture, mask, self.generator)
        if self.mixstyle_p > 0:
            picture = mix_style(picture, mask, self.mixstyle_p, self.rng)
        if self.augmentation is not None:
            picture, mask = self.augmentation(picture, mask, self.generator)
        if self.mixup_alpha > 0:
            picture, mask, targets = mix_up(picture, mask, targets, self.mixup_alpha, self.rng)
        return picture, mask, targets


def mix_up(
    picture: Tensor, mask: Tensor, targets: Tensor, alpha: float, rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Blend each clip of a batch, and its target, with another one of the batch [1]_.

    Parameters
    ----------
    picture : Tensor of shape (n, n_channels, n_rows, n_frames)
    mask : Tensor of shape (n, 1, 1, n_frames)
    targets : Tensor of shape (n, n_classes)
        Probabilities, times the weight of the clip.
    alpha : float > 0
        Parameter of the beta distribution of the shares.
    rng : numpy.random.Generator

    Returns
    -------
    picture, mask, targets : Tensor
        The mask of a blend has the real frames of both.

    References
    ----------
    .. [1] H. Zhang et al., "mixup: Beyond empirical risk minimization", ICLR 2018.
    """
    n = picture.shape[0]
    partner = torch.from_numpy(rng.permutation(n)).to(picture.device)
    share = torch.from_numpy(rng.beta(alpha, alpha, size=n)).to(picture)
    blended = torch.lerp(picture[partner], picture, share[:, None, None, None])
    return (
        blended,
        torch.maximum(mask, mask[partner]),
        torch.lerp(targets[partner], targets, share[:, None]),
    )


def mix_style(picture: Tensor, mask: Tensor, p: float, rng: np.random.Generator) -> Tensor:
    """Blend the mean and deviation of each row, over time, with those of another clip [1]_, [2]_.

    They hold much of who speaks, and where, and less of how: a clip keeps its course and its target
    and is heard from somebody between two speakers.

    Parameters
    ----------
    picture : Tensor of shape (n, n_channels, n_rows, n_frames)
        Zero in padding.
    mask : Tensor of shape (n, 1, 1, n_frames)
        One in real frames and zero in padding.
    p : float in (0, 1]
        Probability of each clip to be changed.
    rng : numpy.random.Generator

    Returns
    -------
    Tensor of shape (n, n_channels, n_rows, n_frames)

    References
    ----------
    .. [1] K. Zhou et al., "Domain generalization with MixStyle", ICLR 2021.
    .. [2] F. Schmid et al., "Knowledge distillation from transformers for low-complexity acoustic
       scene classification", DCASE Workshop 2022, where the statistics are those of rows.
    """
    n = picture.shape[0]
    partner = torch.from_numpy(rng.permutation(n)).to(picture.device)
    drawn = rng.beta(_MIXSTYLE_ALPHA, _MIXSTYLE_ALPHA, size=n)
    own = np.where(rng.random(n) < p, drawn, 1.0)
    share = torch.from_numpy(own).to(picture)[:, None, None, None]
    n_frames = mask.sum(dim=3, keepdim=True)
    mean = picture.sum(dim=3, keepdim=True) / n_frames
    deviation = (picture - mean) * mask
    # The small term keeps rows that are constant, such as those of silence, from being blown up.
    std = (deviation.square().sum(dim=3, keepdim=True) / n_frames + 1e-3).sqrt()
    # mean, std (n, n_channels, n_rows, 1)
    new_mean = torch.lerp(mean[partner], mean, share)
    new_std = torch.lerp(std[partner], std, share)
    return (deviation * (new_std / std) + new_mean) * mask


def _source_frames(lengths: Tensor, lengths_out: Tensor, time_shift: Tensor | None) -> Tensor:
    """Return where each frame comes from; the centre of the first one is 0.5.

    A clip's last frame is repeated rather than its padding read.
    """
    centres = torch.arange(int(lengths_out.max().item()), device=lengths.device) + 0.5
    source_frames = centres * (lengths / lengths_out)[:, None]
    if time_shift is not None:
        source_frames = (source_frames + (time_shift * lengths)[:, None]).clamp(min=0.5)
    return source_frames.minimum(lengths[:, None] - 0.5)


def _resample(picture: Tensor, source_frames: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Stretch and shift time, and scale and shift frequency, by one bilinear interpolation."""
    _, _, n_rows, n_frames = picture.shape
    rows = torch.arange(n_rows, device=picture.device) + 0.5
    # Centres of the source pixels.
    source_rows = (rows * scale[:, None] + shift[:, None] * n_rows).clamp(0.5, n_rows - 0.5)
    # grid_sample counts from -1 to 1 over the outer edges of the pixels.
    x = (2 * source_frames / n_frames - 1)[:, None, :].expand(-1, n_rows, -1)
    y = (2 * source_rows / n_rows - 1)[:, :, None].expand(-1, -1, source_frames.shape[1])
    grid = torch.stack([x, y], dim=-1).to(picture.dtype)
    return functional.grid_sample(picture, grid, padding_mode="border", align_corners=False)


def _interval(positions: Tensor, lengths: Tensor, share: Tensor, place: Tensor) -> Tensor:
    """Mark one interval of each clip: `share` of its length, at `place` from 0 to 1 within it."""
    width = share * lengths
    start = place * (lengths - width)
    return (positions >= start[:, None]) & (positions < (start + width)[:, None])
