"""Augmentation of recordings: other rooms, noise, microphones and lines, and other silence.

Everything is applied to the power of log-mel spectrograms, in which sounds add up, so that no clip
has to be decoded again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from .augmentation import Generators, SpectrogramBatch

__all__ = ["RecordingOptions", "augment_recordings"]

# From decibels to natural logarithms of power.
_NEPERS = math.log(10) / 10
# Reverberation times in frames, which are 0.15 and 0.9 s with the default hop of 16 ms, and ratios
# of direct to reverberant energy in dB.
_REVERBERATION = (9.0, 56.0)
_DIRECT_RATIO = (-4.0, 10.0)
_MAX_TAIL = 48  # frames
# Background is noise of a random slope, or with this probability the sum of other clips: babble.
_BABBLE_P = 0.3
_N_TALKERS = 3
_SLOPE = (-12.0, 2.4)  # of the logarithm of noise power over all rows
_SNR_RANGE = 40.0  # width of the range of signal-to-noise ratios in dB, above the lowest one
# Limits of a telephone or of a low sampling rate, as fractions of the rows; attenuation in dB for
# each row beyond them, and levels of what remains there, in dB below the clip.
_LOWEST, _HIGHEST = (0.0, 0.14), (0.62, 0.95)
_ATTENUATION, _MAX_ATTENUATION = 8.0, 60.0
_RESIDUE = (-75.0, -35.0)
# Frames this far below the loudest one are silence, in dB.
_SILENCE = (20.0, 40.0)
_EQUALIZATION_P = 0.7
_N_KNOTS = 6  # of a random frequency response
_FLOOR = 1e-12  # relative to the mean power of a clip
_LIMIT = 150.0  # dB; more would overflow
_LOWEST_LEVEL = 1e-25


@dataclass(frozen=True)
class RecordingOptions:
    """Probability of each change of a clip, among the clips that are changed at all.

    Parameters
    ----------
    p : float in [0, 1]
        Fraction of the clips that are changed.
    room_p, noise_p, band_p, silence_p : float in [0, 1]
        Probabilities of a room, of noise, of a limited band, and of cut silence.
    noise_snr : float or None
        Lowest signal-to-noise ratio in dB; None adds no noise.
    equalization : float >= 0
        Largest gain of a random frequency response in dB.
    """

    p: float
    room_p: float
    noise_p: float
    noise_snr: float | None
    equalization: float
    band_p: float
    silence_p: float


def augment_recordings(
    batch: SpectrogramBatch, options: RecordingOptions, rng: Generators
) -> SpectrogramBatch:
    """Change a random part of the clips as if they had been recorded elsewhere.

    Parameters
    ----------
    batch : SpectrogramBatch
    options : RecordingOptions
    rng : Generators

    Returns
    -------
    SpectrogramBatch
        Only the first channel is changed, and the mask, where silence is cut.
    """
    spectrogram, mask = batch.spectrogram, batch.mask
    n, _, n_rows, _ = spectrogram.shape
    device = spectrogram.device
    # For each clip, whether it is changed at all, and then in which way.
    drawn = torch.rand(6, n, generator=rng.torch).to(device)
    is_changed = drawn[0] < options.p
    equalization_p = _EQUALIZATION_P if options.equalization else 0.0
    noise_p = 0.0 if options.noise_snr is None else options.noise_p
    chances = options.silence_p, options.room_p, noise_p, equalization_p, options.band_p
    silence, room, noise, response, band = (
        torch.nonzero(is_changed & (one < chance))[:, 0]
        for one, chance in zip(drawn[1:], chances, strict=True)
    )
    if not is_changed.any():
        return batch
    spectrogram, mask = spectrogram.clone(), mask.clone()
    if len(silence):
        cut_silence(spectrogram, mask, silence, batch, rng)
    std, mean = batch.std[0].to(spectrogram), batch.mean[0].to(spectrogram)
    changed = torch.nonzero(is_changed)[:, 0]
    place = torch.full((n,), -1, device=device)
    place[changed] = torch.arange(len(changed), device=device)
    decibels = spectrogram[changed, 0] * std + mean
    is_real = mask[changed, 0].bool()
    # decibels (n_changed, rows, frames), is_real (n_changed, 1, frames)
    power = (decibels * _NEPERS).exp() * is_real
    level = power.sum(dim=(1, 2)) / (is_real.sum(dim=(1, 2)) * n_rows)
    level = level.clamp(min=_LOWEST_LEVEL)
    power = power / level[:, None, None]
    if len(room):
        power[place[room]] = add_room(power[place[room]], rng)
    if len(noise):
        power[place[noise]] += background(power, place[noise], options, rng)
    gain = torch.zeros(len(changed), n_rows, device=device)
    if len(response):
        found = random_response(len(response), n_rows, options.equalization, rng)
        gain[place[response]] = found.to(device)
    residue = torch.full((len(changed), 1), _FLOOR, device=device)
    if len(band):
        attenuation, left = limit_band(len(band), n_rows, rng)
        gain[place[band]] -= attenuation.to(device)
        residue[place[band]] = left.to(device)
    power = power * (gain * _NEPERS).exp()[:, :, None] + residue[:, :, None]
    decibels = (power * level[:, None, None]).log() / _NEPERS
    spectrogram[changed, 0] = ((decibels - mean) / std) * is_real
    return batch.replace(spectrogram=spectrogram, mask=mask)


def cut_silence(
    spectrogram: Tensor, mask: Tensor, clips: Tensor, batch: SpectrogramBatch, rng: Generators
) -> None:
    """Remove a random part of the silence at both ends of some clips, half the time all of it."""
    n, n_frames = len(clips), spectrogram.shape[3]
    std, mean = batch.std[0].to(spectrogram), batch.mean[0].to(spectrogram)
    frames = torch.arange(n_frames, device=spectrogram.device)
    is_real = mask[clips, 0, 0].bool()
    loudest = (spectrogram[clips, 0] * std + mean).amax(dim=1).masked_fill(~is_real, -math.inf)
    # loudest row of each frame (n, frames)
    low, high = _SILENCE
    drawn = torch.rand(4, n, generator=rng.torch).to(spectrogram)
    threshold = loudest.amax(dim=1) - (low + (high - low) * drawn[0])
    is_sound = loudest > threshold[:, None]
    length = is_real.sum(dim=1)
    first = torch.where(is_sound, frames, n_frames).amin(dim=1)
    last = torch.where(is_sound, frames, -1).amax(dim=1)
    share = torch.where(drawn[3] < 0.5, 1.0, drawn[1:3])
    start = (share[0] * first).long()
    end = torch.maximum(length - (share[1] * (length - 1 - last)).long(), start + 1)
    source = (start[:, None] + frames).clamp(max=n_frames - 1)
    moved = spectrogram[clips].gather(
        3, source[:, None, None].expand(-1, *spectrogram.shape[1:3], -1)
    )
    kept = (frames < (end - start)[:, None]).to(mask)[:, None, None]
    spectrogram[clips], mask[clips] = moved * kept, kept


def add_room(power: Tensor, rng: Generators) -> Tensor:
    """Add the reverberation of rooms, whose energy decays exponentially after each frame."""
    n, _, n_frames = power.shape
    low, high = _REVERBERATION
    drawn = torch.rand(2, n, generator=rng.torch).to(power)
    reverberation = low * (high / low) ** drawn[0]
    ratio = _DIRECT_RATIO[0] + (_DIRECT_RATIO[1] - _DIRECT_RATIO[0]) * drawn[1]
    delay = torch.arange(1, _MAX_TAIL + 1, device=power.device)
    tail = (-math.log(1e6) * delay / reverberation[:, None]).exp()
    tail = tail / tail.sum(dim=1, keepdim=True) * (-ratio * _NEPERS).exp()[:, None]
    kernel = functional.pad(tail, (1, 0), value=1.0)
    # kernel (n, frames of the response)
    n_fft = n_frames + _MAX_TAIL
    product = torch.fft.rfft(power, n=n_fft) * torch.fft.rfft(kernel, n=n_fft)[:, None]
    return torch.fft.irfft(product, n=n_fft)[..., :n_frames].clamp(min=0)


def background(power: Tensor, clips: Tensor, options: RecordingOptions, rng: Generators) -> Tensor:
    """Return noise or babble for some clips, relative to their mean power."""
    n, (n_all, n_rows, n_frames) = len(clips), power.shape
    drawn = torch.rand(3, n, generator=rng.torch).to(power)
    # Over neighboring bands and frames, whose windows overlap, power fluctuates together.
    fluctuation = -(1 - torch.rand(n, n_rows, n_frames, generator=rng.torch)).log()
    fluctuation = functional.avg_pool2d(fluctuation[:, None], 3, stride=1, padding=1)[:, 0]
    slope = _SLOPE[0] + (_SLOPE[1] - _SLOPE[0]) * drawn[0]
    rows = torch.linspace(0, 1, n_rows, device=power.device)
    shape = functional.softmax(slope[:, None] * rows, dim=1) * n_rows
    noise = fluctuation.to(power) * shape[:, :, None]
    babble = torch.nonzero(drawn[1] < _BABBLE_P)[:, 0]
    if len(babble):
        talkers = torch.from_numpy(rng.numpy.integers(n_all, size=(len(babble), _N_TALKERS)))
        shift = int(rng.numpy.integers(n_frames))
        voices = power[talkers.to(power.device)].mean(dim=1).roll(shift, dims=2)
        noise[babble] = voices
    snr = (options.noise_snr or 0.0) + _SNR_RANGE * drawn[2]
    snr = snr.clamp(-_LIMIT, _LIMIT)
    return noise * (-snr * _NEPERS).exp()[:, None, None]


def random_response(n: int, n_rows: int, largest: float, rng: Generators) -> Tensor:
    """Return smooth random gains in dB, (n, rows), with a random tilt."""
    drawn = 2 * torch.rand(n, _N_KNOTS + 1, generator=rng.torch) - 1
    knots, tilt = drawn[:, None, :-1], drawn[:, -1:]
    smooth = functional.interpolate(knots, size=n_rows, mode="linear", align_corners=True)[:, 0]
    return (largest * (smooth + tilt * torch.linspace(-1, 1, n_rows))).clamp(-_LIMIT, _LIMIT)


def limit_band(n: int, n_rows: int, rng: Generators) -> tuple[Tensor, Tensor]:
    """Return attenuations in dB (n, rows) outside random bands, and the power left there."""
    drawn = torch.rand(3, n, 1, generator=rng.torch)
    low, high, residue = (
        start + (end - start) * one
        for (start, end), one in zip((_LOWEST, _HIGHEST, _RESIDUE), drawn, strict=True)
    )
    rows = torch.linspace(0, 1, n_rows)
    beyond = ((low - rows).clamp(min=0) + (rows - high).clamp(min=0)) * n_rows
    attenuation = (_ATTENUATION * beyond).clamp(max=_MAX_ATTENUATION)
    return attenuation, (residue * _NEPERS).exp()
