"""Predictions as text, CSV and JSON."""

import csv
import io
import json

import pytest

from ser_estimators.cli._table import CsvRows, JsonRows, Row, TextRows
from ser_estimators.cli._text import width_of

CLASSES = ["anger", "neutral", "sadness", "表情"]
GOOD = Row("a.wav", "anger", 0.5, dict(zip(CLASSES, [0.5, 0.3, 0.15, 0.05], strict=True)))
LONG = Row("a/very/long/path/to/世界/recording.wav", "表情", 0.9, dict.fromkeys(CLASSES, 0.25))
BAD = Row("b\x1b[31m.wav", error="it is damaged; convert it, for example with ffmpeg or sox")


def text(*rows, width=None, show_all=False, has_probability=True):
    table = TextRows(
        [row.name for row in rows],
        CLASSES,
        has_probability=has_probability,
        show_all=show_all,
        width=width,
    )
    return table.start() + "".join(map(table.row, rows)) + table.end()


def without_style(text):
    for code in ("\x1b[1m", "\x1b[31m", "\x1b[0m"):
        text = text.replace(code, "")
    return text


def test_lines_without_a_terminal():
    lines = without_style(text(GOOD, LONG, BAD)).splitlines()
    assert lines == [
        "file                                    emotion  probability",
        "a.wav                                   anger           0.50",
        "a/very/long/path/to/世界/recording.wav  表情            0.90",
        r"b\x1b[31m.wav                           error: it is damaged; convert it, for example "
        "with ffmpeg or sox",
    ]


@pytest.mark.parametrize("width", [24, 40, 60, 80, 100, 200])
@pytest.mark.parametrize("show_all", [False, True])
def test_lines_fit_into_the_terminal(width, show_all):
    lines = without_style(text(GOOD, LONG, BAD, width=width, show_all=show_all)).splitlines()
    assert all(width_of(line) <= max(width, 38) for line in lines)
    words = " ".join(" ".join(lines).split())
    assert "error: it is damaged; convert it, for example with ffmpeg or sox" in words
    assert "recording.wav" in words or "...ecording.wav" in words
    if show_all and width < 80:
        assert "anger 0.50, neutral 0.30, sadness 0.15, 表情 0.05" in words


def test_a_column_for_each_emotion():
    lines = without_style(text(GOOD, BAD, show_all=True)).splitlines()
    assert lines[:2] == [
        "file           emotion  probability  anger  neutral  sadness   表情",
        "a.wav          anger           0.50   0.50     0.30     0.15   0.05",
    ]


def test_models_without_probabilities():
    row = Row("a.wav", 3)
    assert without_style(text(row, has_probability=False)) == "file   emotion\na.wav  3\n"


def test_csv():
    rows = CsvRows(CLASSES[:2])
    read = list(csv.reader(io.StringIO(rows.start() + rows.row(GOOD) + rows.row(BAD) + rows.end())))
    assert read == [
        ["path", "emotion", "probability", "probability_anger", "probability_neutral", "error"],
        ["a.wav", "anger", "0.5", "0.5", "0.3", ""],
        [r"b\x1b[31m.wav", "", "", "", "", BAD.error],
    ]
    rows = CsvRows([])
    assert rows.row(Row('a "b",c\n.wav', "joy", 1 / 3)) == '"a ""b"",c\\n.wav",joy,0.333333,\n'


def test_json():
    rows = JsonRows(show_all=True)
    read = rows.start() + rows.row(GOOD) + rows.row(BAD) + rows.row(Row("\udcfc", 3)) + rows.end()
    assert read.isascii()
    good, bad, other = json.loads(read)
    assert good == {
        "path": "a.wav",
        "emotion": "anger",
        "probability": 0.5,
        "probabilities": GOOD.probabilities,
        "error": None,
    }
    assert (bad["emotion"], bad["probabilities"], bad["error"]) == (None, None, BAD.error)
    assert (other["path"], other["emotion"]) == ("\udcfc", 3)
    rows = JsonRows(show_all=False)
    assert json.loads(rows.start() + rows.end()) == []
    assert "probabilities" not in rows.row(GOOD)
