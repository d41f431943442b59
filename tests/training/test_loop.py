"""The training loop: gradients of shards."""

import copy

import pytest
import torch

from ser_estimators._training.batches import Prefetch
from ser_estimators._training.shards import n_shards

from .helpers import make_net


@pytest.mark.parametrize("n_networks", [1, 2])
@pytest.mark.parametrize(("n_clips", "shards"), [(2, 1), (23, 1), (25, 2), (40, 2), (64, 4)])
def test_gradients_equal_those_of_autograd_on_the_same_shards(n_clips, shards, n_networks):
    assert n_shards(n_clips) == shards
    net, coefficients, targets = make_net(n_clips, n_networks=n_networks)
    module = copy.deepcopy(net.module_).train()
    net.prepare(n_clips)
    net.prefetch_ = Prefetch([(coefficients, targets)], net.make_examples, net.pool_)
    (examples,) = net.prefetch_
    loss = net.train_step_single(examples)["loss"]
    net._release()

    spectrogram, mask = module.inputs(coefficients)
    pieces = zip(spectrogram.chunk(shards), mask.chunk(shards), strict=True)
    encoded = torch.cat([module.encoders(*piece) for piece in pieces])
    logits = module.classify(module.embed(encoded))
    losses = [torch.nn.functional.cross_entropy(of_one, targets) for of_one in logits.unbind(1)]
    expected = torch.stack(losses).mean()
    expected.backward()
    torch.testing.assert_close(loss, expected)
    for (name, parameter), reference in zip(
        net.module_.named_parameters(), module.parameters(), strict=True
    ):
        assert parameter.grad.abs().sum() > 0, name
        torch.testing.assert_close(parameter.grad, reference.grad, msg=name)
