"""The examples, run as scripts."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ser_estimators

EXAMPLES = Path(ser_estimators.__file__).parent.parent / "examples"
DEMO = EXAMPLES / "demo.py"


ACTED = EXAMPLES.parent / "packages" / "ser-estimators-acted"
# As an interpreter in which the package with the trained model is not installed.
WITHOUT_ACTED = (
    "import runpy, sys; sys.modules['ser_estimators_acted'] = None; path = sys.argv.pop(1); "
    "sys.argv[0] = path; runpy.run_path(path, run_name='__main__')"
)


def run_demo(*arguments, start=(), warn="error"):
    """Run the demo in another process, which finds the package with the trained model."""
    return subprocess.run(
        [sys.executable, "-W", warn, *start, str(DEMO), *arguments],
        env=os.environ | {"PYTHONPATH": str(ACTED)},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_demo_runs_all_steps():
    done = run_demo("--epochs", "2", start=("-c", WITHOUT_ACTED))
    assert done.returncode == 0, done.stderr
    for words in (
        "ser-estimators-acted, a model for acted speech, is not installed",
        "pip install packages/ser-estimators-acted",
        "384 clips of 12 speakers, 8 emotions",
        "held out: speakers",
        "epoch 2/2",
        "balanced accuracy",
        ">>> model.predict([",
        "in truth",
    ):
        assert words in done.stdout
    for name in ("model.safetensors", "confusion_matrix.png"):
        assert Path("demo-output", name).stat().st_size > 10_000


@pytest.mark.skipif(not ACTED.exists(), reason="needs the source code of the project")
@pytest.mark.parametrize(
    ("arguments", "note"),
    [
        pytest.param([], "its label of this synthetic voice means nothing", marks=pytest.mark.slow),
        (["--data", "ravdess"], "this is not a test"),
    ],
)
def test_demo_begins_with_the_trained_model(voices, arguments, note):
    """The rest fails here, so that the test is short: nothing can be trained for 0 epochs."""
    Path("ravdess").mkdir()
    shutil.copy(voices.data[0], "ravdess/03-01-05-01-01-01-01.wav")
    done = run_demo(*arguments, "--epochs", "0", warn="ignore")
    assert done.returncode != 0
    start, _, rest = done.stdout.partition("1. A corpus to train on")
    assert rest
    assert ">>> ser_estimators_acted.load().predict(['" in start
    assert len([line for line in start.splitlines() if "%" in line]) == 8
    assert "trained on RAVDESS and nEMO;\nlicense cc-by-nc-sa-4.0, which excludes" in start
    assert note in start


def test_demo_reports_a_missing_data_folder():
    done = run_demo("--data", "nowhere")
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
