"""Parameters of ViewVotingClassifier."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from sklearn.utils import check_scalar

from .._utils.checks import check_choice
from .._utils.text import represent
from .inner_classifier import check_inner_classifier
from .speaker_normalizer import SpeakerNormalizer
from .temperature import check_temperature

__all__ = ["check_voting"]


def check_voting(voting: Any) -> None:
    """Raise if a parameter of a ViewVotingClassifier has a wrong type or value."""
    check_inner_classifier(voting.estimator)
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
