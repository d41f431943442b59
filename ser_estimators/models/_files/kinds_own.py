"""The estimators of this package."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np

from ..._features.audio_measures import MEASURES
from ..._features.frame_statistics import FRAME_STATISTICS
from .checks import (
    Check,
    array,
    check_finite_array,
    choice,
    either,
    flag,
    integer,
    items,
    labels,
    mapping,
    names,
    number,
)
from .errors import MismatchError, UnsupportedError
from .kind import Kind, Rows, set_attributes
from .kinds_linear import FEATURES, NAMES

__all__ = ["KINDS", "check_settings"]

_MODULE = "ser_estimators"
# Limits on what a file can say, so that neither loading nor predicting takes memory without end.
# They are far beyond what speech needs.
_LARGEST = {
    "sr": 768_000,
    "n_mfcc": 2048,
    "n_mels": 2048,
    "n_fft": 1 << 16,
    "hop_length": 1 << 20,
}
_MAX_WINDOW = 1 << 16  # parameters of windows, such as a standard deviation in samples
_MAX_TAYLOR = 100  # those of a Taylor window cost their square
_MAX_SIZE = 1 << 16  # channels, units
_MAX_DEPTH = 24
_MAX_VIEWS, _MAX_STRETCH = 1000, 16.0
_HISTORY = ("epoch", "train_loss", "valid_loss", "valid_accuracy", "dur")


def _check_clip_transformer(estimator: Any) -> None:
    """Raise for parameters of a transformer of clips that `transform` would refuse."""
    for name, largest in _LARGEST.items():
        value = getattr(estimator, name, None)
        if isinstance(value, Integral) and int(value) > largest:
            raise MismatchError(
                f"{name} of {type(estimator).__name__} is {value}; expected at most {largest}"
            )
    _check_window(getattr(estimator, "window", None))
    _call(estimator._check_params)


def _check_window(window: Any) -> None:
    numbers = window[1:] if isinstance(window, tuple) else [window]
    limit = _MAX_TAYLOR if isinstance(window, tuple) and "taylor" in window else _MAX_WINDOW
    flat = [
        one for each in numbers for one in (each if isinstance(each, (list, tuple)) else [each])
    ]
    if len(flat) > 20 or any(
        isinstance(one, (int, float)) and not abs(one) <= limit for one in flat
    ):
        raise MismatchError(
            f"window of MFCCTransformer is {window!r:.80}; expected numbers up to {limit}"
        )


def _check_network_parameters(estimator: Any) -> None:
    """Raise for parameters of CNNEmbedder that ``fit`` would refuse, except its device.

    The device need not exist on this machine.
    """
    from ..._estimators.cnn_parameters import check_parameters

    _check_code(estimator)
    _call(lambda: check_parameters(estimator, is_device_needed=False))


def check_settings(estimator: Any) -> None:
    _call(estimator._check_params)


def _call(check: Any) -> None:
    try:
        check()
    except MismatchError:
        raise
    except (TypeError, ValueError) as error:
        raise MismatchError(str(error).rstrip(".")[:300]) from error


def _check_code(estimator: Any) -> None:
    """Raise if an object in the parameters has methods that a file cannot hold."""
    if estimator.callbacks is not None:
        raise UnsupportedError("has callbacks, which are code; set callbacks=None after training")


def _pack_network(estimator: Any, attributes: dict[str, Any]) -> dict[str, Any]:
    if estimator._spec.kind == "custom":
        factory = estimator._spec.arguments["factory"]
        name = getattr(factory, "__qualname__", type(factory).__qualname__)
        raise UnsupportedError(f"has the custom network {name!r:.80}, which is code")
    state = estimator.__getstate__()
    values = {name: state[name] for name in _NETWORK if name in state}
    # As arrays, because a long training has thousands of numbers.
    rows = values["history_"]
    names = [name for name in _HISTORY if any(name in row for row in rows)]
    values["history_"] = {
        "columns": names,
        "values": np.array([[row.get(name, 0.0) for name in names] for row in rows], dtype=float),
        "is_present": np.array([[name in row for name in names] for row in rows], dtype=bool),
    }
    values["module_"]["spec"] = _plain(values["module_"]["spec"])
    tensors = values["module_"]["tensors"]
    for name, tensor in tensors.items():
        # Those of convolutions have another order in memory, into which they are read in parts.
        if tensor.ndim == 4:
            tensors[name] = Rows(tensor)
    return values


def _plain(value: Any) -> Any:
    """Return a description of a network with numbers of Python, because searches set NumPy's."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, tuple):
        # Of any type, because that of a layout is not saved.
        return tuple(map(_plain, value))
    if isinstance(value, Integral):
        return int(value)
    return value.item() if isinstance(value, np.generic) else value


def _unpack_network(estimator: Any, values: dict[str, Any]) -> None:
    from ..._estimators.cnn_state import FORMAT, unpack
    from ..._network.context import default_context

    values = dict(values)
    history = values["history_"]
    names = history["columns"]
    values["history_"] = [
        {
            name: int(value) if name == "epoch" else float(value)
            for name, value, is_there in zip(names, row, present, strict=True)
            if is_there
        }
        for row, present in zip(history["values"], history["is_present"], strict=True)
    ]
    _check_spec(values, estimator)
    with default_context():
        state = values | {"format": FORMAT}
        try:
            attributes = unpack(state, is_owned=True)
        except (RuntimeError, ValueError) as error:
            raise MismatchError(str(error)[:300]) from error
    set_attributes(estimator, attributes)


def _check_spec(values: Mapping[str, Any], estimator: Any) -> None:
    """Check the description of the network before it is built."""
    spec, tensors = values["module_"]["spec"], values["module_"]["tensors"]
    arguments, layout = spec["arguments"], spec["layout"]
    is_cnn = spec["kind"] == "cnn"
    wanted = {"channels", "se_ratio"} if is_cnn else {"hidden_layer_sizes"}
    if not isinstance(arguments, dict) or set(arguments) != wanted:
        raise MismatchError(f"the network has other arguments than {', '.join(sorted(wanted))}")
    sizes = arguments["channels" if is_cnn else "hidden_layer_sizes"]
    are_sizes = isinstance(sizes, tuple) and all(
        type(size) is int and 1 <= size <= _MAX_SIZE for size in sizes
    )
    if not are_sizes or not 1 <= len(sizes) <= _MAX_DEPTH:
        raise MismatchError(f"the network has the sizes {sizes!r:.80}")
    if is_cnn:
        number(0, 1)(arguments["se_ratio"], {})
    if layout is not None:
        _check_layout(layout)
    n_channels = 1 if layout is None else 1 + layout[5]
    expected = {
        "n_channels": n_channels,
        "n_rows": values["n_features_in_"] / n_channels,
        "n_classes": len(values["classes_"]),
    }
    for name, size in expected.items():
        if spec[name] != size:
            raise MismatchError(f"the network has {name}={spec[name]}; expected {size:g}")
    # Each network has tensors of its own, and the inverse DCT has a row for each coefficient.
    if spec["n_networks"] > min(len(tensors), spec["embedding_dim"]):
        raise MismatchError(
            f"the network has n_networks={spec['n_networks']}, more than its tensors"
        )
    if is_cnn and "inputs.inverse_dct" not in tensors:
        raise MismatchError("the network lacks the tensor 'inputs.inverse_dct'")
    step = 2 ** len(sizes)
    for view in values["views_"]:
        if view[2] > step:
            raise MismatchError(f"a view has a delay of {view[2]} frames; expected at most {step}")
    for name, tensor in tensors.items():
        is_scale = name.endswith(("running_var", "inputs.std"))
        if is_scale and isinstance(tensor, np.ndarray) and (tensor < 0).any():
            raise MismatchError(f"the tensor {name!r} has negative values")


def _check_layout(layout: Any) -> None:
    is_known = isinstance(layout, tuple) and len(layout) == 6
    if is_known:
        n_mfcc, n_mels, dct_type, norm, lifter, deltas = layout
        is_known = (
            all(type(size) is int and size > 0 for size in (n_mfcc, n_mels))
            and n_mfcc <= n_mels <= _LARGEST["n_mels"]
            and type(dct_type) is int
            and dct_type == 2
            and norm in ("ortho", None)
            and type(lifter) is float
            and 0 <= lifter < math.inf
            and type(deltas) is int
            and 0 <= deltas <= 2
        )
    if not is_known:
        raise MismatchError(f"the network has the layout {layout!r:.100}")


def _check_tensors(value: Any, sizes: dict[str, int]) -> None:
    if not isinstance(value, dict):
        raise MismatchError("is not a dict of tensors")
    for name, tensor in value.items():
        if isinstance(tensor, Rows):
            is_known = tensor.dtype == "float32" and len(tensor.shape) == 4
        else:
            is_known = isinstance(tensor, np.ndarray) and tensor.dtype.name in ("float32", "int64")
        if not is_known:
            raise MismatchError(f"{name!r:.80} is not a tensor of float32 or int64")
        try:
            for block in tensor.blocks() if isinstance(tensor, Rows) else [tensor]:
                check_finite_array(block)
        except MismatchError as error:
            raise MismatchError(f"{name!r:.80} {error}") from None


def _view(value: Any, sizes: dict[str, int]) -> None:
    if not (isinstance(value, tuple) and len(value) == 3):
        raise MismatchError("is not a view of three numbers")
    for each in value[:2]:
        number(1 / _MAX_STRETCH, _MAX_STRETCH)(each, {})
    integer(0, 2**_MAX_DEPTH)(value[2], {})


def _views(value: Any, sizes: dict[str, int]) -> None:
    items(_view, "views")(value, sizes)
    if not 1 <= sizes["views"] <= _MAX_VIEWS:
        raise MismatchError(f"has {sizes['views']} views; expected 1 to {_MAX_VIEWS}")


def _any_value(value: Any, sizes: dict[str, int]) -> None:
    """Accept what `_check_spec` checks."""


def _verify_network(estimator: Any, sizes: Mapping[str, int]) -> None:
    found = estimator.statistics_
    n_statistics = len(FRAME_STATISTICS) * estimator.n_features_in_
    if found is not None and not (found.shape[1] == n_statistics and (found[1] >= 0).all()):
        raise MismatchError(
            f"statistics_ of CNNEmbedder has not the centers and factors of {n_statistics} "
            "statistics"
        )
    if not estimator.n_iter_ == len(estimator.history_):
        raise MismatchError(f"n_iter_ of CNNEmbedder is {estimator.n_iter_}, unlike its history")


def _verify_ranges(estimator: Any, sizes: Mapping[str, int]) -> None:
    found = estimator.measures_.tolist()
    if unknown := sorted(set(found) - {measure.name for measure in MEASURES}):
        raise MismatchError(
            f"AudioRanges has the measure {unknown[0]!r:.80}, which this version of ser_estimators "
            "does not know",
            "update ser_estimators, or save the model again",
        )
    if not found or len(set(found)) < len(found):
        raise MismatchError("AudioRanges has no measures, or some twice")
    below, above = estimator.center_ - estimator.low_, estimator.high_ - estimator.center_
    if not ((below > 0).all() and (above > 0).all()):
        raise MismatchError("the ranges of AudioRanges do not contain their centers")


_SPEC = mapping(
    {
        "kind": choice("cnn", "mlp"),
        "n_rows": integer(1, _MAX_SIZE),
        "n_channels": integer(1, 3),
        "n_classes": integer(1),
        "embedding_dim": integer(1, _MAX_SIZE),
        "n_networks": integer(1),
        "dropout": number(0, 1),
        "arguments": _any_value,
        "layout": _any_value,
        "seed": integer(0),
    }
)
_NETWORK: dict[str, Check] = FEATURES | {
    "classes_": labels("classes"),
    "history_": mapping(
        {
            "columns": items(choice(*_HISTORY), "columns"),
            "values": array("epochs", "columns", dtypes=("float64",)),
            "is_present": array("epochs", "columns", dtypes=("bool",)),
        }
    ),
    "n_iter_": integer(1),
    "interrupted_": flag,
    "views_": _views,
    "norm_": choice("l2", None),
    "statistics_": either(choice(None), array(2, None, dtypes=("float32",))),
    "module_": mapping({"spec": _SPEC, "tensors": _check_tensors}),
}
# Only after a fit on a 2-D array.
_SAMPLES: dict[str, Check] = {"n_features_in_": either(choice(None), integer(1))}
_RANGE = array("measures", dtypes=("float64",))
_RANGES: dict[str, Check] = _SAMPLES | {
    "measures_": names("measures"),
    "center_": _RANGE,
    "low_": _RANGE,
    "high_": _RANGE,
}

KINDS = (
    Kind(
        "MFCCTransformer",
        _MODULE,
        _SAMPLES,
        ("n_features_in_",),
        check_parameters=_check_clip_transformer,
        is_stateless=True,
    ),
    Kind(
        "AcousticFeatures",
        _MODULE,
        _SAMPLES,
        ("n_features_in_",),
        check_parameters=_check_clip_transformer,
        is_stateless=True,
    ),
    Kind(
        "AudioRanges",
        _MODULE,
        _RANGES,
        ("n_features_in_",),
        verify=_verify_ranges,
        check_parameters=_check_clip_transformer,
    ),
    Kind(
        "CNNEmbedder",
        _MODULE,
        _NETWORK,
        (*NAMES, "statistics_"),
        pack=_pack_network,
        unpack=_unpack_network,
        verify=_verify_network,
        check_parameters=_check_network_parameters,
    ),
    Kind(
        "SpectrogramCNN",
        _MODULE,
        check_parameters=check_settings,
        is_stateless=True,
        added={"statistics": False},
    ),
    Kind("FeatureMLP", _MODULE, check_parameters=check_settings, is_stateless=True),
    Kind(
        "SpectrogramAugmentation",
        _MODULE,
        check_parameters=check_settings,
        is_stateless=True,
        added={
            "smoothing_p": 0.0,
            "recording_p": 0.0,
            "room_p": 0.3,
            "noise_p": 0.5,
            "equalization": 8.0,
            "band_p": 0.2,
            "silence_p": 0.4,
        },
    ),
)
