"""The search for clips: files that are not audio, links, other files, and codes of emotions."""

from pathlib import Path

import pytest

from ser_estimators.datasets import load_emodb, load_nemo, load_savee, load_tess
from ser_estimators.datasets._tess import _TESS

from .helpers import emodb_names, make, nemo_names, savee_names, tess_names


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", r"which is empty \(0 bytes\); download or copy it again"),
        (
            b"\n<!DOCTYPE html><title>404</title>",
            "which is a web page, not audio: the download failed",
        ),
        (b"<html>" + 3000 * b"<p>", "which is a web page, not audio: the download failed"),
    ],
)
def test_files_that_are_not_audio_are_left_out(content, words):
    make("savee", savee_names())
    Path("savee/KL/su15.wav").write_bytes(content)
    with pytest.warns(
        UserWarning,
        match=f"479 clips .* 480 .*; left out: 1 file, for .*'savee/KL/su15.wav', {words}",
    ):
        assert len(load_savee("savee").data) == 479


def test_broken_links_are_left_out():
    make("savee", savee_names())
    Path("savee/KL/su15.wav").unlink()
    Path("savee/KL/su15.wav").symlink_to("../.git/annex/objects/su15.wav")
    with pytest.warns(
        UserWarning, match="left out: 1 file, .*su15.wav', which is a broken link; fetch its target"
    ):
        assert len(load_savee("savee").data) == 479


def test_linked_folders_are_searched_once():
    make("elsewhere", savee_names())
    Path("savee").mkdir()
    for speaker in ("DC", "JE", "JK", "KL"):
        Path("savee", speaker).symlink_to(Path("elsewhere", speaker).absolute())
    Path("savee/again").symlink_to(Path("savee").absolute())
    Path("savee/JE2").symlink_to(Path("elsewhere/JE").absolute())
    corpus = load_savee("savee")
    assert len(corpus.data) == 480
    assert all(path.startswith("savee/") for path in corpus.data)


def test_tilde_is_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", str(Path.cwd()))
    make("savee", savee_names())
    assert len(load_savee("~/savee").data) == 480


def test_readable_copy_replaces_an_unreadable_one():
    make("savee", savee_names())
    make("savee", [("copy", "DC_a01")])
    Path("savee/DC/a01.wav").write_bytes(b"")
    with pytest.warns(UserWarning, match=r"SAVEE in 'savee': left out: 1 file, .*, which is empty"):
        corpus = load_savee("savee")
    assert len(corpus.data) == 480
    assert "savee/copy/DC_a01.wav" in corpus.data


def test_other_corpora_and_hidden_files_are_ignored():
    for names in (savee_names(), emodb_names(), tess_names(), nemo_names()):
        make("all", names)
    make("all", [("x", "notes"), ("x", "1001")])
    make("all/.git/lfs", [("", "DC_a99")])
    make("all", [("DC", "._a01")])
    Path("all/DC/a01.txt").touch()
    Path("all/DC/link.wav").symlink_to("nothing.wav")
    Path("all/DC_a98.wav").mkdir()
    assert len(load_savee("all").data) == 480
    assert len(load_emodb("all").data) == 535
    assert len(load_tess("all").data) == 2800
    assert len(load_nemo("all").data) == 4481


def test_folder_with_unknown_names_only_is_reported():
    make("tess", [("", "OAF_back_bored"), ("", "OAF_bar_bored")])
    with pytest.raises(
        FileNotFoundError, match=r"such as OAF_back_angry.wav \(2 files, for exam.*cannot"
    ):
        load_tess("tess")


@pytest.mark.parametrize(
    ("emotions", "error", "message"),
    [
        (
            {"joy": "happiness"},
            ValueError,
            "contains the code 'joy', which TESS does not have; expected some of 'angry'",
        ),
        ({"ps": ""}, ValueError, "maps the code 'ps' to ''; expected the name of an emotion, or"),
        ({"ps": 3}, ValueError, "maps the code 'ps' to 3"),
        (
            ["ps"],
            TypeError,
            r"emotions=\['ps'\] is a list; expected a dict that maps codes of TESS",
        ),
        (dict.fromkeys(_TESS.emotions), ValueError, "leaves out every clip of TESS in"),
    ],
)
def test_invalid_emotions_are_reported(emotions, error, message, corpora):
    with pytest.raises(error, match=message):
        load_tess(corpora["tess"], emotions=emotions)
