"""ser predict: a row for each input, formats, and the exit status."""

import csv
import io
import json
import os
import shutil
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
import soundfile
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import ser_estimators
from ser_estimators import (
    AcousticFeatures,
    SelectiveClassifier,
    make_ser_pipeline,
    predict_clips,
    save_model,
)
from ser_estimators.models import ModelCard

EMPTY = "the file is empty (0 bytes); download or copy it again"


@pytest.fixture
def files(voices):
    """Name two good files, an empty one between them and a missing one at the end."""
    Path("empty.wav").touch()
    return [voices.data[0], "empty.wav", voices.data[7], "missing.wav"]


def test_a_row_for_each_input(run, model, model_file, files):
    done = run("predict", "-m", model_file, *files)
    lines = done.out.splitlines()
    assert lines[0].split() == ["file", "emotion", "probability"]
    for index in (0, 2):
        label = model.predict([files[index]])[0]
        probability = model.predict_proba([files[index]]).max()
        assert lines[index + 1].split() == [files[index], label, f"{probability:.2f}"]
    assert lines[2].split(maxsplit=1) == ["empty.wav", f"error: {EMPTY}"]
    assert lines[4].split(maxsplit=1)[1].startswith("error: there is no such file; check the path")
    assert done.err == "2 of 4 files could not be predicted\n"
    assert done.status == 1


def test_all_inputs_are_good(run, model_file, voices):
    done = run("predict", "-m", model_file, voices.data[0])
    assert (done.status, done.err) == (0, "")
    assert len(done.out.splitlines()) == 2


def test_the_reason_of_a_single_recording_is_not_repeated(run, model_file):
    done = run("predict", "-m", model_file, "missing.wav")
    assert (done.status, done.err) == (1, "")


def test_the_files_of_a_table(run, model_file, voices):
    rows = ["Path,Emotion", *(f"{path},x" for path in voices.data[:3])]
    Path("t.csv").write_text("\n".join(rows))
    done = run("predict", "-m", model_file, "--json", "t.csv")
    assert [row["path"] for row in json.loads(done.out)] == voices.data[:3]
    assert done.status == 0


def test_reasons_do_not_name_functions(run, model_file):
    Path("notes.txt").write_text("hello")
    Path("x.dat").write_bytes(bytes(range(256)))
    done = run("predict", "-m", model_file, "notes.txt", "x.dat")
    assert "it is a table or a list (.txt), not audio; pass a CSV file with a column" in done.out
    assert "pandas" not in done.out
    assert "numpy" not in done.out


def test_long_recordings(run, model, voices):
    """Only a note, because the label may be right."""
    samples, sr = soundfile.read(voices.data[0])
    names = [f"{index}.wav" for index in range(4)]
    for name in names:
        soundfile.write(name, np.tile(samples, 3), sr)
    save_model(model, "m.safetensors", card=ModelCard(audio={"duration": (0.1, len(samples) / sr)}))
    done = run("predict", "-m", "m.safetensors", voices.data[0], *names)
    assert done.status == 0
    assert done.err.startswith(
        "4 of 5 recordings are more than twice as long as the training audio"
    )
    assert done.err.endswith(" s), so their labels say little: 0.wav, 1.wav, 2.wav, ...\n")
    assert run("predict", "-q", "-m", "m.safetensors", "0.wav").err == ""
    assert "its label says little: 0.wav\n" in run("predict", "-m", "m.safetensors", "0.wav").err
    save_model(model, "plain.safetensors")
    assert run("predict", "-m", "plain.safetensors", "0.wav").err == ""


def test_max_duration(run, model_file, voices):
    samples, sr = soundfile.read(voices.data[0])
    soundfile.write("long.wav", np.tile(samples, 20), sr)
    done = run("predict", "-m", model_file, "--max-duration", 5, voices.data[0], "long.wav")
    assert done.status == 1
    assert " s long; expected at most --max-duration 5 s: cut it into parts" in done.out
    done = run("predict", "-m", model_file, "--max-duration", 0, voices.data[0])
    assert (done.status, done.out) == (2, "")
    assert "'--max-duration': 0" in done.err


@pytest.mark.parametrize("has_all", [False, True])
def test_csv(run, model, model_file, files, has_all):
    done = run("predict", "-m", model_file, "--csv", *["--probabilities"] * has_all, *files)
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert [row["path"] for row in rows] == files
    found = predict_clips(model, files, on_error="skip")
    assert [row["error"] for row in rows] == found.errors
    assert [row["emotion"] or None for row in rows] == found.labels.tolist()
    assert float(rows[0]["probability"]) == pytest.approx(found.probabilities[0].max(), abs=1e-6)
    assert (("probability_anger" in rows[0]), rows[1]["probability"]) == (has_all, "")
    if has_all:
        one = [float(rows[2][f"probability_{name}"]) for name in model.classes_]
        assert one == pytest.approx(found.probabilities[2], abs=1e-6)


def test_csv_is_a_table_of_recordings(run, model_file, voices):
    """What was predicted can be loaded, for example to train on it after corrections."""
    from ser_estimators.datasets import load_table

    Path("table.csv").write_text(run("predict", "-m", model_file, "--csv", *voices.data).out)
    assert load_table("table.csv").data == voices.data


def test_json(run, model, model_file, files):
    done = run("predict", "-m", model_file, "--json", "--probabilities", *files)
    rows = json.loads(done.out)
    assert [row["path"] for row in rows] == files
    assert rows[0]["emotion"] == model.predict(files[:1])[0]
    assert sum(rows[0]["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert rows[1] == {
        "path": "empty.wav",
        "emotion": None,
        "probability": None,
        "probabilities": None,
        "error": EMPTY,
    }
    assert done.status == 1


def test_unsure_answers(run, model, model_file, voices):
    highest = model.predict_proba(voices.data).max(axis=1)
    threshold = float(np.median(highest))
    done = run("predict", "-m", model_file, *voices.data, "--threshold", threshold)
    assert (done.status, done.err) == (0, "")
    for line, value in zip(done.out.splitlines()[1:], highest, strict=True):
        _, label, probability = line.split()
        assert (label == "unsure") == (value < threshold)
        assert probability == f"{value:.2f}"
    lowest = int(np.argmin(highest))
    args = ("-m", model_file, voices.data[lowest], "--threshold", threshold, "--json")
    (row,) = json.loads(run("predict", *args).out)
    assert (row["emotion"], row["probability"]) == ("unsure", round(highest[lowest], 6))
    assert "  unsure  " not in run("predict", "-m", model_file, *voices.data).out
    wrong = run("predict", "-m", model_file, voices.data[0], "--threshold", 2)
    assert (wrong.status, "0<=x<=1" in wrong.err) == (2, True)


def test_a_threshold_that_cannot_be_used(run, model_file, voices):
    done = run("predict", "-m", model_file, voices.data[0], "--threshold", "nan")
    assert (done.status, done.out) == (2, "")
    pipe = make_pipeline(AcousticFeatures(("rms",)), LogisticRegression())
    joblib.dump(pipe.fit(voices.data, voices.target == "anger"), "bool.joblib")
    done = run("predict", "-m", "bool.joblib", *voices.data[:2], "--threshold", 0.5)
    assert (done.status, done.out) == (2, "")
    assert "--threshold: the labels are [False, True] (bool), a type without a value" in done.err
    assert run("predict", "-m", "bool.joblib", voices.data[0]).status == 0


def test_a_model_with_its_own_threshold(run, model, voices):
    selective = SelectiveClassifier(FrozenEstimator(model), threshold=1.0)
    save_model(selective.fit(voices.data, voices.target), "m.safetensors")
    done = run("predict", "-m", "m.safetensors", "--csv", "--probabilities", voices.data[0])
    (row,) = csv.DictReader(io.StringIO(done.out))
    assert row["emotion"] == "unsure"
    names = [name for name in row if name.startswith("probability_")]
    assert float(row["probability"]) == max(float(row[name]) for name in names)
    done = run("predict", "-m", "m.safetensors", voices.data[0], "--threshold", 0)
    assert "  unsure  " not in done.out


def test_quiet(run, model_file, files):
    done = run("predict", "-q", "-m", model_file, *files)
    assert (done.status, done.err) == (1, "")
    assert len(done.out.splitlines()) == 5


def test_folders_and_standard_input(run, model_file, folder, voices):
    done = run("predict", "-m", model_file, "--json", folder)
    assert len(json.loads(done.out)) == len(voices.data)
    done = run("predict", "-m", model_file, "--json", "-", stdin=Path(voices.data[0]).read_bytes())
    from_bytes = json.loads(done.out)[0]
    done = run("predict", "-m", model_file, "--json", "-", stdin=voices.data[0].encode() + b"\n")
    from_path = json.loads(done.out)[0]
    assert (from_bytes.pop("path"), from_path.pop("path")) == ("-", voices.data[0])
    assert from_bytes == from_path


def test_reasons_do_not_name_the_copy_of_standard_input(run, model_file):
    done = run("predict", "-m", model_file, "--json", "-", stdin=bytes(range(256)) * 10)
    (row,) = json.loads(done.out)
    assert "convert it, for example with: ffmpeg -i - stdin-converted.wav" in row["error"]
    assert "/" not in row["error"]
    assert done.status == 1


class OnlyShortNames(ClassifierMixin, BaseEstimator):
    """Fails on some files, as a model of somebody else might."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        if any("empty" in path for path in X):
            raise RuntimeError("no\nidea")
        return np.repeat(self.classes_[:1], len(X))


def test_any_error_of_the_model_belongs_to_its_file(run, voices, files):
    joblib.dump(OnlyShortNames().fit(files, ["joy"] * 4), "odd.joblib")
    done = run("predict", "-m", "odd.joblib", "--json", *files)
    rows = json.loads(done.out)
    assert [row["emotion"] for row in rows] == ["joy", None, "joy", "joy"]
    assert rows[1]["error"] == "RuntimeError: no idea"
    assert done.status == 1


def test_models_of_other_kinds(run, voices):
    features = AcousticFeatures(features=("rms",), statistics=("mean",))
    ridge = make_pipeline(features, RidgeClassifier())
    numbers = np.unique(voices.target, return_inverse=True)[1]
    search = GridSearchCV(ridge, {"ridgeclassifier__alpha": [1, 10]}, cv=2)
    for one in (ridge, search):
        joblib.dump(one.fit(voices.data, numbers), "ridge.joblib")
        done = run("predict", "-m", "ridge.joblib", "--json", voices.data[0])
        assert json.loads(done.out)[0]["emotion"] == one.predict(voices.data[:1])[0]
        done = run("predict", "-m", "ridge.joblib", voices.data[0])
        assert done.out.splitlines()[0].split() == ["file", "emotion"]
    done = run("predict", "-m", "ridge.joblib", "--probabilities", voices.data[0])
    assert done.status == 2
    assert "the model, a GridSearchCV, predicts no probabilities" in done.err


def test_wrong_usage(run, model_file):
    for args, message in (
        ([], "Missing argument 'INPUTS...'; see 'ser predict --help'"),
        (["--csv", "--json", "a.wav"], "--json and --csv exclude each other"),
        (["--jsno", "a.wav"], "--jsno"),
        (["-0", "a.wav"], "-0 is about paths from standard input"),
    ):
        done = run("predict", "-m", model_file, *args)
        assert (done.status, done.out) == (2, "")
        assert done.err.startswith("ser: error: ")
        assert message in done.err
        assert done.err.count("\n") == 1


@pytest.mark.usefixtures("without_model_package")
def test_without_a_model(run):
    done = run("predict", "a.wav")
    assert (done.status, done.out) == (2, "")
    for words in (
        "--model FILE",
        "'pip install ser-estimators-acted'",
        "'pip install packages/ser-estimators-acted'",
        "non-commercial license",
        "ser train DATA -o",
    ):
        assert words in done.err
    assert done.err.count("\n") == 1


def test_the_folder_that_the_message_names_is_a_package():
    packages = Path(ser_estimators.__file__).parent.parent / "packages"
    if not packages.exists():
        pytest.skip("needs the source code of the project")
    assert (packages / "ser-estimators-acted" / "pyproject.toml").exists()


@pytest.fixture
def install(monkeypatch):
    """Return a function that installs a model as the package does."""
    monkeypatch.delitem(sys.modules, "ser_estimators_acted", raising=False)
    monkeypatch.syspath_prepend(Path.cwd())

    def write(path):
        Path("ser_estimators_acted.py").write_text(
            f"__version__ = '1.2'\ndef model_path():\n    return {str(path)!r}\n"
        )

    yield write
    sys.modules.pop("ser_estimators_acted", None)


@pytest.mark.parametrize(
    ("card", "license_note"),
    [
        (None, ""),
        (ModelCard(), ""),
        (ModelCard(license="cc-by-nc-sa-4.0"), ", license cc-by-nc-sa-4.0 (non-commercial)"),
        (ModelCard(license="bsd-3-clause"), ", license bsd-3-clause"),
    ],
)
def test_the_installed_model_is_used(card, license_note, run, install, model, voices):
    install(save_model(model, "own.safetensors", card=card).absolute())
    done = run("predict", voices.data[0])
    assert (done.status, len(done.out.splitlines())) == (0, 2)
    assert done.err == (
        f"Model: ser_estimators_acted 1.2, trained on acted speech{license_note}; --model FILE "
        "chooses another one\n"
    )
    assert run("predict", "-q", voices.data[0]).err == ""
    assert run("predict", "--csv", voices.data[0]).out.startswith("path,emotion,")


@pytest.mark.parametrize("content", [None, b"", b"damaged"])
def test_an_installed_model_that_is_damaged_is_one_line(content, run, install):
    if content is not None:
        Path("own.safetensors").write_bytes(content)
    install(Path("own.safetensors").absolute())
    done = run("predict", "-q", "a.wav")
    assert (done.status, done.out) == (2, "")
    assert "own.safetensors" in done.err
    assert done.err.count("\n") == 1


def text_file(path):
    path.write_text("hello")


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("x.joblib", lambda path: None, "there is no model 'x.joblib'; check the path"),
        ("x.joblib", text_file, "it is not a model that joblib has saved (UnpicklingError: "),
        ("x.joblib", lambda path: path.touch(), "it is not a model that joblib has saved (EOFErr"),
        ("x.joblib", lambda path: path.mkdir(), "Could not load the model 'x.joblib': "),
        pytest.param(
            "x.joblib",
            lambda path: os.mkfifo(path),
            "'x.joblib': it is not a regular file; pass the path of one",
            marks=pytest.mark.skipif(os.name != "posix", reason="needs pipes with a name"),
        ),
        ("x.joblib", lambda path: joblib.dump({}, path), "it contains a dict; expected a classif"),
        ("x.joblib", lambda path: joblib.dump(make_ser_pipeline(), path), "it is not fitted; save"),
        (
            "x.exe",
            text_file,
            "'x.exe' does not end like a model file; expected .safetensors, .joblib",
        ),
    ],
)
def test_bad_models(run, name, make, message):
    make(Path(name))
    done = run("predict", "-m", name, "a.wav")
    assert (done.status, done.out) == (2, "")
    assert message in done.err
    assert done.err.count("\n") == 1


def test_two_hundred_files_of_which_two_are_corrupt(run, voices):
    """The network itself, as a user would train and call it."""
    pipe = make_ser_pipeline(random_state=0)
    pipe.set_params(cnn__network__channels=(4, 8), cnn__embedding_dim=8, cnn__max_epochs=2)
    joblib.dump(pipe.fit(voices.data, voices.target), "small.joblib")
    Path("many").mkdir()
    for number in range(200):
        shutil.copy(voices.data[number % len(voices.data)], f"many/{number:03d}.wav")
    Path("many/017.wav").write_bytes(Path("many/017.wav").read_bytes()[:5000])
    Path("many/150.wav").write_bytes(b"<html>not found</html>")
    done = run("predict", "-m", "small.joblib", "--json", "many")
    rows = json.loads(done.out)
    assert len(rows) == 200
    failed = {os.path.basename(row["path"]): row["error"] for row in rows if row["error"]}
    assert set(failed) == {"017.wav", "150.wav"}
    assert "it is truncated" in failed["017.wav"]
    assert "it is a web page, not audio" in failed["150.wav"]
    labels = [row["emotion"] for row in rows if not row["error"]]
    assert len(labels) == 198
    expected = pipe.predict(voices.data)
    assert labels[:17] == expected[:17].tolist()
    assert done.status == 1
    assert done.err == "2 of 200 files could not be predicted\n"
