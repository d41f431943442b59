"""ser features: tables of acoustic features."""

import csv
import importlib.util
import io
from pathlib import Path

import numpy as np
import pytest

from ser_estimators import AcousticFeatures

FEW = ("--features", "pitch,rms", "--statistics", "mean,std")
NAMES = ["f0_mean", "f0_std", "voicing_mean", "voicing_std", "rms_mean", "rms_std"]


def read(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_a_folder_with_labels(run, folder, voices):
    done = run("features", folder, *FEW, "-o", "t.csv", "-j", "2")
    assert (done.status, done.out, done.err) == (0, "", "Wrote 36 rows to t.csv\n")
    rows = read(Path("t.csv").read_text())
    assert list(rows[0]) == ["path", "emotion", "speaker", *NAMES]
    assert rows[0]["emotion"] in rows[0]["path"]
    assert {row["speaker"] for row in rows} == set(voices.speakers)
    features = AcousticFeatures(features=("pitch", "rms"), statistics=("mean", "std"))
    expected = features.transform([row["path"] for row in rows])
    found = [[float(row[name]) for name in NAMES] for row in rows]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_table_of_recordings(run, voices):
    Path("t.csv").write_text(f"path,emotion,sex\n{voices.data[0]},joy,female\n")
    (row,) = read(run("features", "t.csv", *FEW, "--set", "trim_db=None").out)
    assert (row["path"], row["emotion"], row["sex"]) == (voices.data[0], "joy", "female")
    assert "speaker" not in row


def test_a_file_and_standard_input(run, voices):
    done = run("features", voices.data[0], *FEW)
    (row,) = read(done.out)
    assert (done.status, list(row)) == (0, ["path", *NAMES])
    (other,) = read(run("features", "-", *FEW, stdin=Path(voices.data[0]).read_bytes()).out)
    assert other == row | {"path": "-"}


def test_files_that_cannot_be_read(run, voices):
    Path("own").mkdir()
    for name in ("a.wav", "c.wav"):
        Path("own", name).write_bytes(Path(voices.data[0]).read_bytes())
    Path("own/b.wav").touch()
    done = run("features", "own", *FEW)
    assert [Path(row["path"]).name for row in read(done.out)] == ["a.wav", "c.wav"]
    assert done.err.splitlines() == [
        "'own' has no folders of emotions, so the table has no such column",
        f"left out: {Path('own/b.wav')}: the file is empty (0 bytes); download or copy it again",
    ]
    assert done.status == 1
    done = run("features", "nothing.wav", *FEW)
    assert (done.status, done.out) == (1, "")
    assert done.err.splitlines()[-1] == "ser: error: no recording could be read"


def test_parquet(run, voices):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    assert run("features", voices.data[0], *FEW, "-o", "t.parquet").status == 0
    table = pandas.read_parquet("t.parquet")
    assert table.columns.tolist() == ["path", *NAMES]
    assert table["rms_mean"].dtype == np.float32


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (["-o", "t.xls"], 2, "'t.xls' ends in neither .csv nor .parquet"),
        (["-o", "no/t.csv"], 2, "there is no folder 'no'; create it first"),
        (["--features", "pitsch"], 2, "features contains 'pitsch', must be among mfcc, "),
        (["--features", ","], 2, "features == (), must be a sequence of one or more"),
        (["--set", "sr=0"], 2, "sr == 0, must be >= 1."),
        (["--set", "rate=1"], 2, "there is no parameter 'rate'"),
    ],
)
def test_wrong_usage(run, voices, args, status, message):
    done = run("features", voices.data[0], *args)
    assert (done.status, done.out) == (status, "")
    assert message in done.err
    assert done.err.count("\n") == 1


def test_parquet_needs_other_packages(run, voices, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    done = run("features", voices.data[0], "-o", "t.parquet")
    assert done.status == 2
    assert "Parquet files need pandas and pyarrow; run 'pip install pandas pyarrow'" in done.err
