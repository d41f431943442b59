"""Construction of an ensemble from its description."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from .._features.layout import MFCCLayout
from .custom import make_encoders
from .encoder import ConvolutionalEncoder
from .ensemble import Encoders, Ensemble, Head, SingleFrame, move_tensors
from .inputs import LogMelLayer, StandardizationLayer
from .layers import reset_parameters

__all__ = ["NetworkSpec", "assemble", "build"]

# Assumed total stride of a custom network, in frames; every second view is delayed by half of it.
_CUSTOM_STEP = 16


@dataclass(frozen=True)
class NetworkSpec:
    """Everything that determines the shape of an ensemble.

    Parameters
    ----------
    kind : {"cnn", "mlp", "custom"}
    n_rows : int > 0
        Rows per channel: coefficients, or columns of a table.
    n_channels : int > 0
        Number of channels, such as MFCCs and their derivatives.
    n_classes : int > 0
    embedding_dim : int >= n_networks
        Size of the embeddings of all networks together.
    n_networks : int > 0
    dropout : float in [0, 1)
        Probability that a unit of the embedding, or of a hidden layer, is dropped in training.
    arguments : dict
        Arguments of this kind: `channels` and `se_ratio` of `ConvolutionalEncoder`,
        `hidden_layer_sizes` of `Head`, or `factory`, see `custom`.
    layout : MFCCLayout or None, default=None
        Meaning of the coefficients; None stands for the defaults of `MFCCTransformer`.
    seed : int, default=0
        Seed of the generator with which the ensemble was built for training.
    """

    kind: str
    n_rows: int
    n_channels: int
    n_classes: int
    embedding_dim: int
    n_networks: int
    dropout: float
    arguments: Mapping[str, Any] = field(default_factory=dict)
    layout: MFCCLayout | None = None
    seed: int = 0

    @property
    def step(self) -> int:
        """Total stride of the network, in frames of the spectrogram."""
        return 2 ** len(self.arguments["channels"]) if self.kind == "cnn" else _CUSTOM_STEP


def build(spec: NetworkSpec, generator: torch.Generator) -> Ensemble:
    """Build an ensemble with random weights.

    Parameters
    ----------
    spec : NetworkSpec
    generator : torch.Generator
        Source of the initial weights, and later of the dropout masks of the heads.
    """
    ensemble = _BUILDERS[spec.kind](spec, generator)
    # Custom encoders keep the weights with which they were created.
    reset_parameters(ensemble.heads if spec.kind == "custom" else ensemble, generator)
    ensemble.set_generator(generator)
    return ensemble


def assemble(spec: NetworkSpec, tensors: dict[str, Tensor]) -> Ensemble:
    """Build an ensemble, which is not custom, around existing weights.

    Parameters
    ----------
    spec : NetworkSpec
    tensors : dict of str to Tensor
        All parameters and buffers by name, see `move_tensors`. They become those of the ensemble,
        and the dict is empty afterwards. Nothing is allocated for a tensor that is not there.

    Raises
    ------
    ValueError
        If the tensors are not those of such an ensemble.
    """
    with torch.device("meta"):
        ensemble = _BUILDERS[spec.kind](spec, torch.Generator("cpu"))
    move_tensors(ensemble, tensors)
    return ensemble


def _build_cnn(spec: NetworkSpec, generator: torch.Generator) -> Ensemble:
    channels = spec.arguments["channels"]
    encoders = Encoders(
        ConvolutionalEncoder(
            spec.n_rows, channels, spec.n_channels, se_ratio=spec.arguments["se_ratio"]
        )
        for _ in range(spec.n_networks)
    )
    heads = _heads(spec, 3 * channels[-1])
    return Ensemble(LogMelLayer(spec.n_rows, spec.n_channels, spec.layout), encoders, heads)


def _build_mlp(spec: NetworkSpec, generator: torch.Generator) -> Ensemble:
    encoders = Encoders([SingleFrame()])
    heads = _heads(spec, spec.n_rows, hidden_layer_sizes=spec.arguments["hidden_layer_sizes"])
    return Ensemble(StandardizationLayer(spec.n_rows), encoders, heads)


def _build_custom(spec: NetworkSpec, generator: torch.Generator) -> Ensemble:
    encoders, n_features = make_encoders(
        spec.arguments["factory"],
        n_channels=spec.n_channels,
        n_rows=spec.n_rows,
        n_networks=spec.n_networks,
        generator=generator,
    )
    inputs = LogMelLayer(spec.n_rows, spec.n_channels, spec.layout)
    return Ensemble(inputs, Encoders(encoders), _heads(spec, n_features))


_BUILDERS: dict[str, Callable[[NetworkSpec, torch.Generator], Ensemble]] = {
    "cnn": _build_cnn,
    "mlp": _build_mlp,
    "custom": _build_custom,
}


def _heads(spec: NetworkSpec, n_inputs: int, **kwargs: Any) -> list[Head]:
    return [
        Head(n_inputs, size, spec.n_classes, dropout=spec.dropout, **kwargs)
        for size in split_evenly(spec.embedding_dim, spec.n_networks)
    ]


def split_evenly(total: int, n_parts: int) -> list[int]:
    """Split a number into parts that differ by at most one, the larger ones first."""
    return [total // n_parts + (part < total % n_parts) for part in range(n_parts)]
