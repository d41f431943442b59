"""How the columns of embeddings are divided among classifiers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Blocks"]


class Blocks(NamedTuple):
    """How the columns of embeddings are divided.

    Parameters
    ----------
    n_views : int > 0, default=1
        Number of views of each clip.
    n_members : int > 0, default=1
        Number of layers in each view.
    n_statistics : int >= 0, default=0
        Number of statistics of the input, which follow all embeddings.
    """

    n_views: int = 1
    n_members: int = 1
    n_statistics: int = 0

    def tables_of(self, X: NDArray[Any]) -> list[NDArray[Any]]:
        """Return the columns of each member, and then the statistics, if there are any.

        Parameters
        ----------
        X : ndarray of shape (n_clips, n_columns)

        Returns
        -------
        list of ndarray of shape (n_clips * n_views, n_features)
            The views of a clip are neighbors. Its statistics are the same in each view.
        """
        n_columns = X.shape[1] - self.n_statistics
        embeddings = X[:, :n_columns].reshape(len(X) * self.n_views, -1)
        tables = np.split(embeddings, self.n_members, axis=1)
        if self.n_statistics:
            tables.append(np.repeat(X[:, n_columns:], self.n_views, axis=0))
        return tables

    def weights(self, statistics_weight: float) -> list[float]:
        """Return the weights of the tables, which add up to 1.

        Parameters
        ----------
        statistics_weight : float >= 0
            Weight of the statistics, where that of all members together is 1.
        """
        if not self.n_statistics:
            return [1 / self.n_members] * self.n_members
        share = 1 / (1 + statistics_weight)
        return [share / self.n_members] * self.n_members + [statistics_weight * share]
