"""What model files cannot hold is refused by name, and so is every file that is not one."""

import json
import os
import pickle
import struct
import zipfile
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.ensemble import (
    GradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from sklearn.svm import SVC

from ser_estimators import CNNEmbedder, SpectrogramAugmentation, load_model, save_model
from ser_estimators.exceptions import ModelFileError
from ser_estimators.models import model_info
from ser_estimators.models._files.container import ModelFile
from ser_estimators.models._files.errors import MismatchError

from .helpers import (
    SMALL,
    changed_file,
    clip_models,
    cnn,
    document_of,
    fit_table_model,
    join_file,
    split_file,
    table,
)

REMEDY = "; save it with joblib.dump, and load that file only where its source is trusted"


@pytest.fixture(scope="module")
def contents(tmp_path_factory):
    """Return the content of files of several models by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("contents"))
        models = {"cnn": clip_models()["cnn and logistic regression"]}
        for name in ("RandomForestClassifier", "SVC", "voting", "sigmoid", "isotonic", "mlp"):
            models[name] = fit_table_model(name)
        models["DecisionTreeClassifier"] = fit_table_model("DecisionTreeClassifier")
        seeded = LogisticRegression(random_state=np.random.RandomState(0)).fit(*table())
        models["seeded"] = seeded
        return {
            name: save_model(model, "model.safetensors").read_bytes()
            for name, model in models.items()
        }


def refused(content, message, path="model.safetensors"):
    """Check that a file is refused for a reason that was foreseen."""
    with open(path, "wb") as file:
        file.write(content)
    with pytest.raises(ModelFileError, match=message) as caught:
        load_model(path)
    text = str(caught.value)
    assert text.startswith(f"Could not load '{path}': ")
    assert "\n" not in text
    assert len(text) < 600
    assert isinstance(caught.value.__cause__, MismatchError), repr(caught.value.__cause__)


class Custom(SpectrogramAugmentation):
    pass


def augment(batch, rng):
    return batch


def fit_own_network():
    from torch import nn

    class OwnNetwork(nn.Module):
        def __init__(self, n_channels, n_rows):
            super().__init__()
            self.linear = nn.Linear(n_rows, 2)

        def forward(self, spectrogram, mask):
            return self.linear(spectrogram.mean(dim=(1, 3)))

    X, y = table()
    return CNNEmbedder(network=OwnNetwork, **SMALL).fit(X, y)


def fit_with_callbacks():
    from skorch.callbacks import Callback

    return CNNEmbedder(network="mlp", callbacks=[Callback()], **SMALL).fit(*table())


def own_names(transformer, names):
    return names


def with_names(n):
    """Return scalers that were fitted on a table with many columns."""
    pd = pytest.importorskip("pandas")
    X, y = table()
    wide = pd.DataFrame(np.zeros((len(X), n)), columns=[f"column {i}" for i in range(n)])
    scalers = make_pipeline(StandardScaler(), MinMaxScaler()).set_output(transform="pandas")
    return scalers.fit(wide, y)


def fit(model):
    return model.fit(*table())


UNSUPPORTED = {
    "another estimator": (
        lambda: fit(KNeighborsClassifier()),
        "it contains a KNeighborsClassifier (sklearn), which model files cannot hold",
    ),
    "another estimator in a pipeline": (
        lambda: fit(make_pipeline(StandardScaler(), GradientBoostingClassifier(n_estimators=2))),
        "it contains a GradientBoostingClassifier (sklearn)",
    ),
    "a function": (
        lambda: fit(make_pipeline(FunctionTransformer(np.abs), LogisticRegression())),
        "its FunctionTransformer has a function, which is code",
    ),
    "names of columns that come from a function": (
        lambda: fit(
            make_pipeline(FunctionTransformer(feature_names_out=own_names), LogisticRegression())
        ),
        "its FunctionTransformer has feature_names_out other than None and 'one-to-one'",
    ),
    "a header that is too large": (
        lambda: with_names(9000),
        "its file could not be loaded again, because its header has more than",
    ),
    "a subclass": (
        lambda: fit(type("MyRegression", (LogisticRegression,), {})()),
        "it contains a MyRegression (",
    ),
    "a subclass of an augmentation": (
        lambda: fit(CNNEmbedder(augmentation=Custom(), **SMALL)),
        "it contains a Custom (tests, a subclass of SpectrogramAugmentation)",
    ),
    "a function as augmentation": (
        lambda: fit(CNNEmbedder(augmentation=augment, **SMALL)),
        "the parameter 'augmentation' of CNNEmbedder is 'augment', which is code",
    ),
    "a custom network": (
        fit_own_network,
        "the parameter 'network' of CNNEmbedder is 'fit_own_network.<locals>.OwnNetwork', which "
        "is code",
    ),
    "a custom network whose parameter was changed": (
        lambda: fit_own_network().set_params(network="cnn"),
        "its CNNEmbedder has the custom network 'fit_own_network.<locals>.OwnNetwork', which is",
    ),
    "callbacks": (
        fit_with_callbacks,
        "its CNNEmbedder has callbacks, which are code; set callbacks=None after training",
    ),
    "a kernel": (
        lambda: fit(SVC(kernel=lambda a, b: a @ b.T)),
        "the parameter 'kernel' of SVC is '<lambda>.<locals>.<lambda>', which is code",
    ),
    "a precomputed kernel": (
        lambda: SVC(kernel="precomputed").fit(np.eye(4), [0, 1, 0, 1]),
        "its SVC has a precomputed kernel",
    ),
    "several outputs": (
        lambda: RandomForestClassifier(2).fit(np.eye(4), [[0, 1], [1, 0], [0, 0], [1, 1]]),
        "its RandomForestClassifier has more than one output",
    ),
    "a search without its best estimator": (
        lambda: fit(GridSearchCV(LogisticRegression(), {"C": [1.0, 2.0]}, refit=False)),
        "it contains a GridSearchCV without best_estimator_",
    ),
    "a search that is not fitted": (
        lambda: fit(VotingClassifier([("s", GridSearchCV(LogisticRegression(), {"C": [1.0]}))])),
        "it contains a GridSearchCV without best_estimator_",
    ),
    "a splitter of one's own": (
        lambda: fit(StackingClassifier([("lr", LogisticRegression())], cv=own_splits())),
        "the parameter 'cv' of StackingClassifier is a own_splits.<locals>.OwnSplitter",
    ),
    "a large window": (
        lambda: clip_models()["transformer"].set_params(window=("gaussian", 1e6)),
        "window of MFCCTransformer is ('gaussian', 1000000.0); expected numbers up to 65536",
    ),
    "a large transform": (
        lambda: clip_models()["transformer"].set_params(n_fft=1 << 20),
        "n_fft of MFCCTransformer is 1048576; expected at most 65536",
    ),
    "a generator of another kind": (
        lambda: fit(LogisticRegression(random_state=np.random.RandomState(np.random.PCG64(0)))),
        "the parameter 'random_state' of LogisticRegression is a RandomState with the generator",
    ),
    "other features": (
        lambda: clip_models()["cnn"].set_params(mfcc__n_mfcc=10),
        "CNNEmbedder was fitted on 26 features, but MFCCTransformer before it makes 20",
    ),
    "a step that is not fitted": (
        lambda: make_pipeline(StandardScaler(), fit_table_model("GaussianNB")),
        "StandardScaler is not fitted, but steps after it are",
    ),
    "NaN": (
        lambda: with_attribute("LogisticRegression", "coef_", lambda coef: coef * np.nan),
        "coef_ of LogisticRegression contains NaN or infinity",
    ),
    "an unknown attribute": (
        lambda: with_attribute("LogisticRegression", "new_", lambda _: 1),
        "LogisticRegression has the unknown attribute 'new_'",
    ),
    "a missing attribute": (
        lambda: without_attribute("LogisticRegression", "intercept_"),
        "LogisticRegression lacks the attribute 'intercept_'",
    ),
    "a missing private attribute": (
        lambda: without_attribute("SVC", "_gamma"),
        "its SVC lacks the attribute '_gamma'",
    ),
}


def own_splits():
    class OwnSplitter:
        def split(self, X, y=None, groups=None):
            half = np.arange(len(X)) < len(X) // 2
            yield np.flatnonzero(half), np.flatnonzero(~half)
            yield np.flatnonzero(~half), np.flatnonzero(half)

        def get_n_splits(self, X=None, y=None, groups=None):
            return 2

    return OwnSplitter()


def with_attribute(name, attribute, change):
    model = fit_table_model(name)
    setattr(model, attribute, change(getattr(model, attribute, None)))
    return model


def without_attribute(name, attribute):
    model = fit_table_model(name)
    delattr(model, attribute)
    return model


@pytest.mark.parametrize(("make", "message"), UNSUPPORTED.values(), ids=list(UNSUPPORTED))
def test_model_that_files_cannot_hold_is_refused(make, message):
    model = make()
    with pytest.raises(ModelFileError) as caught:
        save_model(model, "model.safetensors")
    text = str(caught.value)
    assert text.startswith("Could not save the model: ")
    assert message in text
    assert REMEDY in text
    assert "\n" not in text
    assert not os.path.exists("model.safetensors")


def test_model_that_is_not_fitted_is_refused():
    for model in (LogisticRegression(), make_pipeline(StandardScaler(), cnn())):
        with pytest.raises(NotFittedError, match="not fitted"):
            save_model(model, "model.safetensors")
    with pytest.raises(TypeError, match="not an estimator"):
        save_model("model", "model.safetensors")


def test_arguments_of_save_model():
    model = fit_table_model("GaussianNB")
    for path in ("model.joblib", "model", "safetensors"):
        with pytest.raises(ValueError, match=f"path is '{path}'; expected a name that ends in"):
            save_model(model, path)
    with pytest.raises(TypeError, match="card is a dict; expected a ModelCard or None"):
        save_model(model, "model.safetensors", card={})
    with pytest.raises(FileNotFoundError, match="there is no such folder"):
        save_model(model, "missing/model.safetensors")


def test_failure_keeps_the_file_that_was_there():
    path = save_model(fit_table_model("GaussianNB"), "model.safetensors")
    before = path.read_bytes()
    with pytest.raises(ModelFileError):
        save_model(fit(KNeighborsClassifier()), path)
    assert path.read_bytes() == before
    assert os.listdir() == ["model.safetensors"]


def make_zip():
    with zipfile.ZipFile("archive", "w") as archive:
        archive.writestr("model", b"1")
    with open("archive", "rb") as file:
        return file.read()


def joblib_dump(**kwargs):
    joblib.dump({"a": np.zeros(3)}, "dumped", **kwargs)
    with open("dumped", "rb") as file:
        return file.read()


FOREIGN = {
    "empty": (lambda: b"", r"the file is empty \(0 bytes\); download or copy it again"),
    "one byte": (lambda: b"\0", "it is not a model file; pass a file that save_model wrote"),
    "pickle": (lambda: pickle.dumps([1]), "it is a pickle, which can run any code when it is"),
    "joblib": (joblib_dump, "it is a pickle, .*if you trust its source, load it with joblib.load"),
    "compressed": (lambda: joblib_dump(compress=3), "it is compressed, probably by joblib.dump"),
    "gzip": (lambda: joblib_dump(compress=("gzip", 3)), "it is compressed with gzip; unpack it"),
    "zip": (make_zip, "it is a zip archive; unpack it, and load the model file in it"),
    "ONNX": (
        lambda: b"\x08\x0a\x12\x07pytorch\x1a\x052.1.0" + bytes(40),
        "it is an ONNX model; run it with onnxruntime.InferenceSession",
    ),
    "text": (lambda: b"path,emotion\na.wav,fear\n", "it is text, not a model file"),
    "JSON": (lambda: b'{"format": 1, "model": {}}', "it is text, not a model file"),
    "web page": (lambda: b"<!DOCTYPE html><html></html>", "it is a web page: the download failed"),
    "pointer": (
        lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "it is a git-lfs pointer; run 'git lfs pull'",
    ),
    "audio": (lambda: b"RIFF\0\0\0\0WAVEfmt " + bytes(60), "it is audio, not a model file"),
    "HDF5": (lambda: b"\x89HDF\r\n\x1a\n" + bytes(60), "it is an HDF5 file, not a model file"),
    "zeros": (lambda: bytes(100), "it is not a model file"),
    "other safetensors": (
        lambda: join_file({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, bytes(4)),
        "it is a safetensors file, but not one that save_model wrote",
    ),
    "safetensors of PyTorch": (
        lambda: join_file({"__metadata__": {"format": "pt"}}, b""),
        "it is a safetensors file, but not one that save_model wrote",
    ),
    "terabytes": (
        lambda: struct.pack("<Q", 1 << 60) + b'{"a":1}',
        f"its header announces {1 << 60} bytes, but the file has 15: it is truncated or damaged",
    ),
    "long header": (
        lambda: join_file(b"{" + b" " * (1 << 20) + b"}", b""),
        "its header has 1048578 bytes, more than the limit of 557056",
    ),
    "deep header": (
        lambda: join_file(b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", b""),
        "its header is nested more than 100 levels deep",
    ),
    "many values": (
        lambda: join_file(b'{"a":[' + b",".join([b"[]"] * 100_000) + b"]}", b""),
        "its header has more than 16676 values, too many for its size",
    ),
    "not JSON": (lambda: join_file(b'{"a"', b""), "its header is not JSON"),
    "long number": (lambda: join_file(b'{"a":' + b"9" * 5000 + b"}", b""), "is not JSON"),
    "unclosed text": (lambda: join_file(b'{"' + b'\\"' * 99999, b""), "its header is not JSON"),
    "NaN in JSON": (lambda: join_file(b'{"a":NaN}', b""), "has the number NaN, which JSON does"),
    "infinity in JSON": (lambda: join_file(b'{"a":1e999}', b""), "the number 1e999, which is too"),
    "not text": (lambda: join_file(b'{"\xff":1}', b""), "its header is not UTF-8 text"),
    "twice": (lambda: join_file(b'{"a":1,"a":2}', b""), "'a' occurs twice in its header"),
}


@pytest.mark.parametrize(("make", "message"), FOREIGN.values(), ids=list(FOREIGN))
def test_file_that_is_not_a_model_file_is_refused(make, message):
    refused(make(), message)
    with pytest.raises(ModelFileError, match=message):
        model_info("model.safetensors")


def test_paths_that_are_not_files_are_refused(tmp_path):
    with pytest.raises(ModelFileError, match="'a.safetensors': there is no such file; check the"):
        load_model("a.safetensors")
    with pytest.raises(ModelFileError, match="it is a folder; pass the model file in it"):
        load_model(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo("pipe")
        with pytest.raises(ModelFileError, match="it is a device or a pipe; pass the path of a"):
            load_model("pipe")
    with pytest.raises(TypeError, match="bytes"):
        load_model(b"a.safetensors")
    with pytest.raises(ModelFileError, match="Could not load 'a.* check the path and its perm"):
        load_model("a" * 5000)
    with pytest.raises(ModelFileError, match="embedded null byte"):
        load_model("a\0b")


def test_file_without_a_checksum_is_refused(contents):
    header, data = split_file(contents["SVC"])
    for value in (None, "0" * 63, "x" * 64, 3):
        document = document_of(contents["SVC"]) | {"sha256": value}
        header["__metadata__"] = {"ser_estimators": json.dumps(document)}
        refused(join_file(header, data), "it has no checksum")


def test_file_with_other_metadata_is_refused(contents):
    header, data = split_file(contents["SVC"])
    header["__metadata__"]["format"] = "pt"
    refused(join_file(header, data), "its metadata have other entries than 'ser_estimators'")


def test_file_that_becomes_shorter_is_refused(contents):
    path = Path("model.safetensors")
    path.write_bytes(contents["SVC"])
    with ModelFile(path) as file:
        path.write_bytes(contents["SVC"][:2000])
        with pytest.raises(MismatchError, match="the file became shorter while it was read"):
            file.check_digest()


def test_renamed_file_loads(contents):
    with open("model.pickle", "wb") as file:
        file.write(contents["SVC"])
    assert load_model("model.pickle").kernel == "rbf"


@pytest.mark.parametrize("n_bytes", [1, 7, 8, 9, 100, 2000, -1, -100])
def test_truncated_file_is_refused(contents, n_bytes):
    refused(contents["cnn"][:n_bytes], "truncated or damaged|not a model file")


def test_longer_file_is_refused(contents):
    refused(contents["cnn"] + b"\0", "its tensors end at byte .*, but the file has")


def test_changed_weight_is_refused(contents):
    content = bytearray(contents["cnn"])
    content[-40] ^= 1
    refused(bytes(content), "its checksum differs from what was saved: the file is damaged")


@pytest.mark.parametrize("found", [0, 2, "1", None, True, 1.0])
def test_other_format_is_refused(contents, found):
    header, data = split_file(contents["SVC"])
    document = document_of(contents["SVC"]) | {"format": found}
    header["__metadata__"]["ser_estimators"] = json.dumps(document)
    message = f"it has format {found!r}, but this version of ser_estimators reads format 1; load"
    refused(join_file(header, data), message)


def test_changed_file_without_changes_loads(contents):
    """The changes of the other tests are refused for themselves."""
    for name, content in contents.items():
        with open("model.safetensors", "wb") as file:
            file.write(changed_file(content, lambda document, header: None))
        assert load_model("model.safetensors") is not None, name
