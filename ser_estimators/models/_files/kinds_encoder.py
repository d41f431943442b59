"""EncoderEmbedder, of which a file holds only a digest, and the steps after it."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from .checks import array, either, integer, items, labels, names, number, text
from .errors import MismatchError
from .kind import Kind, set_attributes
from .kinds_own import check_settings
from .kinds_pipelines import fitted_classifier

__all__ = ["KINDS"]

_MAX_LAYERS, _MAX_WIDTH, _MAX_BLOCKS = 1000, 1 << 20, 1 << 16
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MAX_TEXT = 4096
_STATISTICS, _MAX_SPEEDS = {"mean", "std"}, 1000


def _check_digest(value: Any, sizes: dict[str, int]) -> None:
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        raise MismatchError(f"is {value!r:.80}; expected a SHA-256 in hexadecimal digits")


def _check_layers(value: Any, sizes: dict[str, int]) -> None:
    is_list = isinstance(value, tuple) and 0 < len(value) <= _MAX_LAYERS
    if not is_list or not all(type(one) is int and 0 <= one <= _MAX_LAYERS for one in value):
        raise MismatchError(f"is {value!r:.80}; expected a tuple of numbers of layers")
    if len(set(value)) < len(value):
        raise MismatchError(f"is {value!r:.80}; expected each layer once")


def _check_none(value: Any, sizes: dict[str, int]) -> None:
    if value is not None:
        raise MismatchError(f"is {value!r:.80}; expected None")


def _check_pooling(value: Any, sizes: dict[str, int]) -> None:
    is_list = isinstance(value, tuple) and 0 < len(value) <= len(_STATISTICS)
    if not is_list or not set(value) <= _STATISTICS or len(set(value)) < len(value):
        raise MismatchError(f"is {value!r:.80}; expected a tuple of names of statistics")


def _check_speeds(value: Any, sizes: dict[str, int]) -> None:
    is_list = isinstance(value, tuple) and 0 < len(value) <= _MAX_SPEEDS
    if not is_list or not all(type(one) is float and 0.5 <= one <= 2 for one in value):
        raise MismatchError(f"is {value!r:.80}; expected a tuple of speeds from 0.5 to 2")


def _check_normalizer(value: Any, sizes: dict[str, int]) -> None:
    # By name, because this table does not import estimators.
    if type(value).__name__ != "SpeakerNormalizer" or not hasattr(value, "n_features_in_"):
        raise MismatchError(f"is a {type(value).__name__}; expected a fitted SpeakerNormalizer")


def _verify_voting(estimator: Any, sizes: Mapping[str, int]) -> None:
    members, normalizer = estimator.estimators_, estimator.normalizer_
    if (normalizer is None) != (estimator.normalizer is None):
        raise MismatchError("ViewVotingClassifier has a normalizer and lacks a fitted one")
    if normalizer is not None and normalizer.n_features_in_ != estimator.n_features_in_:
        raise MismatchError(
            f"ViewVotingClassifier has {estimator.n_features_in_} columns, and its normalizer "
            f"{normalizer.n_features_in_}"
        )
    n_statistics = getattr(estimator, "n_statistics_", 0)  # pickles of earlier versions lack it
    n_classifiers = estimator.n_members_ + bool(n_statistics)
    if len(members) != n_classifiers:
        raise MismatchError(
            f"ViewVotingClassifier has {len(members)} classifiers; expected {n_classifiers}"
        )
    n_embedding = estimator.n_features_in_ - n_statistics
    n_columns, n_left = divmod(n_embedding, estimator.n_views_ * estimator.n_members_)
    if n_columns < 1 or n_left:
        raise MismatchError(
            f"ViewVotingClassifier has {estimator.n_features_in_} columns, which do not divide "
            f"into {estimator.n_views_} views of {estimator.n_members_} blocks"
        )
    expected = [n_columns] * estimator.n_members_ + [n_statistics] * bool(n_statistics)
    plain = estimator.plain_estimators_ or []
    if len(plain) != (0 if normalizer is None else len(members)):
        raise MismatchError(f"ViewVotingClassifier has {len(plain)} plain classifiers")
    for place, member in enumerate([*members, *plain]):
        if not np.array_equal(getattr(member, "classes_", ()), estimator.classes_):
            raise MismatchError("ViewVotingClassifier has other classes than its classifiers")
        found, size = getattr(member, "n_features_in_", 0), expected[place % len(members)]
        if found != size:
            raise MismatchError(
                f"a classifier of ViewVotingClassifier has {found} columns; expected {size}"
            )


def _unpack_voting(estimator: Any, values: dict[str, Any]) -> None:
    # Files of earlier versions have no statistics.
    before = {"n_statistics_": 0, "statistics_weight_": 0.0, "speaker_statistics_weight_": 0.0}
    if missing := set(before) - set(values):
        if len(missing) < len(before):
            raise MismatchError(f"ViewVotingClassifier lacks {', '.join(sorted(missing))}")
        values = before | values
    set_attributes(estimator, values)


KINDS = (
    Kind(
        "EncoderEmbedder",
        "ser_estimators",
        {
            "layers_": _check_layers,
            "pooling_": _check_pooling,
            "speeds_": _check_speeds,
            "layer_scores_": either(_check_none, array(None, dtypes=("float64",), low=0, high=1)),
            "embedding_dim_": integer(1, _MAX_WIDTH),
            "sr_": integer(1, 768_000),
            "digest_": _check_digest,
            "revision_": either(_check_none, text(_MAX_TEXT)),
            "license_": either(_check_none, text(_MAX_TEXT)),
            "n_features_in_": integer(1),
        },
        ("n_features_in_",),
        check_parameters=check_settings,
    ),
    Kind(
        "SpeakerNormalizer",
        "ser_estimators",
        {
            "n_features_in_": integer(1, size="features"),
            "feature_names_in_": names("features"),
            "mean_": array("features", dtypes=("float64",)),
            "scale_": array("features", dtypes=("float64",), low=0),
            "n_prior_": array("features", dtypes=("float64",), low=0, is_finite=False),
        },
        ("feature_names_in_",),
        check_parameters=check_settings,
    ),
    Kind(
        "ViewVotingClassifier",
        "ser_estimators",
        {
            "n_views_": integer(1, _MAX_BLOCKS),
            "n_members_": integer(1, _MAX_BLOCKS),
            "n_statistics_": integer(0),
            "statistics_weight_": number(0),
            "speaker_statistics_weight_": number(0),
            "estimators_": items(fitted_classifier),
            "plain_estimators_": either(_check_none, items(fitted_classifier)),
            "classes_": labels("classes"),
            "normalizer_": either(_check_none, _check_normalizer),
            "temperature_": number(sys.float_info.min),
            "speaker_temperature_": number(sys.float_info.min),
            "n_features_in_": integer(1),
            "feature_names_in_": names("features"),
        },
        ("feature_names_in_", "n_statistics_", "statistics_weight_", "speaker_statistics_weight_"),
        unpack=_unpack_voting,
        verify=_verify_voting,
        check_parameters=check_settings,
        added={"n_statistics": "auto", "statistics_weight": "auto"},
    ),
)
