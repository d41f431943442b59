"""The state of a pickled CNNEmbedder: parameters and arrays, no layers, no private paths."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from .._features.layout import MFCCLayout
from .._network.build import NetworkSpec, assemble, build
from .._network.ensemble import Ensemble, copy_tensors, tensors_of

__all__ = ["FORMAT", "pack", "unpack"]

# Version of the layout of the state. Every later version must still read it.
FORMAT = 1


def pack(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return the state of an estimator that is pickled.

    Parameters
    ----------
    attributes : dict
        Attributes of the estimator, with `module_` and `_spec` if it is fitted.

    Returns
    -------
    dict
        With ``format``, and with ``module_`` as a dict of ``spec``, the description of the layers,
        and ``tensors``, arrays by name.
    """
    state = attributes | {"format": FORMAT}
    if "module_" in state:
        spec = dict(vars(state.pop("_spec")))
        spec["arguments"] = dict(spec["arguments"])
        spec["layout"] = None if spec["layout"] is None else tuple(spec["layout"])
        tensors = tensors_of(state["module_"])
        state["module_"] = {
            "spec": spec,
            "tensors": {name: tensor.detach().numpy().copy() for name, tensor in tensors.items()},
        }
    return state


def unpack(state: dict[str, Any], *, is_owned: bool = False) -> dict[str, Any]:
    """Return the attributes of an estimator from the state that `pack` returned.

    Parameters
    ----------
    state : dict
    is_owned : bool, default=False
        Whether the arrays may become the weights, so that they are never in memory twice. They are
        then removed from the state, and may also be objects that give their blocks of rows one by
        one.

    Raises
    ------
    ValueError
        If the state has an unknown format.
    """
    attributes = dict(state)
    found = attributes.pop("format", None)
    if found != FORMAT:
        raise ValueError(
            f"The model has format {found!r:.200}, but this version of ser_estimators reads format "
            f"{FORMAT}: load the model with the version that saved it, or train it again"
        )
    if "module_" in attributes:
        try:
            spec, module = _rebuild(**attributes["module_"], is_owned=is_owned)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"The model cannot be loaded, because its network is incomplete or of another "
                f"shape ({error}); save it again from the original, or train it again"
            ) from error
        attributes |= {"_spec": spec, "module_": module}
        # Earlier versions had no statistics.
        attributes.setdefault("statistics_", None)
    return attributes


def _rebuild(
    spec: dict[str, Any], tensors: dict[str, Any], *, is_owned: bool
) -> tuple[NetworkSpec, Ensemble]:
    layout = None if spec["layout"] is None else MFCCLayout(*spec["layout"])
    rebuilt = NetworkSpec(**spec | {"layout": layout})
    # Copies, because arrays that joblib maps from a file are read-only, of which torch warns.
    convert = _without_copy if is_owned else torch.tensor
    names = list(tensors)
    weights = {name: convert(tensors.pop(name) if is_owned else tensors[name]) for name in names}
    if rebuilt.kind == "custom":
        # From the seed of the fit, so that a module of the user starts from the same state.
        ensemble = build(rebuilt, torch.Generator().manual_seed(rebuilt.seed)).float()
        copy_tensors(ensemble, weights)
        ensemble = ensemble.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    else:
        ensemble = assemble(rebuilt, weights)
    ensemble.set_generator(None)
    return rebuilt, ensemble.eval()


def _without_copy(array: Any) -> Tensor:
    """Return an array as a tensor; one that is given in blocks, in the format of convolutions."""
    if isinstance(array, np.ndarray):
        return torch.from_numpy(array)
    weights = torch.empty(
        array.shape, dtype=torch.float32, memory_format=torch.channels_last, device="cpu"
    )
    start = 0
    for block in array.blocks():
        weights[start : start + len(block)] = torch.from_numpy(block)
        start += len(block)
    return weights
