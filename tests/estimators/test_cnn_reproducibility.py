"""CNNEmbedder: seeds, threads, workers, precision and devices."""

import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from joblib import Parallel, delayed
from sklearn.model_selection import GridSearchCV

from ser_estimators._network.devices import resolve_device, resolve_precision
from ser_estimators._network.threads import thread_pool

from .helpers import MLP, SMALL, fit_proba, make_cnn, make_frames, table


def test_same_seed_gives_the_same_model_and_another_seed_another(frames):
    X, y = frames
    first = fit_proba(X, y, random_state=0)
    np.testing.assert_array_equal(first, fit_proba(X, y, random_state=0))
    assert np.abs(first - fit_proba(X, y, random_state=1)).max() > 1e-3
    weights = [
        make_cnn(**SMALL, random_state=seed)
        .fit(X, y)
        .module_.heads[0]
        .output.weight.detach()
        .numpy()
        for seed in (0, 1)
    ]
    assert np.abs(weights[0] - weights[1]).max() > 1e-3


def test_random_state_instance_advances(frames):
    state = np.random.RandomState(0)
    first, second = (fit_proba(*frames, random_state=state) for _ in range(2))
    assert np.abs(first - second).max() > 1e-3


def test_random_state_none_uses_the_global_numpy_generator(frames):
    old = np.random.get_state()
    try:
        np.random.seed(3)
        first = fit_proba(*frames)
        np.random.seed(3)
        np.testing.assert_array_equal(first, fit_proba(*frames))
    finally:
        np.random.set_state(old)


def test_global_generators_are_not_used(frames):
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()
    make_cnn(**SMALL, random_state=0).fit(*frames).predict_proba(frames[0])
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
def test_result_for_each_precision_does_not_depend_on_the_threads(frames, precision):
    X, y = frames
    parameters = SMALL | {"max_epochs": 20, "random_state": 0}
    cnn = make_cnn(**parameters, precision=precision).fit(X, y)
    assert cnn.score(X, y) > 0.9
    assert {p.dtype for p in cnn.module_.parameters()} == {torch.float32}
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        again = make_cnn(**parameters, precision=precision).fit(X, y)
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(cnn.predict_proba(X), again.predict_proba(X))
    auto = make_cnn(**parameters).fit(X, y)
    is_auto = getattr(torch, precision) == resolve_precision("auto", resolve_device("auto"))
    assert np.array_equal(cnn.predict_proba(X), auto.predict_proba(X)) == is_auto


@pytest.mark.parametrize(
    ("capabilities", "device", "expected"),
    [
        ({"avx512_bf16": True, "amx_bf16": True}, "cpu", torch.bfloat16),
        ({"avx512_bf16": True, "amx_bf16": False}, "cpu", torch.float32),
        ({"amx_bf16": True}, "cuda", torch.float32),
        ({}, "cpu", torch.float32),
    ],
)
def test_bfloat16_is_chosen_where_it_is_faster(monkeypatch, capabilities, device, expected):
    # Older versions of PyTorch lack this function.
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert resolve_precision("auto", device) == expected
    assert resolve_precision("bfloat16", device) == torch.bfloat16


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
            make_cnn(**SMALL, random_state=0), {"embedding_dim": [4, 8]}, cv=2, n_jobs=n_jobs
        ).fit(*frames)
        for n_jobs in (1, 2)
    ]
    for key in ("split0_test_score", "split1_test_score"):
        np.testing.assert_array_equal(grids[0].cv_results_[key], grids[1].cv_results_[key])
    np.testing.assert_array_equal(*(grid.predict_proba(frames[0]) for grid in grids))


def test_number_of_threads_is_limited_by_the_work(frames, monkeypatch):
    X, y = frames
    started = []

    def record(n_threads):
        started.append(n_threads)
        return thread_pool(n_threads)

    for module in ("_training.loop", "_network.inference"):
        monkeypatch.setattr(f"ser_estimators.{module}.thread_pool", record)
    monkeypatch.setattr("ser_estimators._network.threads.torch.get_num_threads", lambda: 7)
    cnn = make_cnn(**SMALL | {"batch_size": 32}).fit(X, y)
    cnn.predict(X[:1])
    cnn.predict(X)
    assert started == [2, 1, 2]
    # The number of clips limits the number of shards, not the batch size.
    make_cnn(**SMALL | {"batch_size": 10_000}).fit(X, y)
    assert started[3:] == [3]


def test_failed_fit_ends_its_threads(frames, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("failed")

    before = torch.get_num_threads()
    monkeypatch.setattr("ser_estimators._training.loop.ShardedNet.get_loss", fail)
    try:
        torch.set_num_threads(2)
        with pytest.raises(RuntimeError, match="failed"):
            make_cnn(**SMALL).fit(*frames)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert not [t for t in threading.enumerate() if t.name.startswith("ser_estimators")]


def test_other_default_dtype_of_torch_has_no_effect(frames):
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        cnn = make_cnn(
            **SMALL, recording_p=0.5, smoothing_p=0.5, mixup_alpha=0.3, time_shift=0.1
        ).fit(*frames)
        probabilities = cnn.predict_proba(frames[0])
        assert make_cnn(**MLP).fit(*table()).n_iter_ == MLP["max_epochs"]
    finally:
        torch.set_default_dtype(before)
    np.testing.assert_allclose(cnn.predict_proba(frames[0]), probabilities, atol=1e-5)


def test_device_with_an_index_is_the_same_device(frames):
    expected = fit_proba(*frames, random_state=0)
    assert np.array_equal(fit_proba(*frames, random_state=0, device="cpu:0"), expected)
    assert resolve_device("cpu:0") == "cpu"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_model_for_a_missing_gpu_predicts_on_the_cpu(frames):
    X, y = frames
    cnn = make_cnn(**SMALL, random_state=0).fit(X, y)
    expected = cnn.predict_proba(X)
    assert np.array_equal(cnn.set_params(device="cuda").predict_proba(X), expected)
    with pytest.raises(ValueError, match="device == 'cuda', must be"):
        cnn.fit(X, y)
    with pytest.raises(ValueError, match="device == 'abacus', must be"):
        cnn.set_params(device="abacus").predict_proba(X)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_every_augmentation_runs_on_a_gpu(frames):
    X, y = frames
    augmentation = {"recording_p": 1.0, "smoothing_p": 0.5, "mixup_alpha": 0.3, "time_shift": 0.1}
    chances = {"room_p": 1.0, "noise_p": 1.0, "band_p": 1.0, "silence_p": 1.0}
    cnn = make_cnn(**SMALL, **augmentation, **chances, random_state=0, device="cuda").fit(X, y)
    assert np.isfinite(cnn.predict_proba(X)).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_model_trained_on_a_gpu_loads_without_one(frames):
    X, y = frames
    cnn = make_cnn(**SMALL | {"max_epochs": 20}, random_state=0, device="cuda").fit(X, y)
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
