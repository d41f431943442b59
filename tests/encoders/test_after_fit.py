"""After the fit: pickles, encoders that have moved, parameters that were changed."""

import os
import pickle
import shutil

import numpy as np
import pytest

from ser_estimators import EncoderEmbedder
from ser_estimators.exceptions import EncoderError

from .helpers import save_encoder


def make(folder, **params):
    return EncoderEmbedder(folder, **{"layers": 2, "precision": "float32"} | params)


def test_a_pickle_holds_a_digest_and_no_weights(whisper_folder, voices, tmp_path):
    shutil.copytree(whisper_folder, tmp_path / "encoder")
    embedder = make(tmp_path / "encoder").fit(voices.data)
    expected = embedder.transform(voices.data[:3])
    content = pickle.dumps(embedder)
    assert len(content) < 1000
    loaded = pickle.loads(content)
    np.testing.assert_array_equal(loaded.transform(voices.data[:3]), expected)
    (tmp_path / "encoder").rename(tmp_path / "moved")
    with pytest.raises(
        ValueError, match="fitted with a folder, but there is no folder .*set_params"
    ):
        loaded.transform(voices.data[:3])
    loaded.set_params(model=tmp_path / "moved")
    np.testing.assert_array_equal(loaded.transform(voices.data[:3]), expected)


def test_other_weights_are_refused(whisper_folder, voices, tmp_path):
    embedder = make(whisper_folder).fit(voices.data)
    save_encoder(tmp_path / "other", seed=1)
    embedder.set_params(model=tmp_path / "other")
    with pytest.raises(
        ValueError, match=r"is not the one that this model was fitted with: its SHA"
    ):
        embedder.transform(voices.data)


def test_a_relative_folder_never_becomes_a_name_on_the_hub(whisper_folder, voices, monkeypatch):
    shutil.copytree(whisper_folder, "wk/enc")
    embedder = make("wk/enc").fit(voices.data)
    expected = embedder.transform(voices.data[:2])
    os.mkdir("elsewhere")
    monkeypatch.chdir("elsewhere")
    message = r"no folder 'wk/enc' in '.*elsewhere'; pass .* set_params\(model=\.\.\.\)"
    with pytest.raises(EncoderError, match=message):
        embedder.transform(voices.data[:2])
    embedder.set_params(model="../wk/enc")
    np.testing.assert_array_equal(embedder.transform(voices.data[:2]), expected)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"pooling": ("mean",)},
            r"pooling has changed from \('mean', 'std'\) to \('mean',\) since",
        ),
        ({"pooling": ["std", "mean"]}, "pooling has changed"),
        ({"speeds": (0.9, 1.0)}, r"speeds has changed from \(1\.0,\) to \(0\.9, 1\.0\) since fit"),
        ({"speeds": [1.1]}, "speeds has changed"),
        ({"layers": [1, 2]}, r"layers has changed from \(2,\) to \(1, 2\) since fit; fit again"),
        ({"layers": 0}, "layers has changed"),
        ({"layers": 9}, "layers contains 9, must be from 0 to 3"),
    ],
)
def test_parameters_of_the_columns_cannot_change(whisper_folder, voices, params, message):
    embedder = make(whisper_folder).fit(voices.data)
    names = embedder.get_feature_names_out()
    before = embedder.get_params()
    embedder.set_params(**params)
    with pytest.raises(ValueError, match=message):
        embedder.transform(voices.data[:1])
    np.testing.assert_array_equal(embedder.get_feature_names_out(), names)
    embedder.set_params(**before).transform(voices.data[:1])
    if params != {"layers": 9}:
        embedder.set_params(**params).fit(voices.data).transform(voices.data[:1])


def test_the_same_parameters_in_another_form(whisper_folder, voices):
    embedder = make(whisper_folder).fit(voices.data)
    expected = embedder.transform(voices.data[:1])
    embedder.set_params(pooling=np.array(["mean", "std"]), speeds=[1], layers=[-2])
    np.testing.assert_array_equal(embedder.transform(voices.data[:1]), expected)
