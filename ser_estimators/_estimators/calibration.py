"""What a SelectiveClassifier learns from clips that were held out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def explain_failure(selective: Any, n_held_out: int) -> str:
    """Return what could not be calibrated, and what to do; empty if all could."""
    precision, curve = selective.precision, selective.coverage_curve_
    if not n_held_out:
        if precision is None and not isinstance(selective.temperature, str):
            return ""
        text = "no clip could be held out, so the probabilities are not calibrated"
    elif precision is not None and np.isinf(selective.threshold_):
        best = int(np.argmax(curve["low"]))
        found = {name: float(values[best]) for name, values in curve.items()}
        text = (
            f"precision == {precision:g} is not reached on clips that were held out: of the "
            f"{found['answered']:.0%} with the highest probability, {found['precision']:.3g} are "
            f"right, at least {found['low']:.3g} with a certainty of {selective.confidence:g}"
        )
    else:
        return ""
    if precision is None:
        return text
    return f"{text}. All answers will be unsure; lower precision, or fit on more speakers"
