"""Training: batches, schedule, and a result that no number of threads changes."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ser_estimators._augmentation import TrainingExamples
from ser_estimators._networks import SpectrogramCNN
from ser_estimators._training import (
    ClipDataset,
    OrderedBatches,
    ShardedNet,
    TrainingBatches,
    coefficients_of,
    gather_statistics,
    learning_rate_factor,
    n_batches,
    replica,
)


def numbered_clips(n_frames):
    """Clips that hold nothing but their number, which is also their target."""
    n_clips = len(n_frames)
    coefficients = np.zeros((n_clips, 2, 20), dtype=np.float32)
    coefficients += np.arange(n_clips, dtype=np.float32)[:, None, None]
    targets = np.arange(n_clips, dtype=np.float32)[:, None]
    return ClipDataset(coefficients, np.arange(n_clips), np.asarray(n_frames), targets)


@given(n_clips=st.integers(2, 500), batch_size=st.integers(2, 200), seed=st.integers(0, 99))
def test_batches_cover_each_clip_once_and_are_never_single(n_clips, batch_size, seed):
    dataset = numbered_clips(np.ones(n_clips, dtype=int))
    batches = TrainingBatches(dataset, batch_size, np.random.default_rng(seed))
    sizes, seen = [], []
    for coefficients, targets in batches:
        sizes.append(len(targets))
        seen.extend(targets[:, 0].int().tolist())
        assert torch.equal(coefficients[:, 0, 0], targets[:, 0])
    assert len(sizes) == len(batches) == n_batches(n_clips, batch_size)
    assert sorted(seen) == list(range(n_clips))
    assert min(sizes) >= 2
    assert max(sizes) <= batch_size + 1
    assert max(sizes) - min(sizes) <= 1


def test_batches_are_cut_to_their_longest_clip_and_shuffled_anew():
    n_frames = np.array([3, 9, 5, 4])
    batches = TrainingBatches(numbered_clips(n_frames), 2, np.random.default_rng(0))
    orders = []
    for _ in range(4):
        epoch = [(x, targets[:, 0].int().numpy()) for x, targets in batches]
        orders.append([int(label) for _, labels in epoch for label in labels])
        assert [x.shape[2] for x, _ in epoch] == [n_frames[labels].max() for _, labels in epoch]
    assert len({tuple(order) for order in orders}) > 1


def test_a_row_may_stand_in_a_dataset_more_than_once_or_not_at_all():
    whole = numbered_clips([3, 9, 5])
    dataset = ClipDataset(
        whole.coefficients, np.array([2, 0, 2]), whole.n_frames, whole.targets[[2, 0, 2]]
    )
    batches = list(OrderedBatches(dataset, 2))
    assert [x.shape[2] for x, _ in batches] == [5, 5]
    assert [targets[:, 0].tolist() for _, targets in batches] == [[2, 0], [2]]
    assert [x[:, 0, 0].tolist() for x in coefficients_of(dataset, 2)] == [[2, 0], [2]]


@given(n_steps=st.integers(1, 300), warmup=st.floats(0, 0.9))
def test_learning_rate_rises_then_falls_and_is_never_zero(n_steps, warmup):
    rates = [learning_rate_factor(s, n_steps=n_steps, warmup=warmup) for s in range(n_steps + 1)]
    assert min(rates) > 0
    assert max(rates) <= 1
    peak = int(np.argmax(rates))
    assert (np.diff(rates[: peak + 1]) >= 0).all()
    assert (np.diff(rates[peak:]) <= 0).all()
    assert rates[-1] <= 1e-3


def make_net(n_clips, n_threads=2):
    """Make a net on which a step can be taken, and a batch of clips for it."""
    generator = torch.Generator().manual_seed(0)
    module = SpectrogramCNN(
        6, 3, embedding_dim=5, channels=(4, 4), dropout=0.0, generator=generator
    ).double()
    net = ShardedNet(
        module,
        criterion=torch.nn.CrossEntropyLoss,
        examples=TrainingExamples(0.0, None, generator, np.random.default_rng(0)),
        n_threads=n_threads,
        train_split=None,
        callbacks__print_log=None,
    )
    net.initialize()
    coefficients = torch.randn(n_clips, 6, 20, generator=generator, dtype=torch.float64)
    return net, coefficients, torch.nn.functional.one_hot(torch.arange(n_clips) % 3, 3).double()


@pytest.mark.parametrize(("n_clips", "n_shards"), [(2, 1), (15, 1), (16, 2), (25, 3), (64, 4)])
def test_gradients_are_those_of_plain_autograd_on_the_same_shards(n_clips, n_shards):
    net, coefficients, targets = make_net(n_clips)
    module = copy.deepcopy(net.module_).train()
    net.notify("on_train_begin", X=None, y=None)
    loss = net.train_step_single((coefficients, targets))["loss"]
    net._release()

    picture, mask = module.picture(coefficients)
    shards = zip(picture.chunk(n_shards), mask.chunk(n_shards), strict=True)
    statistics = torch.cat([module.trunk(*shard) for shard in shards])
    logits = module.classify(module.embed(statistics))
    expected = torch.nn.functional.cross_entropy(logits, targets)
    expected.backward()
    torch.testing.assert_close(loss, expected)
    for (name, parameter), reference in zip(
        net.module_.named_parameters(), module.parameters(), strict=True
    ):
        assert parameter.grad.abs().sum() > 0, name
        torch.testing.assert_close(parameter.grad, reference.grad, msg=name)


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
    expected = (twins[0].stem.norm.running_mean + twins[1].stem.norm.running_mean) / 2
    assert expected.abs().min() > 0
    gather_statistics(trunk, twins)
    for module in (trunk, *twins):
        torch.testing.assert_close(module.stem.norm.running_mean, expected)
        assert module.stem.norm.num_batches_tracked == 1
