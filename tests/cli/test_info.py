"""ser info: what a model is."""

import json
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

import ser_estimators
from ser_estimators import make_ser_pipeline, save_model
from ser_estimators.models import ModelCard


def test_a_model(run, model_file):
    done = run("info", model_file)
    assert (done.status, done.err) == (0, "")
    for line in (
        "classes  anger, neutral, sadness",
        "  acousticfeatures    AcousticFeatures",
        "    features    ('rms', 'centroid')",
        "  standardscaler      StandardScaler",
        "  logisticregression  LogisticRegression",
    ):
        assert line in done.out.splitlines()
    assert all(len(line) < 80 for line in done.out.splitlines()[1:])


def test_json(run, voices):
    pipe = make_ser_pipeline(random_state=0)
    pipe.set_params(cnn__network__channels=(4, 8), cnn__embedding_dim=8, cnn__max_epochs=1)
    joblib.dump(pipe.fit(voices.data, voices.target), "cnn.joblib")
    found = json.loads(run("info", "--json", "cnn.joblib").out)
    assert found["file"] == "cnn.joblib"
    assert found["classes"] == ["anger", "neutral", "sadness"]
    assert list(found["steps"]) == ["mfcc", "cnn", "voting"]
    assert found["steps"]["cnn"] == {
        "class": "CNNEmbedder",
        "network": "SpectrogramCNN(channels=(4, 8), statistics=True)",
        "augmentation": "SpectrogramAugmentation(recording_p=0.5, smoothing_p=0.5)",
        "embedding_dim": 8,
        "max_epochs": 1,
        "n_views": 5,
        "random_state": 0,
    }
    weights = sum(weight.numel() for weight in pipe["cnn"].module_.parameters())
    assert found["weights of networks"] == weights


def test_a_search_is_its_best_model(run, model, voices):
    search = GridSearchCV(model, {"logisticregression__C": [0.1, 3]}, cv=2)
    joblib.dump(search.fit(voices.data, voices.target), "search.joblib")
    steps = json.loads(run("info", "--json", "search.joblib").out)["steps"]
    best = search.best_params_["logisticregression__C"]
    assert steps["logisticregression"]["C"] == best


def test_a_single_estimator(run, model):
    joblib.dump(model[-1], "lr.joblib")
    found = json.loads(run("info", "--json", "lr.joblib").out)
    assert found["steps"]["logisticregression"] == {"class": "LogisticRegression"}


def test_infinite_parameters_are_json(run, model, voices):
    model = clone(model).set_params(logisticregression__C=np.inf).fit(voices.data, voices.target)
    joblib.dump(model, "m.joblib")
    text = run("info", "--json", "m.joblib").out
    found = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert found["steps"]["logisticregression"]["C"] == "inf"


def test_model_without_classes_and_rate(run):
    save_model(StandardScaler().fit([[0.0], [1.0]]), "m.safetensors")
    lines = run("info", "m.safetensors").out.splitlines()
    assert not any("None" in line for line in lines)
    assert any(line.split() == ["steps", "StandardScaler()"] for line in lines)


def test_a_card_has_units(run):
    card = ModelCard(
        scores={"accuracy": (0.24074, 0.0947, 0.38666), "F1": 0.5},
        audio={"level": (-58.5, -35.0), "duration": (0.9, 5.3)},
    )
    save_model(StandardScaler().fit([[0.0], [1.0]]), "m.safetensors", card=card)
    lines = run("info", "m.safetensors").out.splitlines()
    for line in (
        "    accuracy  0.241 (0.095 to 0.387)",
        "    F1        0.500",
        "    level     -58.5 to -35 dBFS",
        "    duration  0.9 to 5.3 s",
    ):
        assert line in lines
    assert lines[-1].split() == ["format", "1"]
    assert any(line.startswith("numbers in the file  ") for line in lines)
    found = json.loads(run("info", "--json", "m.safetensors").out)
    assert found["card"]["audio"]["level"] == [-58.5, -35.0]


def test_paragraphs_of_a_card_are_wrapped(run):
    limitations = f"- {'word ' * 20}\n\n    code = 1"
    card = ModelCard(limitations=limitations)
    save_model(StandardScaler().fit([[0.0], [1.0]]), "m.safetensors", card=card)
    lines = run("info", "m.safetensors").out.splitlines()
    at = lines.index("  limitations")
    first, second = "    -" + 14 * " word", "     " + 6 * " word"
    assert lines[at + 1 : at + 5] == [first, second, "", "        code = 1"]


def test_versions(run):
    done = run("info", "--versions")
    assert done.status == 0
    assert f"version: {ser_estimators.__version__}" in done.out
    assert " click: " in done.out


@pytest.mark.usefixtures("without_model_package")
def test_errors(run):
    Path("x.joblib").write_text("hello")
    Path("m.onnx").touch()
    for args, message in (
        (["x.joblib"], "Could not load the model 'x.joblib'"),
        (
            ["m.onnx"],
            "'m.onnx' is an ONNX file, which runs in ONNX Runtime, see docs/onnx.md; expected",
        ),
        (["nothing.joblib"], "there is no model 'nothing.joblib'; check the path"),
        ([], "there is no model: pass one with --model FILE"),
    ):
        done = run("info", *args)
        assert (done.status, done.out) == (2, "")
        assert message in done.err
