"""ser export: a thin layer over export_onnx."""

import json
from pathlib import Path

import pytest

import ser_estimators

from .helpers import SMALL


def test_the_public_function_is_called(run, model, model_file, monkeypatch):
    def export_onnx(loaded, path, card):
        assert card is None
        print("a library prints")
        assert type(loaded) is type(model)
        Path(path).write_bytes(b"x" * 2_000_000)

    monkeypatch.setattr(ser_estimators, "export_onnx", export_onnx)
    done = run("export", model_file, "-o", "m.onnx")
    assert (done.status, done.out) == (0, "")
    assert done.err == "a library prints\nSaved m.onnx (2.0 MB)\n"


def test_models_that_cannot_be_exported(run, model_file, monkeypatch):
    def export_onnx(loaded, path, card):
        raise ValueError("StandardScaler\nis not supported; use joblib")

    monkeypatch.setattr(ser_estimators, "export_onnx", export_onnx)
    done = run("export", model_file, "-o", "m.onnx")
    assert (done.status, done.out) == (1, "")
    assert done.err == "ser: error: StandardScaler is not supported; use joblib\n"


def test_a_model_file_and_its_card(run, folder):
    onnxruntime = pytest.importorskip("onnxruntime")
    done = run("train", folder, "-o", "m.safetensors", *SMALL, "--set", "cnn__max_epochs=2")
    assert done.status == 0
    done = run("export", "m.safetensors", "-o", "m.onnx")
    assert (done.status, done.out) == (0, "")
    metadata = onnxruntime.InferenceSession("m.onnx").get_modelmeta().custom_metadata_map
    assert json.loads(metadata["classes"]) == ["anger", "neutral", "sadness"]
    assert "- Corpora: recordings" in metadata["card"]


def test_wrong_usage(run, model_file):
    for output, message in (("m.pt", "'m.pt' does not end in .onnx"), ("no/m.onnx", "no folder")):
        done = run("export", model_file, "-o", output)
        assert done.status == 2
        assert message in done.err
