"""Files of an encoder: a folder, or a repository of the Hugging Face Hub."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .._utils.text import represent
from ..exceptions import EncoderError
from .hub import download, is_repository

__all__ = ["EncoderFiles", "check_digest", "find_files"]

CONFIG, PREPROCESSOR = "config.json", "preprocessor_config.json"
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
_CARD = "README.md"
# Nothing else is downloaded: no code, no pickles, no weights in the formats of other libraries.
_WANTED = [CONFIG, PREPROCESSOR, WEIGHTS, INDEX, "model-*.safetensors", _CARD]
_MAX_JSON = 1 << 24  # bytes
_MAX_CARD = 1 << 20
_BLOCK = 1 << 20
# The names of files in an index are of this form, so they cannot lead out of the folder.
_SHARD = re.compile(r"[\w.-]+\.safetensors")
_LICENSE = re.compile(r"^license:[ \t]*[\"']?([\w.+-]+)", re.MULTILINE)


@dataclass(frozen=True)
class EncoderFiles:
    """The files of an encoder.

    Parameters
    ----------
    name : str
        As the user named it.
    weights : tuple of Path
        Files of tensors.
    config, preprocessor : dict
        Content of the JSON files.
    digest : str
        SHA-256 of the weights and of the two JSON files.
    revision : str or None
        Commit of a repository; None for a folder.
    license : str or None
        As the card of the model states it; None if it does not.
    """

    name: str
    weights: tuple[Path, ...]
    config: Mapping[str, Any]
    preprocessor: Mapping[str, Any]
    digest: str
    revision: str | None
    license: str | None


def find_files(
    model: str | os.PathLike[str],
    *,
    revision: str | None,
    local_files_only: bool,
    was_folder: bool = False,
) -> EncoderFiles:
    """Find the files of an encoder, and download them if necessary.

    Parameters
    ----------
    model : str or path-like
        Folder, or name of a repository, such as "openai/whisper-base".
    revision : str or None
        Branch, tag or commit of the repository; None takes its default branch.
    local_files_only : bool
        Whether to use only what has been downloaded before.
    was_folder : bool, default=False
        Whether a model was fitted with a folder. In another working directory, a relative one could
        be mistaken for a repository.

    Raises
    ------
    EncoderError
        If files are missing or damaged. The message says what to do.
    ImportError
        If transformers is not installed.
    """
    if find_spec("transformers") is None:
        raise ImportError(
            "EncoderEmbedder needs transformers, which is not installed; run "
            "\"pip install 'ser_estimators[encoder]'\""
        )
    name = os.fspath(model)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return _in_folder(folder, name, None)
    if was_folder:
        here = "" if folder.is_absolute() else f" in {represent(os.getcwd(), 200)}"
        raise EncoderError(
            f"This model was fitted with a folder, but there is no folder {represent(name, 200)}"
            f"{here}; pass the one in which the encoder is now with set_params(model=...), "
            "encoder__model in a pipeline"
        )
    if not is_repository(name):
        raise EncoderError(
            f"There is no folder {represent(name, 200)}; expected a folder with an encoder, or a "
            "name on the Hugging Face Hub, such as 'openai/whisper-base'"
        )
    folder = download(name, revision, _WANTED, local_files_only=local_files_only)
    return _in_folder(folder, name, folder.name)


def check_digest(files: EncoderFiles, expected: str) -> None:
    """Raise EncoderError if an encoder is not the one that a model was fitted with."""
    if files.digest != expected:
        raise EncoderError(
            f"The encoder in {represent(files.name, 200)} is not the one that this model was "
            f"fitted with: its SHA-256 is {files.digest[:12]}..., expected {expected[:12]}...; "
            "pass that encoder with set_params(model=...), encoder__model in a pipeline, or fit "
            "again"
        )


def _in_folder(folder: Path, name: str, revision: str | None) -> EncoderFiles:
    config_path, preprocessor_path = folder / CONFIG, folder / PREPROCESSOR
    config = _read_json(config_path, name)
    preprocessor = _read_json(preprocessor_path, name)
    weights = _weights_in(folder, name)
    paths = [config_path, preprocessor_path, *weights]
    try:
        digest = _digest(tuple((os.path.abspath(path), *_state(path)) for path in paths))
    except OSError as error:
        raise EncoderError(
            f"Could not read the encoder {name!r:.200}: {error!s:.200}; check its permissions"
        ) from error
    return EncoderFiles(name, weights, config, preprocessor, digest, revision, _license_in(folder))


def _read_json(path: Path, name: str) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MAX_JSON:
            raise ValueError("it is too large")
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError("it is not a JSON object")
    except FileNotFoundError as error:
        _check_link(path, name)
        raise EncoderError(
            f"The encoder {name!r:.200} has no {path.name}; expected a folder as "
            "save_pretrained of transformers writes it, of the model and of its feature extractor"
        ) from error
    except (OSError, ValueError) as error:
        raise EncoderError(
            f"Could not read {path.name} of the encoder {name!r:.200}: {error!s:.200}; download "
            "the model again"
        ) from error
    return found


def _check_link(path: Path, name: str) -> None:
    """Raise EncoderError if a file is a link to nothing, as in a part of a copied cache."""
    if path.is_symlink() and not path.exists():
        raise EncoderError(
            f"{path.name} of the encoder {name!r:.200} is a symbolic link to "
            f"{represent(os.readlink(path), 200)}, which does not exist. The cache of the Hugging "
            "Face Hub consists of links: copy it with 'cp -rL', or download the files with 'hf "
            "download ... --local-dir FOLDER'"
        )


def _weights_in(folder: Path, name: str) -> tuple[Path, ...]:
    _check_link(folder / WEIGHTS, name)
    if (folder / WEIGHTS).is_file():
        return (folder / WEIGHTS,)
    if not (folder / INDEX).exists():
        raise EncoderError(
            f"The encoder {name!r:.200} has no file {WEIGHTS}. Weights in other formats can run "
            "code and are not loaded; choose a revision with safetensors, or convert the model "
            "with save_pretrained of transformers"
        )
    index = _read_json(folder / INDEX, name).get("weight_map")
    shards = sorted(set(index.values())) if isinstance(index, dict) else []
    if not shards or not all(isinstance(each, str) and _SHARD.fullmatch(each) for each in shards):
        raise EncoderError(
            f"{INDEX} of the encoder {name!r:.200} does not list safetensors files; download the "
            "model again"
        )
    for shard in shards:
        _check_link(folder / shard, name)
    missing = [shard for shard in shards if not (folder / shard).is_file()]
    if missing:
        raise EncoderError(
            f"The encoder {name!r:.200} lacks {missing[0]}, which {INDEX} names; download the "
            "model again"
        )
    return tuple(folder / shard for shard in shards)


def _license_in(folder: Path) -> str | None:
    try:
        with open(folder / _CARD, encoding="utf-8", errors="replace") as file:
            text = file.read(_MAX_CARD)
    except OSError:
        return None
    parts = text.split("---", 2)
    if len(parts) < 3 or parts[0].strip():
        return None  # no front matter
    found = _LICENSE.search(parts[1])
    return found[1] if found else None


def _state(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


# Clones in a search ask for the same files many times, and large ones take seconds.
@lru_cache(maxsize=16)
def _digest(keys: tuple[tuple[str, int, int], ...]) -> str:
    digest = hashlib.sha256()
    for path, size, _ in keys:
        digest.update(f"{os.path.basename(path)}\0{size}\0".encode())
        with open(path, "rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()
