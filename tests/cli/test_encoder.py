"""Pretrained encoders on the command line: training, and models whose encoder has moved."""

import json
import shutil
from pathlib import Path

import joblib
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from ser_estimators import EncoderEmbedder, models

from ..encoders.helpers import save_encoder


def test_an_encoder(run, folder, voices):
    save_encoder("encoder")
    args = ["--encoder", "encoder", "--memory", "cache", "-q"]
    args += ["--set", "encoder__layers=2", "--set", "voting__n_members=1"]
    done = run("train", folder, "-o", "m.safetensors", *args)
    assert (done.status, done.err) == (0, "")
    model = models.load_model("m.safetensors")
    # No absolute path, which may contain the name of a person.
    assert model["encoder"].model == "encoder"
    assert model["encoder"].layers_ == (2,)
    assert model["encoder"].memory is None
    assert run("predict", "-m", "m.safetensors", voices.data[0]).status == 0
    assert "EncoderEmbedder" in run("info", "m.safetensors").out
    done = run("export", "m.safetensors", "-o", "m.onnx")
    assert done.status == 1
    assert "whose weights are not part of the model" in done.err
    shutil.rmtree("encoder")
    done = run("predict", "-m", "m.safetensors", voices.data[0])
    assert done.status == 1
    assert "no folder 'encoder' in '" in " ".join(done.err.split())


def test_an_encoder_chooses_layers_on_held_out_speakers(run, folder):
    save_encoder("encoder")
    done = run("train", folder, "-o", "m.joblib", "--encoder", "encoder", "-q")
    assert (done.status, done.err) == (0, "")
    assert joblib.load("m.joblib")["encoder"].layer_scores_.shape == (4,)
    assert joblib.load("m.joblib")["voting"].temperature_ != 1.0


def test_a_missing_encoder(run, folder):
    done = run("train", folder, "-o", "m.joblib", "--encoder", "no/such/encoder", "-q")
    assert done.status == 1
    assert "There is no folder 'no/such/encoder'" in " ".join(done.err.split())
    assert not Path("m.joblib").exists()


@pytest.fixture(scope="module")
def trained(voices, tmp_path_factory):
    """Fit a model with an encoder, whose folder is then moved to moved/."""
    root = tmp_path_factory.mktemp("trained")
    save_encoder(root / "encoder")
    (root / "encoder" / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    embedder = EncoderEmbedder(root / "encoder", layers=[1, 2], precision="float32")
    pipe = make_pipeline(embedder, LogisticRegression()).fit(voices.data, voices.target)
    models.save_model(pipe, root / "m.safetensors")
    joblib.dump(pipe, root / "m.joblib")
    (root / "encoder").rename(root / "moved")
    return root, pipe


def test_an_adapted_model_says_where_the_encoder_was(run, folder, voices, trained):
    """It does not contain a path of this machine."""
    root, pipe = trained
    args = ["-m", root / "m.safetensors", "--encoder", root / "moved", "-q"]
    done = run("adapt", folder, *args, "-o", "own.safetensors")
    assert (done.status, done.err) == (0, "")
    own = models.load_model("own.safetensors")
    assert Path(own[0].model) == Path(pipe[0].model) == root / "encoder"
    own[0].set_params(model=root / "moved")
    assert own.predict(voices.data).shape == (36,)


@pytest.mark.parametrize("name", ["m.safetensors", "m.joblib"])
def test_an_encoder_that_has_moved(run, folder, voices, trained, name):
    root, _ = trained
    args = ["-m", root / name, "--csv", voices.data[0]]
    done = run("predict", *args)
    assert done.status == 1
    assert "pass the one in which the encoder is now with --encoder" in " ".join(done.err.split())
    done = run("predict", "--encoder", root / "moved", *args)
    assert (done.status, done.err) == (0, "")
    args = ["-m", root / name, "--conditions", "room 0.4 s", "-q"]
    assert run("stress", folder, "--encoder", root / "moved", *args).status == 0
    done = run("stress", folder, *args)
    assert done.status == 1
    assert "with --encoder" in " ".join(done.err.split())


def test_another_encoder_is_refused(run, voices, trained):
    root, _ = trained
    save_encoder("other", seed=5)
    done = run("predict", "--encoder", "other", "-m", root / "m.joblib", voices.data[0])
    assert done.status == 1
    assert "is not the one that this model was fitted with" in " ".join(done.err.split())


def test_encoders_inside_other_estimators_are_found(run, voices, trained):
    root, _ = trained
    embedder = EncoderEmbedder(root / "moved", layers=1, precision="float32")
    pipe = make_pipeline(embedder, LogisticRegression())
    grid = {"logisticregression__C": [0.1]}
    for model in (GridSearchCV(pipe, grid, cv=2), CalibratedClassifierCV(pipe, cv=2)):
        joblib.dump(model.fit(voices.data, voices.target), "m.joblib")
        loaded = joblib.load("m.joblib")
        shutil.copytree(root / "moved", "here", dirs_exist_ok=True)
        (root / "moved").rename(root / "away")
        try:
            args = ["-m", "m.joblib", voices.data[0]]
            assert run("predict", *args).status == 1
            assert run("predict", "--encoder", "here", *args).status == 0
        finally:
            (root / "away").rename(root / "moved")
        assert loaded.predict(voices.data[:1]).shape == (1,)


def test_a_model_without_an_encoder(run, voices, model_file):
    done = run("predict", "--encoder", "x", "-m", model_file, voices.data[0])
    assert done.status == 2
    assert "has no pretrained encoder; omit --encoder" in " ".join(done.err.split())


@pytest.mark.parametrize(
    "command", [("train", "x", "-o", "m.joblib"), ("evaluate", "x"), ("predict", "x")]
)
def test_an_empty_name(run, command):
    done = run(*command, "--encoder", "")
    assert done.status == 2
    assert "it is empty; expected a folder or a name" in " ".join(done.err.split())


def test_information_on_the_encoder(run, trained):
    root, pipe = trained
    expected = {
        "model": str(root / "encoder"),
        "revision": None,
        "license": "apache-2.0",
        "layers": [1, 2],
        "digest": pipe[0].digest_,
    }
    assert json.loads(run("info", "--json", root / "m.safetensors").out)["encoder"] == expected
    for name in ("m.safetensors", "m.joblib"):
        text = run("info", root / name).out
        assert pipe[0].digest_ in text.replace("\n", "").replace(" ", "")
        assert "apache-2.0" in text
        assert "1, 2" in text
    page = models.write_card(root / "m.safetensors", "card.md").read_text()
    assert "## Pretrained encoder" in page
    assert "- License: apache-2.0" in page
    assert "- Layers: 1, 2" in page
    assert f"- SHA-256: {pipe[0].digest_}" in page
    pipe[0].license_ = None
    models.save_model(pipe, "m.safetensors")
    pipe[0].license_ = "apache-2.0"
    assert "- License: unknown" in models.write_card("m.safetensors").read_text()
