"""Choice of the layer of an encoder, from the training clips alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .._utils.arrays import Floats

__all__ = ["neighbors", "score_layers"]

_N_SPLITS = 5


def neighbors(layer: int, n_layers: int) -> list[int]:
    """Return a layer and those beside it, of which there is one at either end."""
    return [each for each in (layer - 1, layer, layer + 1) if 0 <= each < n_layers]


def score_layers(
    tables: Floats, y: NDArray[Any], groups: NDArray[Any] | None
) -> NDArray[np.float64] | None:
    """Return the cross-validated balanced accuracy of a linear classifier around each layer.

    The classifier sees the layer and its neighbors, see `neighbors`.

    Parameters
    ----------
    tables : ndarray of shape (n_clips, n_layers, n_features), float32
    y : ndarray of shape (n_clips,)
        Labels.
    groups : ndarray of shape (n_clips,) or None
        Clips of one group, such as a speaker, are in one fold.

    Returns
    -------
    ndarray of shape (n_layers,), float64, or None
        None if the clips cannot be divided into folds that contain every class.
    """
    _, codes = np.unique(y, return_inverse=True)
    n_splits = min(_N_SPLITS, int(np.bincount(codes).min()))
    if groups is not None:
        n_splits = min(n_splits, len(np.unique(groups)))
    if n_splits < 2 or codes.max() == 0:
        return None
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    # In random order, because clips are often sorted by speaker.
    splitter = kind(n_splits, shuffle=True, random_state=0)
    folds = list(splitter.split(np.zeros(len(codes)), codes, groups))
    # The penalty is as large as the standardized features of a training set: for a linear
    # discriminant, this is a shrinkage of one half.
    scores = np.zeros(tables.shape[1])
    for layer in range(tables.shape[1]):
        table = tables[:, neighbors(layer, tables.shape[1])].reshape(len(codes), -1)
        predicted = np.empty(len(codes), dtype=codes.dtype)
        for train, test in folds:
            ridge = RidgeClassifier(alpha=len(train), class_weight="balanced")
            model = make_pipeline(StandardScaler(), ridge).fit(table[train], codes[train])
            predicted[test] = model.predict(table[test])
        scores[layer] = balanced_accuracy_score(codes, predicted)
    return scores
