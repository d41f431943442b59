"""Input layers, masks, pooling and dropout, with known values."""

import numpy as np
import pytest
import torch
from scipy.fft import idct

from ser_estimators._network.inputs import LogMelLayer
from ser_estimators._network.layers import SeededDropout
from ser_estimators._network.masks import frame_mask
from ser_estimators._network.pooling import masked_statistics

from .helpers import make_clips


def test_spectrogram_is_the_inverse_dct():
    coefficients = make_clips([9], 20)
    spectrogram, mask = LogMelLayer(20)(coefficients)
    expected = idct(coefficients[0].numpy(), axis=0, norm="ortho")
    np.testing.assert_allclose(spectrogram[0, 0], expected, atol=1e-4)
    assert mask.shape == (1, 1, 1, 9)


def test_scale_of_the_spectrogram_excludes_padding():
    layer, clips = LogMelLayer(13), make_clips([40, 25, 31], n_frames=60)
    layer.fit_scale(lambda: [clips[:2], clips[2:]])
    spectrogram, mask = layer(clips)
    real = spectrogram[:, 0].transpose(1, 2)[mask[:, 0, 0].bool()]
    torch.testing.assert_close(real.mean(dim=0), torch.zeros(13), atol=1e-5, rtol=0)
    torch.testing.assert_close(real.std(dim=0, correction=0), torch.ones(13), atol=1e-4, rtol=0)
    assert not spectrogram[:, 0].transpose(1, 2)[~mask[:, 0, 0].bool()].any()


def test_constant_spectrogram_is_centered_and_not_amplified():
    layer, clips = LogMelLayer(5), torch.ones(3, 5, 4)
    layer.fit_scale(lambda: [clips])
    assert layer(clips)[0].abs().max() < 0.1


def test_statistics_of_known_values():
    x = torch.tensor([[[1.0, 2.0, 6.0, 0.0]], [[4.0, 0.0, 0.0, 0.0]]])
    mask = torch.tensor([[[1.0, 1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0, 0.0]]])
    expected = [[3.0, np.std([1, 2, 6]), 6.0], [4.0, 0.0, 4.0]]
    np.testing.assert_allclose(masked_statistics(x, mask), expected, atol=0.01)


def test_frame_mask():
    clips = torch.zeros(2, 3, 4)
    clips[0, 1, :2] = 1
    expected = [[[True, True, False, False]], [[True, False, False, False]]]
    assert frame_mask(clips).tolist() == expected


def test_dropout_keeps_the_mean_and_does_not_use_the_global_generator():
    dropout = SeededDropout(0.3)
    dropout.generator = torch.Generator().manual_seed(0)
    before = torch.get_rng_state()
    dropped = dropout(torch.ones(20000))
    assert torch.equal(before, torch.get_rng_state())
    assert (dropped == 0).float().mean().item() == pytest.approx(0.3, abs=0.02)
    assert dropped.mean().item() == pytest.approx(1, abs=0.02)
    assert torch.equal(dropout.eval()(torch.ones(9)), torch.ones(9))
