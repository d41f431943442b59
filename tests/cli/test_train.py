"""ser train: data, parameters, the saved model, and training that is interrupted."""

import json
import os
import re
import shutil
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
import soundfile

import ser_estimators
from ser_estimators import models

from .helpers import SMALL, on_terminal, ser, unwritable_folder


def labels_of(voices):
    return [f"{path},{emotion}" for path, emotion in zip(voices.data, voices.target, strict=True)]


def test_a_folder(run, folder, voices):
    done = run("train", folder, "-o", "m.joblib", *SMALL, "--set", "cnn__max_epochs=2")
    assert (done.status, done.out) == (0, "")
    lines = done.err.splitlines()
    assert lines[0] == "36 clips, 6 speakers, 3 emotions: anger, neutral, sadness"
    assert any(line.startswith("[CNNEmbedder] epoch 2/2") for line in lines)
    assert re.match(r"Saved m\.joblib \(\d\.\d MB\) after", lines[-1])
    model = joblib.load("m.joblib")
    assert model["cnn"].get_params()["max_epochs"] == 2
    assert model["cnn"].network.channels == (4, 8)
    assert model["cnn"].random_state == 0
    assert model.classes_.tolist() == ["anger", "neutral", "sadness"]
    assert run("predict", "-m", "m.joblib", voices.data[0]).status == 0


def test_a_table_with_other_options(run, voices):
    rows = ["file,label", *labels_of(voices)[:12], *labels_of(voices)[24:]]
    Path("t.csv").write_text("\n".join(rows))
    args = ["--path-column", "file", "--emotion-column", "label", "--random-state", 3, "-j", 2]
    args += [
        "--memory",
        "cache",
        "-q",
        "--set",
        "cnn__max_epochs=1",
        "-s",
        "voting__temperature=5.5",
    ]
    done = run("train", "t.csv", "-o", "m.joblib", *args, *SMALL)
    assert (done.status, done.out, done.err) == (0, "", "")
    model = joblib.load("m.joblib")
    assert (model["cnn"].random_state, model["voting"].temperature) == (3, 5.5)
    assert Path("cache").is_dir()
    # The model does not write into a folder of this name wherever it predicts.
    assert model.memory is model["mfcc"].memory is model["mfcc"].n_jobs is None


def test_early_stopping_keeps_speakers_apart(run, folder):
    args = ["--set", "cnn__early_stopping=True", "--set", "cnn__max_epochs=2", "-q"]
    done = run("train", folder, "-o", "m.joblib", *SMALL, *args)
    assert (done.status, done.err) == (0, "")
    assert "valid_loss" in joblib.load("m.joblib")["cnn"].history_[0]


def test_precision(run, folder, voices):
    args = ["--set", "cnn__max_epochs=2", "-q", "--precision", "0.3", "--memory", "cache", "-j", 1]
    done = run("train", folder, "-o", "m.safetensors", *SMALL, *args)
    assert done.status == 0
    model = ser_estimators.load_model("m.safetensors")
    assert model.precision == 0.3
    assert model.estimator_["voting"].classes_.tolist() == model.classes_.tolist()
    assert len(model.conformal_scores_) == len(voices.data)
    assert "SelectiveClassifier" in run("info", "m.safetensors").out
    assert run("predict", "-m", "m.safetensors", voices.data[0]).status == 0
    run("train", folder, "-o", "m.joblib", *SMALL, *args)
    kept = joblib.load("m.joblib")
    for pipe in (kept.estimator, kept.estimator_):
        assert pipe.memory is pipe["mfcc"].memory is pipe["mfcc"].n_jobs is None


@pytest.mark.filterwarnings("default:precision")
def test_a_precision_for_unknown_speakers(run, voices):
    Path("t.csv").write_text("\n".join(["path,emotion", *labels_of(voices)]))
    args = ["--set", "cnn__max_epochs=1", "--precision", "0.99"]
    done = run("train", "t.csv", "-o", "m.joblib", *SMALL, *args)
    assert done.status == 0
    text = " ".join(done.err.split())
    assert "The speakers are unknown, so the precision may be lower for new speakers" in text
    assert "precision == 0.99 is not reached" in text
    assert "  unsure  " in run("predict", "-m", "m.joblib", voices.data[0]).out
    assert run("train", "t.csv", "-o", "m.joblib", "--precision", "1").status == 2


def test_a_corpus_with_its_folder(run, tmp_path_factory):
    from ..datasets.helpers import make, savee_names

    make("savee", savee_names())
    done = run("train", "SAVEE:savee", "-o", "m.joblib")  # the files have no sound
    assert done.err.startswith("480 clips, 4 speakers, 7 emotions: anger, disgust,")
    assert done.status == 1
    assert "Could not read 480 of 480 clips:" in done.err
    assert not Path("m.joblib").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["DATA"], "Missing option '-o' / '--output'; see 'ser train --help'"),
        (["DATA", "-o", "m.onnx"], "'m.onnx' does not end like a model file; expected .safet"),
        (["DATA", "-o", "no/m.joblib"], "there is no folder 'no'; create it first"),
        (["", "-o", "m.joblib"], "DATA is empty; pass a folder, a CSV file, or a corpus with"),
        (["nothing", "-o", "m.joblib"], "there is no data 'nothing'; check the path"),
        (["tess", "-o", "m.joblib"], "the corpus tess needs its folder: pass tess:/path/to/tess"),
        (["iemocap:x", "-o", "m.joblib"], "there is no corpus 'iemocap:x'; corpora are crema_d, "),
        (["C:\\x", "-o", "m.joblib"], "there is no data 'C:\\x'; check the path"),
        (["DATA", "-o", "m.joblib", "--set", "x"], "'x' is not NAME=VALUE, such as cnn__max_ep"),
        (["DATA", "-o", "m.joblib", "--set", "cnn__epochs=3"], "no parameter 'cnn__epochs'; did y"),
        (["DATA", "-o", "m.joblib", "--set", "zzz=3"], "there is no parameter 'zzz'\n"),
        (["DATA", "-o", "m.joblib", "--set", "lr__C=3"], "the step lr is a part of --recordings s"),
        (
            ["DATA", "-o", "m.joblib", "--set", "voting__temperature=cold"],
            "the parameters of 'voting': temperature == 'cold', must be 'auto', 'training' or",
        ),
        (
            ["DATA", "-o", "m.joblib", "--recordings", "studio", "--set", "lr__C=much"],
            "the parameters of 'lr': The 'C' parameter of LogisticRegression must be",
        ),
        (
            ["DATA", "-o", "m.joblib", "--set", "cnn__augmentation__recording_p=2"],
            "recording_p == 2, must be",
        ),
    ],
)
def test_wrong_usage(run, folder, args, message):
    done = run("train", *[str(folder) if arg == "DATA" else arg for arg in args])
    assert (done.status, done.out) == (2, "")
    assert message in done.err
    assert done.err.splitlines()[-1].startswith("ser: error: ")
    assert not list(Path.cwd().glob("m.*"))


def test_data_that_cannot_be_trained_on(run, folder, voices):
    done = run("train", folder / "01", "-o", "m.joblib", "--set", "cnn__max_epochs=-1")
    assert done.status == 2
    assert "the parameters of 'cnn': max_epochs == -1, must be >= 1." in done.err
    shutil.copytree(folder / "01" / "anger", "one/anger")
    done = run("train", "one", "-o", "m.joblib")
    assert done.status == 1
    assert "is the only emotion; expected at least two" in done.err
    Path("t.csv").write_text("path;what\na.wav;joy\n")
    done = run("train", "t.csv", "-o", "m.joblib")
    assert done.status == 1
    assert "no column of emotions, such as 'emotion' or 'label' or" in done.err
    assert (
        "its columns are 'path', 'what'. Pass the name of the one to use with --emotion-column"
        in done.err
    )
    Path("t.csv").write_text("path;label;start\na.wav;joy;noon\n")
    done = run("train", "t.csv", "-o", "m.joblib")
    assert "has no time in line 2 ('noon')" in done.err
    assert "If it has another meaning, pass --start-column none" in done.err
    done = run("train", "t.csv", "-o", "m.joblib", "--path-column", "none")
    assert done.status == 2
    assert "there must be such a column" in done.err


def test_folders_of_actors_and_speakers(run):
    path = Path("rav/Actor_01/03-01-05-01-01-01-01.wav")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"RIFF")
    done = run("train", "rav", "-o", "m.joblib")
    assert done.status == 1
    assert "are named like those of RAVDESS" in done.err
    assert (
        "; use 'ravdess:rav'. If its folders are labels, pass --layout emotion/file, or list"
        in done.err
    )
    assert "load_" not in done.err
    path.rename(path.with_name("anger_01.wav"))
    done = run("train", "rav", "-o", "m.joblib")
    assert (done.status, Path("m.joblib").exists()) == (1, False)
    assert "its folders seem to be speakers, not emotions (Actor_01); expected" in done.err


def test_errors_with_a_traceback(run):
    Path("t.csv").write_text("")
    done = run("train", "t.csv", "-o", "m.joblib", "--debug")
    assert done.err.startswith("Traceback (most recent call last):")
    assert done.err.splitlines()[-1].startswith("ser: error: Could not load recordings from")
    assert done.status == 1


def test_warnings_are_lines(folder):
    shutil.copytree(folder, "own")
    Path("own/01/anger/empty.wav").touch()
    done = ser("train", "own", "-o", "m.joblib", "--set", "cnn__max_epochs=1", *SMALL)
    first = done.err.decode().splitlines()[0]
    assert first.startswith("ser: warning: Recordings in 'own': left out: 1 file, for example")
    assert done.status == 0


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_ctrl_c_keeps_the_network(folder):
    args = ["train", folder, "-o", "m.safetensors", *SMALL, "--set", "cnn__max_epochs=5000"]
    status, text = on_terminal(*args, interrupt_after="loss=")
    assert status == 130
    assert "Training was interrupted after" in text
    assert "Saved m.safetensors" in text.splitlines()[-1]
    assert "Traceback" not in text
    model = models.load_model("m.safetensors")
    assert models.model_info("m.safetensors")["card"]["limitations"] == (
        f"Training was interrupted after {model['cnn'].n_iter_} of 5000 epochs."
    )
    assert model["cnn"].interrupted_
    assert np.isfinite(model.predict_proba([next(folder.rglob("*.wav"))])).all()


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_ctrl_c_before_the_first_epoch(folder):
    args = ["train", *[folder, "-o", "m.joblib"], "--set", "cnn__max_epochs=5000"]
    status, text = on_terminal(*args, interrupt_after="36 clips")
    assert (status, text.splitlines()[-1]) == (130, "ser: interrupted")
    assert not Path("m.joblib").exists()


def test_training_is_not_lost_if_the_model_cannot_be_saved(run, folder, monkeypatch):
    def save_model(model, path, card):
        raise ValueError("it contains a spell")

    monkeypatch.setattr(models, "save_model", save_model)
    args = [folder, "-o", "m.safetensors", "-q", "--set", "cnn__max_epochs=1", *SMALL]
    done = run("train", *args)
    assert done.status == 1
    assert done.err == (
        "ser: error: could not write 'm.safetensors' (it contains a spell); the model is in "
        "'m.joblib' instead\n"
    )
    assert joblib.load("m.joblib")["cnn"].n_iter_ == 1


def test_another_model_is_not_replaced_by_the_one_that_is_kept(run, folder, monkeypatch):
    def save_model(model, path, card):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(models, "save_model", save_model)
    Path("m.joblib").write_text("another model")
    args = [folder, "-o", "m.safetensors", "-q", "--set", "cnn__max_epochs=1", *SMALL]
    done = run("train", *args)
    assert done.status == 1
    assert Path("m.joblib").read_text() == "another model"
    (kept,) = Path.cwd().glob("m-*.joblib")
    assert f"the model is in '{kept.name}' instead" in done.err
    assert joblib.load(kept)["cnn"].n_iter_ == 1


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc for root")
def test_training_does_not_begin_if_the_model_cannot_be_written(run, folder):
    locked = unwritable_folder()
    done = run("train", folder, "-o", f"{locked}/m.safetensors", *SMALL)
    assert done.status == 2
    assert done.err.startswith(f"ser: error: '{locked}/m.safetensors' cannot be written: ")


def test_damage_that_the_model_does_not_use(run, folder):
    """The card does without the ranges of the audio."""
    shutil.copytree(folder, "own")
    path = next(Path("own").rglob("*.wav"))
    samples, sr = soundfile.read(path)
    samples[-1] = np.nan
    soundfile.write(path, samples, sr, subtype="FLOAT")
    args = ["--set", "cnn__max_epochs=1", "--set", "mfcc__duration=0.1", *SMALL, "-q"]
    done = run("train", "own", "-o", "m.safetensors", *args)
    assert (done.status, done.err) == (0, "")
    assert "audio" not in json.loads(run("info", "--json", "m.safetensors").out)["card"]


def test_ctrl_c_after_training_keeps_the_model(run, folder, monkeypatch):
    def describe_audio(clips, n_jobs):
        raise KeyboardInterrupt

    monkeypatch.setattr(models, "describe_audio", describe_audio)
    args = [folder, "-o", "m.safetensors", "--set", "cnn__max_epochs=1", *SMALL]
    done = run("train", *args)
    assert done.status == 130
    assert done.err.splitlines()[-1].startswith("Saved m.safetensors")
    assert models.load_model("m.safetensors")["cnn"].n_iter_ == 1


@pytest.mark.parametrize("name", ["M.SAFETENSORS", "M.JOBLIB"])
def test_suffix_in_upper_case(run, folder, voices, name):
    args = ["--set", "cnn__max_epochs=1", *SMALL, "-q"]
    done = run("train", folder, "-o", name, *args)
    assert (done.status, done.err) == (0, "")
    assert run("predict", "-m", name, voices.data[0]).status == 0


def test_model_files_without_code(run, folder, voices):
    args = ["--set", "cnn__max_epochs=1", *SMALL]
    assert run("train", folder, "-o", "m.safetensors", *args).status == 0
    assert run("predict", "-m", "m.safetensors", voices.data[0]).status == 0
    card = json.loads(run("info", "--json", "m.safetensors").out)["card"]
    assert card["corpora"] == ["recordings"]
    assert set(card["audio"]) == {"duration", "level", "bandwidth"}
    assert "limitations" not in card
    assert "corpora" in run("info", "m.safetensors").out


@pytest.mark.parametrize("name", ["sr", "offset", "duration"])
def test_the_ranges_are_of_the_audio_that_is_used(run, folder, name):
    value = {"sr": 8000, "offset": 0.1, "duration": 0.2}[name]
    args = ["--set", "cnn__max_epochs=1", "--set", f"mfcc__{name}={value}", *SMALL, "-q"]
    assert run("train", folder, "-o", "m.joblib", *args).status == 0
    assert getattr(joblib.load("m.joblib")["audio"], name) == value


def test_without_ranges_of_the_audio(run, folder, voices):
    args = ["--set", "cnn__max_epochs=1", "--set", "audio=passthrough", *SMALL, "-q"]
    assert run("train", folder, "-o", "m.joblib", *args).status == 0
    assert joblib.load("m.joblib")["audio"] == "passthrough"
    assert run("predict", "-m", "m.joblib", voices.data[0]).status == 0
