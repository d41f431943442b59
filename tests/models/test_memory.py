"""Loading takes little more memory than the file has bytes, whatever the file says."""

import json
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import Normalizer
from sklearn.svm import SVC

from ser_estimators import (
    AcousticFeatures,
    CNNEmbedder,
    FeatureMLP,
    SpectrogramCNN,
    load_model,
    save_model,
)
from ser_estimators.exceptions import ModelFileError

from .helpers import SMALL, changed_file, document_of, join_file, sealed_file, table

# Objects of Python, such as parsed JSON and estimators.
_CONSTANT = 4_000_000

CHILD = """
import gc, re, sys
import sklearn.ensemble, sklearn.svm, torch
from ser_estimators import CNNEmbedder, load_model

def status(name):
    with open("/proc/self/status") as file:
        return 1024 * int(re.search(rf"{name}:\\s+(\\d+)", file.read())[1])

load_model(sys.argv[2])  # imports everything
gc.collect()
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # the peak starts again
before = status("VmRSS")
model = load_model(sys.argv[1])
print(status("VmHWM") - before)
"""


def models(size):
    """Return models of many kinds with arrays of several megabytes, or small ones."""
    rng = np.random.default_rng(0)
    n_clips, n_columns, n_units, channels = size
    y = np.arange(n_clips) % 3
    X = rng.normal(size=(n_clips, n_columns)).astype(np.float32)
    small = SMALL | {"n_networks": 1}
    frames = rng.normal(size=(24, 20, 30)).astype(np.float32)
    return {
        "forest": RandomForestClassifier(40, random_state=0).fit(X[:, :20], y),
        "svm": SVC().fit(X.astype(np.float64), y),
        "mlp": CNNEmbedder(network=FeatureMLP((n_units,)), **small).fit(X[:60], y[:60]),
        "cnn": CNNEmbedder(network=SpectrogramCNN(channels), **small).fit(frames, y[:24]),
    }


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.slow
def test_memory_of_a_process_that_loads_a_model():
    large, small = models((2500, 600, 5000, (32, 256, 512))), models((60, 20, 5, (4, 4, 4)))
    for name in large:
        path = save_model(large[name], "large.safetensors")
        size = path.stat().st_size
        assert size > 3_000_000
        save_model(small[name], "small.safetensors")
        done = subprocess.run(
            [sys.executable, "-c", CHILD, "large.safetensors", "small.safetensors"],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert int(done.stdout) < 1.2 * size + 2_000_000, name


def peak_of_refusal(content):
    """Return the largest number of bytes that a refused file takes."""
    with open("model.safetensors", "wb") as file:
        file.write(content)
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError):
            load_model("model.safetensors")
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def header_of(text, size):
    """Return a file of some size whose header is some text, with zeros behind it."""
    return join_file(text, bytes(max(size - len(text) - 8, 0)))


HEADERS = {
    "terabytes": lambda: (1 << 60).to_bytes(8, "little") + b'{"a":1}',
    "a tensor of terabytes": lambda: join_file(
        {"0.SVC.a": {"dtype": "F64", "shape": [1 << 40], "data_offsets": [0, 1 << 43]}}, b""
    ),
    "text": lambda: join_file(b'{"' + b"a" * 400_000 + b'":1}', b""),
    "lists": lambda: join_file(b'{"a":[' + b",".join([b"[]"] * 16_000) + b"]}", b""),
    "dicts": lambda: join_file(b'{"a":[' + b",".join([b'{"b":{}}'] * 8000) + b"]}", b""),
    "too many lists": lambda: join_file(b'{"a":[' + b",".join([b"[]"] * 150_000) + b"]}", b""),
    "tensors": lambda: join_file(
        {
            f"0.SVC.a{number}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
            for number in range(2000)
        },
        b"",
    ),
    "a large file of lists": lambda: header_of(
        b'{"a":[' + b",".join([b"[]"] * 24_000) + b"]}", 10_000_000
    ),
    "labels": lambda: join_file(
        {
            "__metadata__": {
                "ser_estimators": json.dumps(
                    {
                        "format": 1,
                        "sha256": "0" * 64,
                        "versions": {},
                        "classes": ["<U99999", ["a"] * 1000],
                        "sr": None,
                        "card": None,
                        "model": {},
                    }
                )
            }
        },
        b"",
    ),
}


@pytest.mark.parametrize("make", HEADERS.values(), ids=list(HEADERS))
def test_hostile_header_takes_little_memory(make):
    content = make()
    assert peak_of_refusal(content) < 1.2 * len(content) + _CONSTANT


def test_small_file_takes_little_memory():
    path = save_model(SVC().fit(*table()), "model.safetensors")
    load_model(path)
    tracemalloc.start()
    load_model(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < path.stat().st_size + 200_000


def huge_normalizer():
    """Return a pipeline that says that its first step has many columns, which no array shows."""
    path = save_model(
        make_pipeline(Normalizer(), LogisticRegression()).fit(*table()), "a.safetensors"
    )

    def change(document, header):
        step = document["model"]["params"]["steps"][0]["tuple"][1]
        step["fitted"]["n_features_in_"] = 10**12

    return changed_file(path.read_bytes(), change)


def huge_lda():
    lda = LinearDiscriminantAnalysis()
    path = save_model(make_pipeline(lda, LogisticRegression()).fit(*table()), "a.safetensors")

    def change(document, header):
        step = document["model"]["params"]["steps"][0]["tuple"][1]
        step["fitted"]["max_components"] = 10**12

    return changed_file(path.read_bytes(), change)


def unions_of_unions(n_unions=60):
    """Return a pipeline of unions, each of which refers to the one before it twice."""
    features = AcousticFeatures(("rms",)).fit([np.zeros(4000)])
    path = save_model(make_pipeline(features, FeatureUnion([("a", features)])), "a.safetensors")
    document = document_of(path.read_bytes())
    first, union = document["model"]["params"]["steps"]
    steps = [first]
    for number in range(1, n_unions):
        both = [{"tuple": [name, {"same": number}]} for name in "ab"]
        node = union["tuple"][1] | {"params": {"transformer_list": both}}
        steps.append({"tuple": [f"union{number}", node]})
    document["model"]["params"]["steps"] = steps
    return sealed_file(document, {}, b"")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (huge_normalizer, "on 5 features, but Normalizer before it makes 1000000000000"),
        (huge_lda, "features, but LinearDiscriminantAnalysis before it makes 1000000000000"),
        (unions_of_unions, "its estimators are repeated too often"),
    ],
)
def test_small_file_that_says_much_takes_little_memory(make, message):
    content = make()
    assert peak_of_refusal(content) < _CONSTANT
    with pytest.raises(ModelFileError, match=message):
        load_model("model.safetensors")


def test_estimators_that_are_repeated_a_few_times():
    frozen = FrozenEstimator(LogisticRegression().fit(*table()))
    model = VotingClassifier([(str(number), frozen) for number in range(50)], voting="soft")
    model.fit(*table())
    loaded = load_model(save_model(model, "model.safetensors"))
    assert len(loaded.estimators_) == 50
