"""Saved models: their content, and compatibility with the first format.

The file ``data/model-format-1.joblib`` was written by ``python -m tests.test_models`` when its
format was new. It is never written again: every version must load it.
"""

import importlib
import io
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.pipeline import Pipeline

import ser_estimators
from ser_estimators import (
    AcousticFeatures,
    CNNEmbedder,
    FeatureMLP,
    MFCCTransformer,
    SpectrogramAugmentation,
    SpectrogramCNN,
)
from ser_estimators._estimators import cnn_state

FILE = Path(__file__).parent / "data" / "model-format-1.joblib"


def clips():
    """Return four clips of a quarter of a second."""
    rng = np.random.default_rng(0)
    return [(0.1 * rng.normal(size=4000)).astype(np.float32) for _ in range(4)]


def fit_models():
    """Return small models of every kind, fitted on noise."""
    labels = ["anger", "fear", "anger", "fear"]
    small = {"n_networks": 2, "embedding_dim": 4, "max_epochs": 1, "random_state": 0}
    small |= {"device": "cpu", "precision": "float32"}
    cnn = CNNEmbedder(
        network=SpectrogramCNN((4, 4), se_ratio=0.25),
        augmentation=SpectrogramAugmentation(gain=0.1),
        **small,
    )
    models = {
        "cnn": Pipeline([("mfcc", MFCCTransformer(n_mfcc=13, deltas=1)), ("cnn", cnn)]),
        "mlp": Pipeline(
            [
                ("features", AcousticFeatures(("mfcc", "rms"), n_mfcc=4)),
                ("mlp", CNNEmbedder(network=FeatureMLP((5,)), **small)),
            ]
        ),
    }
    return {name: model.fit(clips(), labels) for name, model in models.items()}


def globals_of(data):
    """Return the dotted names that a pickle looks up."""
    names = set()

    class Recorder(pickle.Unpickler):
        def find_class(self, module, name):
            names.add(f"{module}.{name}")
            return super().find_class(module, name)

    Recorder(io.BytesIO(data)).load()
    return names


def test_model_of_the_first_format_loads_and_predicts_the_same():
    saved = joblib.load(FILE)
    for name, model in saved["models"].items():
        expected = saved["probabilities"][name]
        np.testing.assert_allclose(model.predict_proba(clips()), expected, atol=1e-3)
        assert model.classes_.tolist() == ["anger", "fear"]
        assert model[-1].history_[0]["epoch"] == 1
        model.fit(clips(), ["a", "b", "a", "b"])  # and can be fitted again


@pytest.mark.parametrize("name", ["cnn", "mlp"])
def test_model_refers_to_no_private_module_and_no_skorch(name):
    model = fit_models()[name]
    data = pickle.dumps(model)
    ours = {name for name in globals_of(data) if name.startswith("ser_estimators")}
    assert ours >= {"ser_estimators.CNNEmbedder"}
    assert not [name for name in ours if "._" in name]
    assert b"skorch" not in data


def test_model_contains_only_data():
    """All values in the state of a network are of built-in types or arrays."""
    cnn = fit_models()["cnn"][-1]
    state = cnn.__getstate__()
    plain = (str, int, float, bool, type(None), np.ndarray, np.generic)

    def check(value):
        if isinstance(value, dict):
            for key, inner in value.items():
                assert isinstance(key, str)
                check(inner)
        elif isinstance(value, (list, tuple)):
            assert type(value) in (list, tuple)
            for inner in value:
                check(inner)
        else:
            assert isinstance(value, plain), value

    for name, value in state.items():
        if name not in cnn.get_params(deep=False):
            check(value)
    assert state["format"] == 1
    assert set(state["module_"]) == {"spec", "tensors"}


def test_predictions_of_a_loaded_model_are_equal():
    models = fit_models()
    # A spectrogram of one channel, whose convolutions have two orders in memory with equal values.
    small = {"n_networks": 1, "embedding_dim": 4, "max_epochs": 1, "random_state": 0}
    models["one channel"] = Pipeline(
        [("mfcc", MFCCTransformer()), ("cnn", CNNEmbedder(network=SpectrogramCNN((4, 4)), **small))]
    ).fit(clips(), ["anger", "fear", "anger", "fear"])
    for model in models.values():
        loaded = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(loaded.predict_proba(clips()), model.predict_proba(clips()))
        np.testing.assert_array_equal(loaded[:-1].transform(clips()), model[:-1].transform(clips()))


@pytest.mark.parametrize("found", [None, 2, "1"])
def test_model_of_another_format_is_refused(found):
    cnn = fit_models()["cnn"][-1]
    state = cnn.__getstate__() | {"format": found}
    with pytest.raises(ValueError, match=f"has format {found!r}, but this version .* reads format"):
        CNNEmbedder().__setstate__(state)


def test_model_of_a_development_version_is_refused():
    data = b"cser_estimators._cnn_embedder\nCNNEmbedder\n."
    with pytest.raises(ModuleNotFoundError, match="can no longer be loaded; train it again"):
        pickle.loads(data)
    with pytest.raises(ModuleNotFoundError, match="No module named 'ser_estimators._other'$"):
        importlib.import_module("ser_estimators._other")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.pop("tensors"), "tensors"),
        (lambda data: data["spec"].pop("kind"), "kind"),
        (lambda data: data["tensors"].popitem(), "1 tensors differ, such as"),
        (lambda data: data["spec"].update(n_classes=3), "tensors differ, such as"),
        (lambda data: data["spec"].update(kind="rnn"), "rnn"),
    ],
)
def test_damaged_model_is_refused(change, message):
    cnn = fit_models()["cnn"][-1]
    state = cnn.__getstate__()
    change(state["module_"])
    with pytest.raises(ValueError, match=f"The model cannot be loaded, .*{message}"):
        CNNEmbedder().__setstate__(state)


def test_unfitted_model_is_pickled():
    cnn = CNNEmbedder(lr=0.5)
    assert pickle.loads(pickle.dumps(cnn)).lr == 0.5
    with pytest.raises(AttributeError):
        _ = pickle.loads(pickle.dumps(cnn)).module_


RENAMED = """
import sys, joblib, numpy as np
import ser_estimators
assert ser_estimators.__file__.startswith(sys.argv[1]), ser_estimators.__file__
saved = joblib.load(sys.argv[2])
for name, model in saved["models"].items():
    model[-1].predict_proba(np.zeros((1, model[-1].n_features_in_, 1))[..., 0])
print("loaded")
"""


def test_model_loads_after_all_private_modules_are_renamed(tmp_path):
    copied = tmp_path / "ser_estimators"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(ser_estimators.__file__).parent, copied, ignore=ignored)
    paths = [
        path
        for room in copied.glob("_*")
        for path in room.glob("*.py")
        if path.name != "__init__.py" and room.name != "_kernels"
    ]
    assert len(paths) > 30
    names = {path.stem: f"renamed_{path.stem}" for path in paths}
    rooms = "|".join({path.parent.name for path in paths})
    for path in paths:
        path.rename(path.with_name(f"{names[path.stem]}.py"))
    for path in copied.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.parent.parent == copied and path.parent.name.startswith("_"):
            text = re.sub(r"from \.(\w+) import", lambda m: f"from .{names[m[1]]} import", text)
        # "..package.module" in imports, "package.module" in the table of lazy names
        text = re.sub(
            rf"\b({rooms})\.(\w+)",
            lambda m: f"{m[1]}.{names.get(m[2], m[2])}",
            text,
        )
        text = re.sub(r"from \._utils import (\w+)", r"from ._utils import renamed_\1 as \1", text)
        path.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", RENAMED, str(tmp_path), str(FILE)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
    )
    assert done.stdout.strip() == "loaded", done.stderr


def test_saving_twice_gives_the_same_bytes():
    cnn = fit_models()["cnn"][-1]
    first, second = io.BytesIO(), io.BytesIO()
    joblib.dump(cnn, first)
    joblib.dump(pickle.loads(pickle.dumps(cnn)), second)
    assert first.getvalue() == second.getvalue()


if __name__ == "__main__":
    assert not FILE.exists(), f"{FILE} is the first of its format, and stays as it is"
    assert cnn_state.FORMAT == 1
    models = fit_models()
    probabilities = {name: model.predict_proba(clips()) for name, model in models.items()}
    joblib.dump({"models": models, "probabilities": probabilities}, FILE, compress=3)
    print(f"wrote {FILE}, {FILE.stat().st_size} bytes")
