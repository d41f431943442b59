"""The demo, as a user runs it."""

import subprocess
import sys
from pathlib import Path

import ser_estimators

DEMO = Path(ser_estimators.__file__).parent.parent / "examples" / "demo.py"


def test_demo_goes_through_all_its_steps():
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


def test_demo_says_what_is_wrong_with_the_data():
    done = subprocess.run(
        [sys.executable, str(DEMO), "--data", "nowhere"], capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "Could not load RAVDESS from 'nowhere': it does not exist" in done.stderr
