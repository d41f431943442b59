"""The report in a terminal."""

import re
from dataclasses import replace

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from ser_estimators._utils.text import readable
from ser_estimators.evaluation import evaluate
from ser_estimators.evaluation._text import list_untested, shorten, warnings_about

from .helpers import Loudness
from .reports import with_metadata, with_unknown_speakers

CLIPS = list(np.random.default_rng(0).normal(size=(12, 900)))
SPEAKERS = np.repeat([1, 2, 3], 4)


def test_every_protocol_is_shown(network_report):
    lines = str(network_report).splitlines()
    assert lines[0] == "<CNN> & logistic regression"
    assert max(map(len, lines)) <= 79
    assert sum(line.startswith("anger") for line in lines) == 2


def test_the_report_begins_with_the_answer(report):
    lines = str(with_metadata(report)).splitlines()
    (main, low, high), (other, *_) = (
        protocol.summary()[1][1:] for protocol in report.protocols.values()
    )
    assert lines[:5] == [
        "level",
        "synthetic voices, 36 clips, 6 speakers, 2024-05-01 12:34 UTC",
        "",
        f"balanced accuracy {main:.3f} ({low:.3f} to {high:.3f}), chance 0.333; random split "
        f"{other:.3f}",
        "",
    ]


def test_chance_is_beside_the_scores(report):
    text = str(report)
    assert re.search(r"\naccuracy +0\.\d{3}   .* 0\.333\nbalanced accuracy .* 0\.333\n", text)
    assert re.search(r"\nmacro F1 +0\.\d{3}   0\.\d{3} to [01]\.\d{3}\n", text)
    assert "Chance is what guessing gives: a balanced accuracy of 0.333 with 3 emotions" in text
    assert "predicting the frequency of each emotion" in " ".join(text.split())


def test_scores_by_metadata_and_the_range_of_speakers_are_shown(report):
    shown = with_metadata(report)
    text = str(shown)
    assert max(map(len, text.splitlines())) <= 79
    groups = shown.main.by_metadata()
    assert list(groups) == ["sex", "intensity"]
    for name, rows in groups.items():
        assert (
            text.count(f"\nUAR by {name} ") + text.count(f"\nUAR by {name[:4]}") >= 1
        )  # in the main protocol only
        for group in rows:
            assert re.search(
                rf"\n{group.value} +{group.balanced_accuracy:.3f} .* {group.chance:.3f} +"
                rf"{group.n_clips}\n",
                text,
            )
    assert "by seconds" not in text
    assert "Metadata without scores" in text
    (lowest, low, _), *_, (highest, high, _) = shown.main.by_speaker()
    assert f"\nUAR by speaker: from {low:.3f} ({lowest}) to {high:.3f} ({highest})\n" in text


def test_unknown_speakers_are_a_warning_and_have_no_intervals(report):
    unknown = with_unknown_speakers(report)
    text = str(unknown)
    assert ", 36 clips, unknown speakers, 20" in text.splitlines()[1]
    assert f"balanced accuracy {report.main.summary()[1][1]:.3f} (no interval), chance" in text
    assert "! The speakers are unknown and may appear in both training and test" in text
    assert "No intervals: they show how much speakers differ, and the speakers are unknown." in (
        " ".join(text.split())
    )
    assert "by speaker" not in text
    assert list_untested(unknown)[0] == (
        "speakers that it was not trained on: who speaks in each clip is unknown"
    )
    other = replace(unknown.main, name="other corpus")
    assert warnings_about(other) == []


@pytest.mark.parametrize(
    ("date", "shown"),
    [
        ("2024-05-01T12:34:56Z", "2024-05-01 12:34 UTC"),
        ("2024-05-01T12:34:56+02:00", "2024-05-01 10:34 UTC"),
        ("2024-05-01T12:34", "2024-05-01T12:34"),
        ("in May", "in May"),
    ],
)
def test_dates_are_in_utc(report, date, shown):
    assert str(replace(report, date=date, corpus="")).splitlines()[1] == (
        f"36 clips, 6 speakers, {shown}"
    )


def test_only_what_cannot_be_written_is_escaped():
    assert readable("ü € \udcfc \udc80 \ud83d \udc10 \\xfc") == (
        "ü € \\xfc \\x80 \\ud83d \\udc10 \\xfc"
    )


def test_texts_are_shortened_to_the_width():
    assert shorten("a" * 10, 10) == "a" * 10
    assert shorten("a" * 11, 10) == "aaaaaaa..."
    assert shorten("aaaaaa bbbbbb", 10) == "aaaaaa..."


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
    assert "\na very long name of a f... " in str(report)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("pleasant_surprise_in_a_play", "pleasant_surprise_in_a_..."),
        ("frustration_of_26_letters_", "frustration_of_26_letters_"),
        ("with\na line", "with a line"),
    ],
)
def test_names_without_a_space_are_cut_too(name, shown):
    report = evaluate(DummyClassifier(), CLIPS, ["anger", name] * 6, SPEAKERS)
    assert f"\n{shown} " in str(report)


@pytest.mark.parametrize(("confidence", "text"), [(0.95, "95%"), (0.995, "99.5%")])
def test_the_confidence_of_the_intervals_is_not_rounded(tmp_path, confidence, text):
    report = evaluate(
        DummyClassifier(), CLIPS, ["anger", "fear"] * 6, SPEAKERS, confidence=confidence
    )
    assert f" {text} interval " in str(report)
    page = report.to_html(tmp_path / "x.html").read_text(encoding="utf-8")
    assert f"In small type: {text} intervals" in page
