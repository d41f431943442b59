"""Estimators that could use the speakers in fit, and do not receive them."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import sklearn
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import has_fit_parameter

from .._estimators.encoder_embedder import EncoderEmbedder
from .._estimators.fit_routing import (
    group_parameters,
    is_routing_enabled,
    request_of,
    router_to,
    settle_requests,
)
from .._estimators.selective_classifier import SelectiveClassifier
from .._estimators.view_voting import ViewVotingClassifier
from .._utils.pipelines import iter_steps
from .._utils.stack_level import find_stack_level

__all__ = ["needs_groups", "warn_of_missing_speakers"]

_GROUPS = "groups"


class _Setting(NamedTuple):
    """A parameter that makes an estimator validate, and what to set instead."""

    now: str
    instead: str


def needs_groups(splitter: Any) -> bool:
    """Return whether a splitter of scikit-learn, such as GroupKFold, cannot do without groups."""
    if isinstance(splitter, type) or not hasattr(splitter, "get_metadata_routing"):
        return False
    return bool(get_routing_for_object(splitter).consumes("split", [_GROUPS]))


def warn_of_missing_speakers(estimator: Any) -> None:
    """Warn once if an estimator validates in its fit, but receives no speakers, which it could use.

    It then validates on clips of the speakers that it trains on.
    """
    model = clone(estimator)
    steps = dict(iter_steps(model))
    for prefix, step in steps.items():
        setting = _validates(step)
        # Estimators that know no groups, such as MLPClassifier, cannot do better.
        if setting is None or not has_fit_parameter(step, _GROUPS):
            continue
        if _receives_groups(model, prefix):
            continue
        name = type(step).__name__
        # Innermost first. A pipeline passes on what it receives.
        around = sorted((other for other in steps if prefix.startswith(other)), key=len)[-2::-1]
        kinds = sorted((type(steps[other]) for other in around), key=lambda kind: kind is Pipeline)
        where = f" in the {kinds[0].__name__}" if kinds else ""
        warnings.warn(
            f"{name} has {setting.now}, but {name}.fit{where} receives no speakers, so it "
            f"validates on clips of speakers that it also trains on. "
            f"{_remedy(model, prefix, setting.instead)}",
            UserWarning,
            stacklevel=find_stack_level(),
        )
        return


def _receives_groups(model: Any, prefix: str) -> bool:
    """Return whether the step with a prefix, see `iter_steps`, receives the speakers."""
    for outer, step in iter_steps(model):
        inner = prefix.removeprefix(f"{outer}estimator__")
        if isinstance(step, SelectiveClassifier) and inner != prefix:
            return _receives_groups(model, outer) and _receives_groups(step.estimator, inner)
    if not is_routing_enabled():
        return any(found == prefix for found, _ in group_parameters(model))
    model = clone(model)
    settle_requests(model)
    request = request_of(dict(iter_steps(model))[prefix])
    name = _GROUPS if request is True else request
    return isinstance(name, str) and name in router_to(model)[1]


def _validates(step: Any) -> _Setting | None:
    """Return the parameter by which a step validates on some of its training clips, if it does."""
    if getattr(step, "early_stopping", False):
        return _Setting("early_stopping=True", "early_stopping=False")
    if isinstance(step, EncoderEmbedder) and isinstance(step.layers, str):
        return _Setting("layers='auto'", "layers to numbers")
    if isinstance(step, ViewVotingClassifier) and step.temperature == "auto":
        return _Setting("temperature='auto'", "temperature to a number")
    return None


def _remedy(model: Any, prefix: str, instead: str) -> str:
    """Say how a step can receive the speakers, if it can."""
    model = clone(model)
    step = dict(iter_steps(model))[prefix]
    was_enabled = is_routing_enabled()
    with sklearn.config_context(enable_metadata_routing=True):
        if hasattr(step, "set_fit_request"):
            step.set_fit_request(groups=True)
        helps = _receives_groups(model, prefix)
    if not helps:
        return f"Set {instead}"
    request = f"{type(step).__name__}(...).set_fit_request(groups=True)"
    if was_enabled:
        return f"Request them with {request}, or set {instead}"
    return (
        "Enable metadata routing with sklearn.set_config(enable_metadata_routing=True) and request "
        f"them with {request}, or set {instead}"
    )
