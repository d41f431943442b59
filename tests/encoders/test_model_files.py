"""Model files of pipelines with an encoder: its name and digest, not its weights."""

import shutil

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from ser_estimators import EncoderEmbedder, load_model, save_model
from ser_estimators.models import model_info

from .helpers import save_encoder


@pytest.fixture
def model(whisper_folder, voices, tmp_path):
    shutil.copytree(whisper_folder, tmp_path / "encoder")
    embedder = EncoderEmbedder(tmp_path / "encoder", precision="float32")
    pipe = make_pipeline(embedder, LogisticRegression())
    return pipe.fit(voices.data, voices.target, encoderembedder__groups=voices.speakers)


def test_round_trip(model, voices):
    path = save_model(model, "model.safetensors")
    assert path.stat().st_size < 20_000
    loaded = load_model(path)
    np.testing.assert_array_equal(
        loaded.predict_proba(voices.data), model.predict_proba(voices.data)
    )
    embedder = loaded[0]
    assert embedder.layers_ == model[0].layers_
    np.testing.assert_array_equal(embedder.layer_scores_, model[0].layer_scores_)
    info = model_info(path)
    assert info["sr"] == 16000
    assert "EncoderEmbedder(model=" in "\n".join(info["outline"])


def test_other_weights_and_a_missing_folder(model, voices, tmp_path):
    loaded = load_model(save_model(model, "model.safetensors"))
    shutil.rmtree(tmp_path / "encoder")
    with pytest.raises(ValueError, match="fitted with a folder, but there is no folder"):
        loaded.predict(voices.data)
    save_encoder(tmp_path / "encoder", seed=3)
    with pytest.raises(ValueError, match="is not the one that this model was fitted with"):
        loaded.predict(voices.data)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("digest_", "0" * 63, "digest_ .* expected a SHA-256"),
        ("digest_", None, "expected a SHA-256"),
        ("layers_", [1], "layers_ .* expected a tuple of numbers"),
        ("layers_", (), "expected a tuple of numbers"),
        ("layers_", (1, 1), "expected each layer once"),
        ("layers_", (-1,), "expected a tuple of numbers"),
        ("layer_scores_", np.array([2.0]), "layer_scores_"),
        ("pooling_", ("mean", "mean"), "pooling_ .* expected a tuple of names of statistics"),
        ("pooling_", ("max",), "pooling_"),
        ("speeds_", (3.0,), "speeds_ .* expected a tuple of speeds from 0.5 to 2"),
        ("speeds_", (), "speeds_"),
        ("embedding_dim_", 0, "embedding_dim_"),
        ("sr_", "16000", "sr_"),
        ("license_", 3, "license_"),
    ],
)
def test_attributes_that_fit_does_not_set(model, name, value, message):
    setattr(model[0], name, value)
    with pytest.raises(ValueError, match=message):
        save_model(model, "model.safetensors")


def test_a_range_of_layers_comes_back_as_a_tuple(whisper_folder, voices):
    embedder = EncoderEmbedder(whisper_folder, layers=range(1, 3), precision="float32")
    pipe = make_pipeline(embedder, LogisticRegression()).fit(voices.data, voices.target)
    loaded = load_model(save_model(pipe, "model.safetensors"))
    assert loaded[0].layers == (1, 2)
    np.testing.assert_array_equal(loaded.predict(voices.data[:3]), pipe.predict(voices.data[:3]))
