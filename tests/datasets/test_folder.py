"""load_folder: own recordings in folders of emotions, with or without folders of speakers."""

import os
import re
import sys
from pathlib import Path

import pytest

from ser_estimators.datasets import concatenate_corpora, load_folder
from ser_estimators.exceptions import AudioReadError

from .helpers import POINTER


def tree(root, *names):
    for name in names:
        path = Path(root, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"RIFF")
    return root


def test_folders_of_emotions():
    tree("own", "fear/b.wav", "fear/a.mp3", "anger/x.FLAC", "anger/.hidden.wav", "anger/notes.txt")
    tree("own", ".git/c.wav")
    corpus = load_folder("own")
    names = ("anger/x.FLAC", "fear/a.mp3", "fear/b.wav")
    assert corpus.data == [str(Path("own", name)) for name in names]
    assert corpus.target.tolist() == ["anger", "fear", "fear"]
    assert corpus.target_names.tolist() == ["anger", "fear"]
    assert corpus.speakers is corpus.sex is corpus.intensity is corpus.frame is None
    assert repr(corpus).splitlines()[:2] == [
        "Recordings in the folder own",
        "  3 clips of unknown speakers",
    ]


def test_folders_of_speakers():
    tree("own", "anna/joy/1.wav", "anna/fear/1.wav", "ben/joy/1.wav")
    corpus = load_folder(Path("own"), as_frame=True)
    assert corpus.target.tolist() == ["fear", "joy", "joy"]
    assert corpus.speakers.tolist() == ["anna", "anna", "ben"]
    assert corpus.frame.columns.tolist() == ["path", "emotion", "speaker"]
    both = concatenate_corpora({"own": corpus})
    assert both.speakers.tolist() == ["own/anna", "own/anna", "own/ben"]


def test_the_current_folder_and_the_home_folder(monkeypatch):
    tree("own", "joy/1.wav", "fear/1.wav")
    monkeypatch.setenv("HOME", str(Path.cwd()))
    monkeypatch.setenv("USERPROFILE", str(Path.cwd()))
    assert load_folder("~/own").target.tolist() == ["fear", "joy"]
    monkeypatch.chdir("own")
    corpus = load_folder(".")
    assert corpus.data == [str(Path("fear/1.wav")), str(Path("joy/1.wav"))]
    assert repr(corpus).startswith("Recordings in the folder own\n")


@pytest.mark.skipif(sys.platform != "linux", reason="file names of other systems are text")
def test_names_that_are_not_valid_text():
    os.makedirs(b"own/joy")
    Path(os.fsdecode(b"own/joy/\xfc.wav")).write_bytes(b"RIFF")
    assert [os.fsencode(path) for path in load_folder("own").data] == [b"own/joy/\xfc.wav"]


def test_emotions_are_renamed_and_left_out():
    tree("own", "happy/1.wav", "bored/1.wav", "sad/1.wav")
    corpus = load_folder("own", emotions={"happy": "happiness", "bored": None})
    assert corpus.target.tolist() == ["happiness", "sad"]


@pytest.mark.parametrize(
    ("emotions", "error", "message"),
    [
        ("happy", TypeError, "'happy' is a str; expected a dict .* names are 'bored', 'happy'"),
        ({"joy": "x"}, ValueError, "'joy', which does not occur; expected .* 'bored', 'happy'"),
        ({"happy": ""}, ValueError, "maps 'happy' to ''; expected the name of an emotion"),
        ({"happy": None, "bored": None}, ValueError, "leaves out all 2 clips; expected a name"),
    ],
)
def test_emotions_are_checked(emotions, error, message):
    tree("own", "happy/1.wav", "bored/1.wav")
    with pytest.raises(error, match=message):
        load_folder("own", emotions=emotions)


def test_files_that_cannot_be_read_are_left_out():
    tree("own", "joy/1.wav", "joy/2.m4a", "joy/3.m4a", "1.wav")
    Path("own/joy/4.wav").touch()
    Path("own/joy/5.wav").write_bytes(POINTER)
    with pytest.warns(UserWarning, match="Recordings in 'own'") as caught:
        assert load_folder("own").target.tolist() == ["joy"]
    (message,) = (str(warning.message) for warning in caught)
    for part in (
        "left out: 1 file, for example 'own/1.wav', which is not at the depth of <emotion>/<file>",
        "left out: 2 files, for example 'own/joy/2.m4a', each of which is in a format that libsnd",
        "left out: 1 file, for example 'own/joy/4.wav', which is empty",
        "'own/joy/5.wav', which is a git-lfs pointer",
    ):
        assert part in message.replace(os.sep, "/")


def test_spellings_of_an_emotion_are_reported():
    tree("own", "anna/Anger/1.wav", "ben/anger/1.wav")
    with pytest.warns(UserWarning, match="emotions 'Anger', 'anger' differ only in upper and low"):
        assert load_folder("own").target_names.tolist() == ["Anger", "anger"]


def test_folder_without_readable_files():
    tree("own", "joy/1.m4a")
    with pytest.raises(AudioReadError, match="all files are unreadable: 1 file.*convert") as error:
        load_folder("own")
    assert error.value.failures == (
        (0, str(Path("own/joy/1.m4a")), "it is in a format that libsndfile cannot read; convert it "
         "to .wav or .flac"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["1.wav", "2.wav"], r"are in no folder of an emotion \(2 files, .*load_table"),
        (["joy/1.wav", "anna/joy/1.wav"], "files at different depths, such as 'own.joy.1.wav' and"),
        (
            ["a/b/joy/1.wav"],
            "contains files at another depth, such as 'own.a.b.joy.1.wav'; expect",
        ),
    ],
)
def test_other_layouts(names, message):
    tree("own", *names)
    with pytest.raises(ValueError, match=message):
        load_folder("own")


def test_folders_of_emotions_with_those_of_speakers():
    tree("own", "Angry/anna/1.wav", "sad/anna/1.wav", "sad/ben/1.wav")
    corpus = load_folder("own")
    assert corpus.target.tolist() == ["Angry", "sad", "sad"]
    assert corpus.speakers.tolist() == ["anna", "anna", "ben"]
    assert "<emotion>/<speaker>/<file>" in corpus.DESCR
    told = load_folder("own", layout="speaker/emotion/file")
    assert told.target.tolist() == ["anna", "anna", "ben"]
    assert told.speakers.tolist() == ["Angry", "sad", "sad"]


@pytest.mark.parametrize("speakers", [("anna", "ben"), ("01", "02")])
def test_folders_of_emotions_that_are_not_all_usual(speakers):
    one, two = speakers
    tree("own", f"anger/{one}/1.wav", f"anger/{two}/1.wav", f"tenderness/{one}/1.wav")
    corpus = load_folder("own")
    assert corpus.target_names.tolist() == ["anger", "tenderness"]
    assert corpus.speakers.tolist() == [one, two, one]


def test_layout_that_is_unclear():
    tree("own", *(f"{name}/high/1.wav" for name in ("Joy", "anna", "ben")))
    with pytest.raises(
        ValueError, match="unclear which .*: Joy, anna, ben, or those in them, high"
    ):
        load_folder("own")
    told = load_folder("own", layout="speaker/emotion/file")
    assert told.speakers.tolist() == ["Joy", "anna", "ben"]
    # A name that is renamed is that of an emotion.
    assert load_folder("own", emotions={"high": "loud"}).target.tolist() == ["loud"] * 3


def test_folders_of_sets_are_neither_speakers_nor_emotions():
    tree("own", "train/anger/1.wav", "Test/anger/1.wav")
    with pytest.raises(ValueError, match=r"seem to be sets of clips \(Test, train\), not speakers"):
        load_folder("own")
    assert load_folder("own/train").target.tolist() == ["anger"]
    assert load_folder("own", layout="speaker/emotion/file").target.tolist() == ["anger"] * 2
    tree("flat", "dev/1.wav")
    with pytest.raises(ValueError, match=r"sets of clips \(dev\), not speakers or emotions"):
        load_folder("flat")


def test_numbers_are_renamed():
    tree("own", "1/a.wav", "2/a.wav")
    assert load_folder("own", emotions={1: "anger", 2: "joy"}).target.tolist() == ["anger", "joy"]


def test_an_emotion_without_readable_files_may_be_renamed():
    tree("own", "joy/1.wav")
    Path("own/sad").mkdir()
    Path("own/sad/1.wav").touch()
    with pytest.warns(UserWarning, match=r"'own.sad.1.wav', which is empty"):
        assert load_folder("own", emotions={"sad": "sadness"}).target.tolist() == ["joy"]


def test_spellings_that_look_the_same():
    tree("own", "J\u00f6rg/anger/1.wav", "Jo\u0308rg/sad/1.wav", "Jo\u0308rg/anger /2.wav")
    corpus = load_folder("own")
    assert corpus.target_names.tolist() == ["anger", "sad"]
    assert set(corpus.speakers) == {"J\u00f6rg"}


def test_a_layout_that_is_told():
    tree("own", "01/s1/1.wav", "02/s2/1.wav", "02/x.wav", "loose.wav")
    left_out = [str(Path("own", name)) for name in ("loose.wav", "02/x.wav")]
    with pytest.warns(
        UserWarning, match="'own.loose.wav', each of which is not at the depth of <emo"
    ):
        corpus = load_folder("own", layout="emotion/speaker/file", emotions={"01": "anger"})
    assert corpus.target.tolist() == ["anger", "02"]
    assert corpus.speakers.tolist() == ["s1", "s2"]
    assert [path for path, _ in corpus.left_out] == left_out
    with pytest.warns(UserWarning, match="left out: 3 files"):
        assert load_folder("own", layout="emotion/file").target.tolist() == ["02"]
    with pytest.raises(
        ValueError, match=r"no file is at the depth of layout <emotion>/<file> \(1 f"
    ):
        load_folder("own/02/s2", layout="emotion/file")
    with pytest.raises(ValueError, match="layout='x'; expected 'auto' or one of 'emotion/file', '"):
        load_folder("own", layout="x")


def test_wrong_folders():
    Path("file.wav").touch()
    with pytest.raises(
        FileNotFoundError, match=r"'file.wav': it is a file; expected a folder with"
    ):
        load_folder("file.wav")
    with pytest.raises(FileNotFoundError, match=f"does not exist in '{re.escape(os.getcwd())}'"):
        load_folder("nothing")
    Path("empty").mkdir()
    with pytest.raises(
        FileNotFoundError, match=r"contain an audio file \(.wav, .*<emotion>/<file>"
    ):
        load_folder("empty")


@pytest.mark.parametrize("name", ["ravdess", "crema_d", "tess", "savee", "emodb", "emovo", "nemo"])
def test_the_folder_of_a_corpus(corpora, name):
    """Its folders, such as those of the actors, must not become emotions."""
    message = f"files are named like those of .*; use load_{name}\\('.*'\\)\\. If .* for load_table"
    with pytest.raises(ValueError, match=message):
        load_folder(corpora[name])


def test_files_of_a_corpus_that_are_sorted_by_emotion():
    tree("own", "happy/03-01-03-01-01-01-01.wav", "other/03-01-05-01-01-01-01.wav")
    assert load_folder("own").target_names.tolist() == ["happy", "other"]
    tree("few", "a/03-01-03-01-01-01-01.wav", "a/1.wav", "b/2.wav")
    assert load_folder("few").target_names.tolist() == ["a", "b"]


@pytest.mark.parametrize(
    "names",
    [
        ["speaker_01/sadness_01.wav", "speaker_02/anger_01.wav"],
        ["01/1.wav", "02/1.wav"],
        ["M01/1.wav", "F02/1.wav"],
        ["spk-1b/1.wav"],
        ["group/s1/1.wav", "group/s2/1.wav"],
    ],
)
def test_folders_of_speakers_are_no_emotions(names):
    tree("own", *names)
    with pytest.raises(ValueError, match=r"seem to be speakers, not emotions \(.* for load_table"):
        load_folder("own")


def test_labels_that_end_in_a_number():
    tree("own", "class_1/1.wav", "class_2/1.wav")
    with pytest.raises(ValueError, match=r"speakers, not emotions \(class_1, class_2\); expected"):
        load_folder("own")
    names = {"class_1": "anger", "class_2": "class_2"}
    assert load_folder("own", emotions=names).target.tolist() == ["anger", "class_2"]
    tree("mixed", "class_1/1.wav", "neutral/1.wav", "level2/1.wav")
    assert load_folder("mixed").target_names.tolist() == ["class_1", "level2", "neutral"]
