"""StressTestDisplay: rows, lines and points, several systems, and what cannot be drawn."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest

from ser_estimators.display import StressTestDisplay

from .helpers import stress_test

STRESS = stress_test()
CONDITIONS = ["white noise 20 dB", "room 0.4 s", "silence cut"]


def points(display, system=""):
    line, _, (intervals,) = display.points_[system]
    return *line.get_data(), intervals.get_segments()


def test_a_row_for_each_condition():
    display = StressTestDisplay.from_results(STRESS, name="$CNN$")
    labels = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert labels == ["as recorded", *CONDITIONS]
    values, places, intervals = points(display)
    rows = STRESS.summary()
    np.testing.assert_allclose(values, [row.balanced_accuracy[0] for row in rows])
    np.testing.assert_array_equal(places, range(4))
    np.testing.assert_allclose(
        [segment[:, 0] for segment in intervals], [row.balanced_accuracy[1:] for row in rows]
    )
    low, high = display.ax_.get_ylim()
    assert low > high  # the first row is at the top
    dashed, dotted = display.ax_.lines[1:]
    assert set(dashed.get_xdata()) == {values[0]}
    assert set(dotted.get_xdata()) == {STRESS.chance}
    assert display.ax_.get_xlabel() == "Balanced accuracy (dotted: chance)"
    assert display.ax_.get_title() == "$CNN$"
    assert display.ax_.get_legend() is None
    assert display.figure_ is display.ax_.figure


@pytest.mark.parametrize(
    ("score", "label", "reference"),
    [
        ("difference", "Change of balanced accuracy", 0),
        ("accuracy_kept", "Balanced accuracy kept", 1),
        ("labels_kept", "Labels kept", 1),
    ],
)
def test_other_scores(score, label, reference):
    display = StressTestDisplay.from_results(STRESS, score=score)
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == CONDITIONS
    values, _, _ = points(display)
    expected = [getattr(row, score)[0] for row in STRESS.summary()[1:]]
    np.testing.assert_allclose(values, expected)
    assert display.ax_.get_xlabel() == label
    (dashed,) = display.ax_.lines[1:]
    assert set(dashed.get_xdata()) == {reference}


def test_several_systems():
    other = replace(
        STRESS,
        predictions={
            "as recorded": STRESS.y_true,
            "room 0.4 s": STRESS.y_true,
            "silence cut": STRESS.y_true,
        },
    )
    display = StressTestDisplay.from_results({"CNN": STRESS, "SVM": other})
    labels = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert labels == ["as recorded", "room 0.4 s", "silence cut"]  # those of both
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["CNN", "SVM"]
    values, places, _ = points(display, "SVM")
    np.testing.assert_array_equal(values, [1, 1, 1])
    assert (places > points(display, "CNN")[1]).all()  # beside each other
    colors = {display.points_[name].lines[0].get_color() for name in ("CNN", "SVM")}
    markers = {display.points_[name].lines[0].get_marker() for name in ("CNN", "SVM")}
    assert len(colors) == len(markers) == 2


def test_different_chances_are_not_drawn():
    other = replace(STRESS, y_true=np.where(STRESS.y_true == "joy", "fear", STRESS.y_true))
    display = StressTestDisplay.from_results({"a": STRESS, "b": other})
    assert display.ax_.get_xlabel() == "Balanced accuracy"


def test_no_intervals():
    display = StressTestDisplay.from_results(replace(STRESS, speakers=None))
    values, _, intervals = points(display)
    for value, segment in zip(values, intervals, strict=True):
        np.testing.assert_allclose(segment[:, 0], value)


def test_axes_and_style():
    _, ax = plt.subplots()
    display = StressTestDisplay.from_results(STRESS, ax=ax, errorbar_kwargs={"c": "red", "ms": 9})
    assert display.ax_ is ax
    line = display.points_[""].lines[0]
    assert (line.get_color(), line.get_markersize()) == ("red", 9)
    again = display.plot(score="labels_kept")
    assert again is display
    assert display.ax_ is not ax


@pytest.mark.parametrize(
    ("results", "error", "message"),
    [
        (None, TypeError, r"results is None \(NoneType\); expected the result of stress_test, or"),
        ([STRESS], TypeError, r"results is \[StressTest"),
        ({"a": 3}, TypeError, r"results\['a'\] is 3 \(int\); expected"),
        ({}, ValueError, "results is empty; expected"),
        (
            {"a": STRESS, "b": replace(STRESS, predictions={"as recorded": STRESS.y_true})},
            ValueError,
            "results has 2 stress tests without a condition that was tested in all of them",
        ),
    ],
)
def test_what_is_no_result(results, error, message):
    with pytest.raises(error, match=message):
        StressTestDisplay.from_results(results)


def test_wrong_scores():
    with pytest.raises(ValueError, match="score == 'accuracy', must be one of 'balanced_accuracy'"):
        StressTestDisplay.from_results(STRESS, score="accuracy")
    rows = STRESS.summary()
    with pytest.raises(ValueError, match="scores contains no condition; expected"):
        StressTestDisplay({}).plot()
    with pytest.raises(ValueError, match="scores contains no condition; expected"):
        StressTestDisplay({"a": rows[:1]}).plot()
    with pytest.raises(ValueError, match="scores has different conditions for different systems"):
        StressTestDisplay({"a": rows, "b": rows[:2]}).plot()
