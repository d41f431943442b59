"""Fits and predictions do not depend on what the caller has set in torch, numpy or the process."""

import multiprocessing
import pickle
import warnings

import joblib
import numpy as np
import pytest
import torch

from ser_estimators._utils.progress import current_progress, labeled_progress

from .helpers import MLP, SMALL, make_cnn, table


@pytest.fixture(scope="module")
def expected(frames):
    X, y = frames
    cnn = make_cnn(**SMALL, statistics=True, random_state=0).fit(X, y)
    return pickle.dumps(cnn), cnn.predict_proba(X), cnn.transform(X)


@pytest.mark.parametrize(
    "surroundings",
    [
        torch.inference_mode,
        torch.no_grad,
        lambda: torch.device("meta"),
        lambda: torch.autocast("cpu", torch.bfloat16),
        lambda: np.errstate(all="raise"),
    ],
    ids=["inference_mode", "no_grad", "meta", "autocast", "errstate"],
)
def test_context_of_the_caller_changes_nothing(frames, expected, surroundings):
    X, y = frames
    saved, probabilities, embedding = expected
    with surroundings():
        cnn = make_cnn(**SMALL, statistics=True, random_state=0).fit(X, y)
        loaded = pickle.loads(saved)
        for model in (cnn, loaded):
            np.testing.assert_array_equal(model.predict_proba(X), probabilities)
            np.testing.assert_array_equal(model.transform(X), embedding)
        cnn.set_params(warm_start=True).fit(X, y)
    # Outside, its parameters can be trained further.
    assert loaded.set_params(warm_start=True).fit(X, y).n_iter_ == 2 * SMALL["max_epochs"]
    assert torch.ones(1).device.type == "cpu"


def test_probabilities_may_underflow():
    X, y = table()
    with np.errstate(all="raise"):
        cnn = make_cnn(**MLP | {"max_epochs": 30, "lr": 0.03}, random_state=0).fit(X, y)
        probabilities = cnn.predict_proba(1000 * X)
    assert np.isfinite(probabilities).all()


def test_progress_is_labeled(frames, capsys):
    X, y = frames
    with labeled_progress("fold 2/6", verbose=2):
        make_cnn(**SMALL, random_state=0).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == SMALL["max_epochs"]
    assert lines[0].startswith("[CNNEmbedder] fold 2/6, epoch 1/4  loss ")
    make_cnn(**SMALL, verbose=1, random_state=0).fit(X, y)
    assert capsys.readouterr().out.startswith("[CNNEmbedder] epoch 1/4")
    make_cnn(**SMALL, random_state=0).fit(X, y)
    assert capsys.readouterr().out == ""


def test_labels_are_nested_and_restored():
    assert current_progress() == ("", 0)
    with labeled_progress("outer", verbose=1):
        with labeled_progress("inner"):
            assert current_progress() == ("inner", 0)
        assert current_progress() == ("outer", 1)
    assert current_progress() == ("", 0)


def test_processes_are_told_apart():
    labels = joblib.Parallel(n_jobs=2)(joblib.delayed(current_progress)() for _ in range(2))
    assert all(label.label.startswith("process ") for label in labels)
    assert multiprocessing.parent_process() is None


def test_default_device_of_torch_may_be_another(frames):
    X, y = frames
    torch.set_default_device("meta")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            cnn = make_cnn(**SMALL, random_state=0).fit(X, y)
            assert np.isfinite(cnn.predict_proba(X)).all()
    finally:
        torch.set_default_device("cpu")


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_default_type_of_torch_changes_nothing(frames, expected, dtype):
    X, y = frames
    torch.set_default_dtype(dtype)
    try:
        cnn = make_cnn(**SMALL, random_state=0).fit(X, y)
        np.testing.assert_array_equal(cnn.predict_proba(X), expected[1])
        assert torch.get_default_dtype() == dtype
    finally:
        torch.set_default_dtype(torch.float32)


def test_detection_of_anomalies_does_not_block_threads(frames, expected):
    X, y = frames
    with torch.autograd.set_detect_anomaly(True):
        for _ in range(4):
            cnn = make_cnn(**SMALL, random_state=0).fit(X, y)
        assert torch.is_anomaly_enabled()
    np.testing.assert_array_equal(cnn.predict_proba(X), expected[1])
