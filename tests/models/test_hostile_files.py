"""Files that were changed on purpose, with a checksum that is right, are refused one by one."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import LabelEncoder
from sklearn.svm import SVC

from ser_estimators import load_model, save_model

from .changes import CHANGES
from .helpers import (
    changed_file,
    clip_models,
    document_of,
    fit_table_model,
    sealed_file,
    split_file,
    table,
)
from .test_refusals import refused


@pytest.fixture(scope="module")
def contents(tmp_path_factory):
    """Return the content of files of several models by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("contents"))
        models = {"cnn": clip_models()["cnn and logistic regression"]}
        names = ("RandomForestClassifier", "SVC", "voting", "sigmoid", "isotonic", "mlp", "PCA")
        names += ("DecisionTreeClassifier", "stacking", "scalers", "frozen")
        for name in names:
            models[name] = fit_table_model(name)
        models["seeded"] = LogisticRegression(random_state=np.random.RandomState(0)).fit(*table())
        models["encoder"] = LabelEncoder().fit(["a", "b"])
        return {
            name: save_model(model, "model.safetensors").read_bytes()
            for name, model in models.items()
        }


@pytest.mark.parametrize(("name", "change", "message"), CHANGES.values(), ids=list(CHANGES))
def test_changed_file_is_refused(contents, name, change, message):
    refused(changed_file(contents[name], change), message)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["cnn", "mlp", "SVC", "PCA", "RandomForestClassifier", "isotonic"])
def test_weights_that_are_not_finite_are_refused(contents, name, value):
    header, data = split_file(contents[name])
    tensors = {key: entry for key, entry in header.items() if key != "__metadata__"}
    n_refused = 0
    for key, entry in tensors.items():
        if entry["dtype"] not in ("F32", "F64") or "threshold" in key or "history" in key:
            continue
        start, stop = entry["data_offsets"]
        if start == stop:
            continue
        changed = bytearray(data)
        number = np.array(value, dtype="<f4" if entry["dtype"] == "F32" else "<f8").tobytes()
        changed[stop - len(number) : stop] = number
        content = sealed_file(document_of(contents[name]), dict(tensors), bytes(changed))
        refused(content, "NaN or infinity|negative values|frequencies")
        n_refused += 1
    assert n_refused > 0


FOREST_CHANGES = {
    "child before its parent": ("left_child", 0, 0, "has a child that is not a later node"),
    "child beyond the tree": ("right_child", 0, 10**6, "has a child that is not a later node"),
    "negative child": ("left_child", 0, -7, "has a child that is not a later node"),
    "one child": ("left_child", 0, -1, "has a node with one child"),
    "two parents": ("left_child", 0, 2, "has a node without a parent, or with two|not a later"),
    "feature": ("feature", 0, 5, "has a split on a feature that is not one of 5"),
    "negative feature": ("feature", 0, -1, "has a split on a feature that is not one of 5"),
    "threshold": ("threshold", 0, np.nan, "has a threshold that is NaN"),
    "impurity": ("impurity", 0, np.inf, "contains NaN or infinity in impurity"),
    "samples": ("n_node_samples", 0, -1, "has a node with a negative number of samples"),
    "direction": ("missing_go_to_left", 0, 2, "direction of missing values that is neither 0 nor"),
    "frequencies": ("values", 0, -1.0, "has values that are not frequencies of classes"),
    "nodes": ("n_nodes", 0, 2**62, "the trees have another number of nodes than their arrays"),
    "depth": ("max_depths", 0, 10**6, "has a depth of 1000000, too much for"),
    "seed": ("random_states", 0, -1, "random_states of RandomForestClassifier has values from -1"),
}


@pytest.mark.parametrize(
    ("name", "index", "value", "message"), FOREST_CHANGES.values(), ids=list(FOREST_CHANGES)
)
def test_changed_trees_are_refused(contents, name, index, value, message):
    content = contents["RandomForestClassifier"]
    header, data = split_file(content)
    tensors = {key: entry for key, entry in header.items() if key != "__metadata__"}
    entry = next(entry for key, entry in tensors.items() if key.endswith(f".{name}"))
    dtype = {"I64": "<i8", "F64": "<f8", "U8": "u1"}[entry["dtype"]]
    changed = bytearray(data)
    number = np.array(value, dtype=dtype).tobytes()
    start = entry["data_offsets"][0] + index * len(number)
    changed[start : start + len(number)] = number
    refused(sealed_file(document_of(content), tensors, bytes(changed)), message)


def test_missing_components_are_refused(contents):
    header, data = split_file(contents["PCA"])
    tensors = {key: entry for key, entry in header.items() if key != "__metadata__"}
    name = next(key for key in tensors if key.endswith(".components_"))
    stop = tensors[name]["data_offsets"][1]
    n_bytes = (stop - tensors[name]["data_offsets"][0]) // 2
    for entry in tensors.values():
        entry["data_offsets"] = [at - n_bytes * (at >= stop) for at in entry["data_offsets"]]
    tensors[name]["shape"][0] = 1
    content = sealed_file(
        document_of(contents["PCA"]), tensors, data[: stop - n_bytes] + data[stop:]
    )
    refused(content, "PCA has 1 rows of components; expected 2")


@pytest.mark.parametrize("state", ["x", {"tuple": [1]}, 1.5])
def test_seed_of_a_splitter_is_refused(state):
    splitter = StratifiedKFold(3, shuffle=True, random_state=0)
    model = StackingClassifier([("nb", GaussianNB())], cv=splitter).fit(*table())
    content = save_model(model, "model.safetensors").read_bytes()

    def change(document, header):
        params = document["model"]["params"]["cv"]["params"]
        params.update(shuffle=False, random_state=state)

    refused(changed_file(content, change), "cv has the random state ")


def test_forest_and_svm_as_large_as_they_say():
    """The checks accept what training makes, also degenerate trees and few vectors."""
    X, y = table()
    for model in (
        RandomForestClassifier(3, max_depth=1, random_state=0),
        RandomForestClassifier(3, min_samples_leaf=40, random_state=0),  # trees of one node
        SVC(kernel="linear", C=1e-3),
    ):
        model.fit(X, y)
        loaded = load_model(save_model(model, "model.safetensors"))
        np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_values_that_are_missing_are_kept_in_trees():
    X, y = table()
    X = X.copy()
    X[::3, 1] = np.nan
    model = RandomForestClassifier(5, random_state=0).fit(X, y)
    loaded = load_model(save_model(model, "model.safetensors"))
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
