"""Augmentation of batches of spectrograms.

Only training batches are augmented, never validation and test clips.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from .._network.masks import clip_lengths, with_one_frame
from .mixing import mix_style, mix_up
from .recordings import RecordingOptions, augment_recordings
from .smoothing import smooth_spectra

__all__ = ["AugmentationOptions", "Generators", "SpectrogramBatch", "augment", "checked"]


@dataclass(frozen=True)
class SpectrogramBatch:
    """A batch of training clips.

    Parameters
    ----------
    spectrogram : Tensor of shape (n, n_channels, n_rows, n_frames)
        Log-mel spectrograms, standardized by row, and zero in padding.
    mask : Tensor of shape (n, 1, 1, n_frames)
        One in real frames and zero in padding.
    targets : Tensor of shape (n, n_classes)
        Target probabilities, multiplied by the weight of the clip.
    mean, std : Tensor of shape (n_channels, n_rows, 1)
        Mean and standard deviation of the rows over the training clips:
        ``spectrogram * std + mean`` is in dB.
    """

    spectrogram: Tensor
    mask: Tensor
    targets: Tensor
    mean: Tensor
    std: Tensor

    def replace(self, **changes: Tensor) -> SpectrogramBatch:
        """Return a copy of the batch with other values of some fields."""
        return replace(self, **changes)


class Generators(NamedTuple):
    """Random number generators of one fit.

    Parameters
    ----------
    torch : torch.Generator
        On the CPU.
    numpy : numpy.random.Generator
    """

    torch: torch.Generator
    numpy: np.random.Generator


@dataclass(frozen=True)
class AugmentationOptions:
    """Strength of each random augmentation; zero disables it.

    Parameters
    ----------
    time_stretch : float >= 0
        Clips become up to ``1 + time_stretch`` times longer or shorter, uniformly on a log scale.
    frequency_warp : float in [0, 1)
        The frequency axis is scaled by up to this fraction, as with a longer or shorter vocal
        tract, and shifted by up to a quarter of it [1]_.
    gain : float >= 0
        Up to this value is added to or subtracted from the spectrogram, in standard deviations of
        a row.
    time_mask, frequency_mask : float in [0, 1]
        Up to this fraction of the frames, and of the rows, is set to the mean, in one block each
        [2]_.
    time_shift : float in [0, 1)
        Clips are shifted by up to this fraction of their length. The gap is filled with the first
        or last frame, which is silence in most recordings.
    smoothing_p : float in [0, 1]
        Probability that `smooth_spectra` changes a clip.
    recordings : RecordingOptions
    mixstyle_p : float in [0, 1]
        Probability that `mix_style` changes a clip.
    mixup_alpha : float >= 0
        Parameter of `mix_up`.

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
    smoothing_p: float
    recordings: RecordingOptions
    mixstyle_p: float
    mixup_alpha: float

    @property
    def is_warped(self) -> bool:
        """Whether `warp_and_mask` changes anything."""
        return any(
            (
                self.time_stretch,
                self.frequency_warp,
                self.gain,
                self.time_mask,
                self.frequency_mask,
                self.time_shift,
            )
        )


def augment(
    batch: SpectrogramBatch, options: AugmentationOptions, rng: Generators
) -> SpectrogramBatch:
    """Augment the clips of a batch at random."""
    if options.smoothing_p > 0:
        batch = smooth_spectra(batch, options.smoothing_p, rng)
    if options.recordings.p > 0:
        batch = augment_recordings(batch, options.recordings, rng)
    spectrogram, mask, targets = batch.spectrogram, batch.mask, batch.targets
    if options.mixstyle_p > 0:
        spectrogram = mix_style(spectrogram, mask, options.mixstyle_p, rng.numpy)
    if options.is_warped:
        spectrogram, mask = warp_and_mask(spectrogram, mask, options, rng.torch)
    if options.mixup_alpha > 0:
        spectrogram, mask, targets = mix_up(
            spectrogram, mask, targets, options.mixup_alpha, rng.numpy
        )
    return batch.replace(spectrogram=spectrogram, mask=mask, targets=targets)


def checked(batch: Any, *, like: SpectrogramBatch) -> SpectrogramBatch:
    """Return the output of an augmentation, or raise if it is not a valid batch."""
    if not isinstance(batch, SpectrogramBatch):
        raise TypeError(
            f"augmentation returned a {type(batch).__name__}; expected a batch, such as "
            "batch.replace(spectrogram=...)"
        )
    for name in ("spectrogram", "mask", "targets"):
        found, expected_type = getattr(batch, name), getattr(like, name).dtype
        if not isinstance(found, Tensor) or found.dtype != expected_type:
            what = found.dtype if isinstance(found, Tensor) else type(found).__name__
            raise TypeError(
                f"augmentation returned a {name} of type {what}; expected a tensor of type "
                f"{expected_type}"
            )
    shapes = [tuple(x.shape) for x in (batch.spectrogram, batch.mask, batch.targets)]
    (n, n_channels, n_rows, _), n_frames = like.spectrogram.shape, batch.spectrogram.shape[-1]
    expected = [(n, n_channels, n_rows, n_frames), (n, 1, 1, n_frames), tuple(like.targets.shape)]
    if shapes != expected:
        raise ValueError(
            "augmentation returned spectrogram, mask and targets of the shapes "
            f"{', '.join(map(str, shapes))}; expected {', '.join(map(str, expected))}"
        )
    return batch


def warp_and_mask(
    spectrogram: Tensor, mask: Tensor, options: AugmentationOptions, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Stretch and shift time, warp frequency, change the level, and mask frames and rows.

    Parameters
    ----------
    spectrogram : Tensor of shape (n, n_channels, n_rows, n_frames)
        Standardized, so that 0 is the mean, and zero in padding.
    mask : Tensor of shape (n, 1, 1, n_frames)
        One in real frames and zero in padding. Padding at the end of a clip is cut off; padding
        before its end is kept.
    options : AugmentationOptions
    generator : torch.Generator
        On the CPU.

    Returns
    -------
    spectrogram : Tensor of shape (n, n_channels, n_rows, n_frames_out)
    mask : Tensor of shape (n, 1, 1, n_frames_out)
    """
    n = spectrogram.shape[0]

    def uniform(low: float, high: float) -> Tensor:
        drawn = torch.rand(n, generator=generator).to(spectrogram.device)
        return low + (high - low) * drawn

    log_stretch = math.log1p(options.time_stretch)
    stretch = uniform(-log_stretch, log_stretch).exp()
    scale = 1 + uniform(-options.frequency_warp, options.frequency_warp)
    shift = uniform(-options.frequency_warp / 4, options.frequency_warp / 4)
    time_shift = uniform(-options.time_shift, options.time_shift) if options.time_shift else None
    lengths = clip_lengths(mask)
    lengths_out = (lengths * stretch).round().clamp(min=1)
    source_frames = _source_frames(lengths, lengths_out, time_shift)
    # source_frames (n, frames)
    spectrogram = _resample(spectrogram, source_frames, scale, shift)
    # Only the first channel: the derivatives in the others do not depend on the level.
    spectrogram[:, 0] += uniform(-options.gain, options.gain)[:, None, None]

    n_rows, n_frames = spectrogram.shape[2:]
    rows = torch.arange(n_rows, device=spectrogram.device)
    frames = torch.arange(n_frames, device=spectrogram.device)
    hidden_frames = _interval(frames, lengths_out, uniform(0, options.time_mask), uniform(0, 1))
    hidden_rows = _interval(
        rows, torch.full_like(stretch, n_rows), uniform(0, options.frequency_mask), uniform(0, 1)
    )
    # hidden_frames (n, frames), hidden_rows (n, rows)
    is_real = mask[:, 0, 0].gather(1, source_frames.long()) > 0
    # A shift may leave only padding that preceded the clip.
    is_real = with_one_frame(is_real & (frames < lengths_out[:, None]))
    mask = is_real.to(spectrogram.dtype)[:, None, None]
    spectrogram = (
        spectrogram * ~hidden_frames[:, None, None] * ~hidden_rows[:, None, :, None] * mask
    )
    return spectrogram, mask


def _source_frames(lengths: Tensor, lengths_out: Tensor, time_shift: Tensor | None) -> Tensor:
    """Return the source position of each frame; the center of the first one is 0.5.

    Positions in padding are replaced by the last frame of the clip.
    """
    centers = torch.arange(int(lengths_out.max().item()), device=lengths.device) + 0.5
    source_frames = centers * (lengths / lengths_out)[:, None]
    if time_shift is not None:
        source_frames = (source_frames + (time_shift * lengths)[:, None]).clamp(min=0.5)
    return source_frames.minimum(lengths[:, None] - 0.5)


def _resample(spectrogram: Tensor, source_frames: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Stretch and shift time, and scale and shift frequency, by one bilinear interpolation."""
    _, _, n_rows, n_frames = spectrogram.shape
    rows = torch.arange(n_rows, device=spectrogram.device) + 0.5
    # Centers of the source pixels.
    source_rows = (rows * scale[:, None] + shift[:, None] * n_rows).clamp(0.5, n_rows - 0.5)
    # grid_sample counts from -1 to 1 over the outer edges of the pixels.
    x = (2 * source_frames / n_frames - 1)[:, None, :].expand(-1, n_rows, -1)
    y = (2 * source_rows / n_rows - 1)[:, :, None].expand(-1, -1, source_frames.shape[1])
    grid = torch.stack([x, y], dim=-1).to(spectrogram.dtype)
    return functional.grid_sample(spectrogram, grid, padding_mode="border", align_corners=False)


def _interval(positions: Tensor, lengths: Tensor, share: Tensor, place: Tensor) -> Tensor:
    """Mark an interval of each clip: a fraction `share` of its length, at `place` from 0 to 1."""
    width = share * lengths
    start = place * (lengths - width)
    return (positions >= start[:, None]) & (positions < (start + width)[:, None])
