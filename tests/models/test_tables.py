"""predict_table: one schema for all partitions, models that are loaded once, finished parts."""

import os
import shutil
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ser_estimators import AcousticFeatures, predict_clips, predict_table, save_model

from ..helpers import Opens, needs_inotify

COLUMNS = ["label", "probability_anger", "probability_neutral", "probability_sadness", "error"]


def fitted(voices, y=None, last=None):
    features = AcousticFeatures(features=["rms", "centroid"], statistics=["mean"])
    pipe = make_pipeline(features, StandardScaler(), last or LogisticRegression())
    return pipe.fit(voices.data, voices.target if y is None else y)


@pytest.fixture(scope="module")
def model(voices):
    return fitted(voices)


@pytest.fixture
def file(model):
    """Return a file of the model, which no other test has loaded."""
    return joblib.dump(model, Path("models", "emotion.joblib").absolute())[0]


@pytest.fixture(autouse=True)
def models_folder():
    Path("models").mkdir()


@pytest.fixture
def table(voices):
    """Return a table of which rows 1, 3 and 4 cannot be used."""
    Path("empty.wav").touch()
    paths = [voices.data[0], "missing.wav", voices.data[1], "empty.wav", None]
    return pd.DataFrame({"path": paths, "call": range(5)}, index=list("abcde"))


@pytest.mark.parametrize("is_file", [True, False])
def test_every_row_has_a_label_or_an_error(table, model, file, is_file, voices):
    found = predict_table(table, file if is_file else model)
    assert list(found.columns) == ["path", "call", *COLUMNS]
    assert list(found.index) == list(table.index)
    expected = predict_clips(model, voices.data[:2])
    good = found[found["error"] == ""]
    assert list(good.index) == ["a", "c"]
    assert good["label"].tolist() == expected.labels.tolist()
    np.testing.assert_array_equal(good[COLUMNS[1:4]], expected.probabilities)
    bad = found[found["error"] != ""]
    assert bad[COLUMNS[:4]].isna().all(axis=None)
    for error, reason in zip(
        bad["error"], ("no such file", "empty (0", "empty; check"), strict=True
    ):
        assert reason in error
    assert list(table.columns) == ["path", "call"]  # unchanged


@pytest.mark.parametrize(
    "labels", ["str", "int", "bool", "float", "object", "without probabilities"]
)
def test_all_partitions_have_the_same_types(table, voices, labels):
    y, last = voices.target, None
    if labels == "without probabilities":
        last = RidgeClassifier()
    elif labels == "object":
        y = y.astype(object)
    elif labels != "str":
        y = (y == "anger").astype(labels)
    model = fitted(voices, y, last)
    types = [
        predict_table(part, model).dtypes.to_dict()
        for part in (table, table[:1], table[1:2], table[:0])
    ]
    assert types[0] == types[1] == types[2] == types[3]
    assert predict_table(table, model)["label"].dropna().tolist() == [
        *model.predict(voices.data[:2])
    ]


def test_column_and_batch_size(table, model):
    expected = predict_table(table, model)
    other = predict_table(table.rename(columns={"path": "file"}), model, path="file", batch_size=1)
    pd.testing.assert_frame_equal(other.rename(columns={"file": "path"}), expected)
    again = predict_table(expected, model)  # its columns are replaced
    pd.testing.assert_frame_equal(again, expected)


def test_model_file(table, model, voices):
    save_model(model, "models/emotion.safetensors")
    found = predict_table(table, "models/emotion.safetensors")
    pd.testing.assert_frame_equal(found, predict_table(table, model))


@needs_inotify
def test_model_is_loaded_once_and_again_after_a_change(table, file, voices):
    with Opens("models") as opens:
        first = predict_table(table, file)
        predict_table(table, os.path.relpath(file))
    assert opens.counts == {"emotion.joblib": 1}
    joblib.dump(fitted(voices, voices.target[::-1]), file)
    assert not predict_table(table, file).equals(first)


@needs_inotify
@pytest.mark.parametrize("is_file", [True, False])
def test_finished_parts_are_read(table, model, file, is_file, voices):
    model = file if is_file else model
    folder = os.path.dirname(voices.data[0])
    expected = predict_table(table, model)
    with Opens(folder) as opens:
        pd.testing.assert_frame_equal(predict_table(table, model, resume="parts"), expected)
    assert len(opens.counts) == 2
    with Opens(folder) as opens:
        pd.testing.assert_frame_equal(predict_table(table, model, resume="parts"), expected)
        other = table.rename(columns={"path": "file"}).reset_index()
        other = predict_table(other, model, path="file", resume="parts")
    assert other[COLUMNS].equals(expected[COLUMNS].reset_index(drop=True))
    assert not opens.counts
    stored = pd.read_parquet("parts")
    assert list(stored.columns) == ["path", *COLUMNS]
    assert stored["path"].tolist() == [*table["path"][:4], ""]

    # Another model, another file at one of the paths, and a damaged part.
    changed = fitted(voices, voices.target[::-1])
    assert not predict_table(table, changed, resume="parts").equals(expected)
    shutil.copy(voices.data[5], "missing.wav")
    with Opens(folder) as opens:
        assert predict_table(table, model, resume="parts")["error"].tolist()[1] == ""
    assert opens.counts
    for part in Path("parts").iterdir():
        part.write_bytes(b"PAR1")
    Path("missing.wav").unlink()
    pd.testing.assert_frame_equal(predict_table(table, model, resume="parts"), expected)


def test_unsure_answers(table, model, voices):
    plain = predict_table(table, model, resume="parts")
    found = predict_table(table, model, threshold=1.0, resume="parts")
    assert set(found["label"].dropna()) == {"unsure"}
    assert set(plain["label"].dropna()) != {"unsure"}
    assert found["label"].dtype == plain["label"].dtype
    numbers = fitted(voices, np.arange(len(voices.data)) % 2)
    found = predict_table(table, numbers, threshold=1.0)
    assert set(found["label"].dropna()) == {-1}


def test_bad_arguments(table, model):
    with pytest.raises(TypeError, match="table is a list; expected a pandas DataFrame"):
        predict_table(["a.wav"], model)
    with pytest.raises(KeyError, match=r"no column 'file', only \['path', 'call'\]; pass"):
        predict_table(table, model, path="file")
    with pytest.raises(ValueError, match="more than one column 'path'; rename all but one"):
        predict_table(pd.concat([table, table[["path"]]], axis=1), model)
    with pytest.raises(FileNotFoundError, match="no such model; check the path, or copy.*'gone"):
        predict_table(table, "gone.joblib")
    with pytest.raises(TypeError, match=r"Clip 1 of 1 is|list of numbers"):
        predict_table(pd.DataFrame({"path": [object()]}), model)
    with pytest.raises(ValueError, match="batch_size == 0"):
        predict_table(table, model, batch_size=0)
