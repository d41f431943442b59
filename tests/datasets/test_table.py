"""load_table: own recordings that a CSV file lists."""

import os
from pathlib import Path

import pytest
from sklearn.utils import Bunch

from ser_estimators.datasets import check_corpus, load_table
from ser_estimators.exceptions import AudioReadError

ROWS = "path,emotion,speaker\na.wav,joy,anna\nb.wav,fear,ben\n"


def table(text=ROWS, *, files=("a.wav", "b.wav"), encoding="utf-8", folder="."):
    Path(folder).mkdir(exist_ok=True)
    for name in files:
        Path(folder, name).write_bytes(b"RIFF")
    path = Path(folder, "t.csv")
    path.write_bytes(text.encode(encoding))
    return path


def test_a_table():
    corpus = load_table(table(), as_frame=True)
    assert corpus.data == ["a.wav", "b.wav"]
    assert corpus.target.tolist() == ["joy", "fear"]
    assert corpus.speakers.tolist() == ["anna", "ben"]
    assert corpus.sex is corpus.intensity is None
    assert corpus.frame.columns.tolist() == ["path", "emotion", "speaker"]
    assert repr(corpus).splitlines()[0] == "Recordings in the table t.csv"


def test_paths_are_relative_to_the_table():
    corpus = load_table(table(folder="own"))
    assert corpus.data == [str(Path("own/a.wav")), str(Path("own/b.wav"))]
    rows = ROWS.replace("a.wav", str(Path("own/a.wav").absolute())).replace("b.wav", "own/b.wav")
    assert load_table(table(rows, files=())).data[0] == str(Path("own/a.wav").absolute())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_tables_of_spreadsheets(encoding, separator, end):
    text = 'sex,emotion, who,path\nf,"joy, or glee",Änne ,a.wav\n\n,,,\n,fear,ben,b.wav\n'
    text = text.replace("joy, or glee", "§").replace(",", separator).replace("§", "joy, or glee")
    path = table(text.replace("\n", end), encoding=encoding)
    corpus = load_table(path, speaker="who")
    assert corpus.target.tolist() == ["joy, or glee", "fear"]
    assert corpus.speakers.tolist() == ["Änne", "ben"]
    assert corpus.sex.tolist() == ["f", "unknown"]


def test_names_of_columns_and_of_emotions():
    path = table("which,what,who\na.wav,joy,anna\nb.wav,fear,ben\n")
    names = {"path": "which", "emotion": "what"}
    corpus = load_table(path, **names, emotions={"joy": "happiness", "fear": None})
    assert (corpus.data, corpus.target.tolist(), corpus.speakers) == (
        ["a.wav"],
        ["happiness"],
        None,
    )
    assert load_table(path, **names, speaker="who").speakers.tolist() == ["anna", "ben"]


def test_emotions_are_renamed_before_they_are_compared():
    path = table(ROWS + "a.wav,happy,anna\nb.wav,junk,ben\n")
    with pytest.warns(UserWarning, match="2 rows with clips that are listed before") as caught:
        corpus = load_table(path, emotions={"happy": "joy", "junk": "fear"})
    assert (corpus.target.tolist(), len(caught)) == (["joy", "fear"], 1)
    assert load_table(path, emotions={"happy": None, "junk": None}).data == ["a.wav", "b.wav"]
    with pytest.raises(ValueError, match="has two emotions: 'joy' in line 2 and 'happy' in line 4"):
        load_table(path, emotions={"junk": None})


def test_an_emotion_whose_files_are_missing_may_be_renamed():
    path = table(files=["a.wav"])
    with pytest.warns(UserWarning, match="1 file, for example 'b.wav', which is missing"):
        assert load_table(path, emotions={"fear": "panic"}).target.tolist() == ["joy"]
    assert load_table(path, emotions={"fear": None}).target.tolist() == ["joy"]


def test_spellings_count_after_emotions_are_renamed():
    path = table("path,emotion\na.wav,Joy\nb.wav,joy\n")
    assert load_table(path, emotions={"Joy": "joy"}).target.tolist() == ["joy", "joy"]
    with pytest.warns(UserWarning, match="'JOY', 'joy' differ only in upper and lower case"):
        load_table(path, emotions={"Joy": "JOY"})


def test_accents_have_one_spelling():
    corpus = load_table(table("path,emotion,speaker\na.wav,joy,J\u00f6rg\nb.wav,joy,Jo\u0308rg\n"))
    assert len(set(corpus.speakers)) == 1


def test_line_with_the_separator_for_excel():
    corpus = load_table(table("sep=;\n" + ROWS.replace(",", ";")))
    assert corpus.data == ["a.wav", "b.wav"]
    with pytest.raises(ValueError, match="column 'emotion', for example line 3"):
        load_table(table("sep=;\npath;emotion\na.wav;\n"))


def test_folder_in_place_of_a_file_is_left_out():
    Path("folder").mkdir()
    with pytest.warns(UserWarning, match="for example 'folder', which is a folder; list the files"):
        assert load_table(table(ROWS + "folder,joy,anna\n")).data == ["a.wav", "b.wav"]


def test_names_of_columns_in_any_case():
    corpus = load_table(table("Path;EMOTION;Speaker;Sex\na.wav;joy;anna;f\nb.wav;fear;ben;m\n"))
    assert corpus.target.tolist() == ["joy", "fear"]
    assert (corpus.speakers.tolist(), corpus.sex.tolist()) == (["anna", "ben"], ["f", "m"])
    path = table("Label,label,path\njoy,sad,a.wav\nfear,bored,b.wav\n")
    assert load_table(path, emotion="Label").target.tolist() == ["joy", "fear"]
    assert load_table(path, emotion="label").target.tolist() == ["sad", "bored"]
    with pytest.raises(
        ValueError, match="no column 'LABEL'; its columns are 'Label', 'label', 'path'. Pass"
    ):
        load_table(path, emotion="LABEL")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is empty; expected a line with the names of columns"),
        ("path,emotion\n", "it has no rows below its first line"),
        (
            "x,emotion\na.wav,joy\n",
            "no column of paths, such as 'path' .*; its columns are 'x', 'em",
        ),
        ("path,y\na.wav,joy\n", "no column of emotions, such as 'emotion' or .* as emotion=..."),
        (
            "path,emotion,path\na,b,c\n",
            "more than one column 'path'.*are 'path', 'emotion', 'path'. Rename all but one",
        ),
        ("path,Emotion,EMOTION\na,b,c\n", "more than one column 'Emotion'.* as emotion=..."),
        ('"path","emotion"\n"a.wav",NA\n', "1 row without a value in column 'emotion', .*line 2"),
        ("path,emotion,speaker\na.wav,joy,nan\n", "1 row without a value in column 'speaker'"),
        ("path,emotion\na.wav,\n\nb.wav,joy\n", "1 row without a value in column 'emotion', .*2;"),
        ("path,emotion\na.wav\n", "1 row without a value in column 'emotion'"),
        ("path,emotion,speaker\na.wav,joy,\n", "1 row without a value in column 'speaker'"),
        ("path,emotion\na,1.wav,joy\n", "line 2 has 3 cells, and the first line 2; .* in quotes"),
        ('path,emotion\n"a.wav,joy\n', "line 2 is not CSV"),
        (ROWS + "./a.wav,fear,anna\n", "'a.wav' has two emotions: 'joy' in line 2 and 'fea"),
        (ROWS + "a.wav,joy,ben\n", "has two speakers: 'anna' in line 2 and 'ben' in line 4"),
        (b"path,emotion\n\xfc.wav,joy\n", r"not UTF-8 text \(byte 13\); save it as CSV in UTF-8"),
        (b"PK\x03\x04x", "it is a spreadsheet or a zip file; save it as CSV"),
    ],
)
def test_bad_tables(text, message):
    path = table()
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=f"from 't.csv': .*{message}"):
        load_table(path)


def test_columns_that_are_not_read():
    text = ROWS.replace("speaker", "teller").replace("emotion", "emotion,begin_ms", 1)
    text = text.replace("joy", "joy,500").replace("fear", "fear,0")
    corpus = load_table(table(text))
    assert corpus.speakers is None
    assert corpus.unused_columns == ["begin_ms", "teller"]
    shown = "  2 clips of unknown speakers; columns not read: 'begin_ms', 'teller'"
    assert repr(corpus).splitlines()[1] == shown
    assert str(check_corpus(corpus, audio=False)).splitlines()[1] == shown
    assert "unused_columns" not in load_table(table())
    many = Bunch(**corpus | {"unused_columns": [f"c{number}" for number in range(1, 12)]})
    assert "'c8' and 3 more" in str(check_corpus(many, audio=False))


def test_a_column_of_speakers_that_is_asked_for_must_exist():
    with pytest.raises(ValueError, match=r"it has no column 'who'; .* to use as speaker=\.\.\."):
        load_table(table(), speaker="who")
    with pytest.raises(ValueError, match=r"it has more than one column 'path'; its columns are"):
        load_table(table("path,emotion,path\na,b,c\n"), path="path")


def test_wrong_paths_of_tables():
    with pytest.raises(FileNotFoundError, match=r"'x.csv': there is no such file in"):
        load_table("x.csv")
    with pytest.raises(ValueError, match="it is a folder; .* or use load_folder"):
        load_table(".")


def test_missing_files():
    path = table(ROWS + "\0.wav,joy,anna\n", files=["a.wav"])
    with pytest.warns(UserWarning, match="left out: 2 files, for example 'b.wav', each .* missing"):
        assert load_table(path).data == ["a.wav"]
    Path("a.wav").unlink()
    with pytest.raises(
        FileNotFoundError, match="none of its 3 files exists, for example 'a.wav'; "
    ):
        load_table(path)


def test_files_that_cannot_be_read_are_left_out():
    path = table(ROWS + "c.m4a,joy,anna\n", files=["a.wav", "c.m4a"])
    if os.name == "posix":
        Path("b.wav").symlink_to("nothing")
    with pytest.warns(UserWarning, match="'b.wav', which is a broken link.*'c.m4a', which is in a"):
        assert load_table(path).data == ["a.wav"]
    Path("a.wav").write_bytes(b"")
    with pytest.raises(AudioReadError, match="all files are unreadable"):
        load_table(path)


def test_repeated_rows_are_loaded_once():
    with pytest.warns(UserWarning, match=r"'t.csv': 1 row with clips .* 'a.wav', each loaded once"):
        assert load_table(table(ROWS + "./a.wav,joy,anna\n")).data == ["a.wav", "b.wav"]
