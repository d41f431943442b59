"""Model cards, their pages, and what a file says about its model."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.svm import SVC

from ser_estimators import save_model
from ser_estimators.evaluation import evaluate
from ser_estimators.exceptions import AudioReadError, ModelFileError
from ser_estimators.models import ModelCard, describe_audio, model_info, write_card
from ser_estimators.models._files.summary import outline

from .helpers import clip_models, clips, fit_table_model, table

FULL = {
    "name": "Emotions | of *actors*",
    "summary": "Two sentences. About a model.",
    "license": "cc-by-nc-sa-4.0",
    "languages": ["en", "pl"],
    "corpora": ["RAVDESS", "nEMO"],
    "scores": {"balanced accuracy (UAR)": (0.72, 0.69, 0.75), "accuracy": 0.7},
    "evaluation": "Six folds by speaker.",
    "audio": {"duration": (0.5, 4), "level": (-40, -20.5), "bandwidth": (3000, 8000)},
    "date": "2026-05-17",
    "limitations": "Not tested on telephone calls.",
}


@pytest.fixture
def path():
    return save_model(fit_table_model("SVC"), "model.safetensors", card=ModelCard(**FULL))


def test_card_comes_back_from_a_file(path):
    card = model_info(path)["card"]
    assert ModelCard(**card) == ModelCard(**FULL)
    assert card["scores"]["accuracy"] == [0.7]
    json.dumps(model_info(path), allow_nan=False)


def test_card_without_anything():
    path = save_model(fit_table_model("SVC"), "model.safetensors", card=ModelCard())
    assert model_info(path)["card"] == {}
    text = write_card(path).read_text()
    assert text.startswith("---\nlibrary_name: ser_estimators\n")
    assert "\n# Speech emotion recognition\n" in text
    for word in ("Scores", "Training", "Limitations", "license"):
        assert word not in text


def test_page_of_a_card(path):
    page = write_card(path)
    assert page.name == "README.md"
    text = page.read_text(encoding="utf-8")
    _, front, body = text.split("---\n", 2)
    assert 'license: "cc-by-nc-sa-4.0"\n' in front
    assert 'language:\n- "en"\n- "pl"\n' in front
    assert "pipeline_tag: audio-classification\n" in front
    assert "    - type: balanced_accuracy\n      value: 0.72\n" in front
    assert "# Emotions \\| of \\*actors\\*\n" in body
    assert "| balanced accuracy (UAR) | 0.720 | 0.690 to 0.750 |\n" in body
    assert "| accuracy | 0.700 |  |\n" in body
    assert "- Duration of the clips: 0.5 to 4 s\n" in body
    assert "- Level of the clips: -40 to -20.5 dBFS\n" in body
    assert "Not tested on telephone calls." in body
    assert "SVC(C=3.0)\n" in body
    assert "model = load_model('model.safetensors')" in body


def test_front_matter_is_yaml(path):
    yaml = pytest.importorskip("yaml")
    front = yaml.safe_load(write_card(path).read_text().split("---\n")[1])
    assert front["license"] == "cc-by-nc-sa-4.0"
    assert front["metrics"] == ["balanced_accuracy", "accuracy"]
    (entry,) = front["model-index"]
    assert entry["name"] == FULL["name"]
    (result,) = entry["results"]
    assert result["task"]["type"] == "audio-classification"
    assert result["dataset"]["name"] == "RAVDESS, nEMO"
    assert [metric["value"] for metric in result["metrics"]] == [0.72, 0.7]


def test_code_on_the_page_runs():
    model = clip_models()["mlp"]
    path = save_model(model, "model.safetensors")
    text = write_card(path).read_text()
    code = text.split("```python\n")[1].split("```")[0]
    assert "Files of any sampling rate are resampled to 16000 Hz." in text
    namespace = {}
    exec(code.replace('["voice.wav"]', "X"), namespace | {"X": clips()}, namespace)
    np.testing.assert_array_equal(namespace["labels"], model.predict(clips()))


def test_page_of_a_model_without_a_file():
    model = fit_table_model("SVC")
    page = write_card(model, "card.md", card=ModelCard(name="Short"))
    text = page.read_text()
    assert "# Short" in text
    assert "load_model('model.safetensors')" in text
    with pytest.raises(TypeError, match="path is None; expected the page to write, because the mo"):
        write_card(model)
    with pytest.raises(TypeError, match="card is a dict; expected a ModelCard or None"):
        write_card(model, "card.md", card={})
    with pytest.raises(ModelFileError, match="there is no such file"):
        write_card("missing.safetensors")


def test_card_from_a_report():
    data = list(np.random.default_rng(0).normal(size=(12, 900)))
    labels, speakers = ["anger", "fear"] * 6, np.repeat(["a", "b", "c"], 4)
    report = evaluate(DummyClassifier(), data, labels, speakers, cv=3, corpus="noise")
    card = ModelCard.from_report(report, license="bsd-3-clause")
    assert card.corpora == ("noise",)
    assert card.date == report.date[:10]
    assert card.scores["balanced accuracy (UAR)"] == (0.5, 0.5, 0.5)
    assert card.evaluation.startswith("speaker-independent: ")
    assert card.evaluation.endswith("Tested on 12 clips of 3 speakers.")
    assert ModelCard.from_report(report, date="").date == ""
    unknown = evaluate(DummyClassifier(), data, labels, "unknown", cv=3)
    assert ModelCard.from_report(unknown).scores["accuracy"] == (0.5,)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"name": 3}, TypeError, "name is a int; expected a string"),
        ({"summary": "a" * 10_001}, ValueError, "summary has 10001 characters; expected at most"),
        ({"languages": "en"}, TypeError, "languages is 'en'; expected a list of strings"),
        ({"corpora": [1]}, TypeError, "corpora is a int; expected a string"),
        ({"corpora": ["a"] * 101}, ValueError, "corpora has 101 entries; expected at most 100"),
        ({"scores": []}, TypeError, "scores is a list; expected a dict"),
        ({"scores": {"a": (1, 2)}}, ValueError, r"scores\['a'\] is \(1, 2\); expected a number"),
        ({"scores": {"a": math.nan}}, ValueError, r"scores\['a'\] is nan; expected a number"),
        ({"scores": {1: 0.5}}, TypeError, "a key of scores is a int; expected a string"),
        ({"scores": {str(n): 0 for n in range(101)}}, ValueError, "scores has 101 entries"),
        ({"audio": {"pitch": (1, 2)}}, ValueError, "audio has 'pitch'; expected duration, level"),
        ({"audio": {"level": (2, 1)}}, ValueError, r"audio\['level'\] is \(2, 1\); expected two"),
    ],
)
def test_bad_cards(parameters, error, message):
    with pytest.raises(error, match=message):
        ModelCard(**parameters)


def test_information_on_a_model():
    model = clip_models()["cnn and logistic regression"]
    path = save_model(model, "model.safetensors")
    info = model_info(path)
    assert list(info) == [
        *("format", "versions", "classes", "sr", "card", "encoder", "outline"),
        *("n_values", "n_bytes", "model", "tensors"),
    ]
    assert info["classes"] == ["anger", "fear", "sadness"]
    assert info["n_bytes"] == path.stat().st_size
    assert info["outline"][0] == "Pipeline()"
    assert info["outline"][1] == "  MFCCTransformer(n_mfcc=13)"
    assert any(line.startswith("  CNNEmbedder(") for line in info["outline"])
    assert "    SpectrogramCNN(channels=(4, 4, 4), se_ratio=0.25)" in info["outline"]
    assert info["outline"][-1] == "  LogisticRegression()"
    (name,) = [name for name in info["tensors"] if name.endswith("history_.values")]
    assert info["tensors"][name] == {"dtype": "float64", "shape": [1, 3]}
    assert info["n_values"] > 1000
    assert info["encoder"] is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "voting",
            [
                "VotingClassifier(voting='soft', weights=[2, 5, 1])",
                "  LogisticRegression()",
                "  GaussianNB()",
            ],
        ),
        ("passthrough", ["Pipeline()", "  LogisticRegression()"]),
        ("LogisticRegression", ["LogisticRegression()"]),
    ],
)
def test_outline(name, expected):
    path = save_model(fit_table_model(name), "model.safetensors")
    assert model_info(path)["outline"] == expected


def test_numbers_in_an_outline():
    model = SVC(C=np.float64(0.5), gamma=2.0, class_weight={"anger": 1.0}).fit(*table())
    path = save_model(model, "model.safetensors")
    assert model_info(path)["outline"] == ["SVC(C=0.5, gamma=2.0)"]
    node = {"estimator": "A", "params": {"x": {"float": "inf"}, "y": {"tuple": [1]}, "z": [2]}}
    assert outline(node) == ["A(x=inf, y=(1,), z=[2])"]


def test_equal_neighbors_in_an_outline_are_one_line():
    one, other = ({"estimator": "A", "params": {"x": x}} for x in (1, 2))
    assert outline([one, one, one, other, one]) == ["A(x=1), 3 times", "A(x=2)", "A(x=1)"]


def test_information_needs_neither_torch_nor_scikit_learn(path):
    code = (
        "import sys, ser_estimators.models as m; "
        f"m.model_info({str(path.resolve())!r}); "
        "print([name for name in ('torch', 'sklearn', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_ranges_of_audio():
    time = np.arange(16000) / 16000
    tone = np.sin(2 * np.pi * 1000 * time)
    found = describe_audio([0.1 * tone, 0.5 * tone[:8000]], coverage=1.0)
    assert found["duration"] == (0.5, 1.0)
    assert found["level"] == (-23.0, -9.0)
    low, high = found["bandwidth"]
    assert 980 <= low <= high <= 1100
    noise = np.random.default_rng(0).normal(scale=0.1, size=16000)
    assert describe_audio([noise])["bandwidth"] == (8000, 8000)
    assert describe_audio([np.zeros(10)])["level"] == (-120, -120)
    assert describe_audio([noise] * 99 + [noise[:160]])["duration"][0] > 0.5
    ModelCard(audio=found)


def test_bad_arguments_of_describe_audio():
    with pytest.raises(ValueError, match="coverage == 0, must be > 0"):
        describe_audio([np.ones(9)], coverage=0)
    with pytest.raises(ValueError, match="sr == 0, must be >= 1"):
        describe_audio([np.ones(9)], sr=0)
    with pytest.raises(TypeError, match="verbose must be an instance of int"):
        describe_audio([np.ones(9)], verbose="a")
    with pytest.raises(AudioReadError, match=r"Could not read 'a.wav'"):
        describe_audio(["a.wav"])
    with pytest.raises(AudioReadError, match="2 of 2 clips"):
        describe_audio(["a.wav", "b.wav"])
