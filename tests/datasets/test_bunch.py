"""The Bunch of all loaders, as a pandas DataFrame."""

import sys

import pytest

from ser_estimators.datasets import load_ravdess, load_savee


def test_frame(corpora):
    ravdess = load_ravdess(corpora["ravdess"], as_frame=True)
    assert list(ravdess.frame) == ["path", "emotion", "speaker", "sex", "intensity"]
    assert ravdess.frame["path"].tolist() == ravdess.data
    assert ravdess.frame["emotion"].tolist() == ravdess.target.tolist()
    assert list(load_savee(corpora["savee"], as_frame=True).frame) == [
        *("path", "emotion", "speaker", "sex")
    ]


def test_frame_without_pandas(corpora, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)  # makes `import pandas` fail
    with pytest.raises(
        ImportError,
        match="as_frame=True needs pandas, which is not installed; run 'pip install pandas'",
    ):
        load_savee(corpora["savee"], as_frame=True)
