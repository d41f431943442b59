"""CNNEmbedder with a fully connected network, on tables."""

import pickle

import numpy as np
import pytest

from .helpers import MLP, make_cnn, table


def test_fully_connected_network_learns_a_table():
    X, y = table()
    mlp = make_cnn(**MLP, random_state=0).fit(X, y)
    X_new, y_new = table(seed=1)
    assert mlp.score(X_new, y_new) > 0.85
    assert mlp.transform(X).shape == (300, 6)
    sizes = [tuple(p.shape) for p in mlp.module_.parameters() if p.ndim == 2]
    assert sizes == [(32, 12), (8, 32), (6, 8), (2, 6)]
    np.testing.assert_allclose(mlp.predict_proba(X).sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("scale", [1e-30, 1e-6, 1e6])
def test_fully_connected_network_learns_a_small_or_large_table(scale):
    X, y = table()
    X_new, y_new = table(seed=1)
    assert make_cnn(**MLP, random_state=0).fit(X * scale, y).score(X_new * scale, y_new) > 0.85


def test_fully_connected_network_does_not_scale_constant_columns():
    X, y = table()
    X[:, :2] = [1e-20, 3e7]
    mlp = make_cnn(**MLP | {"max_epochs": 2}, random_state=0).fit(X, y)
    assert np.array_equal(mlp.module_.inputs.std[0, :2, 0], [1, 1])


def test_fully_connected_network_depends_on_the_seed():
    X, y = table()
    first, same, other = (
        make_cnn(**MLP, random_state=seed).fit(X, y).predict_proba(X) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, same)
    assert np.abs(first - other).max() > 1e-3


def test_fully_connected_network_is_pickled_and_predicts_single_clips():
    X, y = table()
    mlp = make_cnn(**MLP, random_state=0).fit(X, y)
    loaded = pickle.loads(pickle.dumps(mlp))
    np.testing.assert_array_equal(loaded.predict_proba(X), mlp.predict_proba(X))
    np.testing.assert_allclose(mlp.predict_proba(X[7:8])[0], mlp.predict_proba(X)[7], atol=1e-5)


def test_fully_connected_network_refuses_frames():
    _, y = table()
    with pytest.raises(ValueError, match=r"network='mlp' takes tables .n_clips, n_features.: "):
        make_cnn(**MLP).fit(np.zeros((300, 4, 9)), y)


def test_table_has_one_view():
    assert make_cnn(**MLP | {"max_epochs": 1}).fit(*table()).views_ == [(1, 1, 0)]
