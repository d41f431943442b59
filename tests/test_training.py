"""Training: shards, replicas, and a result that no number of threads changes."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ser_estimators._augmentation import TrainingExamples
from ser_estimators._batches import MadeAhead
from ser_estimators._networks import SpectrogramCNN
from ser_estimators._training import (
    ShardedNet,
    cut_by_length,
    gather_statistics,
    n_shards,
    replica,
    shard_sizes,
)


def make_net(n_clips, n_threads=2, n_networks=1):
    """Make a net on which a step can be taken, and a batch of clips for it."""
    generator = torch.Generator().manual_seed(0)
    module = SpectrogramCNN(
        6,
        3,
        embedding_dim=5,
        channels=(4, 4),
        n_networks=n_networks,
        dropout=0.0,
        generator=generator,
    ).double()
    net = ShardedNet(
        module,
        criterion=torch.nn.CrossEntropyLoss,
        examples=TrainingExamples(0.0, 0.0, None, None, generator, np.random.default_rng(0)),
        n_threads=n_threads,
        train_split=None,
        callbacks__print_log=None,
    )
    net.initialize()
    coefficients = torch.randn(n_clips, 6, 20, generator=generator, dtype=torch.float64)
    return net, coefficients, torch.nn.functional.one_hot(torch.arange(n_clips) % 3, 3).double()


@pytest.mark.parametrize("n_networks", [1, 2])
@pytest.mark.parametrize(("n_clips", "shards"), [(2, 1), (23, 1), (25, 2), (40, 2), (64, 4)])
def test_gradients_are_those_of_plain_autograd_on_the_same_shards(n_clips, shards, n_networks):
    assert n_shards(n_clips) == shards
    net, coefficients, targets = make_net(n_clips, n_networks=n_networks)
    module = copy.deepcopy(net.module_).train()
    net.prepare(n_clips)
    net.ahead_ = MadeAhead([(coefficients, targets)], net.make_examples, net.pool_)
    (examples,) = net.ahead_
    loss = net.train_step_single(examples)["loss"]
    net._release()

    picture, mask = module.picture(coefficients)
    pieces = zip(picture.chunk(shards), mask.chunk(shards), strict=True)
    statistics = torch.cat([module.trunk(*piece) for piece in pieces])
    logits = module.classify(module.embed(statistics))
    losses = [torch.nn.functional.cross_entropy(of_one, targets) for of_one in logits.unbind(1)]
    expected = torch.stack(losses).mean()
    expected.backward()
    torch.testing.assert_close(loss, expected)
    for (name, parameter), reference in zip(
        net.module_.named_parameters(), module.parameters(), strict=True
    ):
        assert parameter.grad.abs().sum() > 0, name
        torch.testing.assert_close(parameter.grad, reference.grad, msg=name)


@given(lengths=st.lists(st.integers(1, 30), min_size=1, max_size=70), extra=st.integers(0, 5))
def test_shards_hold_every_frame_once_and_no_useless_ones(lengths, extra):
    n_frames = torch.tensor(lengths)
    mask = (torch.arange(max(lengths) + extra) < n_frames[:, None]).float()[:, None, None]
    number = torch.arange(1.0, len(lengths) + 1)
    shards, targets = cut_by_length(number[:, None, None, None] * mask, mask, number[:, None])
    assert len(shards) == n_shards(len(lengths))
    assert min(len(picture) for picture, _ in shards) >= len(lengths) // (2 * len(shards))
    widths = [picture.shape[3] for picture, _ in shards]
    assert widths == sorted(widths, reverse=True)
    for picture, of_shard in shards:
        assert of_shard[..., -1].any()
        assert picture.shape == of_shard.shape
    in_shards = torch.cat([picture.sum(dim=(1, 2, 3)) for picture, _ in shards])
    torch.testing.assert_close(in_shards, targets[:, 0] * n_frames[targets[:, 0].long() - 1])
    assert sorted(targets[:, 0].tolist()) == number.tolist()


def test_shards_are_about_the_same_work():
    lengths = torch.linspace(400, 100, 48)
    sizes = shard_sizes(lengths)
    work = torch.stack([part.sum() for part in lengths.split(sizes)])
    assert sizes == sorted(sizes)
    assert work.max() / work.min() < 1.15
    assert shard_sizes(torch.ones(48)) == [16, 16, 16]
    # One endless clip is not left alone with the statistics of its batch.
    assert min(shard_sizes(torch.tensor([1e6] + [1.0] * 31))) == 8


def test_shards_keep_what_follows_a_silence_within_a_clip():
    mask = torch.ones(2, 1, 1, 9)
    mask[:, ..., 3:6] = 0
    [(picture, _)], _ = cut_by_length(mask, mask, torch.eye(2))
    assert picture.shape[3] == 9


def test_replicas_share_weights_and_not_statistics():
    net, _, _ = make_net(2)
    trunk = net.module_.trunk
    twin = replica(trunk)
    for own, other in zip(trunk.parameters(), twin.parameters(), strict=True):
        assert own is other
    for own, other in zip(trunk.buffers(), twin.buffers(), strict=True):
        assert own is not other


def test_statistics_are_the_mean_of_the_replicas_that_saw_a_batch():
    net, coefficients, _ = make_net(24)
    trunk = net.module_.trunk
    twins = [replica(trunk) for _ in range(4)]
    for twin, part in zip(twins[:2], coefficients.chunk(2), strict=True):
        twin.train()(*net.module_.picture(part))
    expected = (twins[0][0].stem.norm.running_mean + twins[1][0].stem.norm.running_mean) / 2
    assert expected.abs().min() > 0
    gather_statistics(trunk, twins)
    for module in (trunk, *twins):
        torch.testing.assert_close(module[0].stem.norm.running_mean, expected)
        assert module[0].stem.norm.num_batches_tracked == 1
