"""The report in a terminal."""

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from ser_estimators.evaluation import evaluate

from .helpers import Loudness

CLIPS = list(np.random.default_rng(0).normal(size=(12, 900)))
SPEAKERS = np.repeat([1, 2, 3], 4)


def test_every_protocol_is_shown(network_report):
    lines = str(network_report).splitlines()
    assert lines[0] == "Evaluation of <CNN> & logistic regression"
    assert max(map(len, lines)) <= 79
    assert sum(line.startswith("anger") for line in lines) == 2


def test_shared_speakers_are_a_warning(report):
    text = " ".join(str(report).split())
    assert "! 6 speakers appear in both training and test: these scores do not apply to" in text
    assert max(map(len, str(report).splitlines())) <= 79


def test_a_search_for_leaks_that_was_skipped_is_a_warning(voices):
    report = evaluate(Loudness(), voices.data, voices.target, voices.speakers, check_leaks=False)
    assert report.main.leaks is None
    assert not report.main.is_honest
    text = " ".join(str(report).split())
    assert "! Recordings that appear in both training and test were not searched for" in text


def test_names_wider_than_the_column_are_cut():
    names = ["anger", "a very long name of a feeling indeed"] * 6
    report = evaluate(
        DummyClassifier(), CLIPS, names, SPEAKERS, cv=3, name="a system with a long name " * 5
    )
    assert max(map(len, str(report).splitlines())) <= 79
    assert "a very long..." in str(report)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("pleasant_surprise", "pleasant_su..."), ("frustration_hi", "frustration_hi")],
)
def test_names_without_a_space_are_cut_too(name, shown):
    report = evaluate(DummyClassifier(), CLIPS, ["anger", name] * 6, SPEAKERS)
    assert f"\n{shown} " in str(report)


@pytest.mark.parametrize(("confidence", "text"), [(0.95, "95%"), (0.995, "99.5%")])
def test_the_confidence_of_the_intervals_is_not_rounded(tmp_path, confidence, text):
    report = evaluate(
        DummyClassifier(), CLIPS, ["anger", "fear"] * 6, SPEAKERS, confidence=confidence
    )
    assert f" {text} interval\n" in str(report)
    page = report.to_html(tmp_path / "x.html").read_text(encoding="utf-8")
    assert f"In small type: {text} intervals" in page
