"""Which estimators inside another receive the speakers, and under which parameters of fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sklearn
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.utils.metadata_routing import (
    MetadataRequest,
    MetadataRouter,
    MethodMapping,
    get_routing_for_object,
)
from sklearn.utils.validation import has_fit_parameter

from .._utils.pipelines import iter_steps

__all__ = [
    "SEARCHES",
    "group_parameters",
    "is_routing_enabled",
    "request_of",
    "router_to",
    "settle_requests",
    "speakers_for_fit",
]

SEARCHES = (GridSearchCV, RandomizedSearchCV)
_GROUPS = "groups"


def speakers_for_fit(model: Any, speakers: NDArray[Any] | None) -> dict[str, Any]:
    """Return the speakers under every name by which a model, or its steps, use groups in fit.

    Parameters
    ----------
    model : estimator instance
        With metadata routing, estimators in it that could request groups, but leave it open, are
        set to request none. Otherwise scikit-learn would raise for them.
    speakers : ndarray of shape (n_clips,) or None

    Returns
    -------
    dict of str to ndarray
        Parameters of ``fit``. Without metadata routing, every step whose ``fit`` accepts groups
        receives the speakers, if they can be passed to it. With metadata routing, those that
        request groups do.
    """
    if speakers is None:
        return {}
    if not is_routing_enabled():
        return {name: speakers for _, name in group_parameters(model)}
    settle_requests(model)
    router, names = router_to(model)
    routed = router.route_params(caller="fit", params=dict.fromkeys(names, speakers))
    return dict(routed.model.fit)


def is_routing_enabled() -> bool:
    return bool(sklearn.get_config()["enable_metadata_routing"])


def group_parameters(model: Any) -> Iterator[tuple[str, str]]:
    """Yield (prefix of a step, name of its groups in fit), such as ("cnn__", "cnn__groups").

    This is for scikit-learn without metadata routing, where only pipelines, searches and
    CalibratedClassifierCV pass parameters of fit on.
    """
    # For each estimator that receives some, by the prefix of its parameters: the prefix in fit,
    # from which the "estimator__" of a search is absent.
    prefixes = {"": ""}
    taken = set()  # by splitters of searches, which pass these names on to nobody else
    for prefix, step in iter_steps(model):
        if prefix not in prefixes:
            continue
        in_fit = prefixes[prefix]
        name = f"{in_fit}{_GROUPS}"
        if isinstance(step, SEARCHES):
            yield prefix, name
            taken.add(name)
            prefixes[f"{prefix}estimator__"] = in_fit
        elif isinstance(step, CalibratedClassifierCV):
            prefixes[f"{prefix}estimator__"] = in_fit
        elif hasattr(step, "steps"):
            for inner, _ in step.steps:
                prefixes[f"{prefix}{inner}__"] = f"{in_fit}{inner}__"
        elif has_fit_parameter(step, _GROUPS) and name not in taken:
            yield prefix, name


def router_to(model: Any) -> tuple[MetadataRouter, set[str]]:
    """Return a router from `evaluate` to a model, and the names under which it takes speakers."""
    mapping = MethodMapping().add(caller="fit", callee="fit")
    try:
        router = MetadataRouter(owner="evaluate").add(model=model, method_mapping=mapping)
        # An estimator may request groups under another name: set_fit_request(groups="speakers").
        names = {_GROUPS, *_aliases(router, "fit")}
        return router, set(router.consumes("fit", names))
    except NotImplementedError:  # a meta-estimator without metadata routing
        nobody = MetadataRequest(owner="evaluate")
        return MetadataRouter(owner="evaluate").add(model=nobody, method_mapping=mapping), set()


def _aliases(routing: Any, method: str) -> Iterator[str]:
    """Yield the other names under which a method, or what it calls, requests groups."""
    if isinstance(routing, MetadataRouter):
        for _, (mapping, inner) in routing:
            for caller, callee in mapping:
                if caller == method:
                    yield from _aliases(inner, callee)
    else:
        alias = getattr(routing, method).requests.get(_GROUPS)
        if isinstance(alias, str) and alias.isidentifier():
            yield alias


def request_of(step: Any) -> bool | str | None:
    """Return what ``set_fit_request(groups=...)`` set; False if a step cannot request groups."""
    try:
        routing = get_routing_for_object(step)
    except NotImplementedError:
        return False
    if isinstance(routing, MetadataRouter):
        return False
    requests: Mapping[str, Any] = routing.fit.requests
    return requests.get(_GROUPS, False)


def settle_requests(model: Any) -> None:
    """Set requests of groups to False where they are open, or where they would raise."""
    for _, step in iter_steps(model):
        if request_of(step) is None:
            step.set_fit_request(groups=False)
        # StackingClassifier passes metadata on to its last estimator, whether that requests them
        # or not.
        if isinstance(step, StackingClassifier) and not has_fit_parameter(
            step.final_estimator or LogisticRegression(), _GROUPS
        ):
            for _, inner in iter_steps(step):
                if request_of(inner):
                    inner.set_fit_request(groups=False)
