"""A net of the training loop for single training steps."""

import numpy as np
import torch

from ser_estimators._training.augmentation import Generators
from ser_estimators._training.loop import ShardedNet

from ..network.helpers import make_network


def make_net(n_clips, n_threads=2, n_networks=1):
    """Return a net for a training step, and a batch of clips for it."""
    generator = torch.Generator().manual_seed(0)
    module = make_network(
        6, embedding_dim=5, channels=(4, 4), n_networks=n_networks, dropout=0.0
    ).double()
    net = ShardedNet(
        module,
        criterion=torch.nn.CrossEntropyLoss,
        augmentation=None,
        rng=Generators(generator, np.random.default_rng(0)),
        n_threads=n_threads,
        train_split=None,
        callbacks__print_log=None,
    )
    net.initialize()
    coefficients = torch.randn(n_clips, 6, 20, generator=generator, dtype=torch.float64)
    return net, coefficients, torch.nn.functional.one_hot(torch.arange(n_clips) % 3, 3).double()
