"""Encoders in memory: modules of transformers with the weights of safetensors files."""

from __future__ import annotations

import importlib
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .._utils.text import listed
from ..exceptions import EncoderError
from .family import Family
from .files import EncoderFiles
from .wav2vec2 import Wav2Vec2Family, WavLMFamily
from .whisper import WhisperFamily

__all__ = ["MODEL_TYPES", "EncoderShape", "load_encoder", "shape_of"]


class _Kind(NamedTuple):
    """How encoders of one type are built.

    Parameters
    ----------
    module : str
        Module of transformers, relative to ``transformers.models``.
    config, model : str
        Names of the classes.
    family : type
    n_layers, width : str
        Names of the number of layers and of the size of hidden states in the configuration.
    part : str
        Part of the name of a tensor that every checkpoint has; what precedes it is removed from all
        names.
    """

    module: str
    config: str
    model: str
    family: Any
    n_layers: str = "num_hidden_layers"
    width: str = "hidden_size"
    part: str = "feature_extractor.conv_layers.0.conv.weight"


# By the model_type of the configuration.
_KINDS = {
    "whisper": _Kind(
        "whisper",
        "WhisperConfig",
        "WhisperEncoder",
        WhisperFamily,
        n_layers="encoder_layers",
        width="d_model",
        part="conv1.weight",
    ),
    "wav2vec2": _Kind("wav2vec2", "Wav2Vec2Config", "Wav2Vec2Model", Wav2Vec2Family),
    "hubert": _Kind("hubert", "HubertConfig", "HubertModel", Wav2Vec2Family),
    "wavlm": _Kind("wavlm", "WavLMConfig", "WavLMModel", WavLMFamily),
    "data2vec-audio": _Kind(
        "data2vec", "Data2VecAudioConfig", "Data2VecAudioModel", Wav2Vec2Family
    ),
}
MODEL_TYPES = tuple(_KINDS)
# Names of the two parts of normalized weights in older checkpoints, and today's.
_FORMER_NAMES = {
    "conv.weight_g": "conv.parametrizations.weight.original0",
    "conv.weight_v": "conv.parametrizations.weight.original1",
}
_MAX_SETTING = 1 << 20
# Settings that have to be positive whole numbers, or lists of them, where they are given.
_SIZES = ("n_fft", "hop_length", "conv_kernel", "conv_stride")
_LAYER = re.compile(r"(?:encoder\.)?layers\.(\d{1,4})\.")
# Tensors that only pretraining uses.
_UNUSED = ("masked_spec_embed",)

# Clones in a search share the encoders that were used last.
_MAX_LOADED = 2
_loaded: OrderedDict[tuple[Any, ...], Family] = OrderedDict()
_lock = threading.Lock()


class EncoderShape(NamedTuple):
    """What the configuration says about an encoder.

    Parameters
    ----------
    n_layers : int > 0
    width : int > 0
        Size of the hidden states.
    sr : int > 0
        Sampling rate in Hz.
    """

    n_layers: int
    width: int
    sr: int


def shape_of(files: EncoderFiles) -> EncoderShape:
    """Return the number of layers, their width and the sampling rate of an encoder.

    Raises
    ------
    EncoderError
        If it is not of a known type, or its configuration is damaged.
    """
    kind = _kind_of(files)
    return EncoderShape(
        _positive(files, files.config, kind.n_layers),
        _positive(files, files.config, kind.width),
        _positive(files, files.preprocessor, "sampling_rate"),
    )


def _positive(files: EncoderFiles, settings: Mapping[str, Any], name: str) -> int:
    value = settings.get(name)
    if type(value) is not int or not 0 < value <= _MAX_SETTING:
        raise EncoderError(
            f"The configuration of the encoder {files.name!r:.200} has {name} == {value!r:.50}; "
            "expected a positive whole number. Download the model again"
        )
    return value


def _check_sizes(files: EncoderFiles) -> None:
    """Raise EncoderError for sizes with which hidden states could not be computed."""
    for settings in (files.preprocessor, files.config):
        for name in set(_SIZES) & set(settings):
            values = settings[name]
            for value in values if isinstance(values, list) else [values]:
                _positive(files, {name: value}, name)


def load_encoder(files: EncoderFiles, *, n_layers: int, device: str, dtype: torch.dtype) -> Family:
    """Load an encoder with its first layers only.

    Parameters
    ----------
    files : EncoderFiles
    n_layers : int >= 0
        Number of layers to load. Neither memory nor time is spent on the others.
    device : str
    dtype : torch.dtype

    Raises
    ------
    EncoderError
        If the files do not contain such an encoder.
    """
    key = files.digest, n_layers, device, dtype
    with _lock:
        if key not in _loaded:
            # Before the new one is loaded, so that there are never more in memory.
            while len(_loaded) >= _MAX_LOADED:
                _loaded.popitem(last=False)
            _loaded[key] = _load(files, n_layers).to(device, dtype).eval().requires_grad_(False)
        _loaded.move_to_end(key)
        return _loaded[key]


def _kind_of(files: EncoderFiles) -> _Kind:
    name = files.config.get("model_type")
    if not isinstance(name, str) or name not in _KINDS:
        raise EncoderError(
            f"The encoder {files.name!r:.200} is of the type {name!r:.80}; expected one of "
            f"{', '.join(MODEL_TYPES)}"
        )
    return _KINDS[name]


def _load(files: EncoderFiles, n_layers: int) -> Family:
    kind = _kind_of(files)
    shape = shape_of(files)
    _check_sizes(files)
    config = getattr(_import(kind, "configuration"), kind.config)
    model_class = getattr(_import(kind, "modeling"), kind.model)
    try:
        settings = config.from_dict({**files.config, kind.n_layers: n_layers})
        settings._attn_implementation = "eager" if kind.family is WavLMFamily else "sdpa"
        with torch.device("meta"):
            model: nn.Module = model_class(settings)
        _fill(model, dict(_read(files, kind, n_layers)), files)
        return kind.family(
            model,
            files.preprocessor,
            sr=shape.sr,
            is_complete=n_layers == shape.n_layers,
        )
    except EncoderError:
        raise
    except Exception as error:
        # Of any kind, because a configuration can have any value.
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise EncoderError(
            f"Could not build the encoder {files.name!r:.200} from its {kind.config} "
            f"({reason:.300}); download the model again"
        ) from error


def _import(kind: _Kind, part: str) -> Any:
    name = "data2vec_audio" if kind.module == "data2vec" else kind.module
    return importlib.import_module(f"transformers.models.{kind.module}.{part}_{name}")


def _read(files: EncoderFiles, kind: _Kind, n_layers: int) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of the first layers and of what precedes them, by their names in the model.

    Tensors of other layers and of a decoder are not read.
    """
    from safetensors import SafetensorError, safe_open

    marks = ("encoder." if kind.family is WhisperFamily else "") + kind.part
    try:
        with_names = []
        for path in files.weights:
            file = safe_open(path, framework="pt")
            with_names += [(name, file) for name in file.keys()]  # noqa: SIM118
        starts = {name[: -len(kind.part)] for name, _ in with_names if name.endswith(marks)}
        if len(starts) != 1:
            raise EncoderError(
                f"The weights of the encoder {files.name!r:.200} have {len(starts)} tensors "
                f"{marks!r}; expected one, as in every model of this type"
            )
        start = starts.pop()
        for name, file in with_names:
            if name.startswith(start) and _layer_of(name[len(start) :]) < n_layers:
                own = name[len(start) :]
                for former, today in _FORMER_NAMES.items():
                    if own.endswith(former):
                        own = own.removesuffix(former) + today
                yield own, file.get_tensor(name)
    except (OSError, SafetensorError) as error:
        raise EncoderError(
            f"Could not read the weights of the encoder {files.name!r:.200}: {error!s:.200}; "
            "download the model again"
        ) from error


def _layer_of(name: str) -> int:
    """Return the number of the layer that a tensor belongs to, -1 for the parts before."""
    found = _LAYER.match(name)
    return int(found[1]) if found else -1


def _fill(model: nn.Module, tensors: dict[str, Tensor], files: EncoderFiles) -> None:
    """Make tensors the weights of a module on the meta device."""
    own = model.state_dict()
    missing = sorted(set(own) - set(tensors) - {name for name in own if name.endswith(_UNUSED)})
    if missing:
        raise EncoderError(
            f"The weights of the encoder {files.name!r:.200} lack {len(missing)} of {len(own)} "
            f"tensors: {listed(missing)}; download the model again"
        )
    wrong = [
        f"{name} has the shape {tuple(tensors[name].shape)}, expected {tuple(tensor.shape)}"
        for name, tensor in own.items()
        if name in tensors and tensors[name].shape != tensor.shape
    ]
    if wrong:
        raise EncoderError(
            f"The weights of the encoder {files.name!r:.200} do not fit its configuration: "
            f"{wrong[0]}; download the model again"
        )
    used = {name: tensor for name, tensor in tensors.items() if name in own}
    model.load_state_dict(used, strict=False, assign=True)
