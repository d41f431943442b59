"""Ensembles: padding, initial weights, and networks that do not affect each other."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_estimators import CNNEmbedder, SpectrogramCNN
from ser_estimators._network.build import split_evenly
from ser_estimators._network.ensemble import average_logits, set_precision

from .helpers import make_clips, make_mlp, make_network


@torch.no_grad()
def logits(network, clips):
    return network(clips)


@given(
    lengths=st.lists(st.integers(1, 40), min_size=2, max_size=6),
    extra=st.integers(0, 30),
    n_coefficients=st.sampled_from([1, 2, 7, 13, 40]),
    n_networks=st.sampled_from([1, 2]),
    se_ratio=st.sampled_from([0.0, 0.25]),
)
@settings(max_examples=40)
def test_padding_batch_and_order_do_not_change_the_output_of_a_clip(
    lengths, extra, n_coefficients, n_networks, se_ratio
):
    network = make_network(n_coefficients, n_networks=n_networks, se_ratio=se_ratio)
    clips = make_clips(lengths, n_coefficients, max(lengths) + extra)
    together = logits(network, clips)
    for index, length in enumerate(lengths):
        alone = logits(network, clips[index : index + 1, :, :length])
        torch.testing.assert_close(together[index : index + 1], alone, atol=1e-5, rtol=0)
    order = list(range(len(lengths)))[::-1]
    torch.testing.assert_close(logits(network, clips[order]), together[order], atol=1e-5, rtol=0)


def test_frames_that_are_not_zero_change_the_output_of_a_clip():
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


def test_networks_learn_independently():
    targets = torch.arange(16) % 3
    tables = make_clips([1] * 16)
    for make, clips in (
        (lambda: make_network(n_networks=3, embedding_dim=8), make_clips([20] * 16)),
        (lambda: make_mlp(3), tables),
    ):
        gradients = []
        for factor in (1, 2):
            networks = make().train()
            for head in networks.heads:
                head.dropout.p = 0.0
            with torch.no_grad():
                networks.heads[0].output.weight.mul_(factor)
            all_logits = networks.classify(
                networks.embed(networks.encoders(*networks.inputs(clips)))
            )
            assert all_logits.shape == (16, 3, 3)
            loss = torch.nn.functional.cross_entropy(
                all_logits.flatten(0, 1), targets.repeat_interleave(3)
            )
            loss.backward()
            gradients.append([head.embedding.weight.grad for head in networks.heads])
        first, second = gradients
        assert not torch.equal(first[0], second[0])
        assert torch.equal(first[1], second[1])
        assert torch.equal(first[2], second[2])


def test_networks_start_differently_and_divide_the_embedding():
    networks = make_network(n_networks=3, embedding_dim=8)
    assert [head.embedding_dim for head in networks.heads] == [3, 3, 2]
    assert networks.embedding_dim == 8
    clips = make_clips([20, 9])
    embedding = networks.embed(networks.encoders(*networks.inputs(clips)))
    assert embedding.shape == (2, 8)
    of_each = networks.classify(embedding)
    assert (of_each[:, 0] - of_each[:, 1]).abs().max() > 1e-3
    probabilities = logits(networks, clips).exp()
    torch.testing.assert_close(probabilities, of_each.softmax(dim=2).mean(dim=1))
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(2))


def test_average_of_one_network_is_unchanged_and_extremes_are_finite():
    only = torch.tensor([[[3.0, 1.0, -2.0]]])
    torch.testing.assert_close(average_logits(only), only[:, 0].log_softmax(dim=1))
    extreme = torch.tensor([[[1e4, 0.0], [-1e4, 0.0]]])
    assert average_logits(extreme).isfinite().all()
    torch.testing.assert_close(average_logits(extreme).exp(), torch.tensor([[0.5, 0.5]]))


@given(total=st.integers(1, 300), n_parts=st.integers(1, 20))
def test_a_number_is_split_evenly(total, n_parts):
    parts = split_evenly(total, n_parts)
    assert len(parts) == n_parts
    assert sum(parts) == total
    assert max(parts) - min(parts) <= 1


def test_output_biases_start_from_the_class_frequencies():
    networks = make_network(n_networks=2)
    frequencies = torch.tensor([0.6, 0.3, 0.0])
    networks.set_prior(frequencies)
    for head in networks.heads:
        bias = head.output.bias.detach()
        torch.testing.assert_close((bias[0] - bias[1]).exp(), torch.tensor(2.0))
        assert bias.isfinite().all()


def test_weights_depend_only_on_the_generator():
    before = torch.get_rng_state()
    first, second, other = make_network(seed=1), make_network(seed=1), make_network(seed=2)
    assert torch.equal(before, torch.get_rng_state())
    clips = make_clips([20])
    assert torch.equal(logits(first, clips), logits(second, clips))
    assert not torch.equal(logits(first, clips), logits(other, clips))


def test_default_number_of_parameters():
    parameters = CNNEmbedder().get_params() | SpectrogramCNN().get_params()
    names = ("embedding_dim", "channels", "n_networks", "se_ratio")
    network = make_network(40, 8, **{name: parameters[name] for name in names})
    n_parameters = sum(parameter.numel() for parameter in network.parameters())
    assert round(n_parameters / 1e6, 2) == 0.53


@pytest.mark.parametrize("n_frames", [1, 2, 3, 5, 8, 9, 17])
@pytest.mark.parametrize("channels", [(8,), (8, 16), (8, 16, 16), (8, 16, 16, 16)])
def test_bfloat16_is_correct_for_short_clips(n_frames, channels):
    # On some processors, strided convolutions with one output frame are not.
    x = torch.randn(6, 20, n_frames, generator=torch.Generator().manual_seed(0))
    gradients = []
    for precision in (torch.float32, torch.bfloat16):
        network = make_network(20, 3, channels=channels, embedding_dim=8, dropout=0.0)
        set_precision(network.encoders, precision)
        network.train()(x).square().sum().backward()
        stem = network.encoders[0].stem.convolution.weight.grad
        assert stem.isfinite().all()
        gradients.append(stem.flatten())
    assert torch.cosine_similarity(*gradients, dim=0) > 0.9


def test_gates_depend_on_the_means_of_a_clip_and_start_near_one():
    network = make_network(se_ratio=0.25)
    gates = [block.gate for block in network.encoders[0].blocks]
    # The first block is strided, the second one is pooled.
    assert [gate is not None for gate in gates] == [False, True]
    gate = gates[1]
    assert gate.squeeze.out_features == 2
    x = torch.rand(3, 8, 4, 6, generator=torch.Generator().manual_seed(0))
    mask = torch.ones(3, 1, 1, 3)
    mask[1, ..., 1:] = x[1, ..., 2:] = 0
    ratio = gate(x, mask) / x
    # One factor for each channel of a clip, independent of the padding.
    for clip, n_frames in enumerate([6, 2, 6]):
        factors = ratio[clip, :, :, :n_frames].flatten(1)
        torch.testing.assert_close(factors, factors[:, :1].expand_as(factors))
        means = x[clip, :, :, :n_frames].mean(dim=(1, 2))
        expected = 2 * gate.excite(gate.squeeze(means).relu()).sigmoid()
        torch.testing.assert_close(factors[:, 0], expected)
        assert (expected > 0.3).all()
        assert (expected < 1.7).all()
        assert expected.std() > 0.01


def test_gate_has_at_least_one_unit():
    gate = make_network(se_ratio=0.01).encoders[0].blocks[1].gate
    assert gate.squeeze.out_features == 1
