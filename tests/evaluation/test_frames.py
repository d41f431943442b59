"""Predictions for every clip as a table."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from ser_estimators.evaluation import evaluate

from .reports import without_speakers


def test_one_row_for_each_tested_clip(report, voices):
    main = replace(report.main, metadata={"sex": np.array(["f", "m"] * 18)})
    frame = main.clips_frame()
    assert frame.columns.tolist() == [
        *("clip", "path", "speaker", "fold", "y_true", "y_pred"),
        *("probability_anger", "probability_neutral", "probability_sadness", "sex"),
    ]
    assert len(frame) == 36
    assert frame["clip"].tolist() == list(range(36))
    order = np.argsort(main.tested)
    for row in frame.itertuples():
        assert row.path == voices.data[row.clip]
        assert row.speaker == voices.speakers[row.clip]
        assert row.y_true == voices.target[row.clip]
        assert row.clip in main.folds[row.fold - 1].test
    np.testing.assert_array_equal(frame["y_pred"], main.y_pred[order])
    np.testing.assert_array_equal(frame.filter(like="probability"), main.probabilities[order])
    assert frame["sex"].tolist() == np.array(["f", "m"] * 18)[order].tolist()
    assert (frame["y_true"] == frame["y_pred"]).mean() == pytest.approx(main.summary()[0][1])


def test_waveforms_have_no_path_and_unknown_speakers_no_name():
    class First(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            self.classes_ = np.unique(y)
            return self

        def predict(self, X):
            return np.repeat(self.classes_[0], len(X))

    clips = list(np.random.default_rng(0).normal(size=(12, 900)))
    report = evaluate(First(), clips, [3, 5] * 6, np.repeat([1, 2, 3], 4), cv=3)
    frame = report.main.clips_frame()
    assert frame["path"].isna().all()
    assert sorted(frame["speaker"]) == np.repeat([1, 2, 3], 4).tolist()
    assert frame["y_pred"].tolist() == [3] * 12
    assert "probability_3" not in frame
    assert without_speakers(report.main).clips_frame()["speaker"].isna().all()


def test_the_table_survives_a_csv_file_with_names_that_are_not_utf8(report):
    odd = os.fsdecode(b"stimme\xfc, 1")
    main = report.main
    clips = [Path("a") / odd, '"quoted"\nname.wav', "ü\ud800.wav", *main.clips[3:]]
    speakers = np.where(main.speakers == "01", odd, main.speakers)
    odd_main = replace(
        main, clips=clips, speakers=speakers, metadata={f"column {odd}": np.array([odd] * 36)}
    )
    frame = odd_main.clips_frame()
    assert frame.set_index("clip")["path"][main.tested[:3]].tolist() == [
        f"a{os.sep}stimme\\xfc, 1",
        '"quoted"\nname.wav',
        "ü\\ud800.wav",
    ]
    frame.to_csv("x.csv", index=False)
    back = pd.read_csv("x.csv", dtype={"speaker": str})
    pd.testing.assert_frame_equal(back, frame, check_dtype=False)
    assert "column stimme\\xfc, 1" in back


def test_metadata_do_not_replace_other_columns(report):
    main = replace(report.main, metadata={"fold": np.arange(36), "path": np.arange(36) + 100})
    frame = main.clips_frame()
    assert frame["fold"].max() == 3
    order = np.argsort(main.tested)
    assert frame["metadata_fold"].tolist() == order.tolist()
    assert frame["metadata_path"].tolist() == (order + 100).tolist()


def test_without_pandas_the_error_says_so(report, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    match = r"clips_frame needs pandas, .* 'ser_estimators\[frame\]'\", or use the arrays"
    with pytest.raises(ImportError, match=match):
        report.main.clips_frame()
