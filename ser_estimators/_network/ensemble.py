"""Ensembles of networks with a common input."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .custom import CustomEncoder
from .encoder import ConvolutionalEncoder
from .inputs import StandardizationLayer
from .layers import SeededDropout, uninitialized

__all__ = [
    "Encoders",
    "Ensemble",
    "Head",
    "SingleFrame",
    "average_logits",
    "copy_tensors",
    "move_tensors",
    "set_precision",
    "tensors_of",
]


class Ensemble(nn.Module):
    """Networks whose embeddings are concatenated and whose probabilities are averaged.

    The networks differ only in their initial weights, and each has its own loss. They make
    different errors, so the ensemble is more accurate than a single network and varies less [1]_.

    The forward pass has four stages, which training calls one by one::

        coefficients ─ inputs ─ encoders ─ embed ─ classify ─ logits of each network

    Parameters
    ----------
    inputs : StandardizationLayer
        Maps coefficients to the spectrogram or table that all networks receive.
    encoders : Encoders
        Map a spectrogram and its mask to one vector per clip, which is nearly all of the work.
        There is one encoder for each head, or a single one for all heads.
    heads : sequence of Head
        One for each network.

    References
    ----------
    .. [1] B. Lakshminarayanan, A. Pritzel and C. Blundell, "Simple and scalable predictive
       uncertainty estimation using deep ensembles", NeurIPS 2017.
    """

    def __init__(
        self, inputs: StandardizationLayer, encoders: Encoders, heads: Sequence[Head]
    ) -> None:
        super().__init__()
        self.inputs = inputs
        self.encoders = encoders
        self.heads: Any = nn.ModuleList(heads)

    @property
    def embedding_dim(self) -> int:
        """Size of the concatenated embeddings."""
        return sum(head.embedding_dim for head in self.heads)

    def set_generator(self, generator: torch.Generator | None) -> None:
        """Set the source of the dropout masks of the heads."""
        for head in self.heads:
            head.dropout.generator = generator

    def forward(self, coefficients: Tensor) -> Tensor:
        """Return logits (n, n_classes) of coefficients (n, n_coefficients, n_frames)."""
        embedding = self.embed(self.encoders(*self.inputs(coefficients)))
        # embedding (n, embedding_dim)
        return average_logits(self.classify(embedding))
        # (n, n_classes)

    def embed(self, encoded: Tensor) -> Tensor:
        """Turn the output of the encoders into the embeddings of all networks, concatenated."""
        is_shared = len(self.encoders) < len(self.heads)
        parts = [encoded] * len(self.heads) if is_shared else encoded.chunk(len(self.heads), dim=1)
        return torch.cat(
            [head.embed(part) for head, part in zip(self.heads, parts, strict=True)], dim=1
        )
        # (n, embedding_dim)

    def classify(self, embedding: Tensor) -> Tensor:
        """Turn the embedding into the logits of each network."""
        sizes = [head.embedding_dim for head in self.heads]
        parts = zip(self.heads, embedding.split(sizes, dim=1), strict=True)
        return torch.stack([head.classify(part) for head, part in parts], dim=1)
        # (n, n_networks, n_classes)

    @torch.no_grad()
    def set_prior(self, prior: Tensor) -> None:
        """Initialize the output biases with the class frequencies.

        Training then does not have to learn first how rare a class is, or how small its weight is.

        Parameters
        ----------
        prior : Tensor of shape (n_classes,)
            Nonnegative; zero is treated as a very small frequency.
        """
        logarithms = prior.clamp(min=1e-6).log()
        for head in self.heads:
            head.output.bias.copy_(logarithms - logarithms.mean())


class Encoders(nn.ModuleList):
    """Encoders of one spectrogram, whose outputs are concatenated."""

    def forward(self, spectrogram: Tensor, mask: Tensor) -> Tensor:
        return torch.cat([encoder(spectrogram, mask) for encoder in self], dim=1)
        # (n, n_encoders * n_features)


class SingleFrame(nn.Module):
    """Return the only frame of a row of a table as a vector."""

    def forward(self, table: Tensor, mask: Tensor) -> Tensor:
        # table (n, 1, n_features, 1)
        return table[:, 0, :, 0]
        # (n, n_features)


class Head(nn.Module):
    """Fully connected layers with dropout: optional hidden layers, the embedding, the output.

    Parameters
    ----------
    n_inputs : int > 0
    embedding_dim : int > 0
    n_classes : int > 0
    hidden_layer_sizes : sequence of int > 0, default=()
    dropout : float in [0, 1)
    """

    def __init__(
        self,
        n_inputs: int,
        embedding_dim: int,
        n_classes: int,
        hidden_layer_sizes: Sequence[int] = (),
        *,
        dropout: float,
    ) -> None:
        super().__init__()
        self.embedding_dim = embedding_dim
        sizes = [n_inputs, *hidden_layer_sizes]
        self.hidden = nn.ModuleList(
            uninitialized(nn.Linear, n_in, n_out, bias=False) for n_in, n_out in pairwise(sizes)
        )
        self.hidden_norm = nn.ModuleList(nn.BatchNorm1d(size) for size in hidden_layer_sizes)
        self.embedding = uninitialized(nn.Linear, sizes[-1], embedding_dim, bias=False)
        self.embedding_norm = nn.BatchNorm1d(embedding_dim)
        self.dropout = SeededDropout(dropout)
        self.output = uninitialized(nn.Linear, embedding_dim, n_classes)

    def embed(self, x: Tensor) -> Tensor:
        """Return the embedding before its activation.

        A linear model on top does not benefit from the loss of the negative values. The
        normalization centers the embedding and gives all dimensions the same scale.
        """
        # x (n, n_inputs)
        for linear, norm in zip(self.hidden, self.hidden_norm, strict=True):
            x = self.dropout(functional.relu(norm(linear(x))))
            # (n, n_units)
        return self.embedding_norm(self.embedding(x))
        # (n, embedding_dim)

    def classify(self, embedding: Tensor) -> Tensor:
        """Turn embeddings into logits."""
        return self.output(self.dropout(functional.relu(embedding)))
        # (n, n_classes)


def average_logits(logits: Tensor) -> Tensor:
    """Return the logarithms of the mean probabilities.

    Parameters
    ----------
    logits : Tensor of shape (n, n_networks, n_classes)

    Returns
    -------
    Tensor of shape (n, n_classes)
    """
    return logits.log_softmax(dim=2).logsumexp(dim=1) - math.log(logits.shape[1])


def tensors_of(module: nn.Module) -> dict[str, Tensor]:
    """Return all parameters and buffers by name, also buffers that ``state_dict`` leaves out."""
    return dict(module.named_parameters()) | dict(module.named_buffers())


@torch.no_grad()
def copy_tensors(module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Copy the values of all parameters and buffers into a module of the same shape.

    Raises
    ------
    ValueError
        If the names or shapes differ.
    """
    own = tensors_of(module)
    _check_shapes(tensors, own)
    for name, tensor in own.items():
        tensor.copy_(tensors[name])


@torch.no_grad()
def move_tensors(module: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Make tensors the parameters and buffers of a module, and remove them from the dict.

    They are neither copied nor kept twice, except those of convolutions, one by one, for their
    format in memory. The module may be on the meta device, where its own tensors take no memory.

    Raises
    ------
    ValueError
        If the names, shapes or types differ.
    """
    own = tensors_of(module)
    _check_shapes(tensors, own)
    for name, tensor in own.items():
        if tensors[name].dtype != tensor.dtype:
            raise ValueError(
                f"the tensor {name!r} has the type {tensors[name].dtype}, expected {tensor.dtype}"
            )
    for name, tensor in own.items():
        part, _, attribute = name.rpartition(".")
        value = tensors.pop(name)
        if value.ndim == 4:
            # Also with one channel, where the formats differ only in their strides: torch selects
            # the algorithm by them, and predictions must stay bit-identical.
            wanted = torch.empty(
                value.shape, device="meta", memory_format=torch.channels_last
            ).stride()
            if value.stride() != wanted:
                value = torch.empty_like(value, memory_format=torch.channels_last).copy_(value)
        if isinstance(tensor, nn.Parameter):
            value = nn.Parameter(value)
        setattr(module.get_submodule(part), attribute, value)


def _check_shapes(tensors: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> None:
    shapes, expected = (
        {name: tuple(tensor.shape) for name, tensor in each.items()} for each in (tensors, own)
    )
    if shapes != expected:
        names = sorted(name for name in shapes | expected if shapes.get(name) != expected.get(name))
        raise ValueError(
            f"{len(names)} tensors differ, such as {names[0]!r}: shape {shapes.get(names[0])}, "
            f"expected {expected.get(names[0])}"
        )


def set_precision(module: nn.Module, precision: torch.dtype) -> None:
    """Set the type of the convolutions during training, in every encoder that supports it."""
    for part in module.modules():
        if isinstance(part, (ConvolutionalEncoder, CustomEncoder)):
            part.precision = precision
