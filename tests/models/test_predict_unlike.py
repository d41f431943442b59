"""predict_clips and predict_table say in what clips are unlike the training audio."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from ser_estimators import AcousticFeatures, AudioRanges, predict_clips, predict_table
from ser_estimators.exceptions import AudioReadError, UnlikeAudioWarning

RMS = {"features": ["rms", "centroid"], "statistics": ["mean"]}


@pytest.fixture(scope="module")
def model(voices):
    pipe = make_pipeline(AudioRanges(), AcousticFeatures(**RMS), LogisticRegression())
    return pipe.fit(voices.data, voices.target, audioranges__groups=voices.speakers)


@pytest.fixture
def files(voices):
    """Return two good clips, an empty file before a noisy one, and a good one."""
    Path("empty.wav").touch()
    noise = np.random.default_rng(0).normal(size=8000) / 9
    soundfile.write("noisy.wav", noise, 16000)
    return [*voices.data[:2], "empty.wav", "noisy.wav", voices.data[2]]


@pytest.mark.parametrize("batch_size", [1, 2, 256])
def test_one_warning_for_all_batches(model, files, batch_size):
    with pytest.warns(UnlikeAudioWarning, match=r"1 of 5 clips.*: clip 4 'noisy.wav'") as caught:
        found = predict_clips(model, files, on_error="skip", batch_size=batch_size)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert [bool(reason) for reason in found.unlike] == [False, False, False, True, False]
    assert found.unlike[3] == model[0].find_unlike(["noisy.wav"])[0]
    assert f", unlike the training audio: {found.unlike[3]}" in str(found)
    table = found.to_frame()
    assert list(table.columns[-2:]) == ["unlike", "error"]
    assert table["unlike"].tolist() == found.unlike


def test_alike(model, voices):
    found = predict_clips(model, voices.data[:3])
    assert found.unlike == ["", "", ""]
    assert "unlike the training audio" not in str(found)


def test_errors_come_first(model, files):
    with pytest.raises(AudioReadError, match=r"empty\.wav"):
        predict_clips(model, files)


def test_models_without_ranges(model, voices, files):
    found = predict_clips(model[1:], files, on_error="skip")
    assert found.unlike is None
    assert "unlike" not in found.to_frame()


def test_searches(voices, files):
    pipe = make_pipeline(AudioRanges(), AcousticFeatures(**RMS), LogisticRegression())
    search = GridSearchCV(pipe, {"logisticregression__C": [1, 10]}, cv=2)
    search.fit(voices.data, voices.target)
    with pytest.warns(UnlikeAudioWarning, match=r"clip 1 'noisy\.wav'"):
        assert predict_clips(search, ["noisy.wav"]).unlike != [""]


def test_tables(model, files):
    with pytest.warns(UnlikeAudioWarning, match=r"noisy\.wav"):
        found = predict_table(pd.DataFrame({"path": files}), model)
    assert found["unlike"].map(bool).tolist() == [False, False, False, True, False]
    empty = predict_table(pd.DataFrame({"path": files[:0]}), model)
    assert (empty.dtypes[1:] == found.dtypes[1:]).all()
    assert "unlike" not in predict_table(pd.DataFrame({"path": files}), model[1:])
