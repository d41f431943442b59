"""From a description of an ensemble to its layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from .encoder import ConvolutionalEncoder
from .ensemble import Encoders, Ensemble, Head, SingleFrame
from .inputs import LogMelLayer, StandardizationLayer
from .layers import reset_parameters

__all__ = ["NetworkSpec", "build"]


@dataclass(frozen=True)
class NetworkSpec:
    """Everything that determines the shape of an ensemble.

    Parameters
    ----------
    kind : {"cnn", "mlp"}
    n_rows : int > 0
        Rows of a channel: coefficients, or columns of a table.
    n_channels : int > 0
        Channels, such as MFCCs and their derivatives.
    n_classes : int > 0
    embedding_dim : int >= n_networks
        Size of the embeddings of all networks together.
    n_networks : int > 0
    dropout : float in [0, 1)
        Probability that a unit of the embedding, or of a hidden layer, is dropped in training.
    arguments : dict
        Arguments of this kind: `channels` and `se_ratio` of `ConvolutionalEncoder`, or
        `hidden_layer_sizes` of `Head`.
    """

    kind: str
    n_rows: int
    n_channels: int
    n_classes: int
    embedding_dim: int
    n_networks: int
    dropout: float
    arguments: Mapping[str, Any] = field(default_factory=dict)


def build(spec: NetworkSpec, generator: torch.Generator) -> Ensemble:
    """Build an ensemble with random weights.

    Parameters
    ----------
    spec : NetworkSpec
    generator : torch.Generator
        Source of the initial weights, and later of the dropout masks.
    """
    ensemble = _BUILDERS[spec.kind](spec)
    reset_parameters(ensemble, generator)
    ensemble.set_generator(generator)
    return ensemble


def _build_cnn(spec: NetworkSpec) -> Ensemble:
    channels = spec.arguments["channels"]
    encoders = Encoders(
        ConvolutionalEncoder(
            spec.n_rows, channels, spec.n_channels, se_ratio=spec.arguments["se_ratio"]
        )
        for _ in range(spec.n_networks)
    )
    heads = _heads(spec, 3 * channels[-1])
    return Ensemble(LogMelLayer(spec.n_rows, spec.n_channels), encoders, heads)


def _build_mlp(spec: NetworkSpec) -> Ensemble:
    encoders = Encoders([SingleFrame()])
    heads = _heads(spec, spec.n_rows, hidden_layer_sizes=spec.arguments["hidden_layer_sizes"])
    return Ensemble(StandardizationLayer(spec.n_rows), encoders, heads)


_BUILDERS: dict[str, Callable[[NetworkSpec], Ensemble]] = {"cnn": _build_cnn, "mlp": _build_mlp}


def _heads(spec: NetworkSpec, n_inputs: int, **kwargs: Any) -> list[Head]:
    return [
        Head(n_inputs, size, spec.n_classes, dropout=spec.dropout, **kwargs)
        for size in split_evenly(spec.embedding_dim, spec.n_networks)
    ]


def split_evenly(total: int, n_parts: int) -> list[int]:
    """Split a number into parts that differ by at most one, the larger ones first."""
    return [total // n_parts + (part < total % n_parts) for part in range(n_parts)]
