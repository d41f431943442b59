"""Layers whose random numbers come from a generator of their own."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

__all__ = ["SeededDropout", "reset_parameters"]


class SeededDropout(nn.Module):
    """Dropout that draws from its own generator instead of the global one."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        # Drawn on the CPU, where the generator is, so that masks are the same on every device.
        keep = torch.rand(x.shape, generator=self.generator) >= self.p
        return x * keep.to(x.device, x.dtype) / (1 - self.p)


def reset_parameters(network: nn.Module, generator: torch.Generator) -> None:
    """Draw the initial weights of all convolutions and linear layers.

    They are created with ``skip_init``, because the default initialization of torch draws from the
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
