"""Spectra that are smoothed along frequency."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.fft import dct, idct

from ser_estimators._training.smoothing import smooth_spectra, smoothing_matrix

from .test_recordings import MEAN, STD, batch_of, generators


@given(st.integers(2, 64), st.data())
def test_matrix_keeps_the_first_coefficients(n_rows, data):
    n_kept = data.draw(st.integers(1, n_rows))
    column = np.random.default_rng(0).normal(size=n_rows)
    coefficients = dct(column, norm="ortho")
    coefficients[n_kept:] = 0
    found = smoothing_matrix(n_rows, n_kept).double().numpy() @ column
    np.testing.assert_allclose(found, idct(coefficients, norm="ortho"), atol=1e-4)


def smoothed(batch, p, seed=0):
    return smooth_spectra(batch, p, generators(seed)).spectrogram


def test_a_part_of_the_clips():
    decibels = MEAN + STD * torch.randn(200, 16, 5, generator=torch.Generator().manual_seed(0))
    batch = batch_of(decibels)
    before = batch.spectrogram.clone()
    changed = (smoothed(batch, 0.3) != before).any(dim=(1, 2, 3))
    assert 0.2 < changed.float().mean() < 0.4
    assert torch.equal(batch.spectrogram, before)
    # The level of each frame stays.
    difference = (smoothed(batch, 1.0) - before).mean(dim=2)
    np.testing.assert_allclose(difference, 0, atol=1e-5)
    assert smooth_spectra(batch, 0.0, generators()) is batch


def test_smooth_spectra_stay_as_they_are():
    """A slope has hardly any coefficients beyond the first third."""
    slope = torch.linspace(-60, -20, 64)[None, :, None].expand(10, 64, 7)
    batch = batch_of(slope.contiguous())
    for seed in range(5):
        assert (smoothed(batch, 1.0, seed) - batch.spectrogram).abs().max() < 0.05


def test_padding_stays_zero():
    mask = torch.ones(4, 1, 1, 6)
    mask[..., 4:] = 0
    decibels = MEAN + STD * torch.randn(4, 16, 6, generator=torch.Generator().manual_seed(0))
    found = smoothed(batch_of(decibels, mask), 1.0)
    assert (found[..., 4:] == 0).all()
    alone = smoothed(batch_of(decibels), 1.0)
    torch.testing.assert_close(found[..., :4], alone[..., :4])


@pytest.mark.parametrize("n_rows", [1, 2])
def test_few_rows(n_rows):
    batch = batch_of(torch.full((3, n_rows, 4), -30.0))
    torch.testing.assert_close(smoothed(batch, 1.0), batch.spectrogram)
