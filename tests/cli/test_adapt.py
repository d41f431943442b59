"""ser adapt: a model that has heard labeled recordings."""

from pathlib import Path

import numpy as np
import pytest

from ser_estimators import adapt_model, load_model, save_model
from ser_estimators.models import ModelCard, model_info


@pytest.fixture
def safe_file(model):
    card = ModelCard(corpora=["acted"], limitations="Acted speech.")
    return save_model(model, "model.safetensors", card=card)


def test_adapts_and_saves(run, model, safe_file, folder):
    done = run("adapt", folder, "-m", safe_file, "-o", "own.safetensors")
    assert (done.status, done.out) == (0, "")
    assert done.err.splitlines() == [
        "36 clips, 6 speakers, 3 emotions: anger, neutral, sadness",
        "Saved own.safetensors",
    ]
    paths = sorted(map(str, folder.rglob("*.wav")))
    expected = adapt_model(model, paths, [path.split("/")[-2] for path in paths])
    found = load_model("own.safetensors")
    np.testing.assert_allclose(found.predict_proba(paths), expected.predict_proba(paths), atol=1e-6)
    assert np.abs(found.predict_proba(paths) - model.predict_proba(paths)).max() > 0.01
    card = model_info("own.safetensors")["card"]
    assert card["limitations"] == "Acted speech. Adapted to 36 clips of recordings."
    assert card["corpora"] == ["acted"]


def test_how_far(run, model, model_file, folder, voices):
    run("adapt", folder, "-m", model_file, "-o", "own.safetensors", "--C", 1e-9)
    found = load_model("own.safetensors").predict_proba(voices.data)
    np.testing.assert_allclose(found, model.predict_proba(voices.data), atol=1e-4)
    done = run("adapt", folder, "-m", model_file, "-o", "own.safetensors", "--C", 0)
    assert done.status == 2


def test_other_labels(run, model_file, voices):
    rows = [f"{path},emotion {index % 2}" for index, path in enumerate(voices.data[:6])]
    Path("labels.csv").write_text("\n".join(["path,emotion", *rows]))
    done = run("adapt", "labels.csv", "-m", model_file, "-o", "own.safetensors")
    assert done.status == 2
    assert "y contains 'emotion 0', which the model does not predict" in done.err
    assert not Path("own.safetensors").exists()
