"""What a SelectiveClassifier learns from clips that were held out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.frozen import FrozenEstimator

from .held_out import HeldOut
from .selection import conformal_scores, precision_curve, threshold_for
from .temperature import best_temperature, scale_probabilities

__all__ = ["calibrate", "explain_failure"]


def calibrate(selective: Any, logs: NDArray[np.float64], held_out: HeldOut) -> dict[str, Any]:
    """Return the fitted attributes for one kind of predictions, without or with speakers.

    Parameters
    ----------
    selective : SelectiveClassifier
        Its parameters.
    logs : ndarray of shape (n_clips, n_classes)
        Log-probabilities of clips that were held out.
    held_out : HeldOut
        Their labels and speakers.
    """
    temperature = selective.temperature
    if isinstance(temperature, str):
        folds = [logs] if len(logs) else []
        temperature = best_temperature(folds, [held_out.columns], np.arange(logs.shape[1]))
    probabilities = scale_probabilities(np.exp(logs), temperature)
    curve = precision_curve(
        probabilities.max(axis=1),
        probabilities.argmax(axis=1) == held_out.columns,
        held_out.speakers,
        selective.confidence,
    )
    threshold = 0.0 if selective.threshold is None else float(selective.threshold)
    if selective.precision is not None:
        threshold = threshold_for(curve, selective.precision)
    return {
        "temperature_": float(temperature),
        "threshold_": threshold,
        "coverage_curve_": curve,
        "conformal_scores_": conformal_scores(probabilities, held_out.columns, held_out.speakers),
    }


def explain_failure(selective: Any, held_out: HeldOut) -> str:
    """Return what could not be calibrated, and what to do; empty if all could."""
    precision, speakers = selective.precision, held_out.speakers
    if precision is None and not isinstance(selective.temperature, str):
        return ""
    if not len(held_out.columns):
        text = "no clip could be held out, so the probabilities are not calibrated"
        if precision is None:
            return text
        return f"{text}. All answers will be unsure; lower precision, or fit on more speakers"
    if precision is not None and (text := _explain_precision(selective)):
        return text
    is_frozen = isinstance(selective.estimator, FrozenEstimator)  # perhaps adapted to this speaker
    if speakers is None or is_frozen or len(np.unique(speakers)) > 1:
        return ""
    return (
        "all clips are of one speaker, so none could be held out: for other speakers, the "
        "probabilities are too high; fit on clips of two or more speakers"
    )


def _explain_precision(selective: Any) -> str:
    """Return that the wished precision is not reached, or ""."""
    alone, adapted = np.isinf([selective.threshold_, selective.speaker_threshold_])
    if not alone and not adapted:
        return ""
    curve = selective.coverage_curve_ if alone else selective.speaker_coverage_curve_
    best = int(np.argmax(curve["low"]))
    found = {name: float(values[best]) for name, values in curve.items()}
    which = "" if alone and adapted else f" with{'out' if alone else ''} groups in predict"
    return (
        f"precision == {selective.precision:g} is not reached{which} on clips that were held out: "
        f"of the {found['answered']:.0%} with the highest probability, {found['precision']:.0%} "
        f"are right, and {found['low']:.0%} at least, with a certainty of "
        f"{selective.confidence:.0%}. All answers{which} will be unsure; lower precision, or fit "
        "on more speakers"
    )
