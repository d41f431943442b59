"""ser predict --speakers: predictions that are adapted to each speaker."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_estimators import make_ser_pipeline, predict_clips, save_model
from ser_estimators.cli._speakers import batches_of

SMALL = {"cnn__network__channels": (4, 8), "cnn__embedding_dim": 8, "cnn__max_epochs": 5}


@pytest.fixture(scope="module")
def adaptive(voices):
    pipe = make_ser_pipeline(random_state=0).set_params(**SMALL)
    return pipe.fit(voices.data, voices.target, voting__groups=voices.speakers)


@pytest.fixture
def adaptive_file(adaptive):
    return save_model(adaptive, "adaptive.safetensors")


def probabilities(run, *arguments):
    done = run("predict", "--json", "--probabilities", *arguments)
    assert done.status == 0, done.err
    return np.array([list(row["probabilities"].values()) for row in json.loads(done.out)])


def expect(model, paths, speakers):
    return predict_clips(model, paths, speakers=speakers).probabilities


def test_one_speaker(run, adaptive, adaptive_file, voices):
    found = probabilities(run, "-m", adaptive_file, "--speakers", "one", *voices.data)
    expected = expect(adaptive, voices.data, ["one"] * len(voices.data))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    plain = probabilities(run, "-m", adaptive_file, *voices.data)
    assert np.abs(found - plain).max() > 0.01


def test_a_folder_for_each_speaker(run, adaptive, adaptive_file, voices):
    for path, speaker in zip(voices.data, voices.speakers, strict=True):
        folder = Path("calls", str(speaker))
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder)
    found = probabilities(run, "-m", adaptive_file, "--speakers", "folder", "calls")
    paths = sorted(map(str, Path("calls").rglob("*.wav")))
    expected = expect(adaptive, paths, [Path(path).parent.name for path in paths])
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_folders_of_emotions_within_those_of_speakers(run, adaptive, adaptive_file, voices):
    """As in <speaker>/<emotion>/<file>, which is what ser train reads."""
    copies = []
    for path, emotion in zip(voices.data, voices.target, strict=True):
        place = Path("own", Path(path).parent.name, str(emotion).capitalize())
        place.mkdir(parents=True, exist_ok=True)
        copies.append(shutil.copy(path, place))
    found = probabilities(run, "-m", adaptive_file, "--speakers", "folder", "own")
    paths = sorted(map(str, copies))
    expected = expect(adaptive, paths, [Path(path).parent.parent.name for path in paths])
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_column_of_speakers(run, adaptive, adaptive_file, voices):
    """A row without a speaker is predicted on its own."""
    speakers = [None, *voices.speakers[1:]]
    rows = [f"{path},{name or ''}" for path, name in zip(voices.data, speakers, strict=True)]
    Path("calls.csv").write_text("\n".join(["path,speaker", *rows]))
    found = probabilities(run, "-m", adaptive_file, "--speakers", "column", "calls.csv")
    np.testing.assert_allclose(found, expect(adaptive, voices.data, speakers), atol=1e-5)
    # Unless asked for, predictions depend on nothing else in the table.
    found = probabilities(run, "-m", adaptive_file, "calls.csv")
    np.testing.assert_allclose(found, adaptive.predict_proba(voices.data), atol=1e-5)
    # The name of a column says that it is to be used.
    Path("calls.csv").write_text("\n".join(["path,caller", *rows]))
    found = probabilities(run, "-m", adaptive_file, "--speaker-column", "caller", "calls.csv")
    np.testing.assert_allclose(found, expect(adaptive, voices.data, speakers), atol=1e-5)


def test_a_column_that_is_not_used(run, adaptive_file):
    done = run(
        *(
            "predict",
            "-m",
            adaptive_file,
            "--speakers",
            "one",
            "--speaker-column",
            "caller",
            "x.csv",
        )
    )
    assert done.status == 2
    assert "--speaker-column and --speakers one exclude each other" in done.err
    done = run(
        *("predict", "-m", adaptive_file, "--speakers", "column", "--speaker-column", "none", "x")
    )
    assert done.status == 2
    assert "--speaker-column none and --speakers column exclude each other" in done.err
    done = run("predict", "-m", adaptive_file, "--speaker-column", "", "x.csv")
    assert done.status == 2
    assert "the name is empty, as of a variable that is not set" in done.err


def test_recordings_that_cannot_be_read(run, adaptive, adaptive_file, voices):
    done = run(
        *("predict", "-m", adaptive_file, "--speakers", "one", "--json", "--probabilities"),
        *("missing.wav", *voices.data),
    )
    rows = json.loads(done.out)
    assert rows[0]["error"].startswith("there is no such file")
    found = [list(row["probabilities"].values()) for row in rows[1:]]
    expected = expect(adaptive, voices.data, ["one"] * len(voices.data))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_no_speakers_are_known(run, adaptive_file, voices):
    done = run("predict", "-m", adaptive_file, "--speakers", "column", voices.data[0])
    assert done.status == 2
    assert "whose column speaker, or the one named with --speaker-column, says" in done.err


def test_a_model_that_does_not_adapt(run, model_file, voices):
    done = run("predict", "-m", model_file, "--speakers", "one", voices.data[0])
    assert done.status == 2
    assert "the model does not adapt to speakers; leave out --speakers" in done.err


@given(st.lists(st.sampled_from(["a", "b", "c", None]), max_size=120))
def test_batches_are_in_order_and_do_not_divide_speakers(speakers):
    parts = list(batches_of(speakers))
    assert [i for part in parts for i in range(part.start, part.stop)] == list(range(len(speakers)))
    found = [name for part in parts for name in {*speakers[part]} - {None}]
    assert len(found) == len(set(found))
