"""The README runs: from a folder and from a table of own recordings to a report."""

import re
import shutil
from pathlib import Path

import pytest

import ser_estimators
from ser_estimators.datasets import make_emotional_speech

README = Path(ser_estimators.__file__).parent.parent / "README.md"
PIPELINE = "make_ser_pipeline(random_state=0)"
# Smaller networks, fewer epochs and folds, so that the test takes seconds instead of minutes.
SMALL = f"{PIPELINE}.set_params(cnn__max_epochs=1, cnn__n_networks=1)"


def blocks():
    text = README.read_text(encoding="utf-8")
    section = text[text.index("## Your own recordings") :].partition("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)[:2]


@pytest.fixture
def calls():
    """Make recordings in folders, and a table of the same recordings, some cut in two."""
    voices = make_emotional_speech(
        5, 2, emotions=("calm", "neutral"), n_syllables=3, out_dir="voices", random_state=0
    )
    rows = ["path,emotion,speaker,start,end"]
    for path, emotion, speaker in zip(voices.data, voices.target, voices.speakers, strict=True):
        target = Path("calls", f"speaker {speaker}", emotion, Path(path).name)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, target)
        rows += [
            f"{target.as_posix()},{emotion},{speaker},{bounds}" for bounds in ("0,0.4", "0.4,")
        ]
    Path("labels.csv").write_text("\n".join(rows))


def test_from_nothing_to_a_report_in_three_lines(calls):
    folder, table = blocks()
    scope = {}
    for code, n_clips in ((folder, 20), (table, 40)):
        lines = [line for line in code.splitlines() if line and not line.startswith("from ")]
        assert len(lines) == 3
        assert PIPELINE in code
        Path("report.html").unlink(missing_ok=True)
        exec(compile(code.replace(PIPELINE, SMALL), "README.md", "exec"), scope)
        assert f"{n_clips} clips" in str(scope["report"])
        assert scope["report"].main.is_honest
        assert "data:audio" in Path("report.html").read_text(encoding="utf-8")
