"""ReliabilityDisplay: points, bars, several systems, and what cannot be drawn."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, RidgeClassifier

from ser_estimators.display import ReliabilityDisplay
from ser_estimators.evaluation import evaluate

from .helpers import predictions

TRUTH, PROBABILITIES, SPEAKERS = predictions()


def draw(**options):
    return ReliabilityDisplay.from_predictions(TRUTH, PROBABILITIES, **options)


def test_points_and_bars():
    display = draw(speakers=SPEAKERS, name="$CNN$")
    line, _, (intervals,) = display.points_[""]
    x, y = line.get_data()
    filled = [one for one in display.bins[""] if one.n_clips]
    assert list(x) == [one.confidence for one in filled]
    assert list(y) == [one.accuracy for one in filled]
    for segment, one in zip(intervals.get_segments(), filled, strict=True):
        ends = (one.accuracy, one.accuracy) if np.isnan(one.low) else (one.low, one.high)
        np.testing.assert_allclose(segment[:, 1], ends)
    assert [bar.get_height() for bar in display.counts_ax_.patches] == [
        one.n_clips for one in filled
    ]
    assert display.ax_.get_title() == "$CNN$"
    (text,) = display.ax_.get_legend().get_texts()
    assert text.get_text().startswith("calibration error 0.")
    assert display.figure_ is display.ax_.figure
    assert display.counts_ax_.get_xlabel() == "Probability of the predicted label"


def test_no_speakers():
    _, _, (intervals,) = draw().points_[""]
    assert all(np.ptp(segment[:, 1]) == 0 for segment in intervals.get_segments())


def test_axes_style_and_bins():
    _, ax = plt.subplots()
    display = draw(ax=ax, errorbar_kwargs={"c": "red", "ms": 9}, n_bins=4, confidence=0.5)
    assert display.ax_ is ax
    assert display.counts_ax_ is None
    assert ax.get_xlabel() == "Probability of the predicted label"
    assert len(ax.figure.axes) == 1
    line = display.points_[""].lines[0]
    assert (line.get_color(), line.get_markersize()) == ("red", 9)
    assert len(display.bins[""]) == 4
    assert display.plot() is display
    assert display.counts_ax_ is not None


def test_reports():
    rng = np.random.default_rng(0)
    y = np.array(["anger", "joy"] * 60)
    X = rng.normal(size=(120, 3)) + (y == "joy")[:, None]
    speakers = np.repeat(np.arange(6), 20)
    reports = {
        name: evaluate(LogisticRegression(C=C), X, y, speakers, cv=3, check_leaks=False)
        for name, C in (("sure", 1e4), ("modest", 1e-3))
    }
    display = ReliabilityDisplay.from_report(reports["sure"], n_bins=5)
    assert repr(display.bins) == repr({"": reports["sure"].main.reliability(5)})
    both = ReliabilityDisplay.from_report(reports)
    texts = [text.get_text() for text in both.ax_.get_legend().get_texts()]
    assert [text.split(":")[0] for text in texts] == ["sure", "modest"]
    colors = {points.lines[0].get_color() for points in both.points_.values()}
    assert len(colors) == 2
    ridge = evaluate(RidgeClassifier(), X, y, speakers, cv=3, check_leaks=False)
    with pytest.raises(ValueError, match="report has no probabilities; evaluate a classifier"):
        ReliabilityDisplay.from_report(ridge)
    with pytest.raises(ValueError, match=r"report\['b'\] has no probabilities"):
        ReliabilityDisplay.from_report({"a": reports["sure"], "b": ridge})


@pytest.mark.parametrize("report", [None, [1], {"a": 3}])
def test_what_is_no_report(report):
    with pytest.raises(TypeError, match="expected the result of evaluate, or a dict such as"):
        ReliabilityDisplay.from_report(report)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": ["a", "b"]}, r"has the shape \(200, 3\); expected \(n_clips, 2\), a column"),
        ({"speakers": [1, 2]}, "inconsistent numbers of samples"),
        ({"n_bins": 0}, "n_bins == 0, must be >= 1"),
        ({"confidence": 1}, "confidence == 1, must be < 1"),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        draw(**options)


def test_wrong_probabilities():
    for bad in (PROBABILITIES * np.nan, PROBABILITIES - 1, PROBABILITIES * 3):
        with pytest.raises(ValueError, match="probabilities has values outside 0 to 1, or NaN"):
            ReliabilityDisplay.from_predictions(TRUTH, bad)
    with pytest.raises(ValueError, match="bins contains no clips"):
        ReliabilityDisplay({}).plot()
    with pytest.raises(ValueError, match="bins contains no clips"):
        ReliabilityDisplay({"a": []}).plot()
