"""Validation of the input of CNNEmbedder: coefficients, labels, weights and groups."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite, check_array, check_consistent_length
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d, validate_data

from .._features.layout import MFCCLayout
from .._features.mfcc_array import known_frames
from .._utils.checks import is_missing
from .speaker_codes import is_unknown

__all__ = [
    "as_frames",
    "check_coefficients",
    "check_groups",
    "check_labels",
    "check_layout",
    "check_same_layout",
    "check_weights",
]


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
        True in ``fit``, False otherwise.
    is_table : bool
        Whether the network takes tables.

    Returns
    -------
    ndarray of shape (n_clips, n_coefficients, n_frames) or (n_clips, n_coefficients), float32

    Raises
    ------
    TypeError, ValueError
        If X has another type or shape, or does not match the network of the estimator.
    """
    if (path := _first_path(X)) is not None:
        raise TypeError(
            f"X is a list of paths ({path!r:.200}, ...); expected coefficients of shape "
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
            "n_frames): pad shorter clips with frames of zeros, as MFCCTransformer does"
        )
    n_frames = known_frames(X)
    if n_frames is None:
        X = validate_data(estimator, X, dtype=np.float32, allow_nd=True, reset=reset)
    else:
        # The padding is not read, because it may be larger than the memory.
        X = np.asarray(X)
        validate_data(estimator, X[:1, :, :1], allow_nd=True, reset=reset)
        for clip, length in zip(X, n_frames, strict=True):
            assert_all_finite(clip[:, :length], input_name="X")
    if X.ndim > 3 or 0 in X.shape:
        raise ValueError(
            f"X has the shape {X.shape}; expected (n_clips, n_coefficients, n_frames), with at "
            "least one of each, or (n_clips, n_coefficients)"
        )
    if is_table and X.ndim == 3:
        raise ValueError(
            f"X has the shape {X.shape}, but network='mlp' takes tables (n_clips, n_features): "
            "put AcousticFeatures before this step, or set network='cnn'"
        )
    return X


def as_frames(X: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a table as clips of one frame."""
    return X.reshape(*X.shape[:2], -1)


def check_layout(layout: MFCCLayout | None, n_rows: int) -> None:
    """Raise if no log-mel spectrogram can be recovered from the MFCCs.

    Parameters
    ----------
    layout : MFCCLayout or None
        What the rows of X mean; None if it is unknown.
    n_rows : int
        Rows of X.
    """
    if layout is None:
        return
    if layout.dct_type != 2:
        raise ValueError(
            f"X has MFCCs with dct_type={layout.dct_type}, from which no spectrogram can be "
            "recovered; set dct_type=2 in MFCCTransformer"
        )
    n_expected = layout.n_mfcc * (1 + layout.deltas)
    # Rows of ordinary coefficients may be any.
    is_ordinary = not layout.deltas and layout.norm == "ortho" and not layout.lifter
    if n_rows != n_expected and not is_ordinary:
        raise ValueError(
            f"X has {n_rows} rows, but n_mfcc={layout.n_mfcc} with deltas={layout.deltas} makes "
            f"{n_expected}; pass all rows of MFCCTransformer"
        )


def check_same_layout(layout: MFCCLayout | None, fitted: MFCCLayout | None) -> None:
    """Raise if the rows of X mean something else than in ``fit``.

    Parameters
    ----------
    layout, fitted : MFCCLayout or None
        What the rows mean now, and in ``fit``; None if it is unknown. Rows of unknown meaning are
        read as orthonormal coefficients without derivatives.
    """
    if layout is None:
        return
    if fitted is None:
        fitted = MFCCLayout(layout.n_mfcc, layout.n_mels)
    if layout != fitted:
        names = [name for name in layout._fields if getattr(layout, name) != getattr(fitted, name)]
        now, before = (
            ", ".join(f"{name}={getattr(each, name)!r}" for name in names)
            for each in (layout, fitted)
        )
        raise ValueError(
            f"X has MFCCs with {now}, but the network was fitted on {before}; use the "
            "MFCCTransformer that was used in fit"
        )


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
    """Return sample_weight as a nonnegative vector, or None."""
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
            "expected a nonnegative weight"
        )
    if not weights.any():
        raise ValueError(
            "sample_weight is zero for all clips; expected at least one positive weight"
        )
    return weights


def check_groups(groups: Any, X: NDArray[np.float32]) -> NDArray[Any] | None:
    """Return groups as a vector, or None."""
    if groups is None:
        return None
    if np.ndim(groups) != 1:
        raise ValueError(f"groups has the shape {np.shape(groups)}; expected (n_clips,)")
    groups = column_or_1d(groups)
    check_consistent_length(X, groups)
    missing = [i + 1 for i, value in enumerate(groups) if is_unknown(value)]
    if missing:
        raise ValueError(
            f"groups is missing for {len(missing)} of {len(groups)} clips, the first of which is "
            f"clip {missing[0]}; expected a group for each clip"
        )
    _check_one_kind(groups, "groups", "groups")
    return groups


def _check_one_kind(values: NDArray[Any], name: str, what: str) -> None:
    """Raise if strings and numbers are mixed, which cannot be sorted."""
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
