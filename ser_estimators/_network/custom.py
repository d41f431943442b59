"""Custom encoders."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
        spectrogram, mask = pad(spectrogram, mask)
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
        with explained(f"in network(n_channels={n_channels}, n_rows={n_rows})"):
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
        # All of them, because the first call creates the weights of lazy modules.
        sizes = {_output_size(encoder, n_channels, n_rows) for encoder in encoders}
    if len(sizes) > 1:
        raise ValueError(
            f"network(n_channels, n_rows) returned modules with {min(sizes)} and {max(sizes)} "
            "features; expected the same number from all modules"
        )
    return encoders, sizes.pop()


@contextmanager
def explained(note: str) -> Iterator[None]:
    """Add a note to an error that is raised in the code of the user."""
    try:
        yield
    except Exception as error:
        error.add_note(note)
        raise


@torch.no_grad()
def _output_size(encoder: CustomEncoder, n_channels: int, n_rows: int) -> int:
    """Return the number of features of an encoder, or raise if they are not one vector per clip."""
    sizes = []
    for n_frames in (_FRAMES, 4 * _FRAMES):
        spectrogram = torch.zeros(2, n_channels, n_rows, n_frames, dtype=torch.float32)
        mask = torch.ones(2, 1, 1, n_frames, dtype=torch.float32)
        spectrogram, mask = pad(spectrogram, mask)
        where = f"spectrogram of shape {tuple(spectrogram.shape)}, mask {tuple(mask.shape)}"
        with explained(f"in forward(spectrogram, mask) of network, {where}"):
            output = encoder.module(spectrogram, mask)
        if not isinstance(output, Tensor):
            raise TypeError(
                f"network returned a {type(output).__name__}; expected a tensor of shape "
                "(n, n_features)"
            )
        if output.ndim != 2 or len(output) != 2 or not output.numel():
            raise ValueError(
                f"network returned a tensor of shape {tuple(output.shape)} for 2 spectrograms of "
                f"shape {(n_channels, n_rows, n_frames)}; expected one vector per clip, (2, "
                "n_features): pool over rows and frames"
            )
        sizes.append(output.shape[1])
    if sizes[0] != sizes[1]:
        raise ValueError(
            f"network returned {sizes[0]} and {sizes[1]} features for short and long clips; "
            "expected the same number: pool over frames"
        )
    return sizes[0]


def pad(spectrogram: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Pad spectrograms and masks with zeros to the lengths that encoders process."""
    n_frames = max(math.ceil(spectrogram.shape[3] / _FRAMES), 2) * _FRAMES
    missing = (0, n_frames - spectrogram.shape[3])
    return functional.pad(spectrogram, missing), functional.pad(mask, missing)
