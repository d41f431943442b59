"""FeatureMLP: the settings of the fully connected network of CNNEmbedder."""

from __future__ import annotations

from collections.abc import Sequence

from sklearn.base import BaseEstimator

from .._utils.checks import check_sizes
from .._utils.public import public

__all__ = ["FeatureMLP"]


@public
class FeatureMLP(BaseEstimator):
    """Fully connected network for a table of features: ``CNNEmbedder(network="mlp")``.

    The input is a table such as that of `AcousticFeatures`, whose columns are standardized.
    Augmentation and test-time views apply only to spectrograms and have no effect.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int > 0, not empty, default=(256,)
        Number of units of each layer before the embedding.

    See Also
    --------
    CNNEmbedder : The estimator that trains this network.
    SpectrogramCNN : The convolutional network.

    Examples
    --------
    >>> from ser_estimators import CNNEmbedder, FeatureMLP
    >>> CNNEmbedder(network=FeatureMLP(hidden_layer_sizes=(128, 64))).network
    FeatureMLP(hidden_layer_sizes=(128, 64))
    """

    def __init__(self, hidden_layer_sizes: Sequence[int] = (256,)) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes

    def _check_params(self) -> None:
        check_sizes(self.hidden_layer_sizes, "hidden_layer_sizes")
