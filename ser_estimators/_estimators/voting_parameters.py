"""Parameters of ViewVotingClassifier."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from sklearn.base import is_classifier
from sklearn.utils import check_scalar

from .._utils.checks import check_choice
from .._utils.text import represent
from .speaker_normalizer import SpeakerNormalizer
from .temperature import check_temperature

__all__ = ["check_voting"]


def check_voting(voting: Any) -> None:
    """Raise if a parameter of a ViewVotingClassifier has a wrong type or value."""
    is_estimator = hasattr(voting.estimator, "fit") and not isinstance(voting.estimator, type)
    if not is_estimator or not is_classifier(voting.estimator):
        raise TypeError(f"estimator is {represent(voting.estimator)}; expected a classifier")
    if not hasattr(voting.estimator, "predict_proba"):
        raise TypeError(
            f"estimator is {represent(voting.estimator)}, which has no predict_proba; expected a "
            "classifier with probabilities"
        )
    if not isinstance(voting.normalizer, (SpeakerNormalizer, type(None))):
        raise TypeError(
            f"normalizer is {represent(voting.normalizer)}; expected a SpeakerNormalizer or None"
        )
    for name in ("n_views", "n_members"):
        value = getattr(voting, name)
        if isinstance(value, str):
            check_choice(value, name, ("auto",))
        else:
            check_scalar(value, name, Integral, min_val=1)
    check_scalar(voting.cv, "cv", Integral, min_val=2)
    check_temperature(voting.temperature)
