"""Models that take the speakers of clips in prediction."""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object

from .._utils.pipelines import iter_steps

__all__ = [
    "adapts_to_speakers",
    "predict_probabilities",
    "predict_with_speakers",
    "transform_with_speakers",
]


def adapts_to_speakers(model: Any, method: str = "predict") -> bool:
    """Return whether a model takes speakers in a method, such as one with a normalizer.

    Only estimators that request them by default, or on request of the user, are found. Call the
    method with metadata routing enabled then.
    """
    if any(getattr(step, "normalizer", step) is None for _, step in iter_steps(model)):
        return False  # a ViewVotingClassifier that ignores the speakers
    try:
        return bool(get_routing_for_object(model).consumes(method, ["groups"]))
    except NotImplementedError:  # a meta-estimator without metadata routing
        return False


def predict_probabilities(model: Any, clips: Any, speakers: Any) -> Any:
    """Return probabilities, with the speakers if they are not None."""
    if speakers is None:
        return np.asarray(model.predict_proba(clips))
    with sklearn.config_context(enable_metadata_routing=True):
        return np.asarray(model.predict_proba(clips, groups=speakers))


def transform_with_speakers(model: Any, clips: Any, speakers: Any) -> Any:
    """Return what a transformer makes of clips, with the speakers if it takes them."""
    if speakers is None or not adapts_to_speakers(model, "transform"):
        return model.transform(clips)
    with sklearn.config_context(enable_metadata_routing=True):
        return model.transform(clips, groups=speakers)


def predict_with_speakers(model: Any, clips: Any, speakers: Any) -> tuple[Any, Any]:
    """Return labels, and probabilities or None; the steps before the last one run once.

    Parameters
    ----------
    model : fitted classifier
    clips : list of clips, or ndarray
    speakers : ndarray of shape (n_clips,) or None
        None predicts without speakers.
    """

    def known(estimator: Any, method: str) -> dict[str, Any]:
        is_used = speakers is not None and adapts_to_speakers(estimator, method)
        return {"groups": speakers} if is_used else {}

    is_routed = speakers is not None or sklearn.get_config()["enable_metadata_routing"]
    with sklearn.config_context(enable_metadata_routing=is_routed):
        if type(model) is Pipeline and len(model.steps) > 1:
            first, model = model[:-1], model[-1]
            clips = first.transform(clips, **known(first, "transform"))
        # Of a SelectiveClassifier, which may contain the steps that compute features.
        if hasattr(model, "_predict_both"):
            return model._predict_both(clips, **known(model, "predict"))
        labels = model.predict(clips, **known(model, "predict"))
        probabilities = None
        if hasattr(model, "predict_proba"):
            probabilities = model.predict_proba(clips, **known(model, "predict_proba"))
    return labels, probabilities
