"""FitCache: each network is trained once, and nothing is ever taken for something else."""

import copy
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from skorch.callbacks import Callback

from ser_estimators import (
    CNNEmbedder,
    FeatureMLP,
    FitCache,
    MFCCTransformer,
    SpectrogramAugmentation,
    SpectrogramCNN,
    make_ser_pipeline,
)
from ser_estimators._estimators import fit_cache

from .helpers import make_frames

SMALL = {"network": SpectrogramCNN((4, 8)), "n_networks": 1, "embedding_dim": 6, "max_epochs": 1}


@pytest.fixture
def counted(monkeypatch):
    """Return a list that grows with every training in this process."""
    from ser_estimators._training import fit

    trained, train = [], fit.train

    def counting(*args, **kwargs):
        trained.append(threading.get_ident())
        return train(*args, **kwargs)

    monkeypatch.setattr(fit, "train", counting)
    return trained


def make(memory="cache", **parameters):
    cnn = CNNEmbedder(**SMALL | {"random_state": 0} | parameters)
    return Pipeline([("cnn", cnn), ("lr", LogisticRegression())], memory=FitCache(memory))


def n_cached(folder="cache"):
    return len(list(Path(folder).rglob("*.joblib")))


@pytest.mark.parametrize("n_jobs", [None, pytest.param(2, marks=pytest.mark.slow)])
def test_search_trains_each_network_once_with_the_same_scores(voices, counted, n_jobs):
    grid = {"mfcc__n_mfcc": [20, 40], "lr__C": [0.1, 1]}
    results = []
    for memory in (None, "cache"):
        pipe = make_ser_pipeline(recordings="studio", random_state=0, memory=memory)
        pipe.set_params(**{f"cnn__{name}": value for name, value in SMALL.items()})
        search = GridSearchCV(pipe, grid, cv=3, n_jobs=n_jobs).fit(voices.data, voices.target)
        results.append((search.cv_results_, search.predict_proba(voices.data)))
        if n_jobs is None:
            assert len(counted) == (7 if memory else 13)
        counted.clear()
    assert n_cached() == 7
    for name in ("mean_test_score", "split0_test_score", "split2_test_score"):
        np.testing.assert_array_equal(results[0][0][name], results[1][0][name])
    np.testing.assert_array_equal(results[0][1], results[1][1])
    # Later fits train none, whichever process has filled the cache.
    again = clone(search.best_estimator_).set_params(lr__C=7.0).fit(voices.data, voices.target)
    assert not counted
    assert again.predict(voices.data).shape == (36,)
    assert not list(Path("cache/ser_estimators-networks").glob("*.lock"))


def test_changed_file_leads_to_new_training(voices, counted):
    import soundfile

    paths = [f"{number}.wav" for number in range(8)]
    for path, voice in zip(paths, voices.data[:8], strict=True):
        soundfile.write(path, *soundfile.read(voice))
    pipe = make_pipeline(
        MFCCTransformer(memory="cache"),
        CNNEmbedder(**SMALL, random_state=0),
        LogisticRegression(),
        memory=FitCache("cache"),
    )
    y = ["anger", "fear"] * 4
    for _ in range(2):
        pipe.fit(paths, y)
    assert len(counted) == 1
    soundfile.write(paths[3], *soundfile.read(voices.data[9]))
    pipe.fit(paths, y)
    assert len(counted) == 2


X, Y = make_frames()


@pytest.mark.parametrize(
    ("parameters", "data"),
    [
        ({"lr": 0.01}, {}),
        ({"random_state": 1}, {}),
        ({"random_state": np.random.RandomState(0)}, {}),
        ({"network": SpectrogramCNN((4, 6))}, {}),
        ({"network": SpectrogramCNN((4, 8), se_ratio=0.5)}, {}),
        ({"augmentation": None}, {}),
        ({"augmentation": SpectrogramAugmentation(gain=0.1)}, {}),
        ({"class_weight": {"anger": 2.0}}, {}),
        ({}, {"X": X + 1e-6}),
        ({}, {"X": X[::-1]}),
        ({}, {"X": np.pad(X, ((0, 0), (0, 0), (0, 3)))}),
        ({}, {"y": Y[::-1]}),
        ({}, {"y": (Y == "anger").astype(int)}),
        ({}, {"y": Y == "anger"}),
        ({}, {"cnn__sample_weight": np.arange(48) + 1.0}),
        ({"early_stopping": True}, {}),
        ({"early_stopping": True}, {"cnn__groups": pd.Series(np.arange(48) // 4)}),
    ],
)
def test_everything_that_matters_leads_to_another_network(counted, parameters, data):
    make().fit(X, Y)
    for _ in range(2):
        make(**copy.deepcopy(parameters)).fit(**{"X": X, "y": Y} | data)
    assert len(counted) == n_cached() == 2


def test_what_does_not_matter_leads_to_the_same_network(counted, capsys):
    pipe = make().fit(X, Y)
    expected = pipe.predict_proba(X)
    for other, y in (
        (make(), list(Y)),
        (make(verbose=2), Y),
        (make(network=SpectrogramCNN((4, 8))), Y),
        (pickle.loads(pickle.dumps(make())), np.array(Y)),
        (make(memory=joblib.Memory("cache", verbose=0)), Y),
        (make(memory=Path("cache").absolute()), Y),
        (make().set_params(lr__C=1.0), Y),
        (make(), Y[::-1][::-1]),
    ):
        np.testing.assert_array_equal(other.fit(X.copy(), y).predict_proba(X), expected)
    make().fit(X, Y, cnn__groups=np.arange(48) // 4)  # only early stopping uses them
    assert len(counted) == n_cached() == 1
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        make().fit(X, Y, cnn__groups=np.arange(47))
    assert make(verbose=2).fit(X, Y)["cnn"].verbose == 2


class Custom(CNNEmbedder):
    pass


class Quiet(Callback):
    pass


class Own(SpectrogramAugmentation):
    pass


def make_module(n_channels, n_rows):
    return MeanModule()


class MeanModule(__import__("torch").nn.Module):
    def forward(self, spectrogram, mask):
        return spectrogram.mean(dim=(1, 3))


@pytest.mark.parametrize(
    "parameters",
    [
        {"random_state": None},
        {"callbacks": [Quiet()]},
        {"callbacks": []},
        {"network": make_module},
        {"augmentation": Own()},
        {"augmentation": lambda batch, rng: batch},
    ],
)
def test_networks_that_cannot_be_identified_are_trained_each_time(counted, parameters):
    for _ in range(2):
        make(**parameters).fit(X, Y)
    assert len(counted) == 2
    assert n_cached() == 0


def test_other_steps_and_other_estimators_are_not_cached(counted):
    custom = Pipeline([("cnn", Custom(**SMALL, random_state=0)), ("lr", LogisticRegression())])
    for _ in range(2):
        custom.set_params(memory=FitCache("cache")).fit(X, Y)
    assert len(counted) == 2
    assert n_cached() == 0
    make(memory=None).fit(X, Y)
    assert FitCache(None).folder is None
    assert n_cached() == 0


def test_errors_of_fit_are_those_without_a_cache():
    for bad in (["a.wav"], X[0, 0], np.full_like(X, np.nan)):
        with pytest.raises((TypeError, ValueError)) as expected:
            make(memory=None).fit(bad, Y)
        with pytest.raises(type(expected.value)) as found:
            make().fit(bad, Y)
        assert str(found.value) == str(expected.value)
    with pytest.raises(ValueError, match="lr == -1"):
        make(lr=-1).fit(X, Y)
    assert not list(Path("cache").rglob("*.*"))


def test_tables_with_other_columns_are_other_tables(counted):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(24, 3)), columns=list("abc"))
    y = ["anger", "fear"] * 12
    mlp = {"network": FeatureMLP((4,))}
    make(**mlp).fit(table, y)
    renamed = make(**mlp).fit(table.rename(columns={"c": "d"}), y)
    assert renamed["cnn"].feature_names_in_.tolist() == ["a", "b", "d"]
    assert len(counted) == 2


def test_tables_and_requests_are_those_of_the_pipeline():
    make().fit(X, Y)
    pipe = make().set_output(transform="pandas").fit(X, Y)
    assert list(pipe[:-1].transform(X).columns[:1]) == ["cnnembedder0"]
    assert pipe["lr"].feature_names_in_[0] == "cnnembedder0"
    with sklearn.config_context(enable_metadata_routing=True):
        pipe = make()
        pipe["cnn"].set_fit_request(groups=True)
        pipe.fit(X, Y, groups=np.arange(48))
        assert pipe["cnn"].get_metadata_routing().fit.requests["groups"] is True


def test_damaged_and_interrupted_networks_are_trained_again(counted, monkeypatch):
    expected = make().fit(X, Y).predict_proba(X)
    (path,) = Path("cache").rglob("*.joblib")
    whole = path.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], b"no pickle"):
        path.write_bytes(damaged)
        with pytest.warns(UserWarning, match=r"cannot be read .* it is trained again"):
            make().fit(X, Y)
        np.testing.assert_array_equal(make().fit(X, Y).predict_proba(X), expected)
    assert len(counted) == 4
    path.unlink()
    monkeypatch.setattr(fit_cache, "_learned_by", lambda *_: {"interrupted_": True})
    make().fit(X, Y)
    assert n_cached() == 0


def test_weights_are_compared_by_value(counted):
    weights = np.arange(48) % 3 + 1.0
    for given in (weights, list(weights), pd.Series(weights), weights[::-1].copy()[::-1]):
        make().fit(X, Y, cnn__sample_weight=given)
    assert len(counted) == 1


def test_failure_to_store_is_a_warning(counted):
    Path("cache").write_text("a file")
    with pytest.warns(UserWarning, match="cannot be cached in .*Check the permissions"):
        pipe = make().fit(X, Y)
    assert pipe.predict(X).shape == (48,)


def test_oldest_networks_are_removed():
    make().fit(X, Y)
    (path,) = Path("cache").rglob("*.joblib")
    size = path.stat().st_size
    os.utime(path, (1, 1))
    for seed in (1, 2):
        pipe = make(random_state=seed)
        pipe.set_params(memory=FitCache("cache", bytes_limit=int(2.5 * size))).fit(X, Y)
    assert n_cached() == 2
    assert not path.exists()
    Path("cache/other.txt").touch()
    FitCache("cache").clear()
    assert n_cached() == 0
    assert Path("cache/other.txt").exists()
    FitCache("never-used").clear()


def test_parameters_are_checked_and_shown():
    assert repr(FitCache(None)) == "FitCache(None)"
    assert repr(FitCache("a", bytes_limit="1G")).endswith("/a', bytes_limit='1G')")
    with pytest.raises(TypeError, match="memory is 3; expected a folder"):
        FitCache(3)
    with pytest.raises(ValueError, match="bytes_limit == 'many'"):
        FitCache("a", bytes_limit="many")


CONCURRENT = """
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from ser_estimators import CNNEmbedder, FitCache
from ser_estimators._training import fit

train = fit.train
def counting(*args, **kwargs):
    print("trained", flush=True)
    return train(*args, **kwargs)
fit.train = counting
X, y = np.random.default_rng(0).normal(size=(64, 8, 30)), ["anger", "fear"] * 32
cnn = CNNEmbedder(max_epochs=20, random_state=0)
Pipeline([("cnn", cnn), ("lr", LogisticRegression())], memory=FitCache("cache")).fit(X, y)
"""


def test_processes_wait_for_each_other():
    processes = [
        subprocess.Popen([sys.executable, "-c", CONCURRENT], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert "".join(outputs) == "trained\n"
