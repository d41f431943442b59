"""The report as data: tables, mistakes, speakers."""

import sys

import numpy as np
import pytest


def test_frame(network_report):
    frame = network_report.to_frame()
    assert frame.columns.tolist() == ["protocol", "score", "value", "low", "high"]
    assert len(frame) == 2 * 5
    assert set(frame["protocol"]) == {"speaker-independent", "random split"}


def test_frame_without_pandas(network_report, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(
        ImportError, match="to_frame needs pandas, which is not installed; run 'pip"
    ):
        network_report.to_frame()


def test_mistakes_are_the_most_confident_ones(network_report):
    protocol = network_report.main
    positions = protocol.mistakes(3)
    wrong = protocol.y_true != protocol.y_pred
    assert all(wrong[positions])
    confidence = protocol.confidence
    assert confidence[positions].tolist() == sorted(confidence[wrong], reverse=True)[:3]


def test_confidence_is_that_of_the_predicted_class(network_report):
    protocol = network_report.main
    for i, predicted in enumerate(protocol.y_pred):
        column = protocol.classes.tolist().index(predicted)
        assert protocol.confidence[i] == protocol.probabilities[i, column]


def test_speakers_are_in_order_of_their_accuracy(network_report):
    rows = network_report.main.by_speaker()
    assert [row[0] for row in sorted(rows)] == [f"{i:02d}" for i in range(1, 7)]
    values = [row[1] for row in rows]
    assert values == sorted(values)
    assert np.mean(values) == pytest.approx(network_report.main.summary()[1][1], abs=0.01)
