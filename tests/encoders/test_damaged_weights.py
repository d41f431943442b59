"""Weights with NaN: the error comes before an embedding, and before the cache."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from ser_estimators import EncoderEmbedder
from ser_estimators.exceptions import EncoderError


@pytest.fixture(params=[float("nan"), float("inf")])
def damaged(whisper_folder, tmp_path, request):
    """Copy the encoder with a single wrong weight."""
    folder = shutil.copytree(whisper_folder, tmp_path / "encoder")
    weights = load_file(folder / "model.safetensors")
    weights["encoder.layers.1.fc1.weight"][3, 2] = request.param
    save_file(weights, folder / "model.safetensors")
    return folder


@pytest.mark.parametrize("layers", [2, "auto"])
@pytest.mark.parametrize("memory", [None, "cache"])
def test_nan_is_neither_returned_nor_cached(damaged, voices, layers, memory):
    embedder = EncoderEmbedder(damaged, layers=layers, precision="float32", memory=memory)
    message = r"encoder '.*encoder' contain NaN or infinity, .* download the model again"
    with pytest.raises(EncoderError, match=message):
        embedder.fit(voices.data[:8], voices.target[:8]).transform(voices.data[:8])
    assert not list(Path("cache").rglob("*.npy")) + list(Path("cache").rglob("*.npz"))
    with pytest.raises(EncoderError, match=message):
        embedder.fit_transform(voices.data[:8], voices.target[:8])


def test_layers_before_the_damage_can_be_used(damaged, voices):
    embedder = EncoderEmbedder(damaged, layers=1, precision="float32")
    assert np.isfinite(embedder.fit_transform(voices.data[:4])).all()
