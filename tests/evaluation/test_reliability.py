"""Reliability of probabilities: bins with intervals, in reports and on pages."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression, RidgeClassifier

from ser_estimators._estimators.reliability import calibration_error, reliability_bins
from ser_estimators.evaluation import evaluate
from ser_estimators.evaluation._reliability_chart import reliability_chart

from .test_adapted import make_clips

X, Y, SPEAKERS = make_clips()
REPORT = evaluate(LogisticRegression(), X, Y, SPEAKERS, cv=4, check_leaks=False)


def test_bins():
    confidence = np.array([0.0, 0.55, 0.59, 0.6, 1.0])
    right = np.array([False, True, False, True, True])
    bins = reliability_bins(confidence, right, None, n_bins=10, level=0.95)
    assert [one.n_clips for one in bins] == [1, 0, 0, 0, 0, 2, 1, 0, 0, 1]
    found = bins[5]
    assert (found.start, found.stop) == (0.5, 0.6)
    assert found.confidence == pytest.approx(0.57)
    assert found.accuracy == 0.5
    assert np.isnan([found.low, found.high]).all()
    assert np.isnan([bins[1].confidence, bins[1].accuracy]).all()
    expected = (0.0 + 0.14 + 0.4 + 0.0) / 5
    assert calibration_error(bins) == pytest.approx(expected)
    assert np.isnan(calibration_error([]))


def test_intervals_are_those_over_speakers():
    shares = np.array([0.9, 0.5, 0.7, 0.8])
    speakers = np.repeat(list("abcd"), 10)
    right = np.concatenate([np.arange(10) < 10 * share for share in shares])
    confidence = np.full(40, 0.75)
    (found,) = reliability_bins(confidence, right, speakers, n_bins=1, level=0.9)
    half = stats.t.ppf(0.95, 3) * shares.std(ddof=1) / 2
    assert found.low == pytest.approx(shares.mean() - half)
    assert found.high == pytest.approx(min(1, shares.mean() + half))
    # The clips of one speaker say nothing of others.
    confidence[:10] = 0.2
    first, second = reliability_bins(confidence, right, speakers, n_bins=2, level=0.9)
    assert np.isnan(first.low)
    assert second.low < second.accuracy < second.high


def test_bins_of_a_report():
    bins = REPORT.main.reliability()
    assert len(bins) == 10
    assert sum(one.n_clips for one in bins) == len(Y)
    error = float(REPORT.main.scores.value.calibration_error)
    assert calibration_error(bins) == pytest.approx(error)
    assert len(REPORT.main.reliability(4)) == 4
    with pytest.raises(ValueError, match="n_bins == 0, must be >= 1"):
        REPORT.main.reliability(0)


def test_chart_of_a_page():
    chart = reliability_chart(REPORT.main)
    filled = [one for one in REPORT.main.reliability() if one.n_clips]
    assert len(chart.points) == len(filled)
    for point, one in zip(chart.points, filled, strict=True):
        assert chart.left <= point.left <= point.left + point.width <= chart.right
        assert point.left - 1 <= point.x <= point.left + point.width + 1
        assert chart.top <= point.y <= chart.bottom
        assert chart.bars_top <= point.top <= chart.bars_bottom
        assert point.bin == one
    assert max(point.height for point in chart.points) == chart.bars_bottom - chart.bars_top
    page = REPORT.to_html("r.html", n_mistakes=0).read_text()
    assert "<h2>Reliability of the probabilities</h2>" in page
    assert page.count('<rect x="') == len(filled)
    assert f"{filled[-1].n_clips} clips, " in page


def test_pages_without_probabilities_or_speakers():
    ridge = evaluate(RidgeClassifier(), X, Y, SPEAKERS, cv=4, check_leaks=False)
    assert ridge.main.reliability() == []
    assert reliability_chart(ridge.main) is None
    assert "Reliability" not in ridge.to_html("r.html", n_mistakes=0).read_text()
    unknown = evaluate(LogisticRegression(), X, Y, "unknown", cv=4, check_leaks=False)
    page = unknown.to_html("u.html", n_mistakes=0).read_text()
    assert "Reliability" in page
    assert "Vertical lines" not in page
    assert "NaN" not in Path("u.html").read_text()


def test_probabilities_that_are_more_than_one():
    """Some classifiers give them, because of rounding."""
    main = replace(REPORT.main, probabilities=REPORT.main.probabilities * 1.0000001)
    assert sum(one.n_clips for one in main.reliability()) == len(Y)
