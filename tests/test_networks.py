"""The network: what padding may not change, and what each part computes."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.fft import idct

from ser_estimators._networks import (
    PictureLayer,
    SeededDropout,
    SpectrogramCNN,
    frame_mask,
    masked_statistics,
)


def make_network(n_coefficients=13, n_classes=3, *, seed=0, **kwargs):
    parameters = {"embedding_dim": 6, "channels": (4, 8, 8), "dropout": 0.5} | kwargs
    generator = torch.Generator().manual_seed(seed)
    return SpectrogramCNN(n_coefficients, n_classes, generator=generator, **parameters).eval()


def make_clips(lengths, n_coefficients=13, n_frames=None, seed=0):
    generator = torch.Generator().manual_seed(seed)
    clips = torch.zeros(len(lengths), n_coefficients, n_frames or max(lengths))
    for clip, length in zip(clips, lengths, strict=True):
        clip[:, :length] = torch.randn(n_coefficients, length, generator=generator) - 5
    return clips


@torch.no_grad()
def logits(network, clips):
    return network(clips)


@given(
    lengths=st.lists(st.integers(1, 40), min_size=2, max_size=6),
    extra=st.integers(0, 30),
    n_coefficients=st.sampled_from([1, 2, 7, 13, 40]),
)
@settings(max_examples=40, deadline=None)
def test_padding_batch_and_order_never_change_a_clip(lengths, extra, n_coefficients):
    network = make_network(n_coefficients)
    clips = make_clips(lengths, n_coefficients, max(lengths) + extra)
    together = logits(network, clips)
    for index, length in enumerate(lengths):
        alone = logits(network, clips[index : index + 1, :, :length])
        torch.testing.assert_close(together[index : index + 1], alone, atol=1e-5, rtol=0)
    order = list(range(len(lengths)))[::-1]
    torch.testing.assert_close(logits(network, clips[order]), together[order], atol=1e-5, rtol=0)


def test_padding_that_is_not_zero_does_change_a_clip():
    network, clips = make_network(), make_clips([10], n_frames=20)
    other = clips.clone()
    other[:, :, 10:] = 1e-3
    assert (logits(network, clips) - logits(network, other)).abs().max() > 1e-4


def test_clip_of_zeros_has_finite_logits():
    assert logits(make_network(), torch.zeros(2, 13, 9)).isfinite().all()


def test_gradients_are_finite_and_reach_every_parameter():
    network = make_network().train()
    clips = torch.cat([make_clips([30] * 7, n_frames=30), torch.zeros(1, 13, 30)])
    torch.nn.functional.cross_entropy(network(clips), torch.arange(8) % 3).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_picture_is_the_inverse_dct():
    coefficients = make_clips([9], 20)
    picture, mask = PictureLayer(20)(coefficients)
    expected = idct(coefficients[0].numpy(), axis=0, norm="ortho")
    np.testing.assert_allclose(picture[0, 0], expected, atol=1e-4)
    assert mask.shape == (1, 1, 1, 9)


def test_picture_scale_leaves_padding_out():
    layer, clips = PictureLayer(13), make_clips([40, 25, 31], n_frames=60)
    layer.fit_scale(lambda: [clips[:2], clips[2:]])
    picture, mask = layer(clips)
    real = picture[:, 0].transpose(1, 2)[mask[:, 0, 0].bool()]
    torch.testing.assert_close(real.mean(dim=0), torch.zeros(13), atol=1e-5, rtol=0)
    torch.testing.assert_close(real.std(dim=0, correction=0), torch.ones(13), atol=1e-4, rtol=0)
    assert not picture[:, 0].transpose(1, 2)[~mask[:, 0, 0].bool()].any()


def test_constant_picture_is_centred_and_not_blown_up():
    layer, clips = PictureLayer(5), torch.ones(3, 5, 4)
    layer.fit_scale(lambda: [clips])
    assert layer(clips)[0].abs().max() < 0.1


def test_statistics_by_hand():
    x = torch.tensor([[[1.0, 2.0, 6.0, 0.0]], [[4.0, 0.0, 0.0, 0.0]]])
    mask = torch.tensor([[[1.0, 1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0, 0.0]]])
    expected = [[3.0, np.std([1, 2, 6]), 6.0], [4.0, 0.0, 4.0]]
    np.testing.assert_allclose(masked_statistics(x, mask), expected, atol=0.01)


def test_frame_mask():
    clips = torch.zeros(2, 3, 4)
    clips[0, 1, :2] = 1
    expected = [[[True, True, False, False]], [[True, False, False, False]]]
    assert frame_mask(clips).tolist() == expected


def test_weights_follow_the_generator_alone():
    before = torch.get_rng_state()
    first, second, other = make_network(seed=1), make_network(seed=1), make_network(seed=2)
    assert torch.equal(before, torch.get_rng_state())
    clips = make_clips([20])
    assert torch.equal(logits(first, clips), logits(second, clips))
    assert not torch.equal(logits(first, clips), logits(other, clips))


def test_dropout_keeps_the_mean_and_leaves_the_global_generator():
    dropout = SeededDropout(0.3)
    dropout.generator = torch.Generator().manual_seed(0)
    before = torch.get_rng_state()
    dropped = dropout(torch.ones(20000))
    assert torch.equal(before, torch.get_rng_state())
    assert (dropped == 0).float().mean().item() == pytest.approx(0.3, abs=0.02)
    assert dropped.mean().item() == pytest.approx(1, abs=0.02)
    assert torch.equal(dropout.eval()(torch.ones(9)), torch.ones(9))


def test_default_size_is_a_few_hundred_thousand():
    network = make_network(40, 8, embedding_dim=64, channels=(32, 64, 96, 128))
    n_parameters = sum(parameter.numel() for parameter in network.parameters())
    assert 100_000 < n_parameters < 400_000
