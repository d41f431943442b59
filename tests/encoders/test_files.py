"""Files of an encoder: what is found, what is refused, and what is never run."""

import json
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from ser_estimators._encoders.files import find_files
from ser_estimators._encoders.loading import load_encoder, shape_of
from ser_estimators.exceptions import EncoderError

from .helpers import change_json


@pytest.fixture
def folder(whisper_folder):
    """Copy a tiny encoder, to be damaged."""
    shutil.copytree(whisper_folder, "encoder")
    return Path("encoder")


def find(folder):
    return find_files(folder, revision=None, local_files_only=True)


def load(folder):
    files = find(folder)
    n_layers = shape_of(files).n_layers
    return load_encoder(files, n_layers=n_layers, device="cpu", dtype=torch.float32)


def test_files_of_a_folder(folder):
    files = find(folder)
    assert files.weights == (folder / "model.safetensors",)
    assert files.revision is files.license is None
    assert shape_of(files) == (3, 16, 16000)
    assert len(files.digest) == 64


@pytest.mark.parametrize(
    ("card", "license_name"),
    [
        ("---\nlicense: apache-2.0\ntags: [a]\n---\n# A model", "apache-2.0"),
        ("---\nlanguage: en\nlicense: 'mit'\n---\n", "mit"),
        ("# A model\nlicense: mit", None),
        ("---\nlanguage: en\n---\nlicense: mit", None),
        ("", None),
    ],
)
def test_the_license_is_that_of_the_card(folder, card, license_name):
    (folder / "README.md").write_text(card)
    assert find(folder).license == license_name


def test_the_digest_is_that_of_weights_and_settings(folder, tmp_path):
    digest = find(folder).digest
    (folder / "README.md").write_text("a card")
    copy = shutil.copytree(folder, tmp_path / "copy")
    assert find(folder).digest == find(copy).digest == digest
    change_json(copy / "preprocessor_config.json", dither=1.0)
    assert find(copy).digest != digest
    weights = load_file(folder / "model.safetensors")
    weights["encoder.conv1.bias"][0] += 1
    save_file(weights, folder / "model.safetensors")
    assert find(folder).digest != digest


def test_weights_in_several_files(folder):
    weights = load_file(folder / "model.safetensors")
    names = sorted(weights)
    shards = {"model-00001-of-00002.safetensors": names[::2]}
    shards["model-00002-of-00002.safetensors"] = names[1::2]
    for shard, part in shards.items():
        save_file({name: weights[name] for name in part}, folder / shard)
    index = {"weight_map": {name: shard for shard, part in shards.items() for name in part}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    expected = load(folder).conv1.weight
    (folder / "model.safetensors").unlink()
    assert torch.equal(load(folder).conv1.weight, expected)
    (folder / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(EncoderError, match=r"lacks model-00002-of-00002\.safetensors, which"):
        find(folder)


@pytest.mark.parametrize("shard", ["../other.safetensors", "/etc/passwd", 3, "a/b.safetensors"])
def test_an_index_cannot_lead_out_of_the_folder(folder, shard):
    (folder / "model.safetensors").rename(folder.parent / "other.safetensors")
    index = {"weight_map": {"encoder.conv1.weight": shard}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(EncoderError, match="does not list safetensors files"):
        find(folder)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("config.json", "has no config.json; expected a folder as save_pretrained"),
        ("preprocessor_config.json", "has no preprocessor_config.json; expected a folder"),
        (
            "model.safetensors",
            "has no file model.safetensors. Weights in other formats can run code",
        ),
    ],
)
def test_missing_files(folder, name, message):
    (folder / name).unlink()
    with pytest.raises(EncoderError, match=message):
        find(folder)


def test_pickles_are_not_loaded(folder):
    class Attack:
        def __reduce__(self):
            return Path("attacked").touch, ()

    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Attack()))
    with pytest.raises(EncoderError, match="has no file model.safetensors"):
        find(folder)
    assert not Path("attacked").exists()


def test_code_of_a_model_is_not_run(folder):
    (folder / "modeling_evil.py").write_text("open('attacked', 'w')")
    change_json(folder / "config.json", auto_map={"AutoModel": "modeling_evil.Evil"})
    load(folder)
    assert not Path("attacked").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "bert"}, "is of the type 'bert'; expected one of whisper, wav2vec2, hub"),
        ({"model_type": None}, "is of the type None; expected one of"),
        ({"model_type": "evil"}, "is of the type 'evil'"),
        ({"encoder_layers": 0}, "has encoder_layers == 0; expected a positive whole number"),
        ({"encoder_layers": "3"}, "has encoder_layers == '3'"),
        ({"d_model": None}, "has d_model == None"),
        ({"d_model": 32}, "do not fit its configuration: .* has the shape"),
        ({"encoder_layers": 4}, "lack 15 of 67 tensors: 'layers.3.fc1.bias'"),
        ({"activation_function": "evil"}, "Could not build the encoder .* from its WhisperConfig"),
        ({"encoder_attention_heads": 3}, "Could not build the encoder"),
        ({"encoder_attention_heads": 0}, r"from its WhisperConfig \(ZeroDivisionError: "),
        ({"encoder_ffn_dim": "x"}, "Could not build .* download the model again"),
    ],
)
def test_a_damaged_configuration(folder, changes, message):
    change_json(folder / "config.json", **changes)
    with pytest.raises(EncoderError, match=message):
        load(folder)


@pytest.mark.parametrize("value", [0, -160, "160", 1.5, None])
@pytest.mark.parametrize("name", ["hop_length", "n_fft"])
def test_a_damaged_front_end(folder, name, value):
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))
    with pytest.raises(EncoderError, match=f"has {name} == {value!r}; expected a positive whole"):
        load(folder)


def test_damaged_convolutions(encoder_folders):
    folder = shutil.copytree(encoder_folders["hubert"], "hubert")
    change_json(Path(folder) / "config.json", conv_stride=[5, 0, 8])
    with pytest.raises(EncoderError, match="has conv_stride == 0; expected a positive whole"):
        load(folder)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("model.safetensors", "has no file model.safetensors"),
        ("config.json", r"Could not read config\.json of the encoder"),
    ],
)
def test_a_folder_instead_of_a_file(folder, name, message):
    (folder / name).unlink()
    (folder / name).mkdir()
    with pytest.raises(EncoderError, match=message):
        find(folder)


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json", "model.safetensors"])
def test_links_to_nothing_are_named(folder, name):
    """A copied snapshot of the cache of the hub has such links."""
    (folder / name).unlink()
    (folder / name).symlink_to("../../blobs/0123")
    message = (
        rf"{name} of the encoder 'encoder' is a symbolic link to '\.\./\.\./blobs/0123', which"
    )
    with pytest.raises(EncoderError, match=message):
        find(folder)


@pytest.mark.parametrize("content", ["", "{", "[]", "\xff\xfe"])
def test_a_file_that_is_not_json(folder, content):
    (folder / "config.json").write_text(content, encoding="latin-1")
    with pytest.raises(EncoderError, match=r"Could not read config\.json of the encoder"):
        find(folder)


@pytest.mark.parametrize("n_bytes", [0, 5, 1000, -7])
def test_truncated_weights(folder, n_bytes):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:n_bytes])
    with pytest.raises(EncoderError, match="Could not read the weights of the encoder 'encoder'"):
        load(folder)


def test_weights_of_another_model(folder, encoder_folders):
    shutil.copy(encoder_folders["hubert"] / "model.safetensors", folder)
    with pytest.raises(EncoderError, match=r"have 0 tensors 'encoder\.conv1\.weight'; expected"):
        load(folder)


@pytest.mark.parametrize("name", ["no/such/folder", "./nothing", "/nothing", "C:\\x"])
def test_a_missing_folder(name):
    with pytest.raises(EncoderError, match="There is no folder"):
        find_files(name, revision=None, local_files_only=True)
