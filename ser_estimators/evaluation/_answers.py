"""Scores of a classifier that answers only where it is sure enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._estimators.jackknife import half_width, ratio

if TYPE_CHECKING:
    from ._results import Protocol

__all__ = ["score_answers"]


def score_answers(protocol: Protocol) -> list[tuple[str, float, float, float]]:
    """Return (score, value, low, high) for the share of answers and for their accuracy.

    The intervals come from leaving out each speaker in turn, as those of other scores.
    """
    answered, right = protocol.answered, protocol.y_pred == protocol.y_true
    assert answered is not None
    people = np.zeros(len(answered), dtype=np.intp)
    if protocol.speakers is not None:
        people = np.unique(protocol.speakers, return_inverse=True)[1]
    n, n_answered, n_right = (
        np.bincount(people, weights)
        for weights in (np.ones(len(answered)), answered, answered & right)
    )
    rows = []
    for title, part, whole in (
        ("share answered", n_answered, n),
        ("accuracy of answers", n_right, n_answered),
    ):
        value = float(ratio(part.sum(), whole.sum()))
        left_out = ratio(part.sum() - part, whole.sum() - whole)
        half = float(half_width(left_out, protocol.scores.confidence))
        if np.count_nonzero(whole) < 2:  # answers of one speaker say nothing of others
            half = float("nan")
        low, high = np.maximum(value - half, 0.0), np.minimum(value + half, 1.0)
        rows.append((title, value, float(low), float(high)))  # NaN without an interval
    return rows
