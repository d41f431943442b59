"""Parameters of ViewVotingClassifier."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from numpy.typing import NDArray
from sklearn.utils import check_scalar

from .._utils.checks import check_choice, check_finite
from .._utils.text import represent
from .blocks import Blocks
from .inner_classifier import check_inner_classifier
from .speaker_normalizer import SpeakerNormalizer
from .temperature import check_temperature

__all__ = ["check_columns", "check_voting", "statistics_weights"]

# Weight of statistics with speakers, and for single clips of models of at most so many training
# clips. Chosen on RAVDESS, nEMO and synthetic voices.
_WEIGHT, _FEW_CLIPS = 3.0, 256


def check_voting(voting: Any) -> None:
    """Raise if a parameter of a ViewVotingClassifier has a wrong type or value."""
    check_inner_classifier(voting.estimator)
    if not isinstance(voting.normalizer, (SpeakerNormalizer, type(None))):
        raise TypeError(
            f"normalizer is {represent(voting.normalizer)}; expected a SpeakerNormalizer or None"
        )
    for name, least in (("n_views", 1), ("n_members", 1), ("n_statistics", 0)):
        value = getattr(voting, name)
        if isinstance(value, str):
            check_choice(value, name, ("auto",))
        else:
            check_scalar(value, name, Integral, min_val=least)
    if isinstance(voting.statistics_weight, str):
        check_choice(voting.statistics_weight, "statistics_weight", ("auto",))
    else:
        check_scalar(voting.statistics_weight, "statistics_weight", Real, min_val=0)
        check_finite(voting.statistics_weight, "statistics_weight")
    check_scalar(voting.cv, "cv", Integral, min_val=2)
    check_temperature(voting.temperature)


def check_columns(blocks: Blocks, X: NDArray[Any]) -> None:
    """Raise if the columns of X cannot be divided."""
    n_embedding = X.shape[1] - blocks.n_statistics
    if n_embedding <= 0:
        raise ValueError(
            f"X has {X.shape[1]} columns; expected more than n_statistics == "
            f"{blocks.n_statistics}, which follow those of the views"
        )
    if n_embedding % (blocks.n_views * blocks.n_members):
        columns = "columns before the statistics" if blocks.n_statistics else "columns"
        raise ValueError(
            f"X has {n_embedding} {columns}, which is not a multiple of n_views * n_members == "
            f"{blocks.n_views} * {blocks.n_members}; after an EncoderEmbedder, set both to 'auto'"
        )


def statistics_weights(weight: str | float, n_clips: int) -> tuple[float, float]:
    """Return the weights of statistics for single clips, and with many clips of each speaker.

    Parameters
    ----------
    weight : "auto" or float >= 0
    n_clips : int > 0
        Number of training clips.
    """
    if not isinstance(weight, str):
        return float(weight), float(weight)
    return _WEIGHT * min(1.0, _FEW_CLIPS / n_clips) ** 3, _WEIGHT
