"""How many features a transformer makes, without their names: a file could make them countless."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["n_outputs"]

_SKIPPED = (None, "passthrough")


def n_outputs(step: Any) -> int | None:
    """Return how many features a transformer makes; None if it does not say.

    Parameters
    ----------
    step : transformer
        One that is not fitted does not say.
    """
    count = _COUNTS.get(type(step).__name__)
    if count is not None:
        return count(step)
    from sklearn.base import OneToOneFeatureMixin

    if isinstance(step, OneToOneFeatureMixin):
        return getattr(step, "n_features_in_", None)
    # The attribute that ClassNamePrefixFeaturesOutMixin reads.
    found = getattr(step, "_n_features_out", None)
    return None if found is None else int(found)


def _of_pipeline(step: Any) -> int | None:
    last = next((each for _, each in reversed(step.steps) if each not in _SKIPPED), None)
    return None if last is None else n_outputs(last)


def _of_union(step: Any) -> int | None:
    total = 0
    for _, each in step.transformer_list:
        if each == "drop":
            continue
        n_made = None if each == "passthrough" else n_outputs(each)
        if n_made is None:
            return None
        total += n_made
    return total


def _of_acoustic_features(step: Any) -> int:
    from ..._features.acoustic import acoustic_rows

    rows = acoustic_rows(step.features, n_mfcc=step.n_mfcc, sr=step.sr)
    return len(rows) * len(step.statistics)


_COUNTS: dict[str, Callable[[Any], int | None]] = {
    "EncoderEmbedder": lambda step: getattr(step, "embedding_dim_", None),
    "Pipeline": _of_pipeline,
    "FeatureUnion": _of_union,
    "FrozenEstimator": lambda step: n_outputs(step.estimator),
    "AcousticFeatures": _of_acoustic_features,
    "MFCCTransformer": lambda step: step.n_mfcc * (1 + step.deltas),
    "FunctionTransformer": lambda step: getattr(step, "n_features_in_", None),
    "VarianceThreshold": lambda step: (
        int(step.get_support().sum()) if hasattr(step, "variances_") else None
    ),
}
