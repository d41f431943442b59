"""CNNEmbedder: training, embedding, views, pickling and failures."""

import copy
import pickle
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from ser_estimators import CNNEmbedder
from ser_estimators._estimators.embedding_array import blocks_of

from .helpers import MLP, SMALL, make_cnn, make_frames, table


def test_fit_predict_and_transform(fitted, frames):
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
    as_it_is = make_cnn(**SMALL | {"max_epochs": 20}, norm=None, random_state=0).fit(*frames)
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


def test_gates_are_trained_in_pooled_blocks_only(frames):
    X, y = frames
    parameters = SMALL | {"random_state": 0, "se_ratio": 0.25}
    gated, plain = (
        make_cnn(**parameters | {"channels": (8, 8, 16)} | others).fit(X, y)
        for others in ({}, {"se_ratio": 0.0})
    )
    assert np.abs(gated.predict_proba(X) - plain.predict_proba(X)).max() > 1e-4
    gate = gated.module_.encoders[0].blocks[1].gate
    assert gate.excite.bias.abs().max() > 0  # the initial value is zero
    strided = make_cnn(**parameters | {"channels": (8, 16)}).fit(X, y)
    assert not any("gate" in name for name, _ in strided.module_.named_parameters())


@pytest.mark.parametrize("network", ["cnn", "mlp"])
def test_ensemble_is_trained_and_pickled(frames, network):
    X, y = frames if network == "cnn" else table()
    parameters = (SMALL if network == "cnn" else MLP) | {"max_epochs": 20, "random_state": 0}
    cnn = make_cnn(**parameters | {"n_networks": 3}).fit(X, y)
    assert cnn.score(X, y) > 0.9
    assert cnn.transform(X).shape == (len(X), parameters["embedding_dim"])
    assert len(cnn.get_feature_names_out()) == parameters["embedding_dim"]
    first = make_cnn(**parameters).fit(X, y)
    assert not np.allclose(first.predict_proba(X), cnn.predict_proba(X))
    loaded = pickle.loads(pickle.dumps(cnn))
    assert np.array_equal(loaded.predict_proba(X), cnn.predict_proba(X))
    np.testing.assert_allclose(cnn.predict_proba(X[:1]), cnn.predict_proba(X)[:1], atol=1e-5)


def test_prediction_for_a_clip_does_not_depend_on_other_clips(fitted):
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


def test_predictions_are_the_mean_over_views(frames):
    X, y = frames
    parameters = {"frequency_warp": 0.4, "time_stretch": 0.44, "n_views": 3, "norm": None}
    cnn = make_cnn(**SMALL | parameters, random_state=0).fit(X, y)
    # Two convolutions have a total stride of four frames, half of which is two.
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


def test_single_view_is_the_clip_itself(frames):
    cnn = make_cnn(**SMALL | {"max_epochs": 1}, n_views=1, norm=None).fit(*frames)
    assert cnn.views_ == [(1, 1, 0)]
    module = cnn.module_
    with torch.inference_mode():
        expected = module.embed(module.encoders(*module.inputs(torch.from_numpy(frames[0]))))
    np.testing.assert_allclose(cnn.transform(frames[0]), expected, atol=1e-5)


def test_pickle_is_small_and_predicts_the_same(frames):
    fitted = CNNEmbedder(max_epochs=1, random_state=0).fit(*frames)
    data = pickle.dumps(fitted)
    n_parameters = sum(p.numel() for p in fitted.module_.parameters())
    assert len(data) < 4 * n_parameters + 100_000  # the weights, once, and no optimizer
    np.testing.assert_array_equal(
        pickle.loads(data).predict_proba(frames[0]), fitted.predict_proba(frames[0])
    )


def test_clone_and_refit(fitted, frames):
    again = clone(fitted).fit(*frames)
    np.testing.assert_array_equal(again.predict_proba(frames[0]), fitted.predict_proba(frames[0]))
    again.fit(frames[0][:, :5], frames[1])  # another number of coefficients
    assert again.n_features_in_ == 5


def test_verbose_prints_ten_lines_or_one_per_epoch(frames, capsys):
    make_cnn(**SMALL | {"max_epochs": 40}, random_state=0, verbose=1).fit(*frames)
    lines = capsys.readouterr().out.splitlines()
    assert 10 <= len(lines) <= 12
    assert re.fullmatch(r"\[CNNEmbedder\] epoch  1/40  loss \d\.\d{3}  \d+ s", lines[0])
    assert lines[-1].startswith("[CNNEmbedder] epoch 40/40")
    make_cnn(**SMALL, random_state=0, verbose=2).fit(*frames)
    assert len(capsys.readouterr().out.splitlines()) == 4
    make_cnn(**SMALL, random_state=0).fit(*frames)
    assert capsys.readouterr().out == ""


def test_unfitted_estimator_raises(frames):
    with pytest.raises(NotFittedError, match="This CNNEmbedder instance is not fitted yet"):
        CNNEmbedder().transform(frames[0])


def test_failed_fit_does_not_change_the_estimator(frames):
    X, y = frames
    cnn = make_cnn(**SMALL, random_state=0)
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


def test_divergence_is_an_error_with_a_remedy(frames):
    with pytest.raises(ValueError, match=r"diverged: the loss is nan in epoch \d.*Lower lr \(now"):
        make_cnn(**SMALL | {"lr": 1e30}).fit(*frames)


def test_divergence_in_the_last_step_is_detected(frames):
    # The only loss is computed before the only step.
    one_step = {"max_epochs": 1, "batch_size": 64, "warmup": 0.0, "weight_averaging": 0}
    with pytest.raises(ValueError, match=r"diverged: the network returns NaN or infinity. Lower"):
        make_cnn(**SMALL | one_step | {"lr": 1e20}).fit(*frames)


def test_feature_names_are_those_of_the_fitted_network(frames):
    cnn = make_cnn(**SMALL, random_state=0).fit(*frames).set_params(embedding_dim=3)
    assert len(cnn.get_feature_names_out()) == cnn.transform(frames[0]).shape[1] == 8


@pytest.mark.parametrize(("n_clips", "batch_size"), [(12, 64), (20, 64), (48, 16)])
def test_small_training_sets_with_unused_shards_are_learned(n_clips, batch_size):
    # The statistics of replicas without a batch would impair the prediction.
    X, y = make_frames(n_clips)
    cnn = make_cnn(
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


def test_interrupt_keeps_what_was_trained():
    code = (
        # Processes that a shell starts in the background ignore interrupts.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import numpy as np; from ser_estimators import CNNEmbedder\n"
        "X = np.random.default_rng(0).normal(size=(64, 20, 200))\n"
        "cnn = CNNEmbedder(max_epochs=10_000, verbose=2).fit(X, [0, 1] * 32)\n"
        "print('trained', cnn.n_iter_, cnn.predict(X).shape)"
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
    assert process.returncode == 0, err
    assert "TrainingInterruptedWarning: Training was interrupted after" in err
    assert re.search(r"trained [1-9]\d* \(64,\)", out)


def test_parameters_set_after_fit_do_not_change_predictions(frames):
    X, y = frames
    cnn = make_cnn(**SMALL, random_state=0).fit(X, y)
    expected, embedding = cnn.predict_proba(X), cnn.transform(X)
    cnn.set_params(network="mlp", n_views=9, augmentation=None)
    cnn.set_params(norm=None, embedding_dim=5, n_networks=2)
    assert np.array_equal(cnn.predict_proba(X), expected)
    assert np.array_equal(cnn.transform(X), embedding)
    features, labels = table()
    mlp = make_cnn(**MLP | {"max_epochs": 1}).fit(features, labels)
    with pytest.raises(ValueError, match="network='mlp' takes tables"):
        mlp.set_params(network="cnn").predict(np.ones((2, features.shape[1], 5)))


@pytest.mark.parametrize("norm", ["l2", None])
def test_statistics_follow_the_embedding(frames, norm):
    X, y = frames
    plain = make_cnn(**SMALL, norm=norm, random_state=0).fit(X, y)
    cnn = make_cnn(**SMALL, norm=norm, statistics=True, random_state=0).fit(X, y)
    np.testing.assert_array_equal(cnn.predict_proba(X), plain.predict_proba(X))
    columns = cnn.transform(X)
    assert columns.shape == (48, 8 + 4 * 13)
    assert columns.dtype == np.float32
    assert columns.blocks == (1, 1, 52)
    np.testing.assert_array_equal(columns[:, :8], plain.transform(X))
    statistics = columns[:, 8:]
    np.testing.assert_allclose(statistics.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(statistics.std(axis=0), 1 / np.sqrt(52), rtol=1e-3)
    center, factor = cnn.statistics_
    real = X[0][:, X[0].any(axis=0)]
    found = statistics[0] / factor + center
    np.testing.assert_allclose(found[:13], real.mean(axis=1), atol=1e-3)
    np.testing.assert_allclose(found[13:26], real.std(axis=1), atol=1e-3)
    names = cnn.get_feature_names_out()
    assert names[[0, 7, 8, 34, 59]].tolist() == [
        "cnnembedder0",
        "cnnembedder7",
        "statistics_mean_0",
        "statistics_change_0",
        "statistics_slow_change_12",
    ]
    assert blocks_of(cnn.set_output(transform="pandas").transform(X)) == (1, 1, 52)
    cnn.set_output(transform="default")
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(cnn)).transform(X), columns)
    longer = np.pad(X[:1], ((0, 0), (0, 0), (0, 9)))
    np.testing.assert_allclose(cnn.transform(longer), columns[:1], atol=1e-5)
    np.testing.assert_array_equal(cnn.transform(list(X))[:, 8:], columns[:, 8:])
    cnn.set_params(network__statistics=False)
    np.testing.assert_array_equal(cnn.transform(X), columns)


def test_statistics_of_one_frame(frames):
    X = frames[0][:, :, 0]
    columns = make_cnn(**SMALL, statistics=True).fit(X, frames[1]).transform(X)
    expected = (X - X.mean(axis=0)) / X.std(axis=0) / np.sqrt(52)
    np.testing.assert_allclose(columns[:, 8:21], expected, atol=1e-4)
    assert not columns[:, 21:].any()  # a single frame does not change


def test_statistics_with_weights(frames):
    X, y = frames
    weights = np.where(np.arange(48) < 8, 0, np.where(np.arange(48) < 24, 3, 1))
    cnn = make_cnn(**SMALL | {"max_epochs": 1}, statistics=True, random_state=0)
    found = cnn.fit(X, y, sample_weight=weights).statistics_
    copies = np.repeat(np.arange(48), weights)[::-1]
    np.testing.assert_array_equal(cnn.fit(X[copies], y[copies]).statistics_, found)
