"""SpectrogramCNN: the settings of the convolutional network of CNNEmbedder."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_scalar

from .._utils.checks import check_finite, check_sizes
from .._utils.public import public

__all__ = ["SpectrogramCNN"]


@public
class SpectrogramCNN(BaseEstimator):
    """Convolutional network on a log-mel spectrogram: ``CNNEmbedder(network="cnn")``.

    Convolutions that halve both axes are followed by one convolution over all remaining rows and by
    the mean, standard deviation and maximum over time. Padding is masked.

    Parameters
    ----------
    channels : sequence of int > 0, not empty, default=(16, 48, 64, 128)
        Number of output channels of each convolution, which halves the rows and the frames.
    se_ratio : float in [0, 1], default=0.125
        Bottleneck of squeeze-and-excitation [1]_, as a fraction of the channels. It follows the
        convolutions with max pooling (the third and later ones) and scales the channels of a clip
        by a gate computed from their means. 0 disables it.
    statistics : bool, default=False
        Whether ``CNNEmbedder.transform`` appends statistics of the input to the embedding: of each
        row of X over time, the mean, the standard deviation, the mean absolute difference of
        neighboring frames, and the root mean square difference of frames at a distance of four.
        They are standardized, and divided by the root of their number, so that they are about as
        long as an embedding of length 1. The network does not use them. A classifier of their
        own, as in a `ViewVotingClassifier`, helps if there are few training clips, or several
        clips of each speaker.

    See Also
    --------
    CNNEmbedder : The estimator that trains this network, or a custom one.
    FeatureMLP : A fully connected network for tables.

    References
    ----------
    .. [1] J. Hu, L. Shen and G. Sun, "Squeeze-and-excitation networks", CVPR 2018.

    Examples
    --------
    >>> from ser_estimators import CNNEmbedder, SpectrogramCNN
    >>> cnn = CNNEmbedder(network=SpectrogramCNN(channels=(8, 16, 32)))
    >>> cnn.set_params(network__se_ratio=0.25).network
    SpectrogramCNN(channels=(8, 16, 32), se_ratio=0.25)
    """

    def __init__(
        self,
        channels: Sequence[int] = (16, 48, 64, 128),
        *,
        se_ratio: float = 0.125,
        statistics: bool = False,
    ) -> None:
        self.channels = channels
        self.se_ratio = se_ratio
        self.statistics = statistics

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Pickles of the first format have no statistics.
        super().__setstate__(state if "statistics" in state else state | {"statistics": False})

    def _check_params(self) -> None:
        check_sizes(self.channels, "channels")
        check_scalar(self.se_ratio, "se_ratio", Real)
        check_finite(self.se_ratio, "se_ratio")
        check_scalar(self.se_ratio, "se_ratio", Real, min_val=0, max_val=1)
        check_scalar(self.statistics, "statistics", (bool, np.bool_))
