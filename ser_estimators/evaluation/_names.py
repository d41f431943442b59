"""Names of systems and corpora in reports."""

from __future__ import annotations

import os
from typing import Any

from sklearn.frozen import FrozenEstimator

from .._audio.failures import printable
from .._estimators.fit_routing import SEARCHES
from .._estimators.selective_classifier import SelectiveClassifier
from ._sides import Side

__all__ = ["name_of_corpora", "name_of_system"]


def name_of_system(estimator: Any) -> str:
    """Return the class names of an estimator, such as "MFCCTransformer + LogisticRegression"."""
    name = type(estimator).__name__
    if isinstance(estimator, SEARCHES):
        return f"{name} over {name_of_system(estimator.estimator)}"
    if isinstance(estimator, SelectiveClassifier):
        return f"{name} of {name_of_system(estimator.estimator)}"
    if isinstance(estimator, FrozenEstimator):
        return name_of_system(estimator.estimator)
    if hasattr(estimator, "steps"):
        steps = [name_of_system(step) for _, step in estimator.steps if hasattr(step, "fit")]
        return " + ".join(steps) or name
    return name


def name_of_corpora(train: Side, test: Side | None) -> str:
    """Return the names of the folders that contain all files, or "" for clips without files.

    These are not whole paths, which may name the user.
    """
    names = [_common_folder(side.clips) for side in (train, test) if side is not None]
    if not all(names) or len(set(names)) == 1:
        return names[0]
    return f"{names[0]}, tested on {names[1]}"


def _common_folder(clips: Any) -> str:
    if not isinstance(clips, list) or not all(
        isinstance(clip, (str, os.PathLike)) for clip in clips
    ):
        return ""
    try:
        folder = os.path.commonpath([os.path.dirname(os.path.abspath(path)) for path in clips])
    except ValueError:  # on several drives, or with a null character
        return ""
    return printable(os.path.basename(folder))
