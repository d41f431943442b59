"""ser stress and ser evaluate --stress: tables, files, and models that know their training data."""

import csv
import json
import shutil
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from ser_estimators import AcousticFeatures, save_model
from ser_estimators.conditions import standard_conditions
from ser_estimators.evaluation import EvaluationReport, StressTest, stress_test
from ser_estimators.models import ModelCard

from .helpers import SMALL, ser, unwritable_folder

FEW = ("--conditions", "gain -20 dB,white noise 20 dB")


def test_the_result_is_that_of_the_library(run, folder, model, model_file, voices):
    done = run("stress", folder, "-m", model_file, *FEW)
    assert done.status == 0
    expected = stress_test(
        model, voices.data, voices.target, voices.speakers, conditions=FEW[1].split(",")
    )
    lines = done.out.splitlines()
    assert lines[1].startswith("recordings, 36 clips, 6 speakers, ")
    assert all(len(line) < 80 for line in lines)
    shown = [line for line in str(expected).splitlines() if line.startswith("white noise 20 dB")]
    assert shown[0] in lines
    assert "36 clips, 6 speakers, 3 emotions: anger, neutral, sadness" in done.err
    assert "condition 2/2, white noise 20 dB: " in done.err


def test_json_is_all_of_standard_output(run, folder, model_file):
    done = ser("stress", folder, "-m", model_file, *FEW, "--json")
    assert done.status == 0
    Path("s.json").write_bytes(done.out)
    assert StressTest.from_json("s.json").conditions == ["gain -20 dB", "white noise 20 dB"]
    assert b"condition 1/2" in done.err
    quiet = run("stress", folder, "-m", model_file, *FEW, "--json", "--quiet")
    assert quiet.err == ""
    record, other = json.loads(done.out), json.loads(quiet.out)
    assert {**record, "date": ""} == {**other, "date": ""}


def test_files(run, folder, model_file):
    done = run(
        *("stress", folder, "-m", model_file, *FEW, "--html", "s.html", "--csv", "s.csv", "-j", 2)
    )
    assert done.err.splitlines()[-2:] == ["Wrote s.html", "Wrote s.csv"]
    assert Path("s.html").read_text().startswith("<!DOCTYPE html>")
    rows = list(csv.DictReader(Path("s.csv").read_text().splitlines()))
    assert [row["condition"] for row in rows] == ["as recorded", *FEW[1].split(",")]


def test_names_are_listed(run):
    done = run("stress", "--list")
    assert (done.status, done.out.splitlines()) == (0, list(standard_conditions()))


def test_all_conditions(run, folder, model_file):
    done = run("stress", folder, "-m", model_file, "-q", "--json")
    assert done.status == 0
    found = json.loads(done.out)
    assert list(found["predictions"]) == ["as recorded", *standard_conditions()]
    assert found["failures"] == {}


def test_a_model_that_was_trained_on_this_data(run, folder, model):
    save_model(model, "m.safetensors", card=ModelCard(corpora=("Recordings",)))
    done = run("stress", folder, "-m", "m.safetensors", *FEW)
    assert "says that it was trained on 'recordings'. If these are the same rec" in done.err
    save_model(model, "m.safetensors", card=ModelCard(corpora=("others",)))
    assert "trained on" not in run("stress", folder, "-m", "m.safetensors", *FEW).err


def test_recordings_of_unknown_speakers(run, folder, model_file):
    for path in sorted(folder.rglob("*.wav")):
        target = Path("own", path.parent.name, f"{path.parent.parent.name}-{path.name}")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    done = run("stress", "own", "-m", model_file, *FEW)
    assert done.status == 0
    assert "No intervals" in done.out


@pytest.mark.parametrize("command", ["stress", "evaluate"])
@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--conditions", "hum"], "there is no condition 'hum'; 'ser stress --list' lists all"),
        (["--conditions", ""], "--conditions is empty; pass names, separated by commas"),
        (["--html", "no/r.html"], "there is no folder 'no'; create it first"),
        (["--csv", "."], "'.' is a folder; expected the name of a file"),
    ],
)
def test_wrong_usage(run, folder, model_file, command, args, message):
    model = ["-m", model_file] if command == "stress" else []
    done = run(command, folder, *model, *args)
    assert (done.status, done.out) == (2, "")
    assert message in done.err


def test_no_model_and_no_data(run, folder, model_file, without_model_package):
    assert "there is no model" in run("stress", folder).err
    assert "check the path" in run("stress", "nowhere", "-m", model_file).err
    done = run("stress", folder, "-m", "none.joblib")
    assert (done.status, done.out) == (2, "")
    assert "there is no model 'none.joblib'" in done.err


def test_emotions_that_the_model_does_not_know(run, folder, model_file):
    for path in sorted((folder / "01" / "anger").glob("*.wav")):
        Path("new/01/joy").mkdir(parents=True, exist_ok=True)
        shutil.copy(path, "new/01/joy")
    done = run("stress", "new", "-m", model_file, *FEW)
    assert done.status == 1
    assert "none of which the model predicts; expected some of 'anger', " in done.err


@pytest.mark.parametrize("kind", [int, float])
def test_labels_that_are_numbers(run, voices, kind):
    numbers = np.unique(voices.target, return_inverse=True)[1]
    model = make_pipeline(AcousticFeatures(("rms",)), LogisticRegression(max_iter=1000))
    joblib.dump(model.fit(voices.data, numbers.astype(kind)), "numbers.joblib")
    rows = [
        f"{path},{number},{speaker}"
        for path, number, speaker in zip(voices.data, numbers, voices.speakers, strict=True)
    ]
    Path("labels.csv").write_text("\n".join(["path,emotion,speaker", *rows]))
    done = run("stress", "labels.csv", "-m", "numbers.joblib", *FEW)
    assert (done.status, "gain" in done.out) == (0, True), done.err


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc for root")
def test_files_that_cannot_be_written(run, folder, model_file):
    done = run("stress", folder, "-m", model_file, "--html", f"{unwritable_folder()}/s.html")
    assert (done.status, done.out) == (2, "")
    assert "/s.html' cannot be written: " in done.err


def test_a_full_disk_does_not_lose_the_result(run, folder, model_file, monkeypatch):
    def to_html(stress, path):
        raise OSError(28, "No space left on device", path)

    monkeypatch.setattr(StressTest, "to_html", to_html)
    done = run("stress", folder, "-m", model_file, *FEW, "--html", "s.html", "-q")
    assert done.status == 1
    assert "white noise 20 dB" in done.out


def test_evaluate_with_a_stress_test(run, folder):
    fast = (*SMALL, "--set", "cnn__max_epochs=1", "--cv", "2", "--set", "cnn__n_views=1")
    done = run("evaluate", folder, *fast, *FEW, "--html", "r.html", "--json")
    assert done.status == 0
    Path("r.json").write_text(done.out)
    report = EvaluationReport.from_json("r.json")
    assert report.stress.conditions == FEW[1].split(",")
    assert "fold 2/2, condition 2/2, white noise 20 dB: " in done.err
    assert "Outside the studio" in Path("r.html").read_text()
    everything = run("evaluate", folder, *fast, "--stress", "-q", "--json")
    protocol = json.loads(everything.out)["protocols"][0]
    assert list(protocol["conditions"]) == list(standard_conditions())
