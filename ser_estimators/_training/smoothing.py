"""Augmentation by smoothing spectra, as if they were described by fewer cepstral coefficients."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from .augmentation import Generators, SpectrogramBatch

__all__ = ["smooth_spectra", "smoothing_matrix"]

_LEAST = 0.375  # of the coefficients


def smooth_spectra(batch: SpectrogramBatch, p: float, rng: Generators) -> SpectrogramBatch:
    """Smooth the spectra of a random part of the clips along frequency.

    This keeps networks from relying on the harmonics of the pitch alone, of which few training
    speakers show little.

    Parameters
    ----------
    batch : SpectrogramBatch
    p : float in [0, 1]
        Probability that a clip is changed.
    rng : Generators
    """
    spectrogram, mask = batch.spectrogram, batch.mask
    n, _, n_rows, _ = spectrogram.shape
    drawn = torch.rand(n + 1, generator=rng.torch)
    clips = torch.nonzero(drawn[:n] < p)[:, 0].to(spectrogram.device)
    least = max(1, int(_LEAST * n_rows))
    n_kept = least + int(drawn[n] * (n_rows - least))
    if not len(clips) or n_kept >= n_rows:
        return batch
    std, mean = batch.std.to(spectrogram), batch.mean.to(spectrogram)
    matrix = smoothing_matrix(n_rows, n_kept).to(spectrogram)
    smooth = (matrix @ (spectrogram[clips] * std + mean) - mean) / std
    spectrogram = spectrogram.clone()
    spectrogram[clips] = smooth * mask[clips]
    return batch.replace(spectrogram=spectrogram)


def smoothing_matrix(n_rows: int, n_kept: int) -> Tensor:
    """Return the projection on the first components of the cosine transform, (n_rows, n_rows)."""
    number, row = torch.meshgrid(torch.arange(n_kept), torch.arange(n_rows), indexing="ij")
    basis = torch.cos(math.pi / n_rows * number * (row + 0.5)) * math.sqrt(2 / n_rows)
    basis[0] /= math.sqrt(2)
    return basis.T @ basis
