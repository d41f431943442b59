"""load_savee: both layouts, and the folder of one speaker."""

import pytest

from ser_estimators.datasets import load_savee

from .helpers import make, savee_names


def test_clips_in_both_layouts_are_duplicates():
    make("savee", savee_names())
    make("savee", savee_names(flat=True))
    with pytest.warns(UserWarning, match="duplicate files of 480 clips"):
        assert len(load_savee("savee").data) == 480


def test_folder_of_one_speaker(monkeypatch):
    make("savee", savee_names())
    expected = "SAVEE in .*: clips of 1 of 4 speakers only: DC; 120 clips instead of 480"
    with pytest.warns(UserWarning, match=expected):
        assert set(load_savee("savee/DC").speakers) == {"DC"}
    monkeypatch.chdir("savee/DC")
    with pytest.warns(UserWarning, match=expected):
        assert set(load_savee(".").speakers) == {"DC"}
