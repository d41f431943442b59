"""Custom encoders."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .layers import replace_dropout

__all__ = ["CustomEncoder", "make_encoders"]

# Spectrograms are padded to a multiple of this many frames, and to at least twice as many, so that
# strided layers have enough frames and torch compiles kernels for few shapes.
_FRAMES = 16


class CustomEncoder(nn.Module):
    """A custom module with the interface of `ConvolutionalEncoder`.

    Parameters
    ----------
    module : torch.nn.Module
        Its ``forward(spectrogram, mask)`` returns a tensor of shape (n, n_features).

    Attributes
    ----------
    precision : torch.dtype
        Type of the convolutions and matrix products during training.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.precision = torch.float32
        self.module = module

    def forward(self, spectrogram: Tensor, mask: Tensor) -> Tensor:
        # spectrogram (n, n_channels, n_rows, n_frames), mask (n, 1, 1, n_frames)
        n_frames = max(math.ceil(spectrogram.shape[3] / _FRAMES), 2) * _FRAMES
        padding = (0, n_frames - spectrogram.shape[3])
        spectrogram, mask = (functional.pad(x, padding) for x in (spectrogram, mask))
        is_lower = self.training and self.precision != torch.float32
        with torch.autocast(spectrogram.device.type, self.precision, enabled=is_lower):
            encoded = self.module(spectrogram, mask)
        return encoded.to(mask.dtype)
        # (n, n_features)


def make_encoders(
    factory: Callable[..., Any],
    *,
    n_channels: int,
    n_rows: int,
    n_networks: int,
    generator: torch.Generator,
) -> tuple[list[CustomEncoder], int]:
    """Create encoders with a custom module class or factory, and determine their output size.

    Parameters
    ----------
    factory : callable
        ``factory(n_channels, n_rows)`` returns a new torch.nn.Module.
    n_channels, n_rows : int > 0
        Shape of the spectrograms.
    n_networks : int > 0
    generator : torch.Generator
        Seeds the global generator of torch, from which modules draw their weights, while they are
        created; the global generator is then restored.

    Returns
    -------
    encoders : list of CustomEncoder
    n_features : int
        Size of the vector that an encoder returns for a clip.

    Raises
    ------
    TypeError, ValueError
        If the factory or its modules do not have this interface.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**62, (), generator=generator)))
        modules = [factory(n_channels, n_rows) for _ in range(n_networks)]
        for module in modules:
            if not isinstance(module, nn.Module):
                raise TypeError(
                    f"network(n_channels, n_rows) returned a {type(module).__name__}; expected a "
                    "torch.nn.Module"
                )
        if len({id(module) for module in modules}) < n_networks:
            raise ValueError(
                "network(n_channels, n_rows) returned the same module twice; expected a new one in "
                "each call, because the networks of an ensemble are trained separately"
            )
        for module in modules:
            replace_dropout(module)
        encoders = [CustomEncoder(module.float()).eval() for module in modules]
        spectrogram, mask = torch.zeros(2, n_channels, n_rows, 40), torch.ones(2, 1, 1, 40)
        with torch.no_grad():
            output = encoders[0](spectrogram, mask)
    if output.ndim != 2 or len(output) != 2:
        raise ValueError(
            f"network returned a tensor of shape {tuple(output.shape)} for spectrograms of shape "
            f"{tuple(spectrogram.shape)}; expected one vector per clip, (2, n_features): pool over "
            "rows and frames"
        )
    return encoders, output.shape[1]
