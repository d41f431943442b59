"""Coordinates of the drawings in the page; the template ``drawings.html.j2`` draws them as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ._report import EvaluationReport, Protocol

__all__ = [
    "Curve",
    "LineChart",
    "ScoreChart",
    "ScoreRow",
    "learning_curves",
    "line_chart",
    "score_chart",
    "waveform_outline",
]

# Space of the axes and the margins, in units of the view box.
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 440, 260, 58, 12, 12, 46
_MAX_INTERVALS = 6  # between the ticks of an axis

_WAVEFORM_WIDTH, _WAVEFORM_HEIGHT = 240, 60

_CURVES = {
    "Loss": ("train_loss", "valid_loss"),
    "Accuracy": ("train_accuracy", "valid_accuracy"),
}


@dataclass(frozen=True)
class ScoreRow:
    """A score with its interval, as a dot on a line.

    Parameters
    ----------
    name : str
        Name of the protocol.
    value : float in [0, 1]
    low, high : float
        Ends of the interval; NaN if there is none.
    """

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ScoreChart:
    """The balanced accuracy of each protocol on an axis from 0 to 1.

    Parameters
    ----------
    rows : list of ScoreRow
        The main protocol first.
    chance : float in (0, 1]
    """

    rows: list[ScoreRow]
    chance: float


@dataclass(frozen=True)
class Curve:
    """One line of a chart.

    Parameters
    ----------
    points : str
        Coordinates, as in the attribute ``points`` of an SVG polyline.
    name : str
        What the line shows, for a tooltip.
    is_validation : bool
        Whether it shows validation rather than training clips.
    """

    points: str = field(repr=False)
    name: str
    is_validation: bool


@dataclass(frozen=True)
class LineChart:
    """Lines over epochs.

    Parameters
    ----------
    title : str
        What the vertical axis shows.
    n_epochs : int > 0
    x_ticks, y_ticks : list of (float, str)
        Coordinate and label of each tick.
    curves : list of Curve
    width, height, left, right, top, bottom : int
        Size of the view box, and where the axes begin and end.
    """

    title: str
    n_epochs: int
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    curves: list[Curve]
    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = _LEFT
    right: int = _WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = _HEIGHT - _BOTTOM

    @property
    def legend(self) -> list[tuple[str, bool]]:
        """Names of the kinds of clips, and whether these are validation clips."""
        found = {curve.is_validation for curve in self.curves}
        return [("validation" if kind else "training", kind) for kind in sorted(found)]


def score_chart(report: EvaluationReport) -> ScoreChart:
    """Return the balanced accuracy of each protocol, and the chance level of the main one."""
    rows = []
    for protocol in report.protocols.values():
        value, low, high = (
            float(scores.balanced_accuracy)
            for scores in (protocol.scores.value, protocol.scores.low, protocol.scores.high)
        )
        # On a narrow screen, "speaker-independent, adapted to ..." does not fit.
        name = protocol.name.removeprefix(f"{report.main.name}, ")
        rows.append(ScoreRow(name, value, low, high))
    return ScoreChart(rows, report.main.chance)


def learning_curves(protocol: Protocol) -> list[LineChart]:
    """Return the charts of loss and accuracy, one line per fold, if there are histories."""
    charts = []
    for title, keys in _CURVES.items():
        lines = [
            (
                [row.get(key, np.nan) for row in fold.history],
                f"fold {number}, {'validation' if key.startswith('valid') else 'training'}",
                key.startswith("valid"),
            )
            for key in keys
            for number, fold in enumerate(protocol.folds, start=1)
            if fold.history and any(key in row for row in fold.history)
        ]
        if lines:
            charts.append(line_chart(title, lines))
    return charts


def line_chart(title: str, lines: Sequence[tuple[list[float], str, bool]]) -> LineChart:
    """Place lines over epochs.

    Parameters
    ----------
    title : str
    lines : sequence of (list of float, str, bool)
        Values by epoch, name, and whether they are of validation clips.

    Returns
    -------
    LineChart
    """
    n_epochs = max(len(values) for values, _, _ in lines)
    # Where training diverged, a loss is NaN or infinite, and its point is skipped.
    highest = max((v for values, _, _ in lines for v in values if np.isfinite(v)), default=1.0)
    step = _round_step(highest)
    largest = step * np.ceil(highest / step) if highest > 0 else step

    def x(epoch: int) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (epoch - 1) / max(n_epochs - 1, 1)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * value / largest

    epochs_apart = max(1, round(_round_step(n_epochs)))
    return LineChart(
        title=title,
        n_epochs=n_epochs,
        x_ticks=[
            (x(epoch), str(epoch))
            for epoch in sorted({1, *range(epochs_apart, n_epochs + 1, epochs_apart)})
        ],
        y_ticks=[(y(value), f"{value:.2g}") for value in np.arange(0, largest + step / 2, step)],
        curves=[
            Curve(
                _join(
                    [
                        f"{x(epoch):.1f},{y(value):.1f}"
                        for epoch, value in enumerate(values, start=1)
                        if np.isfinite(value)
                    ]
                ),
                name,
                is_validation,
            )
            for values, name, is_validation in lines
        ],
    )


def _join(points: list[str]) -> str:
    # A single point is doubled, because a line of no length is a dot, but one point is nothing.
    return " ".join(points * 2 if len(points) == 1 else points)


def _round_step(largest: float) -> float:
    """Return 1, 2 or 5 times a power of ten that divides an axis into three to six intervals."""
    power = 10 ** np.floor(np.log10(max(largest, 1e-9)))
    steps = (factor * power for factor in (0.2, 0.5, 1.0, 2.0))
    return float(next(step for step in steps if largest / step <= _MAX_INTERVALS))


def waveform_outline(waveform: NDArray[np.float32]) -> str:
    """Return the range of the samples in each of 240 columns, as points of an SVG polygon."""
    middle = _WAVEFORM_HEIGHT / 2
    edges = np.linspace(0, waveform.size, _WAVEFORM_WIDTH + 1).astype(int)
    peak = float(np.abs(waveform).max()) or 1.0
    top, bottom = [], []
    for x, (start, stop) in enumerate(
        zip(edges[:-1], np.maximum(edges[1:], edges[:-1] + 1), strict=True)
    ):
        part = waveform[start:stop] if start < waveform.size else waveform[-1:]
        top.append(f"{x},{middle * (1 - part.max() / peak):.1f}")
        bottom.append(f"{x},{middle * (1 - part.min() / peak) + 0.5:.1f}")
    return " ".join(top + bottom[::-1])
