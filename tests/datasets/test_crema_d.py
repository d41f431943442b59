"""load_crema_d: misspelled names, and repositories with git-lfs pointers or MP3 files only."""

import pytest

from ser_estimators.datasets import load_crema_d
from ser_estimators.exceptions import AudioReadError

from .helpers import POINTER, crema_d_names, make


def test_misspelled_intensity():
    make("new", [("", "1040_ITH_SAD_XX")])
    make("old", [("", "1040_ITH_SAD_X")])
    with pytest.warns(UserWarning, match="1 clip instead of 7442 in the complete corpus"):
        assert load_crema_d("old").intensity.tolist() == ["unspecified"]
    with pytest.warns(UserWarning, match="duplicate files of 1 clip, each loaded once"):
        assert len(load_crema_d(".").data) == 1


def test_many_missing_speakers_are_counted():
    make("crema", [name for name in crema_d_names() if name[1] < "1003"])
    with pytest.warns(UserWarning, match="clips of 2 of 91 actors only: 1001, 1002; 164 clips"):
        load_crema_d("crema")
    make("more", [name for name in crema_d_names() if name[1] < "1060"])
    with pytest.warns(UserWarning, match="no clips of actors 1060, .*, 1083 and 8 more"):
        load_crema_d("more")


def test_git_lfs_pointers_are_left_out_and_reported():
    names = list(crema_d_names())
    make("CREMA-D", names[:5], content=POINTER)
    make("CREMA-D", names[5:])
    with pytest.warns(
        UserWarning,
        match=r"7437 clips instead of 7442 in the complete corpus; left out: 5 files, for example "
        r"'CREMA-D/AudioWAV/.*', each of which is a git-lfs pointer, not audio; run 'git lfs ",
    ):
        corpus = load_crema_d("CREMA-D")
    assert len(corpus.data) == 7437


def test_repository_with_git_lfs_pointers_only():
    make("CREMA-D", list(crema_d_names())[:30], content=POINTER)
    with pytest.raises(
        AudioReadError,
        match="from 'CREMA-D': all files are unreadable: 30 files, for .*, each of which is a git",
    ) as caught:
        load_crema_d("CREMA-D")
    assert len(caught.value.failures) == 30
    index, path, reason = caught.value.failures[0]
    assert index == 0
    assert path.endswith(".wav")
    assert reason.startswith("it is a git-lfs pointer, not audio; run 'git lfs pull'")


def test_other_formats_are_reported():
    make("clone/AudioMP3", list(crema_d_names())[:7], suffix=".mp3")
    with pytest.raises(
        FileNotFoundError, match=r"files named like this corpus end in \.mp3 \(7 files, for example"
    ):
        load_crema_d("clone")
