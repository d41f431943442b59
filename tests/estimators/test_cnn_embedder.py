"""CNNEmbedder: labels, seeds, threads, batches, devices and errors."""

import copy
import pickle
import re
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pandas as pd
import pytest
import torch
from joblib import Parallel, delayed
from scipy.fft import idct
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback

from ser_estimators import CNNEmbedder
from ser_estimators._estimators.cnn_parameters import _NUMBERS
from ser_estimators._network.devices import resolve_device, resolve_precision
from ser_estimators._network.threads import thread_pool

SMALL = {
    "channels": (4, 8),
    "n_networks": 1,
    "embedding_dim": 8,
    "max_epochs": 4,
    "batch_size": 16,
}


def make_frames(n_clips=48, n_coefficients=13, n_frames=30, seed=0):
    """Make two classes that differ in level and slope, with padding at the end."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_clips, n_coefficients, n_frames)).astype(np.float32)
    y = np.arange(n_clips) % 2
    X[y == 1, 0] += 5
    for clip, length in zip(X, rng.integers(8, n_frames + 1, size=n_clips), strict=True):
        clip[:, length:] = 0
    return X, np.array(["anger", "sadness"])[y]


@pytest.fixture(scope="module")
def frames():
    return make_frames()


@pytest.fixture(scope="module")
def fitted(frames):
    return CNNEmbedder(**SMALL | {"max_epochs": 20}, random_state=0).fit(*frames)


def fit_proba(X, y, **parameters):
    return CNNEmbedder(**SMALL | parameters).fit(X, y).predict_proba(X)


def test_learns_and_transforms(fitted, frames):
    X, y = make_frames(seed=1)
    assert fitted.score(X, y) >= 0.95
    probabilities = fitted.predict_proba(X)
    assert probabilities.shape == (48, 2)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(fitted.classes_[probabilities.argmax(axis=1)], fitted.predict(X))
    embedding = fitted.transform(frames[0])
    assert embedding.shape == (48, 8)
    assert embedding.dtype == np.float32
    assert fitted.get_feature_names_out().tolist() == [f"cnnembedder{i}" for i in range(8)]


def test_embedding_has_length_one(fitted, frames):
    embedding = fitted.transform(frames[0])
    np.testing.assert_allclose(np.linalg.norm(embedding, axis=1), 1, atol=1e-6)
    assert fitted.norm_ == "l2"
    as_it_is = CNNEmbedder(**SMALL | {"max_epochs": 20}, norm=None, random_state=0).fit(*frames)
    assert as_it_is.norm_ is None
    as_it_is = as_it_is.transform(frames[0])
    lengths = np.linalg.norm(as_it_is, axis=1, keepdims=True)
    assert lengths.std() > 0.1
    np.testing.assert_allclose(as_it_is / lengths, embedding, atol=1e-6)


def test_embedding_as_a_table(fitted, frames):
    table = copy.deepcopy(fitted).set_output(transform="pandas").transform(frames[0])
    assert table.shape == (48, 8)
    assert table.columns[0] == "cnnembedder0"


def test_history(fitted):
    assert fitted.n_iter_ == len(fitted.history_) == 20
    assert [row["epoch"] for row in fitted.history_] == list(range(1, 21))
    assert fitted.history_[-1]["train_loss"] < fitted.history_[0]["train_loss"]
    assert all(row["dur"] > 0 for row in fitted.history_)


@pytest.mark.parametrize(
    "labels",
    [
        ["sad", "angry"],
        np.array(["b", "a"], dtype=object),
        [10, 30],
        np.array([2, 1], dtype=np.int32),
        [True, False],
        [-1.0, 1.0],
    ],
    ids=["str", "object", "int", "int32", "bool", "float"],
)
def test_labels_come_back_as_they_came(frames, labels):
    X, y = frames
    y = np.asarray(labels)[(y == "anger").astype(int)]
    cnn = CNNEmbedder(**SMALL, random_state=0).fit(X, y)
    assert cnn.classes_.dtype == y.dtype
    assert cnn.predict(X).dtype == y.dtype
    assert set(cnn.predict(X).tolist()) <= set(y.tolist())


def test_same_seed_same_model_other_seed_other_model(frames):
    X, y = frames
    first = fit_proba(X, y, random_state=0)
    np.testing.assert_array_equal(first, fit_proba(X, y, random_state=0))
    assert np.abs(first - fit_proba(X, y, random_state=1)).max() > 1e-3
    weights = [
        CNNEmbedder(**SMALL, random_state=seed)
        .fit(X, y)
        .net_.module_.heads[0]
        .output.weight.detach()
        .numpy()
        for seed in (0, 1)
    ]
    assert np.abs(weights[0] - weights[1]).max() > 1e-3


def test_random_state_instance_moves_on(frames):
    state = np.random.RandomState(0)
    first, second = (fit_proba(*frames, random_state=state) for _ in range(2))
    assert np.abs(first - second).max() > 1e-3


def test_no_random_state_follows_numpys_as_in_sklearn(frames):
    old = np.random.get_state()
    try:
        np.random.seed(3)
        first = fit_proba(*frames)
        np.random.seed(3)
        np.testing.assert_array_equal(first, fit_proba(*frames))
    finally:
        np.random.set_state(old)


def test_global_generators_are_left_alone(frames):
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()
    CNNEmbedder(**SMALL, random_state=0).fit(*frames).predict_proba(frames[0])
    assert torch.equal(torch_before, torch.get_rng_state())
    assert all(
        np.array_equal(a, b) for a, b in zip(numpy_before, np.random.get_state(), strict=True)
    )


@pytest.mark.parametrize("n_threads", [1, 2, 3, 5])
def test_result_does_not_depend_on_the_number_of_threads(n_threads):
    X, y = make_frames(n_clips=80, n_coefficients=20, n_frames=120)
    parameters = {"channels": (16, 32, 32), "batch_size": 40, "random_state": 0}
    before = torch.get_num_threads()
    expected = fit_proba(X, y, **parameters)
    try:
        torch.set_num_threads(n_threads)
        actual = fit_proba(X, y, **parameters)
        assert torch.get_num_threads() == n_threads
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_result_depends_on_the_precision_a_little_and_never_on_the_threads(frames, precision):
    X, y = frames
    parameters = SMALL | {"max_epochs": 20, "random_state": 0}
    cnn = CNNEmbedder(**parameters, precision=precision).fit(X, y)
    assert cnn.score(X, y) > 0.9
    assert {p.dtype for p in cnn.net_.module_.parameters()} == {torch.float32}
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        again = CNNEmbedder(**parameters, precision=precision).fit(X, y)
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(cnn.predict_proba(X), again.predict_proba(X))
    auto = CNNEmbedder(**parameters).fit(X, y)
    is_auto = getattr(torch, precision) == resolve_precision("auto", resolve_device("auto"))
    assert np.array_equal(cnn.predict_proba(X), auto.predict_proba(X)) == is_auto


def test_gates_learn_where_there_are_pooled_blocks(frames):
    X, y = frames
    parameters = SMALL | {"random_state": 0, "se_ratio": 0.25}
    gated, plain = (
        CNNEmbedder(**parameters | {"channels": (8, 8, 16)} | others).fit(X, y)
        for others in ({}, {"se_ratio": 0.0})
    )
    assert np.abs(gated.predict_proba(X) - plain.predict_proba(X)).max() > 1e-4
    gate = gated.net_.module_.encoders[0].blocks[1].gate
    assert gate.excite.bias.abs().max() > 0  # it began with zero
    strided = CNNEmbedder(**parameters | {"channels": (8, 16)}).fit(X, y)
    assert not any("gate" in name for name, _ in strided.net_.module_.named_parameters())


@pytest.mark.parametrize("network", ["cnn", "mlp"])
def test_several_networks_learn_predict_and_pickle_as_one(frames, network):
    X, y = frames if network == "cnn" else table()
    parameters = (SMALL if network == "cnn" else MLP) | {"max_epochs": 20, "random_state": 0}
    cnn = CNNEmbedder(**parameters | {"n_networks": 3}).fit(X, y)
    assert cnn.score(X, y) > 0.9
    assert cnn.transform(X).shape == (len(X), parameters["embedding_dim"])
    assert len(cnn.get_feature_names_out()) == parameters["embedding_dim"]
    first = CNNEmbedder(**parameters).fit(X, y)
    assert not np.allclose(first.predict_proba(X), cnn.predict_proba(X))
    loaded = pickle.loads(pickle.dumps(cnn))
    assert np.array_equal(loaded.predict_proba(X), cnn.predict_proba(X))
    np.testing.assert_allclose(cnn.predict_proba(X[:1]), cnn.predict_proba(X)[:1], atol=1e-5)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_result_is_the_same_in_workers(frames, backend):
    expected = [fit_proba(*frames, random_state=seed) for seed in range(3)]
    actual = Parallel(n_jobs=2, backend=backend)(
        delayed(fit_proba)(*frames, random_state=seed) for seed in range(3)
    )
    np.testing.assert_array_equal(actual, expected)


def test_result_is_the_same_in_grid_search(frames):
    grids = [
        GridSearchCV(
            CNNEmbedder(**SMALL, random_state=0), {"embedding_dim": [4, 8]}, cv=2, n_jobs=n_jobs
        ).fit(*frames)
        for n_jobs in (1, 2)
    ]
    for key in ("split0_test_score", "split1_test_score"):
        np.testing.assert_array_equal(grids[0].cv_results_[key], grids[1].cv_results_[key])
    np.testing.assert_array_equal(*(grid.predict_proba(frames[0]) for grid in grids))


def test_clip_predicts_the_same_alone_in_a_batch_and_in_any_order(fitted):
    X, _ = make_frames(n_clips=70, seed=2)
    together = fitted.predict_proba(X)
    alone = np.concatenate(
        [fitted.predict_proba(clip[None, :, : clip.any(axis=0).sum()]) for clip in X]
    )
    np.testing.assert_allclose(alone, together, atol=1e-5)
    order = np.random.default_rng(0).permutation(len(X))
    np.testing.assert_allclose(fitted.predict_proba(X[order]), together[order], atol=1e-5)
    longer = np.pad(X, ((0, 0), (0, 0), (0, 333)))
    np.testing.assert_allclose(fitted.predict_proba(longer), together, atol=1e-5)
    np.testing.assert_allclose(fitted.transform(longer), fitted.transform(X), atol=1e-5)


@pytest.mark.parametrize(
    "parameter",
    [
        {"dropout": 0.9},
        {"label_smoothing": 0.9},
        {"mixup_alpha": 5.0},
        {"mixstyle_p": 0.0},
        {"weight_averaging": 1.0},
        {"n_views": 1},
        {"time_stretch": 0.9},
        {"gain": 2.0},
        {"time_mask": 0.9},
        {"frequency_mask": 0.9},
        {"time_shift": 0.5},
        {"noise_snr": -10},
        {"weight_decay": 10.0},
        {"lr": 0.1},
        {"warmup": 0.9},
        {"lr_schedule": "constant"},
        {"batch_size": 8},
        {"max_epochs": 6},
        {"embedding_dim": 9},
        {"channels": (4, 9)},
    ],
    ids=lambda parameter: next(iter(parameter)),
)
def test_every_parameter_has_an_effect(frames, parameter):
    default = fit_proba(*frames, random_state=0)
    assert np.abs(default - fit_proba(*frames, random_state=0, **parameter)).max() > 1e-4


def test_frequency_warp_has_an_effect_in_training(frames):
    warped, plain = (
        fit_proba(*frames, random_state=0, n_views=1, frequency_warp=warp) for warp in (0.5, 0.0)
    )
    assert np.abs(warped - plain).max() > 1e-4


@pytest.mark.parametrize(
    "parameters",
    [
        {"time_mask": 1.0, "frequency_mask": 1.0},
        {"mixstyle_p": 1.0, "weight_averaging": 1.0},
        {"dropout": 0.999, "label_smoothing": 0.999},
        {"warmup": 0.999, "time_shift": 0.999},
        {"frequency_warp": 0.999, "n_views": 50},
        {"noise_snr": -1e6},
        {"noise_snr": 1e6},
        {"embedding_dim": 1, "norm": None},
    ],
    ids=str,
)
def test_the_ends_of_the_ranges_are_possible(frames, parameters):
    cnn = CNNEmbedder(**SMALL | parameters, random_state=0).fit(*frames)
    assert np.isfinite(cnn.predict_proba(frames[0])).all()
    assert np.isfinite(cnn.transform(frames[0])).all()


def test_predictions_are_the_mean_over_views(frames):
    X, y = frames
    parameters = {"frequency_warp": 0.4, "time_stretch": 0.44, "n_views": 3, "norm": None}
    cnn = CNNEmbedder(**SMALL | parameters, random_state=0).fit(X, y)
    # Two convolutions make four frames one, and half of that is two.
    assert np.allclose(cnn.views_, [(0.8, 1 / 1.2, 0), (1, 1, 2), (1.2, 1.2, 0)])
    singles = []
    for view in cnn.views_:
        single = copy.deepcopy(cnn)
        single.views_ = [view]
        singles.append((single.transform(X), single.predict_proba(X)))
    assert np.abs(singles[0][1] - singles[2][1]).max() > 1e-3
    for found, of_views in zip(
        (cnn.transform(X), cnn.predict_proba(X)), zip(*singles, strict=True), strict=True
    ):
        np.testing.assert_allclose(found, np.mean(of_views, axis=0), atol=1e-5)
    assert np.array_equal(cnn.predict(X), cnn.classes_[cnn.predict_proba(X).argmax(axis=1)])


def test_one_view_is_the_clip_as_it_is(frames):
    cnn = CNNEmbedder(**SMALL | {"max_epochs": 1}, n_views=1, norm=None).fit(*frames)
    assert cnn.views_ == [(1, 1, 0)]
    module = cnn.net_.module_
    with torch.inference_mode():
        expected = module.embed(module.encoders(*module.inputs(torch.from_numpy(frames[0]))))
    np.testing.assert_allclose(cnn.transform(frames[0]), expected, atol=1e-5)


@pytest.mark.parametrize("n_frames", [1, 2, 3, 5])
@pytest.mark.parametrize("n_coefficients", [1, 2, 40])
def test_tiny_inputs(n_frames, n_coefficients):
    X, y = make_frames(20, n_coefficients, 30)
    X = X[:, :, :n_frames]
    assert np.isfinite(fit_proba(X, y, random_state=0, channels=(4, 4, 4, 4, 4))).all()


@pytest.mark.parametrize("n_clips", [2, 3, 17, 33])
def test_few_clips_and_odd_batches(n_clips):
    X, y = make_frames(n_clips)
    assert np.isfinite(fit_proba(X, y, random_state=0)).all()


def test_class_with_one_clip(frames):
    X, y = frames
    y = y.astype(object)
    y[3] = "fear"
    assert fit_proba(X, y, random_state=0).shape == (48, 3)


def test_clips_of_silence_or_nothing_but_padding(frames):
    X, y = frames[0].copy(), frames[1]
    X[:3] = 0
    assert np.isfinite(fit_proba(X, y, random_state=0)).all()


def test_memory_mapped_input_gives_the_same(frames):
    np.save("X.npy", frames[0])
    mapped = np.load("X.npy", mmap_mode="r")
    np.testing.assert_array_equal(
        fit_proba(mapped, frames[1], random_state=0), fit_proba(*frames, random_state=0)
    )


def test_pickles_small_and_equal_bit_for_bit(frames):
    fitted = CNNEmbedder(max_epochs=1, random_state=0).fit(*frames)
    data = pickle.dumps(fitted)
    n_parameters = sum(p.numel() for p in fitted.net_.module_.parameters())
    assert len(data) < 4 * n_parameters + 100_000  # the weights, once, and no optimiser
    np.testing.assert_array_equal(
        pickle.loads(data).predict_proba(frames[0]), fitted.predict_proba(frames[0])
    )
    assert "Ensemble" in repr(fitted.net_)


def test_clone_and_refit(fitted, frames):
    again = clone(fitted).fit(*frames)
    np.testing.assert_array_equal(again.predict_proba(frames[0]), fitted.predict_proba(frames[0]))
    again.fit(frames[0][:, :5], frames[1])  # another number of coefficients
    assert again.n_features_in_ == 5


def test_verbose_prints_ten_lines_or_one_an_epoch(frames, capsys):
    CNNEmbedder(**SMALL | {"max_epochs": 40}, random_state=0, verbose=1).fit(*frames)
    lines = capsys.readouterr().out.splitlines()
    assert 10 <= len(lines) <= 12
    assert re.fullmatch(r"\[CNNEmbedder\] epoch  1/40  loss \d\.\d{3}  \d+ s", lines[0])
    assert lines[-1].startswith("[CNNEmbedder] epoch 40/40")
    CNNEmbedder(**SMALL, random_state=0, verbose=2).fit(*frames)
    assert len(capsys.readouterr().out.splitlines()) == 4
    CNNEmbedder(**SMALL, random_state=0).fit(*frames)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", _NUMBERS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_no_number_may_be_nan_or_infinite(frames, name, value):
    with pytest.raises(ValueError, match=f"{name} == {value}, must be finite"):
        CNNEmbedder(**{name: value}).fit(*frames)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"embedding_dim": 0}, ValueError, "embedding_dim == 0, must be >= 1"),
        ({"n_networks": 0}, ValueError, "n_networks == 0, must be >= 1"),
        ({"n_networks": 9}, ValueError, "embedding_dim == 8, must be >= n_networks, 9"),
        ({"max_epochs": 1.5}, TypeError, "max_epochs must be an instance of int"),
        ({"batch_size": 1}, ValueError, "batch_size == 1, must be >= 2"),
        ({"channels": ()}, ValueError, "channels == (), must be a sequence of integers"),
        ({"channels": "32"}, ValueError, "channels == '32', must be a sequence of integers"),
        ({"channels": 32}, ValueError, "channels == 32, must be a sequence of integers"),
        ({"channels": (8, 0)}, ValueError, "channels == 0, must be >= 1"),
        ({"hidden_layer_sizes": ()}, ValueError, "hidden_layer_sizes == (), must be a sequence of"),
        ({"input_channels": 0}, ValueError, "input_channels == 0, must be >= 1"),
        ({"network": "rnn"}, ValueError, "network == 'rnn', must be one of 'cnn', 'mlp'"),
        ({"lr": 0}, ValueError, "lr == 0, must be > 0"),
        ({"lr": float("inf")}, ValueError, "lr == inf, must be finite"),
        ({"warmup": 1.0}, ValueError, "warmup == 1.0, must be < 1"),
        ({"norm": "l3"}, ValueError, "norm == 'l3', must be one of 'l2', None"),
        ({"embedding_dim": 1}, ValueError, "embedding_dim == 1, must be >= 2 with norm == 'l2'"),
        (
            {"embedding_dim": 1, "network": "mlp"},
            ValueError,
            "nothing but a sign; or set norm=None",
        ),
        ({"lr_schedule": "step"}, ValueError, "lr_schedule == 'step', must be one of 'cosine', 'c"),
        ({"gain": float("nan")}, ValueError, "gain == nan, must be finite"),
        ({"weight_decay": -1}, ValueError, "weight_decay == -1, must be >= 0"),
        ({"mixup_alpha": -0.1}, ValueError, "mixup_alpha == -0.1, must be >= 0"),
        ({"dropout": 1.0}, ValueError, "dropout == 1.0, must be < 1"),
        ({"se_ratio": 1.1}, ValueError, "se_ratio == 1.1, must be <= 1"),
        ({"se_ratio": -0.1}, ValueError, "se_ratio == -0.1, must be >= 0"),
        ({"label_smoothing": -1}, ValueError, "label_smoothing == -1, must be >= 0"),
        ({"label_smoothing": 1}, ValueError, "label_smoothing == 1, must be < 1"),
        ({"frequency_warp": 1}, ValueError, "frequency_warp == 1, must be < 1"),
        ({"time_mask": 1.1}, ValueError, "time_mask == 1.1, must be <= 1"),
        ({"time_mask": -0.1}, ValueError, "time_mask == -0.1, must be >= 0"),
        ({"frequency_mask": -0.1}, ValueError, "frequency_mask == -0.1, must be >= 0"),
        ({"n_views": 0}, ValueError, "n_views == 0, must be >= 1"),
        ({"mixstyle_p": -0.1}, ValueError, "mixstyle_p == -0.1, must be >= 0"),
        ({"mixstyle_p": 1.1}, ValueError, "mixstyle_p == 1.1, must be <= 1"),
        ({"weight_averaging": -0.1}, ValueError, "weight_averaging == -0.1, must be >= 0"),
        ({"weight_averaging": 1.1}, ValueError, "weight_averaging == 1.1, must be <= 1"),
        ({"frequency_mask": "x"}, TypeError, "frequency_mask must be an instance of float"),
        ({"class_weight": "even"}, ValueError, "class_weight == 'even', must be one of None, 'bal"),
        (
            {"class_weight": np.ones(2)},
            ValueError,
            "class_weight == array([1., 1.]), must be one of",
        ),
        ({"class_weight": pd.Series([1, 1])}, ValueError, "must be one of None, 'balanced'"),
        ({"class_weight": {"anger": -1}}, ValueError, "class_weight['anger'] == -1, must be >= 0"),
        ({"class_weight": {"anger": float("inf")}}, ValueError, "['anger'] == inf, must be finite"),
        (
            {"class_weight": {"anger": 0, "sadness": 0}},
            ValueError,
            "class_weight leaves 0 of the clips; expected at least 2: give a class with more",
        ),
        ({"verbose": -1}, ValueError, "verbose == -1, must be >= 0"),
        ({"verbose": "x"}, TypeError, "verbose must be an instance of int"),
        ({"early_stopping": 1}, TypeError, "early_stopping must be an instance of"),
        ({"warm_start": "yes"}, TypeError, "warm_start must be an instance of"),
        ({"validation_fraction": 1}, ValueError, "validation_fraction == 1, must be < 1"),
        ({"n_iter_no_change": 0}, ValueError, "n_iter_no_change == 0, must be >= 1"),
        ({"callbacks": "log"}, TypeError, "callbacks == 'log', must be a list of skorch callbacks"),
        ({"callbacks": [1]}, TypeError, "callbacks has 1, must have skorch callbacks or pairs"),
        ({"callbacks": ["log"]}, TypeError, "callbacks has 'log', must have skorch callbacks or"),
        ({"callbacks": [(1, Callback())]}, TypeError, "callbacks has (1, <"),
        ({"callbacks": [("a", 1)]}, TypeError, "callbacks has ('a', 1), must have skorch"),
        ({"callbacks": [int]}, TypeError, "callbacks has <class 'int'>, must have skorch"),
        (
            {"precision": "half"},
            ValueError,
            "precision == 'half', must be one of 'auto', 'float32'",
        ),
        ({"time_shift": 1}, ValueError, "time_shift == 1, must be < 1"),
        ({"time_shift": -0.1}, ValueError, "time_shift == -0.1, must be >= 0"),
        ({"noise_snr": float("nan")}, ValueError, "noise_snr == nan, must be finite"),
        ({"noise_snr": "loud"}, TypeError, "noise_snr must be an instance of"),
        ({"random_state": "x"}, ValueError, "'x' cannot be used to seed"),
        ({"device": "abacus"}, ValueError, "device == 'abacus', must be"),
        ({"device": "cuda:77"}, ValueError, "device == 'cuda:77', must be"),
        ({"device": "meta"}, ValueError, "device == 'meta', must be 'auto', 'cpu' or a CUDA GPU"),
        ({"device": None}, TypeError, "device must be an instance of str"),
    ],
)
def test_bad_parameter_is_named(frames, parameters, error, message):
    with pytest.raises(error, match=re.escape(message)):
        CNNEmbedder(**SMALL | parameters).fit(*frames)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["anger"] * 48, "y holds one class, 'anger'; expected at least two"),
        (["anger"] * 47, r"inconsistent numbers of samples: \[48, 47\]"),
        (["anger"] * 46 + [None, float("nan")], r"contains NaN: 2 of 48 .*\(clip 47, 48\)"),
        (np.r_[np.nan, np.arange(47) % 2], r"contains NaN: 1 of 48 .*\(clip 1\)"),
        ([None] * 48, r"\(clip 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, \.\.\.\)"),
        (np.linspace(0, 1, 48), "continuous"),
        ([pd.NA, *["anger", "fear"] * 23, "fear"], r"contains NaN: 1 of 48 .*\(clip 1\)"),
        (
            np.array(["anger", 1] * 24, dtype=object),
            "y mixes labels of different types, int and str; expected one",
        ),
        (None, "requires y to be passed"),
        (np.eye(48), "y should be a 1d array|Multioutput|multilabel"),
    ],
)
def test_bad_labels_are_named(frames, y, message):
    with pytest.raises(ValueError, match=message):
        CNNEmbedder(**SMALL).fit(frames[0], y)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (["a.wav", "b.wav"], TypeError, "list of paths.*put an MFCCTransformer before this step"),
        (np.array(["a.wav", "b.wav"]), TypeError, "list of paths.*put an MFCCTransformer before"),
        (pd.Series(["a.wav", "b.wav"]), TypeError, "list of paths.*put an MFCCTransformer before"),
        ([np.ones((13, 4)), np.ones((13, 5))], ValueError, "clips of unequal shapes.*by frames of"),
        (
            pd.Series([np.ones((13, 4)), np.ones((13, 5))]),
            ValueError,
            "clips of unequal shapes.*by frames of",
        ),
        ([], ValueError, r"X is \[\]; expected coefficients of shape \(n_clips, n_coeff"),
        (None, ValueError, "X is None; expected coefficients of shape"),
        (np.ones((2, 13, 4, 5)), ValueError, r"X has the shape \(2, 13, 4, 5\)"),
        (np.ones((2, 13, 0)), ValueError, r"X has the shape \(2, 13, 0\)"),
        (np.full((2, 13, 4), np.nan), ValueError, "Input X contains NaN"),
    ],
)
def test_bad_input_is_told(fitted, X, error, message):
    with pytest.raises(error, match=message):
        CNNEmbedder(**SMALL).fit(X, ["a", "b"])
    with pytest.raises(error, match=message):
        fitted.predict(X)


def test_clips_may_be_elements_of_a_series(fitted, frames):
    X, _ = frames
    clips = pd.Series(list(X))
    assert np.array_equal(fitted.predict_proba(clips), fitted.predict_proba(X))
    as_objects = np.empty(len(X), dtype=object)
    as_objects[:] = list(X)
    assert np.array_equal(fitted.predict_proba(as_objects), fitted.predict_proba(X))


def test_other_number_of_coefficients_is_told(fitted):
    with pytest.raises(ValueError, match="X has 12 features, but CNNEmbedder is expecting 13"):
        fitted.predict(np.ones((2, 12, 30)))


def test_unfitted_is_told(frames):
    with pytest.raises(NotFittedError, match="This CNNEmbedder instance is not fitted yet"):
        CNNEmbedder().transform(frames[0])


def test_failed_fit_leaves_the_estimator_unfitted_or_as_it_was(frames):
    X, y = frames
    cnn = CNNEmbedder(**SMALL, random_state=0)
    with pytest.raises(ValueError, match="one class"):
        cnn.fit(X, ["anger"] * 48)
    assert not hasattr(cnn, "n_features_in_")
    with pytest.raises(NotFittedError):
        cnn.predict(X)
    expected = cnn.fit(X, y).predict_proba(X)
    with pytest.raises(ValueError, match="diverged"):
        cnn.set_params(lr=1e30).fit(X, np.arange(48) % 5)
    with pytest.raises(ValueError, match="one class"):
        cnn.fit(pd.DataFrame(X[:, :5, 0], columns=list("abcde")), ["anger"] * 48)
    assert not hasattr(cnn, "feature_names_in_")
    np.testing.assert_array_equal(cnn.predict_proba(X), expected)
    assert cnn.predict(X).dtype == y.dtype


def test_divergence_is_an_error_with_its_remedy(frames):
    with pytest.raises(ValueError, match=r"diverged: the loss is nan in epoch \d.*Lower lr \(now"):
        CNNEmbedder(**SMALL | {"lr": 1e30}).fit(*frames)


def test_divergence_in_the_last_step_is_found(frames):
    # The only loss is from before the only step.
    one_step = {"max_epochs": 1, "batch_size": 64, "warmup": 0.0, "weight_averaging": 0}
    with pytest.raises(ValueError, match=r"diverged: the network returns NaN or infinity. Lower lr \(now"):
        CNNEmbedder(**SMALL | one_step | {"lr": 1e20}).fit(*frames)


def test_torch_may_have_another_default_dtype(frames):
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        cnn = CNNEmbedder(**SMALL, noise_snr=10.0, mixup_alpha=0.3, time_shift=0.1).fit(*frames)
        probabilities = cnn.predict_proba(frames[0])
        assert CNNEmbedder(**MLP).fit(*table()).n_iter_ == MLP["max_epochs"]
    finally:
        torch.set_default_dtype(before)
    np.testing.assert_allclose(cnn.predict_proba(frames[0]), probabilities, atol=1e-5)


def test_feature_names_are_those_of_the_fitted_network(frames):
    cnn = CNNEmbedder(**SMALL, random_state=0).fit(*frames).set_params(embedding_dim=3)
    assert len(cnn.get_feature_names_out()) == cnn.transform(frames[0]).shape[1] == 8


@pytest.mark.parametrize(("n_clips", "batch_size"), [(12, 64), (20, 64), (48, 16)])
def test_few_clips_are_learnt_although_shards_are_few(n_clips, batch_size):
    # Statistics of replicas that never saw a batch would spoil the prediction.
    X, y = make_frames(n_clips)
    cnn = CNNEmbedder(
        channels=(4, 8),
        embedding_dim=8,
        max_epochs=20,
        batch_size=batch_size,
        mixup_alpha=0,
        mixstyle_p=0,
        time_stretch=0,
        frequency_warp=0,
        gain=0,
        time_mask=0,
        frequency_mask=0,
        random_state=0,
    )
    assert cnn.fit(X, y).score(X, y) > 0.95


def test_failed_fit_leaves_no_threads_behind(frames, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("on purpose")

    before = torch.get_num_threads()
    monkeypatch.setattr("ser_estimators._training.loop.ShardedNet.get_loss", fail)
    with pytest.raises(RuntimeError, match="on purpose"):
        CNNEmbedder(**SMALL).fit(*frames)
    assert torch.get_num_threads() == before
    assert not [t for t in threading.enumerate() if t.name.startswith("ser_estimators")]


def test_interrupt_ends_the_fit_instead_of_passing_for_a_model():
    code = (
        # A shell lets what it starts in the background ignore interrupts.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import numpy as np; from ser_estimators import CNNEmbedder\n"
        "X = np.random.default_rng(0).normal(size=(64, 20, 200))\n"
        "CNNEmbedder(max_epochs=10_000, verbose=2).fit(X, [0, 1] * 32)\n"
        "print('finished')"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert "epoch" in process.stdout.readline()
            time.sleep(0.2)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert "KeyboardInterrupt" in err
    assert "finished" not in out


def test_a_device_of_another_spelling_is_the_same_device(frames):
    expected = fit_proba(*frames, random_state=0)
    assert np.array_equal(fit_proba(*frames, random_state=0, device="cpu:0"), expected)
    assert resolve_device("cpu:0") == "cpu"


def test_no_more_threads_are_started_than_there_is_work(frames, monkeypatch):
    X, y = frames
    started = []

    def record(n_threads):
        started.append(n_threads)
        return thread_pool(n_threads)

    for module in ("_training.loop", "_network.inference"):
        monkeypatch.setattr(f"ser_estimators.{module}.thread_pool", record)
    monkeypatch.setattr("ser_estimators._network.threads.torch.get_num_threads", lambda: 7)
    cnn = CNNEmbedder(**SMALL | {"batch_size": 32}).fit(X, y)
    cnn.predict(X[:1])
    cnn.predict(X)
    assert started == [2, 1, 2]
    # As many shards as the clips make, and not as a batch of that size would have.
    CNNEmbedder(**SMALL | {"batch_size": 10_000}).fit(X, y)
    assert started[3:] == [3]


def test_what_is_set_after_a_fit_does_not_change_what_it_predicts(frames):
    X, y = frames
    cnn = CNNEmbedder(**SMALL, random_state=0).fit(X, y)
    expected, embedding = cnn.predict_proba(X), cnn.transform(X)
    cnn.set_params(input_channels=2, network="mlp", channels=(3,), n_views=9, frequency_warp=0)
    cnn.set_params(norm=None, embedding_dim=5, n_networks=2)
    assert np.array_equal(cnn.predict_proba(X), expected)
    assert np.array_equal(cnn.transform(X), embedding)
    features, labels = table()
    mlp = CNNEmbedder(**MLP | {"max_epochs": 1}).fit(features, labels)
    with pytest.raises(ValueError, match="network='mlp' takes tables"):
        mlp.set_params(network="cnn").predict(np.ones((2, features.shape[1], 5)))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_model_for_a_device_that_is_not_there_predicts_on_the_cpu(frames):
    X, y = frames
    cnn = CNNEmbedder(**SMALL, random_state=0).fit(X, y)
    expected = cnn.predict_proba(X)
    assert np.array_equal(cnn.set_params(device="cuda").predict_proba(X), expected)
    with pytest.raises(ValueError, match="device == 'cuda', must be"):
        cnn.fit(X, y)
    with pytest.raises(ValueError, match="device == 'abacus', must be"):
        cnn.set_params(device="abacus").predict_proba(X)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_gpu_learns_the_same_and_its_model_loads_without_one(frames):
    X, y = frames
    cnn = CNNEmbedder(**SMALL | {"max_epochs": 20}, random_state=0, device="cuda").fit(X, y)
    assert cnn.score(X, y) > 0.9
    pickle_file = "cnn.pickle"
    with open(pickle_file, "wb") as file:
        pickle.dump(cnn, file)
    code = (
        "import pickle, numpy as np; cnn = pickle.load(open('cnn.pickle', 'rb'))\n"
        "print(cnn.predict_proba(np.ones((1, 13, 9))).shape)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "(1, 2)", done.stderr


def table(n=300, seed=0):
    """Make a table of two classes that the column of the smallest scale tells apart."""
    rng = np.random.default_rng(seed)
    y = np.repeat(["anger", "fear"], n // 2)
    X = rng.normal(size=(n, 12))
    X[:, 3] += 3 * (y == "anger")
    X[:, 3] *= 1e-3
    X[:, 5] *= 1e4
    return X, y


MLP = {
    "network": "mlp",
    "n_networks": 1,
    "hidden_layer_sizes": (32, 8),
    "embedding_dim": 6,
    "max_epochs": 40,
}


def test_fully_connected_network_learns_a_table_of_any_scale():
    X, y = table()
    mlp = CNNEmbedder(**MLP, random_state=0).fit(X, y)
    X_new, y_new = table(seed=1)
    assert mlp.score(X_new, y_new) > 0.85
    assert mlp.transform(X).shape == (300, 6)
    sizes = [tuple(p.shape) for p in mlp.net_.module_.parameters() if p.ndim == 2]
    assert sizes == [(32, 12), (8, 32), (6, 8), (2, 6)]
    np.testing.assert_allclose(mlp.predict_proba(X).sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("scale", [1e-30, 1e-6, 1e6])
def test_fully_connected_network_learns_a_small_or_large_table(scale):
    X, y = table()
    X_new, y_new = table(seed=1)
    assert CNNEmbedder(**MLP, random_state=0).fit(X * scale, y).score(X_new * scale, y_new) > 0.85


def test_fully_connected_network_leaves_constant_columns_alone():
    X, y = table()
    X[:, :2] = [1e-20, 3e7]
    mlp = CNNEmbedder(**MLP | {"max_epochs": 2}, random_state=0).fit(X, y)
    assert np.array_equal(mlp.net_.module_.inputs.std[0, :2, 0], [1, 1])


def test_fully_connected_network_is_the_same_for_a_seed_and_other_for_another():
    X, y = table()
    first, same, other = (
        CNNEmbedder(**MLP, random_state=seed).fit(X, y).predict_proba(X) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, same)
    assert np.abs(first - other).max() > 1e-3


def test_fully_connected_network_is_pickled_and_predicts_alone_as_in_a_batch():
    X, y = table()
    mlp = CNNEmbedder(**MLP, random_state=0).fit(X, y)
    loaded = pickle.loads(pickle.dumps(mlp))
    np.testing.assert_array_equal(loaded.predict_proba(X), mlp.predict_proba(X))
    np.testing.assert_allclose(mlp.predict_proba(X[7:8])[0], mlp.predict_proba(X)[7], atol=1e-5)


def test_fully_connected_network_refuses_frames():
    _, y = table()
    with pytest.raises(ValueError, match=r"network='mlp' takes tables .n_clips, n_features.: "):
        CNNEmbedder(**MLP).fit(np.zeros((300, 4, 9)), y)


def test_a_table_has_one_view():
    assert CNNEmbedder(**MLP | {"max_epochs": 1}).fit(*table()).views_ == [(1, 1, 0)]


def test_derivatives_are_channels_of_the_picture(voices):
    from ser_estimators import MFCCTransformer

    frames = MFCCTransformer(n_mfcc=13, deltas=2).transform(voices.data)
    cnn = CNNEmbedder(**SMALL, input_channels=3, random_state=0).fit(frames, voices.target)
    picture, _ = cnn.net_.module_.inputs(torch.from_numpy(frames[:2]))
    assert picture.shape[:3] == (2, 3, 13)
    # Each channel is the inverse transform of its own coefficients.
    expected = idct(frames[0, 13:26], axis=0, norm="ortho")
    layer = cnn.net_.module_.inputs
    found = picture[0, 1].numpy() * layer.std[1].numpy() + layer.mean[1].numpy()
    real = (frames[0] != 0).any(axis=0)
    np.testing.assert_allclose(found[:, real], expected[:, real], atol=1e-2)
    with pytest.raises(
        ValueError, match="X has 39 coefficients, which input_channels == 2 does not"
    ):
        CNNEmbedder(**SMALL, input_channels=2).fit(frames, voices.target)
