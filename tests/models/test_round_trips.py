"""Models come back from their files as they were."""

import json
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from ser_estimators import (
    CNNEmbedder,
    FeatureMLP,
    MFCCTransformer,
    SpectrogramCNN,
    load_model,
    save_model,
)
from ser_estimators.models import model_info
from ser_estimators.models._files.kind import MACHINE_PARAMETERS

from .helpers import (
    SMALL,
    clip_labels,
    clip_models,
    clips,
    cnn,
    fit_table_model,
    outputs,
    table,
    table_models,
)


@pytest.fixture(scope="module")
def fitted_clip_models(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("clips"))
        yield clip_models()


def reloaded(model):
    return load_model(save_model(model, "model.safetensors"))


def assert_same_outputs(loaded, model, X):
    expected = outputs(model, X)
    assert expected
    for name, value in outputs(loaded, X).items():
        assert type(value) is type(expected[name])
        np.testing.assert_array_equal(value, expected[name], err_msg=name)
        assert value.dtype == expected[name].dtype


def plain(value):
    """Return a value, and everything in it, as something that can be compared."""
    if isinstance(value, np.ndarray):
        return "array", value.dtype.str, value.shape, value.tolist()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(item) for item in value]
    if isinstance(value, np.random.RandomState):
        return plain(value.get_state())
    if hasattr(value, "get_params") and not isinstance(value, type):
        kept = value.get_params(deep=False)
        return type(value), {key: plain(item) for key, item in sorted(kept.items())}
    if type(value).__module__.startswith("sklearn.model_selection"):
        return plain(vars(value))
    return type(value), value


def assert_same_parameters(loaded, model):
    found, expected = loaded.get_params(deep=False), model.get_params(deep=False)
    for name in set(expected) | set(found):
        if name in MACHINE_PARAMETERS:
            assert found[name] in (None, 0, False)
        elif isinstance(expected[name], list) and expected[name] and name != "weights":
            for (own_name, own), (other_name, other) in zip(
                found[name], expected[name], strict=True
            ):
                assert own_name == other_name
                if hasattr(other, "get_params"):
                    other = getattr(other, "best_estimator_", other)
                    assert_same_parameters(own, other)
                else:
                    assert own == other
        elif hasattr(expected[name], "get_params"):
            assert_same_parameters(found[name], expected[name])
        else:
            assert plain(found[name]) == plain(expected[name]), name


@pytest.mark.parametrize("name", list(table_models()))
def test_model_of_a_table_predicts_the_same(name):
    X, _ = table()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        model = fit_table_model(name)
    loaded = reloaded(model)
    assert_same_outputs(loaded, model, X)
    assert_same_parameters(loaded, model)
    # Everything that fit has learned is there, with its type.
    missing = set(vars(model)) ^ set(vars(loaded))
    # The covariance of LDA is large and not used in predictions.
    assert missing <= {"_sample_weight", "_effective_probability", "covariance_"}
    for attribute, value in vars(model).items():
        if isinstance(value, np.ndarray) and attribute not in missing:
            found = getattr(loaded, attribute)
            assert (found.dtype, found.shape) == (value.dtype, value.shape)
            np.testing.assert_array_equal(found, value, err_msg=attribute)


@pytest.mark.parametrize("name", ["SVC", "LogisticRegression", "LDA", "sigmoid", "isotonic"])
def test_model_of_two_classes_predicts_the_same(name):
    X, y = table()
    y = np.where(y == "fear", "anger", y)
    model = fit_table_model(name, y)
    assert_same_outputs(reloaded(model), model, X)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.filterwarnings("ignore:The `probability` parameter:FutureWarning")
def test_probabilities_of_an_svm(n_classes):
    from sklearn.svm import SVC

    X, y = table()
    if n_classes == 2:
        y = np.where(y == "fear", "anger", y)
    model = SVC(probability=True, random_state=0).fit(X, y)
    loaded = reloaded(model)
    assert "predict_proba" in outputs(loaded, X)
    assert_same_outputs(loaded, model, X)


@pytest.mark.parametrize(
    "name", ["cnn", "cnn and logistic regression", "mlp", "union", "transformer"]
)
def test_model_of_clips_predicts_the_same(fitted_clip_models, name):
    model = fitted_clip_models[name]
    loaded = reloaded(model)
    assert_same_outputs(loaded, model, clips())
    assert_same_parameters(loaded, model)
    assert repr(loaded).replace(" ", "")[:20] == repr(model).replace(" ", "")[:20]


def test_state_of_a_network_comes_back(fitted_clip_models):
    model = fitted_clip_models["cnn"][-1]
    loaded = reloaded(fitted_clip_models["cnn"])[-1]
    assert loaded.history_ == model.history_
    assert [list(row) for row in loaded.history_] == [list(row) for row in model.history_]
    assert [list(map(type, row.values())) for row in loaded.history_] == [
        list(map(type, row.values())) for row in model.history_
    ]
    assert loaded.views_ == model.views_
    assert loaded._spec == model._spec
    assert pickle.dumps(loaded.__getstate__()["module_"]) == pickle.dumps(
        model.__getstate__()["module_"]
    )
    assert all(parameter.requires_grad for parameter in loaded.module_.parameters())


def test_loaded_model_can_be_fitted_again(fitted_clip_models):
    loaded = reloaded(fitted_clip_models["cnn and logistic regression"])
    loaded.fit(clips(), clip_labels())
    expected = fitted_clip_models["cnn and logistic regression"].predict_proba(clips())
    np.testing.assert_array_equal(loaded.predict_proba(clips()), expected)


def test_training_continues_from_a_loaded_network():
    X, y = table()
    model = CNNEmbedder(network="mlp", warm_start=True, n_networks=1, max_epochs=2, random_state=0)
    model.fit(X, y)
    loaded = reloaded(model)
    model.fit(X, y)
    loaded.fit(X, y)
    assert len(loaded.history_) == 4
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize(
    "labels",
    [
        ["anger", "fear", "sadness"],
        np.array(["anger", "fear", "überrascht"], dtype="<U20"),
        np.array(["anger", "fear", "sadness"], dtype=object),
        [0, 1, 2],
        np.array([-3, 0, 70000], dtype=np.int32),
        np.array([1, 2, 3], dtype=np.uint8),
        [False, True, True],
        [0.0, 1.0, 2.0],
        np.array([0.0, 1.0, 5.0], dtype=np.float32),
    ],
    ids=lambda labels: str(np.asarray(labels).dtype),
)
def test_labels_come_back_with_their_type(labels):
    X, _ = table()
    y = np.asarray(labels)[np.arange(len(X)) % 3]
    for model in (LogisticRegression(), DecisionTreeClassifier()):
        model.fit(X, y)
        loaded = reloaded(model)
        assert loaded.classes_.dtype == model.classes_.dtype
        predicted = loaded.predict(X)
        assert predicted.dtype == model.predict(X).dtype
        assert [type(one) for one in predicted.tolist()] == [
            type(one) for one in model.predict(X).tolist()
        ]
        np.testing.assert_array_equal(predicted, model.predict(X))


def test_labels_of_a_network_come_back_with_their_type():
    X, _ = table()
    for labels in (["a", "b", "c"], [3, 5, 7], [False, True, True]):
        y = np.asarray(labels)[np.arange(len(X)) % 3]
        model = CNNEmbedder(network="mlp", n_networks=1, max_epochs=1, random_state=0).fit(X, y)
        loaded = reloaded(model)
        assert loaded.predict(X).dtype == model.predict(X).dtype
        np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


@pytest.mark.parametrize(
    "search",
    [
        GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=3),
        RandomizedSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, n_iter=2, random_state=0),
        make_pipeline(StandardScaler(), GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]})),
    ],
    ids=["grid", "random", "step"],
)
def test_search_is_saved_as_its_best_estimator(search):
    X, y = table()
    search.fit(X, y)
    loaded = reloaded(search)
    np.testing.assert_array_equal(loaded.predict_proba(X), search.predict_proba(X))
    assert isinstance(loaded, (LogisticRegression, Pipeline))
    last = loaded[-1] if isinstance(loaded, Pipeline) else loaded
    assert isinstance(last, LogisticRegression)


def test_halving_search_is_saved_as_its_best_estimator():
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingGridSearchCV

    X, y = table()
    grid = {"C": [0.1, 1.0]}
    search = HalvingGridSearchCV(LogisticRegression(), grid, random_state=0, min_resources=30)
    assert reloaded(search.fit(X, y)).get_params() == search.best_estimator_.get_params()


def test_integers_of_numpy_come_back():
    """A randomized search sets parameters of NumPy's types, of networks as well."""
    sizes = np.array([4, 4])
    model = Pipeline(
        [
            (
                "mfcc",
                MFCCTransformer(n_mfcc=np.int64(13), deltas=np.int64(1), sr=np.int32(16000)),
            ),
            ("cnn", cnn(network=SpectrogramCNN(sizes, se_ratio=np.float32(0.5)))),
        ]
    ).fit(clips(), clip_labels())
    model[-1].set_params(embedding_dim=np.int64(4))
    loaded = reloaded(model)
    assert_same_outputs(loaded, model, clips())
    assert type(loaded[0].n_mfcc) is np.int64
    assert model_info("model.safetensors")["sr"] == 16000

    X, y = table()
    mlp = CNNEmbedder(network=FeatureMLP(sizes), **SMALL | {"n_networks": np.int64(2)}).fit(X, y)
    assert_same_outputs(reloaded(mlp), mlp, X)


def test_numbers_of_a_search_come_back_with_their_type():
    X, y = table()
    search = GridSearchCV(LogisticRegression(), {"C": np.logspace(-1, 1, 3)}).fit(X, y)
    loaded = reloaded(search)
    assert type(loaded.C) is np.float64
    assert loaded.C == search.best_estimator_.C


def test_parameters_of_the_machine_are_reset(tmp_path):
    mfcc = MFCCTransformer(memory=tmp_path, memmap=tmp_path, n_jobs=2, verbose=1, bytes_limit="1G")
    loaded = reloaded(mfcc.fit(clips()))
    assert loaded.get_params() == MFCCTransformer().get_params()
    assert str(tmp_path).encode() not in (tmp_path / "model.safetensors").read_bytes()


def test_output_as_a_table_comes_back():
    pd = pytest.importorskip("pandas")
    X, y = table()
    frame = pd.DataFrame(X, columns=list("abcde"))
    model = make_pipeline(StandardScaler(), LogisticRegression()).set_output(transform="pandas")
    model.fit(frame, y)
    loaded = reloaded(model)
    assert loaded.feature_names_in_.tolist() == list("abcde")
    assert loaded[0].transform(frame).columns.tolist() == list("abcde")
    np.testing.assert_array_equal(loaded.predict_proba(frame), model.predict_proba(frame))


def test_union_of_tables_comes_back():
    pd = pytest.importorskip("pandas")
    X, y = table()
    frame = pd.DataFrame(X, columns=list("abcde"))
    union = FeatureUnion([("a", StandardScaler()), ("b", "passthrough")])
    model = make_pipeline(union, LogisticRegression()).set_output(transform="pandas").fit(frame, y)
    loaded = reloaded(model)
    assert loaded[0].transform(frame).columns.tolist() == [f"a__{n}" for n in "abcde"] + [
        f"b__{n}" for n in "abcde"
    ]
    np.testing.assert_array_equal(loaded.predict_proba(frame), model.predict_proba(frame))


@pytest.mark.parametrize("solver", ["full", "covariance_eigh", "arpack", "randomized"])
@pytest.mark.parametrize("n_components", [2, 5])
def test_components_come_back_as_they_are_in_memory(solver, n_components):
    """The last bit of a product with them depends on that."""
    X = np.random.default_rng(3).normal(size=(700, 37))
    model = PCA(n_components, svd_solver=solver, random_state=0).fit(X)
    loaded = reloaded(model)
    assert loaded.components_.strides == model.components_.strides
    assert_same_outputs(loaded, model, X)
    first = Path("model.safetensors").read_bytes()
    assert save_model(loaded, "again.safetensors").read_bytes() == first


def test_calibration_with_a_fold_that_lacks_a_class_comes_back():
    X, y = table()
    is_fear, half = y == "fear", np.arange(len(y)) % 2 == 0
    splits = [(np.flatnonzero(train), np.flatnonzero(~train)) for train in (~is_fear, half)]
    model = CalibratedClassifierCV(GaussianNB(), cv=splits).fit(X, y).set_params(cv=2)
    assert [len(part.estimator.classes_) for part in model.calibrated_classifiers_] == [2, 3]
    assert_same_outputs(reloaded(model), model, X)


def test_splitter_whose_seed_was_set_by_stacking_comes_back():
    X, y = table()
    model = StackingClassifier([("nb", GaussianNB())], cv=StratifiedKFold(3)).fit(X, y)
    loaded = reloaded(model)
    assert isinstance(model.cv.random_state, np.random.RandomState)
    assert plain(loaded.cv) == plain(model.cv)
    assert_same_outputs(loaded, model, X)
    assert_same_outputs(loaded.fit(X, y), model, X)


def test_state_of_a_random_generator_comes_back():
    X, y = table()
    random_state = np.random.RandomState(3)
    random_state.normal(size=5)
    model = DecisionTreeClassifier(max_features=1, random_state=random_state).fit(X, y)
    loaded = reloaded(model)
    assert loaded.random_state.normal() == random_state.normal()


def test_estimator_that_occurs_twice_is_saved_once():
    from sklearn.ensemble import VotingClassifier
    from sklearn.frozen import FrozenEstimator

    X, y = table()
    forest = fit_table_model("RandomForestClassifier")
    frozen = FrozenEstimator(forest)
    model = VotingClassifier([("a", frozen), ("b", frozen)]).fit(X, y)
    path = save_model(model, "voting.safetensors")
    alone = save_model(forest, "forest.safetensors")
    assert path.stat().st_size < 1.5 * alone.stat().st_size
    loaded = load_model(path)
    assert loaded.estimators_[0].estimator is loaded.estimators_[1].estimator


def test_same_model_gives_the_same_bytes():
    for model in (cnn(), LogisticRegression()):
        X, y = table()
        model.fit(X, y)
        first = save_model(model, "first.safetensors").read_bytes()
        assert save_model(model, "second.safetensors").read_bytes() == first
        assert (
            save_model(load_model("first.safetensors"), "third.safetensors").read_bytes() == first
        )


def test_file_is_an_ordinary_safetensors_file(fitted_clip_models):
    from safetensors.numpy import load_file

    path = save_model(fitted_clip_models["cnn"], "model.safetensors")
    tensors = load_file(path)
    module = fitted_clip_models["cnn"][-1].module_
    name = "4.CNNEmbedder.module_.tensors.encoders.0.stem.convolution.weight"
    assert any(name.partition(".")[2] in each for each in tensors)
    assert len(tensors) >= len(module.state_dict())


FRESH = """
import json, sys
import numpy as np
import torch
torch.set_num_threads(int(sys.argv[2]))
from ser_estimators import load_model
model = load_model(sys.argv[1])
X = np.load("clips.npy")
print(json.dumps(model.predict_proba(X).tolist()))
print(json.dumps(sorted(m for m in sys.modules if "skorch" in m or "._training" in m)))
"""


@pytest.mark.parametrize("n_threads", [pytest.param(1, marks=pytest.mark.slow), 3])
def test_prediction_in_a_fresh_process_is_the_same(fitted_clip_models, n_threads):
    X = np.array(clips())
    np.save("clips.npy", X)
    for name in ("cnn and logistic regression", "mlp"):
        model = fitted_clip_models[name]
        path = save_model(model, "model.safetensors")
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", FRESH, str(path), str(n_threads)],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        probabilities, training = map(json.loads, done.stdout.splitlines())
        np.testing.assert_array_equal(probabilities, model.predict_proba(X))
        assert training == []


def test_model_without_a_network_needs_no_torch():
    path = save_model(fit_table_model("scalers"), "model.safetensors")
    code = (
        f"import sys; from ser_estimators import load_model; load_model({str(path)!r}); "
        "print([name for name in ('torch', 'skorch', 'librosa', 'safetensors') "
        "if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_network_trained_on_a_gpu_predicts_on_a_cpu():
    X, y = table()
    model = CNNEmbedder(network="mlp", n_networks=1, max_epochs=1, random_state=0).fit(X, y)
    expected = model.predict_proba(X)
    loaded = reloaded(model.set_params(device="cuda:7"))
    assert loaded.device == "cuda:7"
    np.testing.assert_array_equal(loaded.predict_proba(X), expected)


@settings(max_examples=30)
@given(
    n_classes=st.integers(2, 5),
    n_features=st.integers(1, 6),
    seed=st.integers(0, 1000),
    is_float32=st.booleans(),
    name=st.sampled_from(
        ["LogisticRegression", "SVC", "LinearSVC", "DecisionTreeClassifier", "LDA", "scalers"]
    ),
)
@pytest.mark.filterwarnings("ignore")
def test_any_table_comes_back(n_classes, n_features, seed, is_float32, name):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(40, n_features)).astype(np.float32 if is_float32 else np.float64)
    y = np.arange(40) % n_classes
    model = table_models()[name]
    if name == "LogisticRegression":
        model.set_params(class_weight=None)
    model.fit(X, y)
    assert_same_outputs(reloaded(model), model, X)
