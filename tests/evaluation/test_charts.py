"""Coordinates of the drawings."""

import numpy as np
import pytest

from ser_estimators.evaluation._charts import learning_curves, line_chart, waveform_outline


def coordinates(points):
    return np.array([point.split(",") for point in points.split()], dtype=float)


def test_a_line_goes_from_the_first_epoch_to_the_last():
    chart = line_chart("Loss", [([2.0, 1.0, 0.0], False), ([1.5, 1.5, 1.5], True)])
    assert chart.n_epochs == 3
    assert [curve.is_validation for curve in chart.curves] == [False, True]
    x, y = coordinates(chart.curves[0].points).T
    assert x.tolist() == [chart.left, (chart.left + chart.right) / 2, chart.right]
    assert chart.height > y[2] > y[1] > y[0] > 0
    heights = {label: height for height, label in chart.ticks}
    assert (heights["2"], heights["0"]) == (y[0], y[2])


@pytest.mark.parametrize(
    ("highest", "labels"),
    [
        (1.0, ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (0.31, ["0", "0.1", "0.2", "0.3", "0.4"]),
        (9.0, ["0", "2", "4", "6", "8", "10"]),
    ],
)
def test_ticks_are_at_round_numbers(highest, labels):
    chart = line_chart("Loss", [([highest, 0.0], False)])
    assert [label for _, label in chart.ticks] == labels


@pytest.mark.parametrize(
    ("values", "n_points"), [([np.nan] * 3, 0), ([np.inf, 1.0, 0.5], 2), ([0.0, 0.0], 2)]
)
def test_a_diverged_or_flat_curve_is_drawn_without_nan(values, n_points):
    chart = line_chart("Loss", [(values, False)])
    assert len(coordinates(chart.curves[0].points)) == n_points
    assert np.isfinite([height for height, _ in chart.ticks]).all()


def test_learning_curves_are_those_of_the_folds(network_report):
    (chart,) = learning_curves(network_report.main)
    assert chart.title == "Loss"
    assert len(chart.curves) == 2
    assert chart.n_epochs == 6


@pytest.mark.parametrize("n", [1, 7, 240, 5000])
def test_the_outline_of_a_waveform_fills_its_box(n):
    waveform = np.sin(np.arange(n) / 9 + 1).astype(np.float32)
    x, y = coordinates(waveform_outline(waveform)).T
    assert (x.min(), x.max()) == (0, 239)
    assert y.min() >= 0
    assert y.max() <= 60.5


def test_silence_is_a_thin_line():
    _, y = coordinates(waveform_outline(np.zeros(500, dtype=np.float32))).T
    assert set(y) == {30, 30.5}
