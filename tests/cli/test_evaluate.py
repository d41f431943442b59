"""ser evaluate and ser compare: the report on standard output, and files beside it."""

import csv
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from ser_estimators.evaluation import EvaluationReport

from .helpers import SMALL, on_terminal, ser, unwritable_folder

FAST = (*SMALL, "--set", "cnn__max_epochs=1", "--cv", "2")


@pytest.fixture(scope="module")
def reports(folder, tmp_path_factory):
    """Evaluate two systems, in other processes."""
    root = tmp_path_factory.mktemp("reports")
    found = {}
    for name, options in (
        ("a", []),
        ("b", ["--set", "voting__temperature=100", "-j", "2", "--name", "weak"]),
    ):
        done = ser("evaluate", folder, *FAST, *options, "--json")
        assert done.status == 0
        (root / f"{name}.json").write_bytes(done.out)
        found[name] = done
    return root, found


def test_json_is_all_of_standard_output(reports):
    root, found = reports
    for done in found.values():
        assert json.loads(done.out)["format"] == 1
        err = done.err.decode()
        assert err.startswith("36 clips, 6 speakers, 3 emotions: anger, neutral, sadness\n")
        assert err.count("to be tested on") == 2  # from worker processes, too
    report = EvaluationReport.from_json(root / "b.json")
    assert report.name == "weak"
    assert report.main.name == "speaker-independent"
    assert [len(fold.test) for fold in report.main.folds] == [18, 18]


def test_the_same_evaluation_gives_the_same_report(reports, folder, run):
    done = run(
        "evaluate", folder, *FAST, "-q", "--random-split", "--html", "r.html", "--csv", "p.csv"
    )
    assert (done.status, done.err) == (0, "")
    assert "\nspeaker-independent\n" in done.out
    assert "\nrandom split\n" in done.out
    first = EvaluationReport.from_json(reports[0] / "a.json")
    assert first.main.describe() in f"{first!r}"
    assert f"balanced accuracy {first.main.scores.value.balanced_accuracy:.3f}" in done.out
    assert all(len(line) < 80 for line in done.out.splitlines())
    assert Path("r.html").read_text().startswith("<!DOCTYPE html>")
    rows = list(csv.DictReader(Path("p.csv").read_text().splitlines()))
    assert len(rows) == 36
    assert {row["speaker"] for row in rows} == {f"{number:02d}" for number in range(1, 7)}


def test_files_are_announced(folder, run):
    done = run("evaluate", folder, *FAST, "--html", "r.html", "--resume", "folds")
    assert done.err.splitlines()[-1] == "Wrote r.html"
    assert len(list(Path("folds").rglob("fold-*.npz"))) == 2
    again = run("evaluate", folder, *FAST, "--resume", "folds")
    assert "2 of 2 folds loaded from" in again.err
    assert again.out.splitlines()[3:] == done.out.splitlines()[3:]


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc for root")
def test_files_that_cannot_be_written(folder, run):
    for option in ("--html", "--csv"):
        done = run("evaluate", folder, *FAST, option, f"{unwritable_folder()}/report")
        assert (done.status, done.out) == (2, "")
        assert "/report' cannot be written: " in done.err
        shutil.rmtree("locked", ignore_errors=True)


def test_a_full_disk_does_not_lose_the_report(folder, run, monkeypatch):
    def to_html(report, path):
        raise OSError(28, "No space left on device", path)

    monkeypatch.setattr(EvaluationReport, "to_html", to_html)
    done = run("evaluate", folder, *FAST, "--html", "r.html", "-q")
    assert done.status == 1
    assert "balanced accuracy" in done.out
    assert done.err == "ser: error: r.html: No space left on device\n"


def test_speakers_that_nobody_knows(folder, run):
    for path in sorted(folder.rglob("*.wav")):
        target = Path("own", path.parent.name, f"{path.parent.parent.name}-{path.name}")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    done = run("evaluate", "own", *FAST)
    assert (done.status, done.out) == (2, "")
    assert "nothing in 'own' says who speaks" in done.err
    assert "pass --unknown-speakers" in done.err
    done = run("evaluate", "own", *FAST, "--unknown-speakers")
    assert done.status == 0
    assert "\nspeakers unknown\n" in done.out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--cv", "1"], "Invalid value for '--cv': 1 is not in the range x>=2"),
        (["--html", "no/r.html"], "there is no folder 'no'; create it first"),
        (["--csv", "."], "'.' is a folder; expected the name of a file"),
        (["--unknown-speakers", "--random-split"], "all splits are random: omit --random-split"),
        (["--set", "cnn__epochs=1"], "there is no parameter 'cnn__epochs'"),
    ],
)
def test_wrong_usage(run, folder, args, message):
    done = run("evaluate", folder, *args)
    assert (done.status, done.out) == (2, "")
    assert message in done.err


def test_a_table_needs_pandas(run, folder, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = run("evaluate", folder, "--csv", "p.csv")
    assert done.status == 2
    assert "--csv needs pandas, which is not installed; run 'pip install pandas'" in done.err


def test_data_that_cannot_be_evaluated(run, folder):
    shutil.copytree(folder / "01", "one/01")
    done = run("evaluate", "one", *FAST)
    assert (done.status, done.out) == (1, "")
    assert "ser: error: " in done.err.splitlines()[-1]
    assert "speaker" in done.err.splitlines()[-1]


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_ctrl_c(folder):
    status, text = on_terminal(
        *("evaluate", folder, *SMALL, "--set", "cnn__max_epochs=5000", "--resume", "folds"),
        interrupt_after="loss=",
    )
    assert status == 130
    assert text.splitlines()[-1] == "ser: interrupted"
    assert "The same command continues after the finished folds" in text
    assert "Traceback" not in text


def test_comparison(reports, run):
    files = [reports[0] / "a.json", reports[0] / "b.json"]
    done = run("compare", *files)
    assert (done.status, done.err) == (0, "")
    assert "a - b " in done.out
    assert "over 6 speakers" in done.out
    found = json.loads(run("compare", "--json", *files).out)
    assert set(found["scores"]) == {"a", "b"}
    assert found["n_speakers"] == 6


def test_comparison_of_files_with_the_same_name(reports, run):
    Path("other").mkdir()
    shutil.copy(reports[0] / "a.json", "other/a.json")
    done = run("compare", reports[0] / "a.json", "other/a.json")
    assert "other/a.json" in done.out
    done = run("compare", "other/a.json", "other/a.json")
    assert (done.status, "a report is given twice" in done.err) == (2, True)


def test_reports_that_cannot_be_compared(reports, run):
    good = reports[0] / "a.json"
    Path("bad.json").write_text("{}")
    Path("model.bin").write_bytes(b"\xff\xfe\x80")
    for args, status, message in (
        ([good], 2, "expected two reports or more"),
        ([good, "bad.json"], 2, "'bad.json' is not a report of 'ser evaluate --json' (it is not"),
        ([good, "model.bin"], 2, "'model.bin' is not a report of 'ser evaluate --json'\n"),
        ([good, "nothing.json"], 2, "there is no report 'nothing.json'; check the path"),
        ([good, reports[0] / "b.json", "--protocol", "x"], 1, "has no protocol 'x'; expected one"),
    ):
        done = run("compare", *args)
        assert (done.status, done.out) == (status, "")
        assert message in done.err
