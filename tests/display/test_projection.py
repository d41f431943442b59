"""PCA, t-SNE and LDA of an embedding, and embeddings that cannot be drawn."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from threadpoolctl import threadpool_limits

from ser_estimators.display import EmbeddingDisplay

from .helpers import clusters


def test_pca_shows_the_explained_variance():
    embedding = np.zeros((100, 3))
    embedding[:, 1] = np.repeat([-3.0, 3.0], 50)
    embedding[:, 2] = np.tile([-1.0, 1.0], 50)
    display = EmbeddingDisplay.from_embedding(embedding, np.arange(100) % 2)
    assert display.ax_.get_xlabel() == "Principal component 1 (90 % of variance)"
    assert display.ax_.get_ylabel() == "Principal component 2 (10 % of variance)"
    assert display.ax_.get_aspect() == 1


def test_tsne_keeps_groups_together_and_is_reproducible():
    embedding, labels = clusters(3, 8)
    with threadpool_limits(1):  # for so few clips, more threads take seconds
        first, second = (
            EmbeddingDisplay.from_embedding(embedding, labels, method="tsne", random_state=0)
            for _ in range(2)
        )
    np.testing.assert_array_equal(first.coordinates, second.coordinates)
    distances = np.linalg.norm(first.coordinates[:, None] - first.coordinates, axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (labels[distances.argmin(axis=1)] == labels).mean() > 0.9
    assert list(first.ax_.get_xticks()) == list(first.ax_.get_yticks()) == []
    assert first.ax_.get_xlabel() == "t-SNE 1"


def test_lda_separates_groups_but_hardly_noise():
    def nearest(display, labels):
        centers = np.array([display.coordinates[labels == k].mean(axis=0) for k in (1, 2, 3)])
        apart = np.linalg.norm(display.coordinates[:, None] - centers, axis=2)
        return np.mean(apart.argmin(axis=1) + 1 == labels)

    embedding, labels = clusters(3, 20)
    display = EmbeddingDisplay.from_embedding(embedding, labels, method="lda")
    assert nearest(display, labels) > 0.95
    assert display.ax_.get_xlabel() == "Discriminant 1"
    noise = np.random.default_rng(0).normal(size=(60, 64))
    display = EmbeddingDisplay.from_embedding(noise, labels, method="lda")
    assert nearest(display, labels) < 0.8
    # Without shrinkage, noise would be separated into three groups.
    display.coordinates = LinearDiscriminantAnalysis().fit(noise, labels).transform(noise)
    assert nearest(display, labels) == 1


@pytest.mark.parametrize(
    ("embedding", "labels", "method", "error", "match"),
    [
        (np.eye(4), "abcd", "umap", ValueError, "method == 'umap', must be one of 'pca', 'tsne', "),
        (np.eye(4)[None], "a", "pca", ValueError, r"shape \(1, 4, 4\) and dtype float64; expected"),
        (np.full((3, 3), "x"), "abc", "pca", ValueError, "dtype <U1; expected numbers of shape"),
        (
            np.full((4, 2), np.inf),
            "abcd",
            "pca",
            ValueError,
            "embedding contains NaN or infinity for 4 of 4 clips",
        ),
        (np.eye(4), "abc", "pca", ValueError, r"labels has the shape \(3,\) for 4 clips; expected"),
        (np.eye(2), "ab", "pca", ValueError, r"shape \(2, 2\); expected at least 3 clips and 2"),
        (np.ones((4, 1)), "abcd", "tsne", ValueError, r"shape \(4, 1\); expected at least 3 clips"),
        (np.ones((4, 3)), "abcd", "pca", ValueError, "embedding is the same for all 4 clips"),
        (np.eye(4), "aabb", "lda", ValueError, "method='lda' found 2 labels in 4 clips; expected"),
        (np.eye(4), "abcd", "lda", ValueError, "method='lda' found 4 labels in 4 clips; expected"),
        (np.eye(4), "abcd", None, ValueError, r"coordinates has the shape \(4, 4\); expected"),
        (
            np.eye(3),
            ["a", None, "b"],
            "pca",
            ValueError,
            "labels contains missing values for 1 of 3 clips",
        ),
        (
            np.eye(3),
            ["a", "b", np.nan],
            "pca",
            ValueError,
            "for example clip 3; label these clips or",
        ),
        (
            np.eye(3),
            ["a", 1, "b"],
            "pca",
            TypeError,
            "labels contains different types, int and str",
        ),
        (np.eye(200), range(200), "pca", ValueError, "labels contains 200 different values, but"),
    ],
)
def test_invalid_embeddings_are_refused(embedding, labels, method, error, match):
    labels = list(labels)
    with pytest.raises(error, match=match):
        EmbeddingDisplay.from_embedding(embedding, labels, method=method)
    assert not plt.get_fignums()
