"""The examples, run as scripts."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ser_estimators

EXAMPLES = Path(ser_estimators.__file__).parent.parent / "examples"
DEMO = EXAMPLES / "demo.py"


def test_demo_runs_all_steps():
    done = subprocess.run(
        [sys.executable, "-W", "error", str(DEMO), "--epochs", "2"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    for words in (
        "384 clips of 12 speakers, 8 emotions",
        "held out: speakers",
        "epoch 2/2",
        "balanced accuracy",
        ">>> pipe.predict([",
        "in truth",
    ):
        assert words in done.stdout
    for name in ("model.joblib", "confusion_matrix.png"):
        assert Path("demo-output", name).stat().st_size > 10_000


def test_demo_reports_a_missing_data_folder():
    done = subprocess.run(
        [sys.executable, str(DEMO), "--data", "nowhere"], capture_output=True, text=True
    )
    assert done.returncode == 2
    error = "demo.py: error: Could not load RAVDESS from 'nowhere': it does not exist in '"
    assert done.stderr.startswith(error)
    assert len(done.stderr.splitlines()) == 1
    assert not Path("demo-output").exists()


def run(name, *arguments):
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_classical_example_on_synthetic_voices():
    printed = run("classical.py")
    for words in ("SVM", "random forest", "fully connected network", "speakers to test"):
        assert words in printed


@pytest.mark.slow
def test_evaluation_of_ravdess_writes_a_report(voices):
    codes = {"neutral": "01", "anger": "05", "sadness": "04"}
    for number, path in enumerate(voices.data):
        actor, code = voices.speakers[number], codes[voices.target[number]]
        folder = Path("ravdess", f"Actor_{actor}")
        folder.mkdir(parents=True, exist_ok=True)
        name = f"03-01-{code}-01-{number % 2 + 1:02d}-{number // 2 % 2 + 1:02d}-{actor}.wav"
        shutil.copy(path, folder / name)
    printed = run("evaluate_ravdess.py", "ravdess", "--folds", "2", "--epochs", "1")
    assert "speaker-independent" in printed
    assert "The page: report.html" in printed
    assert Path("report.html").stat().st_size > 10_000
