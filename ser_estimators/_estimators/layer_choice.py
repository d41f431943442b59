"""Layers of an encoder: those that users name, and the choice from the training clips alone."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .._utils.arrays import Floats
from .._utils.text import represent
from .speaker_folds import speaker_folds

__all__ = ["N_CHOSEN", "check_layers", "neighbors", "resolve_layers", "score_layers"]

# Layers that "auto" chooses.
N_CHOSEN = 5
_N_SPLITS = 5


def check_layers(layers: Any) -> None:
    """Raise an error unless layers are "auto", a number or numbers, of any encoder."""
    if isinstance(layers, str):
        if layers != "auto":
            raise ValueError(f"layers == {represent(layers)}, must be 'auto', a number or a list")
        return
    found = _as_list(layers)
    is_list = isinstance(found, (list, tuple, range, np.ndarray)) and len(found) > 0
    if not is_list or not all(
        isinstance(layer, Integral) and not isinstance(layer, bool) for layer in found
    ):
        raise TypeError(
            f"layers == {represent(layers)}, must be 'auto', a whole number or a list of one or "
            "more of them"
        )


def resolve_layers(layers: Any, n_layers: int) -> tuple[int, ...]:
    """Return the numbers of layers, which may be given relative to the end."""
    given = _as_list(layers)
    for layer in given:
        if not -n_layers - 1 <= layer <= n_layers:
            raise ValueError(
                f"layers contains {layer}, must be from 0 to {n_layers}, the number of layers of "
                "the encoder, or negative to count from the last layer"
            )
    found = tuple(int(layer) % (n_layers + 1) for layer in given)
    twice = [layer for layer in found if found.count(layer) > 1]
    if twice:
        raise ValueError(f"layers == {represent(layers)} names layer {twice[0]} twice")
    return found


def _as_list(layers: Any) -> Any:
    if isinstance(layers, np.ndarray) and not layers.ndim:
        layers = layers[()]
    return [layers] if isinstance(layers, Integral) else layers


def neighbors(layer: int, n_layers: int) -> list[int]:
    """Return five neighboring layers, with the given one in the middle except at either end."""
    start = max(min(layer - N_CHOSEN // 2, n_layers - N_CHOSEN), 0)
    return list(range(start, min(start + N_CHOSEN, n_layers)))


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
        None if the clips are too few for two folds.
    """
    _, codes = np.unique(y, return_inverse=True)
    folds = speaker_folds(codes, groups, _N_SPLITS)
    if not folds:
        return None
    # The penalty is as large as the standardized features of a training set: for a linear
    # discriminant, this is a shrinkage of one half.
    scores = np.zeros(tables.shape[1])
    for layer in range(tables.shape[1]):
        table = tables[:, neighbors(layer, tables.shape[1])].reshape(len(codes), -1)
        predicted, truth = [], []
        for train, test in folds:
            ridge = RidgeClassifier(alpha=len(train), class_weight="balanced")
            model = make_pipeline(StandardScaler(), ridge).fit(table[train], codes[train])
            predicted.append(model.predict(table[test]))
            truth.append(codes[test])
        with warnings.catch_warnings():
            # A class that is in training alone counts as an error where it is predicted.
            warnings.filterwarnings("ignore", message="y_pred contains classes not in y_true")
            scores[layer] = balanced_accuracy_score(
                np.concatenate(truth), np.concatenate(predicted)
            )
    return scores
