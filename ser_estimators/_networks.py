"""Networks: several of a kind side by side, on pictures or on tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import skip_init

from ._layers import (
    ConvolutionalTrunk,
    OnlyFrame,
    PictureLayer,
    SeededDropout,
    StandardLayer,
    reset_parameters,
)

__all__ = ["FeatureMLP", "Networks", "SpectrogramCNN"]


class Networks(nn.Module):
    """Networks side by side: their embeddings become one, their probabilities are averaged.

    They differ in their initial weights alone, and each has a loss of its own, so that they err
    on different clips: their mean is better than any of them, and it varies less [1]_.

    The forward pass has four stages, which training calls one by one::

        coefficients ─ picture ─ trunk ─ embed ─ classify ─ logits of each network

    Parameters
    ----------
    picture : StandardLayer
        Standardises the input; all networks see the same.
    trunk : SideBySide
        From a picture and its mask to statistics, nearly all of the work.
    heads : sequence of Head
        One for each network.
    generator : torch.Generator
        Source of the initial weights and of the dropout masks.

    References
    ----------
    .. [1] B. Lakshminarayanan, A. Pritzel and C. Blundell, "Simple and scalable predictive
       uncertainty estimation using deep ensembles", NeurIPS 2017.
    """

    def __init__(
        self,
        picture: StandardLayer,
        trunk: SideBySide,
        heads: Sequence[Head],
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.picture = picture
        self.trunk = trunk
        self.heads: Any = nn.ModuleList(heads)
        reset_parameters(self, generator)
        self.set_generator(generator)

    @property
    def embedding_dim(self) -> int:
        """Size of all embeddings together."""
        return sum(head.embedding_dim for head in self.heads)

    def set_generator(self, generator: torch.Generator | None) -> None:
        """Set where the dropout masks come from."""
        for head in self.heads:
            head.dropout.generator = generator

    def forward(self, coefficients: Tensor) -> Tensor:
        """Return logits (n, n_classes) of coefficients (n, n_coefficients, n_frames)."""
        embedding = self.embed(self.trunk(*self.picture(coefficients)))
        # embedding (n, embedding_dim)
        return average_logits(self.classify(embedding))
        # (n, n_classes)

    def embed(self, statistics: Tensor) -> Tensor:
        """Turn the trunk's statistics into the embedding, the penultimate layers side by side."""
        parts = zip(self.heads, self.statistics_of_each(statistics), strict=True)
        return torch.cat([head.embed(part) for head, part in parts], dim=1)
        # (n, embedding_dim)

    def classify(self, embedding: Tensor) -> Tensor:
        """Turn the embedding into the logits of each network."""
        sizes = [head.embedding_dim for head in self.heads]
        parts = zip(self.heads, embedding.split(sizes, dim=1), strict=True)
        return torch.stack([head.classify(part) for head, part in parts], dim=1)
        # (n, n_networks, n_classes)

    def statistics_of_each(self, statistics: Tensor) -> Sequence[Tensor]:
        """Return what the head of each network is given."""
        raise NotImplementedError

    @torch.no_grad()
    def start_from_shares(self, shares: Tensor) -> None:
        """Let the last layers begin with the shares of the classes as their answer.

        Training need not first find out how rare a class is, or how little it counts.

        Parameters
        ----------
        shares : Tensor of shape (n_classes,)
            Not negative; a share of zero counts as a very small one.
        """
        logarithms = shares.clamp(min=1e-6).log()
        for head in self.heads:
            head.output.bias.copy_(logarithms - logarithms.mean())


class SpectrogramCNN(Networks):
    """Convolutional networks on the smoothed log-mel spectrogram that MFCCs describe.

    Frames of zeros are padding and never change the result: after every layer that mixes
    neighbouring frames they are set to zero again, which is also what lies beyond the end of a
    clip that stands alone, and pooling over time leaves them out.

    Parameters
    ----------
    n_coefficients : int > 0
        Rows of the input, such as the number of MFCCs.
    n_classes : int > 0
        Number of logits.
    input_channels : int > 0
        Groups of rows that follow each other, such as MFCCs and their derivatives. Each becomes a
        channel of the picture.
    embedding_dim : int >= n_networks
        Size of the penultimate layers together.
    channels : sequence of int > 0
        Output channels of the convolutions, see `ConvolutionalTrunk`.
    se_ratio : float in [0, 1]
        See `ConvolutionalTrunk`.
    n_networks : int > 0
    dropout : float in [0, 1)
        Share of the embedding set to zero while training.
    generator : torch.Generator
        Source of the initial weights and of the dropout masks.
    """

    def __init__(
        self,
        n_coefficients: int,
        n_classes: int,
        *,
        embedding_dim: int,
        channels: Sequence[int],
        dropout: float,
        generator: torch.Generator,
        n_networks: int = 1,
        input_channels: int = 1,
        se_ratio: float = 0.0,
    ) -> None:
        n_rows = n_coefficients // input_channels
        super().__init__(
            PictureLayer(n_rows, input_channels),
            SideBySide(
                ConvolutionalTrunk(n_rows, channels, input_channels, se_ratio=se_ratio)
                for _ in range(n_networks)
            ),
            [
                Head(3 * channels[-1], size, n_classes, dropout=dropout)
                for size in shared_out(embedding_dim, n_networks)
            ],
            generator,
        )

    def statistics_of_each(self, statistics: Tensor) -> Sequence[Tensor]:
        """Return the statistics of each network's own trunk."""
        return statistics.chunk(len(self.heads), dim=1)


class FeatureMLP(Networks):
    """Fully connected networks with dropout on a table of features.

    They have the stages of `SpectrogramCNN`, of which the trunk does nothing.

    Parameters
    ----------
    n_features : int > 0
        Columns of the table.
    n_classes : int > 0
        Number of logits.
    hidden_layer_sizes : sequence of int > 0
        Units of the layers before the embedding.
    embedding_dim : int >= n_networks
        Size of the penultimate layers together.
    n_networks : int > 0
    dropout : float in [0, 1)
        Share of the units of each layer set to zero while training.
    generator : torch.Generator
        Source of the initial weights and of the dropout masks.
    """

    def __init__(
        self,
        n_features: int,
        n_classes: int,
        *,
        hidden_layer_sizes: Sequence[int],
        embedding_dim: int,
        dropout: float,
        generator: torch.Generator,
        n_networks: int = 1,
    ) -> None:
        super().__init__(
            StandardLayer(n_features),
            SideBySide([OnlyFrame()]),
            [
                Head(n_features, size, n_classes, hidden_layer_sizes, dropout=dropout)
                for size in shared_out(embedding_dim, n_networks)
            ],
            generator,
        )

    def statistics_of_each(self, statistics: Tensor) -> Sequence[Tensor]:
        """Return the features, which all networks share."""
        return [statistics] * len(self.heads)


class SideBySide(nn.ModuleList):
    """Trunks on one picture, their statistics side by side."""

    def forward(self, picture: Tensor, mask: Tensor) -> Tensor:
        return torch.cat([trunk(picture, mask) for trunk in self], dim=1)
        # (n, n_networks * n_statistics)


class Head(nn.Module):
    """Fully connected layers with dropout: hidden ones if any, the embedding, the output.

    Parameters
    ----------
    n_inputs : int > 0
    embedding_dim : int > 0
    n_classes : int > 0
    hidden_layer_sizes : sequence of int > 0
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
            skip_init(nn.Linear, n_in, n_out, bias=False) for n_in, n_out in pairwise(sizes)
        )
        self.hidden_norm = nn.ModuleList(nn.BatchNorm1d(size) for size in hidden_layer_sizes)
        self.embedding = skip_init(nn.Linear, sizes[-1], embedding_dim, bias=False)
        self.embedding_norm = nn.BatchNorm1d(embedding_dim)
        self.dropout = SeededDropout(dropout)
        self.output = skip_init(nn.Linear, embedding_dim, n_classes)

    def embed(self, x: Tensor) -> Tensor:
        """Return the embedding before its activation.

        A linear model on top gains nothing from losing the negative half, and the normalisation
        leaves it centred and on one scale.
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


def shared_out(total: int, n_parts: int) -> list[int]:
    """Cut a number into parts that differ by one at most, the larger ones first."""
    return [total // n_parts + (part < total % n_parts) for part in range(n_parts)]
