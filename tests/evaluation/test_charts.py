"""Coordinates of the drawings."""

from dataclasses import replace

import numpy as np
import pytest

from ser_estimators.evaluation._charts import (
    learning_curves,
    line_chart,
    score_chart,
    waveform_outline,
)


def coordinates(points):
    return np.array([point.split(",") for point in points.split()], dtype=float)


def test_a_line_goes_from_the_first_epoch_to_the_last():
    chart = line_chart("Loss", [([2.0, 1.0, 0.0], "a", False), ([1.5, 1.5, 1.5], "b", True)])
    assert chart.n_epochs == 3
    assert [curve.name for curve in chart.curves] == ["a", "b"]
    assert [curve.is_validation for curve in chart.curves] == [False, True]
    x, y = coordinates(chart.curves[0].points).T
    assert x.tolist() == [chart.left, (chart.left + chart.right) / 2, chart.right]
    assert chart.height > y[2] > y[1] > y[0] > 0
    heights = {label: height for height, label in chart.y_ticks}
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
    chart = line_chart("Loss", [([highest, 0.0], "", False)])
    assert [label for _, label in chart.y_ticks] == labels


@pytest.mark.parametrize(
    ("values", "n_points"), [([np.nan] * 3, 0), ([np.inf, 1.0, 0.5], 2), ([0.0, 0.0], 2)]
)
def test_a_diverged_or_flat_curve_is_drawn_without_nan(values, n_points):
    chart = line_chart("Loss", [(values, "", False)])
    assert len(coordinates(chart.curves[0].points)) == n_points
    assert np.isfinite([height for height, _ in chart.y_ticks]).all()


@pytest.mark.parametrize(
    ("n_epochs", "labels"),
    [
        (1, ["1"]),
        (5, ["1", "2", "3", "4", "5"]),
        (15, ["1", "5", "10", "15"]),
        (60, ["1", "10", "20", "30", "40", "50", "60"]),
        (250, ["1", "50", "100", "150", "200", "250"]),
    ],
)
def test_epochs_are_marked_at_round_numbers(n_epochs, labels):
    chart = line_chart("Loss", [([1.0] * n_epochs, "", False)])
    assert [label for _, label in chart.x_ticks] == labels
    places = [x for x, _ in chart.x_ticks]
    x = coordinates(chart.curves[0].points)[:, 0]
    assert places == pytest.approx([x[int(label) - 1] for label in labels], abs=0.06)


def test_a_single_epoch_is_a_dot():
    """Browsers draw nothing for a line of one point, but a round end for two equal ones."""
    first, second = coordinates(line_chart("Loss", [([1.0], "", False)]).curves[0].points)
    assert first.tolist() == second.tolist()


def test_the_legend_names_what_is_drawn():
    training, validation = ([1.0, 0.5], "", False), ([1.0, 0.7], "", True)
    assert line_chart("Loss", [training, validation]).legend == [
        ("training", False),
        ("validation", True),
    ]
    assert line_chart("Accuracy", [validation]).legend == [("validation", True)]


def test_learning_curves_are_those_of_the_folds(network_report):
    (chart,) = learning_curves(network_report.main)
    assert chart.title == "Loss"
    assert [curve.name for curve in chart.curves] == ["fold 1, training", "fold 2, training"]
    assert chart.n_epochs == 6


def test_validation_is_drawn_if_there_was_some(network_report):
    history = [{"train_loss": 2.0, "valid_loss": 1.0, "valid_accuracy": 0.5}] * 4
    folds = [replace(fold, history=history) for fold in network_report.main.folds]
    loss, accuracy = learning_curves(replace(network_report.main, folds=folds))
    assert [curve.is_validation for curve in loss.curves] == [False, False, True, True]
    assert [curve.name for curve in accuracy.curves] == ["fold 1, validation", "fold 2, validation"]


def test_the_chart_of_scores_has_a_row_for_each_protocol(report):
    chart = score_chart(report)
    assert [row.name for row in chart.rows] == ["speaker-independent", "random split"]
    for row, protocol in zip(chart.rows, report.protocols.values(), strict=True):
        assert (row.value, row.low, row.high) == protocol.summary()[1][1:]
    assert chart.chance == pytest.approx(1 / 3)


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
