"""predict_clips: every clip has its own entry, and bad clips cost no other."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ser_estimators import AcousticFeatures, SelectiveClassifier, predict_clips
from ser_estimators._audio import workers
from ser_estimators.exceptions import AudioReadError

RMS = {"features": ["rms", "centroid"], "statistics": ["mean"]}


@pytest.fixture(scope="module")
def model(voices):
    pipe = make_pipeline(AcousticFeatures(**RMS), StandardScaler(), LogisticRegression())
    return pipe.fit(voices.data, voices.target)


@pytest.fixture
def files(voices):
    """Return paths of which the third and the last but one cannot be read."""
    Path("empty.wav").touch()
    return [*voices.data[:2], "empty.wav", *voices.data[2:6], "missing.wav", voices.data[6]]


@pytest.mark.parametrize("batch_size", [1, 2, 3, 256])
def test_other_clips_are_predicted(model, files, batch_size):
    found = predict_clips(model, files, on_error="skip", batch_size=batch_size)
    good = [0, 1, 3, 4, 5, 6, 8]
    expected = [files[index] for index in good]
    assert found.labels[good].tolist() == model.predict(expected).tolist()
    np.testing.assert_allclose(found.probabilities[good], model.predict_proba(expected), rtol=1e-4)
    assert found.classes.tolist() == model.classes_.tolist()
    assert found.names == files
    assert len(found) == 9
    for bad, reason in ((2, "the file is empty"), (7, "there is no such file")):
        assert found.labels[bad] is None
        assert np.isnan(found.probabilities[bad]).all()
        assert reason in found.errors[bad]
    assert [(index, name) for index, name, _ in found.failures] == [
        (2, "empty.wav"), (7, "missing.wav")
    ]  # fmt: skip
    assert [bool(error) for error in found.errors] == [index not in good for index in range(9)]


@pytest.mark.parametrize("batch_size", [2, 256])
def test_errors_are_raised_together(model, files, batch_size):
    with pytest.raises(AudioReadError, match=r"2 of 9 clips(.|\n)*clip 8, 'missing.wav'") as error:
        predict_clips(model, files, batch_size=batch_size)
    assert [index for index, _, _ in error.value.failures] == [2, 7]


@given(bad=st.sets(st.integers(0, 11)), batch_size=st.integers(1, 13))
@settings(max_examples=25)
def test_any_clips_may_fail(model, voices, bad, batch_size):
    X = [f"missing-{i}.wav" if i in bad else voices.data[i] for i in range(12)]
    found = predict_clips(model, X, on_error="skip", batch_size=batch_size)
    assert {index for index, _, _ in found.failures} == bad
    assert [label is None for label in found.labels] == [index in bad for index in range(12)]
    assert found.probabilities.shape == (12, len(model.classes_))
    good = [index for index in range(12) if index not in bad]
    if good:
        expected = model.predict([X[index] for index in good])
        assert found.labels[good].tolist() == expected.tolist()


def test_only_batches_with_bad_files_are_read_twice(model, files, monkeypatch):
    opened = []
    load = workers.map_clips
    monkeypatch.setattr(
        "ser_estimators._features.extraction.map_clips",
        lambda function, clips, **kwargs: opened.extend(clips) or load(function, clips, **kwargs),
    )
    predict_clips(model, files, on_error="skip", batch_size=3)
    assert [opened.count(file) for file in files] == [2, 2, 1, 1, 1, 1, 2, 1, 2]


def test_all_clips_may_fail(model):
    found = predict_clips(model, ["a.wav", "b.wav"], on_error="skip")
    assert found.labels.tolist() == [None, None]
    assert found.probabilities.shape == (2, len(model.classes_))
    assert len(found.failures) == 2


def test_table(model, files):
    index = [f"row {number}" for number in range(9)]
    table = predict_clips(model, pd.Series(files, index), on_error="skip").to_frame()
    assert table.index.tolist() == index
    table = table.reset_index(drop=True)
    probabilities = [f"probability_{name}" for name in model.classes_]
    assert list(table.columns) == ["clip", "label", *probabilities, "error"]
    assert table["label"].isna().sum() == 2
    assert table["error"][2].startswith("the file is empty")
    assert table["clip"].tolist() == files
    table.to_csv("table.csv", index=False)
    assert len(pd.read_csv("table.csv")) == 9


def test_text_is_short(model, files):
    found = predict_clips(model, files, on_error="skip")
    lines = str(found).splitlines()
    assert len(lines) == 10
    assert lines[0] == "9 clips, 2 of which could not be read:"
    assert lines[1].startswith("empty.wav: the file is empty")
    assert lines[3] == f"{files[0]}: {found.labels[0]} ({found.probabilities[0].max():.2f})"
    many = predict_clips(model, files * 40, on_error="skip")
    lines = str(many).splitlines()
    assert len(lines) == 23
    assert lines[11] == "... and 70 more"
    assert lines[-1] == "... and 270 more"
    assert len(str(predict_clips(model, files[:2])).splitlines()) == 2
    assert repr(many) == "<Predictions of 360 clips, 80 of them not readable>"


def test_names_that_are_not_text(model, voices):
    name = b"stimme\xfc.wav".decode("utf-8", "surrogateescape")
    Path(name).write_bytes(Path(voices.data[0]).read_bytes())
    found = predict_clips(model, [name])
    assert found.names == [name]
    str(found).encode()
    found.to_frame().to_csv("table.csv")


@pytest.mark.parametrize("as_array", [False, True])
def test_waveforms(model, voices, as_array):
    clips = [soundfile.read(path)[0][:9000] for path in voices.data[:3]]
    if as_array:
        clips = np.stack(clips)
    else:
        clips[1] = clips[1][:5000]
    found = predict_clips(model, clips, batch_size=2)
    assert found.labels.tolist() == model.predict(clips).tolist()
    assert found.names == ["clip 1", "clip 2", "clip 3"]


def test_labels_are_those_of_predict(voices):
    y = np.array([1, 2])[(voices.target == "anger").astype(int)]
    # Its labels are not always the most probable ones.
    pipe = make_pipeline(AcousticFeatures(**RMS), SVC()).fit(voices.data, y)
    found = predict_clips(pipe, voices.data)
    assert found.labels.tolist() == pipe.predict(voices.data).tolist()
    assert found.probabilities is None
    assert str(found).startswith(f"{voices.data[0]}: {found.labels[0]}\n")
    assert list(found.to_frame().columns) == ["clip", "label", "error"]
    ridge = make_pipeline(AcousticFeatures(**RMS), RidgeClassifier()).fit(voices.data, y)
    assert predict_clips(ridge, ["missing.wav"], on_error="skip").probabilities is None


def test_models_that_predict_otherwise(voices):
    class Tuned(Pipeline):
        def predict(self, X):
            return np.where(super().predict_proba(X)[:, 0] > 2, "anger", "fear")

    steps = [("features", AcousticFeatures(**RMS)), ("lr", LogisticRegression())]
    tuned = Tuned(steps).fit(voices.data, voices.target)
    assert set(predict_clips(tuned, voices.data).labels) == {"fear"}


def test_several_outputs_are_refused(voices):
    forest = make_pipeline(AcousticFeatures(**RMS), RandomForestClassifier(2))
    forest.fit(voices.data, np.column_stack([voices.target, voices.speakers]))
    with pytest.raises(ValueError, match="RandomForestClassifier predicts several outputs"):
        predict_clips(forest, voices.data)


def test_any_name_of_a_class_may_be_a_column(voices):
    y = np.where(voices.target == "anger", "label", "error")
    pipe = make_pipeline(AcousticFeatures(**RMS), LogisticRegression()).fit(voices.data, y)
    found = predict_clips(pipe, voices.data)
    table = found.to_frame()
    assert list(table.columns) == [
        "clip", "label", "probability_error", "probability_label", "error"
    ]  # fmt: skip
    assert table["label"].tolist() == found.labels.tolist()
    assert found == found
    assert found != predict_clips(pipe, voices.data)


def test_searches(model, voices):
    search = GridSearchCV(model, {"logisticregression__C": [0.1, 1]}, cv=2)
    search.fit(voices.data, voices.target)
    found = predict_clips(search, voices.data)
    assert found.labels.tolist() == search.predict(voices.data).tolist()


@pytest.mark.parametrize("batch_size", [2, 256])
def test_long_clips_are_not_predicted(model, voices, batch_size):
    seconds = soundfile.info(voices.data[0]).duration
    soundfile.write("long.flac", np.random.default_rng(0).normal(size=16000) / 9, 16000)
    long = (np.zeros(8000 * 2), 8000)
    X = ["long.flac", "missing.wav", *voices.data[:3], "long.flac"]
    limit = {"max_duration": 0.99, "on_error": "skip", "batch_size": batch_size}
    assert seconds < 0.99
    found = predict_clips(model, X, **limit)
    assert found.labels[2:5].tolist() == model.predict(voices.data[:3]).tolist()
    assert [index for index, _, _ in found.failures] == [0, 1, 5]
    assert found.errors[0] == (
        "it is 1.0 s long; expected at most max_duration=0.99 s: cut it into parts"
    )
    assert predict_clips(model, [long, long], **limit).errors[1].startswith("it is 2.0 s long")
    with pytest.raises(AudioReadError, match="read 'long.flac' .clip 1 of 1.: it is 1.0 s long"):
        predict_clips(model, ["long.flac"], max_duration=0.99)


def test_clips_of_the_maximum_length_are_predicted(model):
    soundfile.write("noise.wav", np.random.default_rng(0).normal(size=16000) / 9, 16000)
    content = Path("noise.wav").read_bytes()
    for clips in (["noise.wav"], [content], [soundfile.read("noise.wav")]):
        assert predict_clips(model, clips, max_duration=1).errors == [""]
    # Their rate is that of the model, which may be any.
    waveforms = np.random.default_rng(0).normal(size=(2, 9000)) / 9
    assert predict_clips(model, waveforms, max_duration=0.01).errors == ["", ""]


def test_unsure_answers(model, voices):
    plain = predict_clips(model, voices.data)
    found = predict_clips(model, voices.data, threshold=0.6)
    is_unsure = plain.probabilities.max(axis=1) < 0.6
    assert 0 < is_unsure.sum() < len(is_unsure)
    assert set(found.labels[is_unsure]) == {"unsure"}
    np.testing.assert_array_equal(found.labels[~is_unsure], plain.labels[~is_unsure])
    np.testing.assert_array_equal(found.probabilities, plain.probabilities)
    first = int(np.argmax(is_unsure))
    one = predict_clips(model, voices.data[first : first + 1], threshold=0.6)
    likely = f"{plain.labels[first]} {plain.probabilities[first].max():.2f}"
    assert str(one).endswith(f": unsure ({likely})")
    assert one.to_frame()["label"].tolist() == ["unsure"]

    selective = SelectiveClassifier(FrozenEstimator(model), threshold=0.9, unsure="?")
    selective.fit(voices.data, voices.target, groups=voices.speakers)
    own = predict_clips(selective, voices.data)
    np.testing.assert_array_equal(own.labels == "?", own.probabilities.max(axis=1) < 0.9)
    np.testing.assert_array_equal(own.labels, selective.predict(voices.data))
    other = predict_clips(selective, voices.data, threshold=0.5)
    np.testing.assert_array_equal(other.labels == "?", own.probabilities.max(axis=1) < 0.5)


def test_features_are_computed_once_for_unsure_answers(model, voices):
    calls = []

    class Counting(StandardScaler):
        def transform(self, X, copy=None):
            calls.append(len(X))
            return super().transform(X)

    pipe = make_pipeline(model[0], Counting(), LogisticRegression())
    pipe.fit(voices.data, voices.target)
    selective = SelectiveClassifier(FrozenEstimator(pipe), threshold=0.5)
    selective.fit(voices.data, voices.target)
    calls.clear()
    predict_clips(selective, voices.data[:3])
    assert calls == [3]


def test_a_threshold_needs_probabilities(voices):
    pipe = make_pipeline(AcousticFeatures(["rms"]), RidgeClassifier())
    pipe.fit(voices.data, voices.target)
    with pytest.raises(ValueError, match="but the Pipeline has no predict_proba"):
        predict_clips(pipe, voices.data, threshold=0.5)
    with pytest.raises(ValueError, match="threshold == 2, must be <= 1"):
        predict_clips(pipe, voices.data, threshold=2)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([True, False], r"\(bool\), a type without a value .*; fit on strings or signed integers$"),
        (np.uint8([0, 1]), r"\[0, 1\] \(uint8\), a type .*; fit on .*, or set SelectiveClassifier"),
        (["unsure", "joy"], "unsure == 'unsure', which is one of the labels.* SelectiveClassifier"),
    ],
)
def test_a_threshold_needs_a_label_for_unsure_answers(voices, names, message):
    pipe = make_pipeline(AcousticFeatures(["rms"]), LogisticRegression())
    pipe.fit(voices.data, np.resize(names, len(voices.data)))
    with pytest.raises(ValueError, match=message):
        predict_clips(pipe, voices.data, threshold=0.5, on_error="skip")


def test_bad_arguments(model, voices):
    with pytest.raises(ValueError, match="max_duration == 0, must be > 0"):
        predict_clips(model, voices.data, max_duration=0)
    for name in ("max_duration", "threshold"):
        with pytest.raises(ValueError, match=f"{name} == nan, must be finite"):
            predict_clips(model, voices.data, **{name: float("nan")})
    with pytest.raises(TypeError, match="max_duration must be an instance of"):
        predict_clips(model, voices.data, max_duration="1 s")
    with pytest.raises(ValueError, match="on_error == 'ignore', must be one of 'raise', 'skip'"):
        predict_clips(model, voices.data, on_error="ignore")
    with pytest.raises(ValueError, match="batch_size == 0"):
        predict_clips(model, voices.data, batch_size=0)
    with pytest.raises(TypeError, match=r"pass \['a.wav'\]"):
        predict_clips(model, "a.wav", on_error="skip")
    with pytest.raises(ValueError, match="X is empty"):
        predict_clips(model, [])


def test_progress_bar(model, voices, capsys):
    predict_clips(model, voices.data, verbose=1)
    assert "36/36" in capsys.readouterr().err
    predict_clips(model, voices.data)
    assert capsys.readouterr().err == ""
