"""The chart of the reliability of probabilities in a page."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._estimators.reliability import ReliabilityBin
from ._results import Protocol

__all__ = ["ReliabilityChart", "reliability_chart"]

_LEFT, _TOP, _SIDE, _GAP, _BARS = 52, 12, 340, 14, 56
_BELOW = 48  # for numbers and the name of the axis


@dataclass(frozen=True)
class Point:
    """The predictions of a bin, in the coordinates of a chart.

    Parameters
    ----------
    x, y : float
        Mean probability, and share of right predictions.
    low, high : float
        Ends of the interval; NaN without one.
    left, width, top, height : float
        Bar of the number of clips.
    bin : ReliabilityBin
    """

    x: float
    y: float
    low: float
    high: float
    left: float
    width: float
    top: float
    height: float
    bin: ReliabilityBin


@dataclass(frozen=True)
class ReliabilityChart:
    """Share of right predictions by probability, and the numbers of predictions below.

    Parameters
    ----------
    points : list of Point
        Of bins with clips.
    ticks : list of (float, float, str)
        Horizontal place, vertical place and text.
    largest : int
        Largest number of clips in a bin.
    width, height, left, right, top, bottom, bars_top, bars_bottom : int
        Size of the view box, and where the axes begin and end.
    """

    points: list[Point]
    ticks: list[tuple[float, float, str]]
    largest: int
    width: int = _LEFT + _SIDE + 14
    height: int = _TOP + _SIDE + _GAP + _BARS + _BELOW
    left: int = _LEFT
    right: int = _LEFT + _SIDE
    top: int = _TOP
    bottom: int = _TOP + _SIDE
    bars_top: int = _TOP + _SIDE + _GAP
    bars_bottom: int = _TOP + _SIDE + _GAP + _BARS


def reliability_chart(protocol: Protocol) -> ReliabilityChart | None:
    """Return the chart, None without probabilities."""
    bins = [one for one in protocol.reliability() if one.n_clips]
    if not bins:
        return None
    largest = max(one.n_clips for one in bins)
    bottom = _TOP + _SIDE + _GAP + _BARS

    def place(one: ReliabilityBin) -> Point:
        height = _BARS * one.n_clips / largest
        return Point(
            x=_x(one.confidence),
            y=_y(one.accuracy),
            low=_y(one.low),
            high=_y(one.high),
            left=_x(one.start) + 1,
            width=_x(one.stop) - _x(one.start) - 2,
            top=bottom - height,
            height=height,
            bin=one,
        )

    ticks = [(_x(value), _y(value), f"{value:g}") for value in np.arange(0, 1.01, 0.25).tolist()]
    return ReliabilityChart([place(one) for one in bins], ticks, largest)


def _x(value: float) -> float:
    return _LEFT + _SIDE * min(value, 1.0)


def _y(value: float) -> float:
    return _TOP + _SIDE * (1 - value)
