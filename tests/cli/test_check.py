"""ser check: problems of recordings, and the exit status."""

import csv
import shutil
import sys
from pathlib import Path

import numpy as np
import soundfile


def test_good_recordings(run, folder):
    done = run("check", folder)
    assert done.status == 0
    lines = done.out.splitlines()
    assert lines[0] == "Recordings in the folder recordings"
    assert lines[-1] == "  no problem found"


def test_problems(run, folder):
    shutil.copytree(folder / "01", "own/1")
    shutil.copytree(folder / "02", "own/01")
    soundfile.write("own/1/anger/silence.wav", np.zeros(16000), 16000)
    done = run("check", "own", "--csv", "problems.csv", "-j", 2, "-q")
    assert (done.status, done.err) == (1, "")
    assert "  - one speaker, two names: '01', '1' may be one speaker" in done.out
    assert "  - silent: 'own/1/anger/silence.wav' (peak 0 of full scale)" in done.out
    rows = list(csv.DictReader(Path("problems.csv").read_text().splitlines()))
    assert rows[-1]["problem"] == "silent"
    assert Path(rows[-1]["path"]) == Path("own/1/anger/silence.wav")
    done = run("check", "own", "--labels-only")
    assert done.status == 1
    assert "silent" not in done.out


def test_a_recording_is_no_corpus(run, folder):
    path = next(folder.rglob("*.wav"))
    done = run("check", path)
    assert (done.status, done.out) == (2, "")
    assert "is a recording without a label; pass the folder of the recordings" in done.err


def test_a_layout(run, folder):
    shutil.copytree(folder, "own")
    for path in Path("own").glob("*/*"):
        target = Path("swapped", path.name, path.parent.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
    assert "6 speakers" in run("check", "swapped", "--labels-only").out
    done = run("check", "swapped", "--labels-only", "--layout", "speaker/emotion/file")
    assert "3 speakers" in done.out
    done = run("check", "swapped", "--labels-only", "--layout", "file/emotion")
    assert done.status == 2
    assert "'file/emotion' is not one of 'auto', 'emotion/file'" in done.err


def test_tables_need_pandas(run, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = run("check", folder, "--labels-only", "--csv", "x.csv")
    assert done.status == 2
    assert "--csv needs pandas, which is not installed; run 'pip install pandas'" in done.err
