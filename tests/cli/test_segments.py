"""Commands with tables of which each row is a part of a file."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_estimators import AcousticFeatures, Segment

from .helpers import SMALL

RATE = 16000


@pytest.fixture
def calls(voices):
    """Write a recording for each of the first four speakers, and a table of its segments."""
    rows = ["file,label,actor,begin,duration"]
    for speaker in np.unique(voices.speakers)[:4]:
        start, waveforms = 0.0, []
        for path, emotion, who in zip(voices.data, voices.target, voices.speakers, strict=True):
            if who == speaker:
                waveforms.append(soundfile.read(path)[0])
                seconds = waveforms[-1].size / RATE
                rows.append(f"{speaker}.wav,{emotion},{speaker},{start},{seconds}")
                start += seconds
        soundfile.write(f"{speaker}.wav", np.concatenate(waveforms), RATE)
    Path("calls.csv").write_text("\n".join(rows))
    return [row.split(",") for row in rows[1:]]


def text_of(row):
    start, duration = float(row[3]), float(row[4])
    return str(Segment(row[0], start, start + duration))


def test_train_and_predict(run, calls):
    done = run("train", "calls.csv", "-o", "m.joblib", *SMALL, "--set", "cnn__max_epochs=2")
    assert (done.status, done.out) == (0, "")
    first = f"{len(calls)} clips, 4 speakers, 3 emotions: anger, neutral, sadness"
    assert done.err.splitlines()[0] == first
    done = run("predict", "-m", "m.joblib", "--json", "calls.csv")
    assert [row["path"] for row in json.loads(done.out)] == [text_of(row) for row in calls]
    assert done.status == 0


def test_a_row_that_is_wrong_costs_no_other(run, model_file, calls):
    Path("bad.csv").write_text("file,start,end\n01.wav,0,0.5\n01.wav,9999,\n01.wav,x,\n")
    done = run("predict", "-m", model_file, "--csv", "bad.csv")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert [row["path"] for row in rows] == ["01.wav#t=0,0.5", "01.wav#t=9999", "01.wav"]
    assert rows[0]["error"] == ""
    assert rows[1]["error"].startswith("the segment starts at 9999 s, and the file ends at")
    assert rows[2]["error"].startswith("column 'start' has no time in line 4 ('x')")
    assert "--start-column none" in rows[2]["error"]
    assert done.status == 1


def test_evaluate(run, calls, monkeypatch):
    options = ["--cv", 2, "-q", *SMALL, "--set", "cnn__max_epochs=1"]
    done = run("evaluate", "calls.csv", "--csv", "clips.csv", *options)
    assert done.status == 0
    rows = list(csv.DictReader(io.StringIO(Path("clips.csv").read_text())))
    assert [row["path"] for row in rows] == [row[0] for row in calls]
    assert [float(row["start"]) for row in rows] == [float(row[3]) for row in calls]


def test_features(run, calls):
    options = ["--features", "rms", "--statistics", "mean"]
    done = run("features", "calls.csv", *options)
    assert done.status == 0
    rows = list(csv.reader(io.StringIO(done.out)))
    assert [row[0] for row in rows[1:]] == [text_of(row) for row in calls]
    segments = [Segment(row[0], float(row[3]), float(row[3]) + float(row[4])) for row in calls]
    extractor = AcousticFeatures(features=("rms",), statistics=("mean",))
    expected = np.asarray(extractor.fit_transform(segments))[:, 0]
    np.testing.assert_allclose([float(row[-1]) for row in rows[1:]], expected, rtol=1e-5)


def test_columns_that_are_ignored(run, calls):
    options = ["--features", "rms", "--statistics", "mean"]
    done = run("features", "calls.csv", *options, "--speaker-column", "None")
    assert "speaker" not in done.out.splitlines()[0]
    Path("t.csv").write_text("file,label,start\n01.wav,joy,noon\n")
    done = run("features", "t.csv", *options, "--start-column", "none")
    assert [line.split(",")[0] for line in done.out.splitlines()] == ["path", "01.wav"]
