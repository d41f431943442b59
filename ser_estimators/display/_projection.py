"""Projections of embeddings to two dimensions, and checks of embeddings and labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.checks import is_missing

__all__ = ["MAX_LABELS", "METHODS", "check_embedding", "check_labels", "project"]

METHODS = ("pca", "tsne", "lda", None)
# The number of distinct styles of points.
MAX_LABELS = 168


def check_embedding(embedding: Any, name: str) -> NDArray[Any]:
    """Return an embedding as an array of finite numbers of shape (n_clips, n_dimensions)."""
    vectors = np.asarray(embedding)
    if vectors.ndim != 2 or 0 in vectors.shape or vectors.dtype.kind not in "biuf":
        raise ValueError(
            f"{name} is an array of shape {vectors.shape} and dtype {vectors.dtype}; expected "
            "numbers of shape (n_clips, n_dimensions)"
        )
    n_bad = int(np.sum(~np.isfinite(vectors).all(axis=1)))
    if n_bad:
        raise ValueError(
            f"{name} contains NaN or infinity for {n_bad} of {len(vectors)} clips; leave them out"
        )
    return vectors


def check_labels(labels: Any, n_clips: int) -> tuple[list[Any], NDArray[np.intp]]:
    """Return the sorted distinct labels, and the index of each clip's label among them."""
    # Objects, because NumPy would convert NaN in a list of strings to the string "nan".
    values = np.asarray(labels, dtype=object)
    if values.ndim != 1 or len(values) != n_clips:
        raise ValueError(
            f"labels has the shape {values.shape} for {n_clips} clips; expected ({n_clips},)"
        )
    missing = [index + 1 for index, value in enumerate(values) if is_missing(value)]
    if missing:
        raise ValueError(
            f"labels contains missing values for {len(missing)} of {n_clips} clips, for example "
            f"clip {missing[0]}; label these clips or leave them out"
        )
    try:
        names, which = np.unique(values, return_inverse=True)
    except TypeError as error:
        kinds = sorted({type(value).__name__ for value in values})
        raise TypeError(
            f"labels contains different types, {' and '.join(kinds)}; expected one type"
        ) from error
    if len(names) > MAX_LABELS:
        raise ValueError(
            f"labels contains {len(names)} different values, but only {MAX_LABELS} can be "
            "distinguished in a plot. Pass emotions or speakers, or fewer clips"
        )
    return names.tolist(), which


def project(
    vectors: NDArray[Any], which: NDArray[np.intp], method: str, random_state: Any
) -> tuple[NDArray[Any], tuple[str, str]]:
    """Project vectors to two dimensions.

    Parameters
    ----------
    vectors : ndarray of shape (n_clips, n_dimensions)
    which : ndarray of shape (n_clips,), int
        Index of each clip's label, from 0.
    method : {"pca", "tsne", "lda"}
    random_state : int, RandomState instance or None
        Seed of t-SNE.

    Returns
    -------
    coordinates : ndarray of shape (n_clips, 2)
    axis_names : tuple of (str, str)

    Raises
    ------
    ValueError
        If there are too few clips, too few labels, or all embeddings are equal.
    """
    _check(vectors, method, len(np.unique(which)))
    if method == "pca":
        from sklearn.decomposition import PCA

        pca = PCA(n_components=2, svd_solver="full")
        coordinates = pca.fit_transform(vectors)
        first, second = (
            f"Principal component {number} ({fraction:.0%} of variance)".replace("%", " %")
            for number, fraction in enumerate(pca.explained_variance_ratio_, start=1)
        )
        return coordinates, (first, second)
    if method == "tsne":
        from sklearn.manifold import TSNE

        # scikit-learn's default, or a third of the other clips if there are few.
        perplexity = min(30.0, (len(vectors) - 1) / 3)
        tsne = TSNE(perplexity=perplexity, init="pca", random_state=random_state)
        return tsne.fit_transform(vectors), ("t-SNE 1", "t-SNE 2")

    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    # Without shrinkage, even random labels are separated if there are as many dimensions as clips.
    lda = LinearDiscriminantAnalysis(n_components=2, solver="eigen", shrinkage="auto")
    return lda.fit(vectors, which).transform(vectors), ("Discriminant 1", "Discriminant 2")


def _check(vectors: NDArray[Any], method: str, n_labels: int) -> None:
    n_clips, n_dimensions = vectors.shape
    if n_clips < 3 or n_dimensions < 2:
        raise ValueError(
            f"embedding has the shape {vectors.shape}; expected at least 3 clips and 2 dimensions"
        )
    if (vectors == vectors[0]).all():
        raise ValueError(
            f"embedding is the same for all {n_clips} clips, so there is nothing to draw; "
            "check that the clips differ and that the network was trained"
        )
    if method == "lda" and not 2 < n_labels < n_clips:
        raise ValueError(
            f"method='lda' found {n_labels} labels in {n_clips} clips; expected at least 3 labels, "
            "and fewer labels than clips. Use method='pca' instead"
        )
