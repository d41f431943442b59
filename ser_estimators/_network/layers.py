"""Layers that draw random numbers from generators of their own."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, cast

import torch
from torch import Tensor, nn

__all__ = [
    "SeededDropout",
    "replace_dropout",
    "reset_parameters",
    "seed_dropout",
    "uninitialized",
]


class SeededDropout(nn.Module):
    """Dropout that draws from its own generator instead of the global one.

    Parameters
    ----------
    p : float in [0, 1)
        Probability that a value, or a channel, is dropped.
    n_axes : int > 0 or None, default=None
        Number of leading axes along which masks vary: 2 drops whole channels, None single values.
    """

    def __init__(self, p: float, n_axes: int | None = None) -> None:
        super().__init__()
        self.p = p
        self.n_axes = n_axes
        self.generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        n_axes = x.ndim if self.n_axes is None else self.n_axes
        shape = x.shape[:n_axes] + (1,) * (x.ndim - n_axes)
        # Drawn on the CPU, where the generator is, so that masks are the same on every device.
        keep = torch.rand(shape, generator=self.generator) >= self.p
        return x * keep.to(x.device, x.dtype) / (1 - self.p)


def replace_dropout(module: nn.Module) -> None:
    """Replace torch's dropout layers, which draw from the global generator, by `SeededDropout`."""
    kinds: dict[type, int | None] = {
        nn.Dropout: None,
        nn.Dropout1d: 2,
        nn.Dropout2d: 2,
        nn.Dropout3d: 2,
    }
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if type(child) in kinds:
                setattr(parent, name, SeededDropout(cast(float, child.p), kinds[type(child)]))


def seed_dropout(modules: Iterable[nn.Module], generator: torch.Generator) -> None:
    """Give every `SeededDropout` layer its own generator.

    The modules run in different threads. With one generator for all, the numbers that each module
    draws would depend on the order of the threads.
    """
    for module in modules:
        for part in module.modules():
            if isinstance(part, SeededDropout):
                seed = int(torch.randint(2**62, (), generator=generator))
                part.generator = torch.Generator().manual_seed(seed)


def reset_parameters(network: nn.Module, generator: torch.Generator) -> None:
    """Draw the initial weights of all convolutions and linear layers.

    They are created by `uninitialized`, because the default initialization of torch draws from the
    global generator, which belongs to the user.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
        elif isinstance(module, nn.Linear):
            bound = 1 / math.sqrt(module.in_features)
            nn.init.uniform_(module.weight, -bound, bound, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def uninitialized(layer: type[nn.Module], *args: Any, **kwargs: Any) -> nn.Module:
    """Create a layer without values for its weights, on the current default device.

    ``torch.nn.utils.skip_init`` does the same, but imports SymPy in its first call.
    """
    created = layer(*args, device="meta", **kwargs)
    for name, parameter in list(created.named_parameters(recurse=False)):
        setattr(created, name, nn.Parameter(torch.empty(parameter.shape, dtype=parameter.dtype)))
    return created
