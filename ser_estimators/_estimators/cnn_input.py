"""What CNNEmbedder takes: coefficients, labels, and what else is known of each clip."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite, check_array, check_consistent_length
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d, validate_data

from .._utils.checks import is_missing

__all__ = ["as_frames", "check_coefficients", "check_groups", "check_labels", "check_weights"]


def check_coefficients(
    estimator: Any, X: Any, *, reset: bool, is_table: bool
) -> NDArray[np.float32]:
    """Return X as a float32 array of two or three dimensions.

    Parameters
    ----------
    estimator : CNNEmbedder
        Its ``n_features_in_`` is set or compared.
    X : array-like
    reset : bool
        Whether this is a fit.
    is_table : bool
        Whether the network is one for tables.

    Returns
    -------
    ndarray of shape (n_clips, n_coefficients, n_frames) or (n_clips, n_coefficients), float32

    Raises
    ------
    TypeError, ValueError
        If X is something else, or does not fit the estimator's network.
    """
    if (path := _first_path(X)) is not None:
        raise TypeError(
            f"X is a list of paths ({path!r}, ...); expected coefficients of shape "
            "(n_clips, n_coefficients, n_frames): put an MFCCTransformer before this step, "
            "as make_ser_pipeline does"
        )
    if X is None or (isinstance(X, (list, tuple)) and not X):
        raise ValueError(
            f"X is {X!r}; expected coefficients of shape (n_clips, n_coefficients, n_frames), with "
            "at least one of each"
        )
    if getattr(X, "ndim", None) == 1 and X.dtype == object:
        # An array or a Series whose elements are clips.
        X = list(X)
    if isinstance(X, (list, tuple)) and len({np.shape(clip) for clip in X}) > 1:
        raise ValueError(
            "X is a list of clips of unequal shapes; expected (n_clips, n_coefficients, "
            "n_frames): follow shorter clips by frames of zeros, as MFCCTransformer does"
        )
    X = validate_data(estimator, X, dtype=np.float32, allow_nd=True, reset=reset)
    if X.ndim > 3 or 0 in X.shape:
        raise ValueError(
            f"X has the shape {X.shape}; expected (n_clips, n_coefficients, n_frames), with at "
            "least one of each, or (n_clips, n_coefficients)"
        )
    if is_table and X.ndim == 3:
        raise ValueError(
            f"X has the shape {X.shape}, but network='mlp' takes tables (n_clips, n_features): "
            "put AcousticFeatures before this step, or take network='cnn'"
        )
    if reset and not is_table and X.shape[1] % estimator.input_channels:
        raise ValueError(
            f"X has {X.shape[1]} coefficients, which input_channels == {estimator.input_channels} "
            "does not divide; expected 1 + deltas of MFCCTransformer"
        )
    return X


def as_frames(X: NDArray[np.float32]) -> NDArray[np.float32]:
    """Read a table as clips of one frame."""
    return X.reshape(*X.shape[:2], -1)


def check_labels(y: Any, X: NDArray[np.float32]) -> NDArray[Any]:
    """Return y as a vector of labels, one for each clip of X."""
    if y is None:
        raise ValueError(
            "This CNNEmbedder estimator requires y to be passed, but the target y is None."
        )
    values = np.asarray(y, dtype=object).ravel()
    missing = [i + 1 for i, value in enumerate(values) if is_missing(value)]
    if missing:
        listed = ", ".join(map(str, missing[:10])) + (", ..." if len(missing) > 10 else "")
        raise ValueError(
            f"Input y contains NaN: {len(missing)} of {len(values)} clips have no label "
            f"(clip {listed}). Label them or leave them out"
        )
    _check_one_kind(values, "y", "labels")
    y = column_or_1d(y, warn=True)
    assert_all_finite(y, input_name="y")
    check_classification_targets(y)
    check_consistent_length(X, y)
    return y


def check_weights(sample_weight: Any, X: NDArray[np.float32]) -> NDArray[np.float64] | None:
    """Return sample_weight as a vector of numbers that are not negative, or None."""
    if sample_weight is None:
        return None
    weights = check_array(
        sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight"
    )
    if weights.ndim != 1:
        raise ValueError(f"sample_weight has the shape {weights.shape}; expected (n_clips,)")
    check_consistent_length(X, weights)
    if (weights < 0).any():
        index = int(np.flatnonzero(weights < 0)[0])
        raise ValueError(
            f"sample_weight is {weights[index]:g} for clip {index + 1} of {len(weights)}; "
            "expected no negative weight"
        )
    if not weights.any():
        raise ValueError("sample_weight is zero for all clips; expected at least one that is not")
    return weights


def check_groups(groups: Any, X: NDArray[np.float32]) -> NDArray[Any] | None:
    """Return groups as a vector, or None."""
    if groups is None:
        return None
    if np.ndim(groups) != 1:
        raise ValueError(f"groups has the shape {np.shape(groups)}; expected (n_clips,)")
    groups = column_or_1d(groups)
    check_consistent_length(X, groups)
    missing = [i + 1 for i, value in enumerate(groups) if is_missing(value)]
    if missing:
        raise ValueError(
            f"groups holds no group for {len(missing)} of {len(groups)} clips, the first of them "
            f"clip {missing[0]}; expected one for each clip"
        )
    _check_one_kind(groups, "groups", "groups")
    return groups


def _check_one_kind(values: NDArray[Any], name: str, what: str) -> None:
    """Raise for texts beside numbers, which have no order."""
    if len({isinstance(value, (str, bytes)) for value in values}) > 1:
        kinds = sorted({type(value).__name__ for value in values})
        raise ValueError(
            f"{name} mixes {what} of different types, {' and '.join(kinds)}; expected one type"
        )


def _first_path(X: Any) -> Any:
    """Return the first element of a list, array or Series if it is a path, else None."""
    if isinstance(X, (list, tuple)):
        first = X[0] if X else None
    else:
        array = np.asarray(X)
        first = array[0] if array.ndim == 1 and array.size else None
    return first if isinstance(first, (str, os.PathLike)) else None
