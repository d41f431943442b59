"""Files, folders, patterns and standard input."""

import io
import os
import sys
from pathlib import Path

import click
import pytest

from ser_estimators.cli._inputs import open_inputs

RIFF = b"RIFF\x24\x00\x00\x00WAVEfmt "


def names(*arguments, **options):
    with open_inputs(arguments, **options) as found:
        return [one.name.replace(os.sep, "/") for one in found]


def errors(*arguments):
    with open_inputs(arguments) as found:
        return [one.error for one in found]


@pytest.fixture
def files():
    for name in (
        "v/b.wav",
        "v/a.WAV",
        "v/in/c.mp3",
        "v/.hidden.wav",
        "v/.git/d.wav",
        "v/notes.txt",
    ):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"x")


@pytest.fixture
def stdin(monkeypatch):
    def give(data):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return give


@pytest.mark.usefixtures("files")
def test_files_and_folders():
    assert names("v", "missing.wav", "v/notes.txt", "v/.hidden.wav") == [
        *("v/a.WAV", "v/b.wav", "v/in/c.mp3"),
        *("missing.wav", "v/notes.txt", "v/.hidden.wav"),
    ]
    assert names(".") == ["v/a.WAV", "v/b.wav", "v/in/c.mp3"]


@pytest.mark.usefixtures("files")
def test_patterns():
    assert names("v/*.wav", "v/[ab].*") == ["v/b.wav", "v/a.WAV", "v/b.wav"]
    assert names("v/**/*.mp3") == ["v/in/c.mp3"]
    assert names("v/i?") == ["v/in/c.mp3"]
    assert sorted(names("v/**")) == ["v/a.WAV", "v/b.wav", "v/in/c.mp3", "v/notes.txt"]
    assert errors("v/*.flac") == ["no file matches this pattern; check it"]
    Path("v/[1].wav").touch()
    assert names("v/[1].wav") == ["v/[1].wav"]


def test_folders_without_audio():
    Path("empty").mkdir()
    (error,) = errors("empty")
    assert error == "the folder contains no audio files (.wav, .flac, .mp3, .ogg and so on)"


@pytest.mark.usefixtures("files")
def test_the_home_folder(monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(Path.cwd()))
    with open_inputs(["~/v/b.wav", "~nobody/x.wav"]) as found:
        assert [one.name for one in found] == ["~/v/b.wav", "~nobody/x.wav"]
        assert Path(found[0].path) == Path("v/b.wav").absolute()
    Path("~").mkdir()
    Path("~/x.wav").touch()
    with open_inputs(["~/x.wav"]) as found:
        assert found[0].path == "~/x.wav"


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"x.wav\ny.wav", ["x.wav", "y.wav"]),
        (b"\xef\xbb\xbfx.wav\r\n\r\ny z.wav\r\n", ["x.wav", "y z.wav"]),
        (b"v\n", ["v/a.WAV", "v/b.wav", "v/in/c.mp3"]),
        (b"ID3 tags.mp3\n-\n", ["ID3 tags.mp3", "-"]),
        ("Grüße 世.wav".encode(), ["Grüße 世.wav"]),
    ],
)
def test_paths_from_stdin(stdin, data, expected):
    stdin(data)
    assert names("-") == expected


def test_paths_with_null_characters_from_stdin(stdin):
    stdin(b"a\nb.wav\0c.wav\0")
    assert names("x", "-", is_null=True) == ["x", "a\nb.wav", "c.wav"]


@pytest.mark.skipif(sys.platform != "linux", reason="file names of other systems are text")
def test_names_that_are_not_valid_text(stdin):
    stdin(b"\xfc.wav\n")
    with open_inputs(["-"]) as (one,):
        assert os.fsencode(one.path) == b"\xfc.wav"


@pytest.mark.parametrize(
    "data",
    [
        RIFF,
        b"fLaC\x00\x00\x00\x22",
        b"OggS\x00\x02",
        b"ID3\x03\x00\x00",
        b"\xff\xfb\x90\x64\x00",
        b"FORM\x00\x00\x10\x00AIFF",
    ],
)
def test_audio_from_stdin(stdin, data):
    stdin(data)
    with open_inputs(["-"]) as (one,):
        assert one.name == "-"
        assert Path(one.path).read_bytes() == data
    assert not Path(one.path).exists()


def test_tables(stdin):
    Path("in").mkdir()
    text = "Path;emotion\na.wav;joy\n;fear\n/b.wav;joy\n"
    Path("in/t.csv").write_text(text)
    assert names("in/t.csv") == ["in/a.wav", "in/t.csv", "/b.wav"]
    assert errors("in/t.csv") == ["", "line 3 of the table has no path", ""]
    stdin(b"\xef\xbb\xbf" + text.encode())
    assert names("-") == ["a.wav", "-", "/b.wav"]
    Path("t.tsv").write_text("emotion\tpath\njoy\ta.wav\n")
    assert names("t.tsv", "missing.csv") == ["a.wav", "missing.csv"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is empty; expected a line with the names of columns"),
        ("path,emotion\n", "it has no rows below its first line; expected one per clip"),
        (
            "which,x\na.wav,1\n",
            "it has no column of paths, such as 'path' or 'file' or 'filename'; its columns are "
            "'which', 'x'. Pass the name of the one to use with --path-column",
        ),
    ],
)
def test_bad_tables(text, message):
    Path("t.csv").write_text(text)
    assert errors("t.csv") == [message]


def test_tables_of_segments(stdin):
    text = "file;begin;duration\na.wav;0,5;1\na.wav;1.5;\nb.wav;;\na.wav;x;1\na.wav;2;-1\n"
    Path("t.csv").write_text(text)
    found = ["a.wav#t=0.5,1.5", "a.wav#t=1.5", "b.wav", "a.wav", "a.wav"]
    assert names("t.csv") == found
    assert errors("t.csv")[:3] == [""] * 3
    assert errors("t.csv")[3].startswith("column 'begin' has no time in line 5 ('x'); expected sec")
    assert (
        "segments start before 0 s or do not end after their start, in line 6"
        in (errors("t.csv")[4])
    )
    stdin(text.encode())
    assert names("-") == found
    Path("t.csv").write_text("path,duration\na.wav,1\n")  # the length of the file
    assert names("t.csv") == ["a.wav"]


def test_columns_of_other_names(stdin):
    text = "clip id;caller;from;channel\na.wav;Ann;0,5;1\nb.wav;;;\n"
    Path("t.csv").write_text(text)
    columns = {"path": "Clip ID", "speaker": "caller", "start": "from", "end": "auto"}
    columns |= {"duration": None, "channel": "channel"}
    stdin(text.encode())
    for source in ("t.csv", "-"):
        with open_inputs([source], columns=columns) as found:
            assert [one.name for one in found] == ["a.wav#t=0.5&channel=1", "b.wav"]
            assert [one.speaker for one in found] == ["Ann", ""]
    # One column is enough for a table if its name is given.
    stdin(b"clip id\na.wav\n")
    assert names("-", columns=columns | {"start": "auto", "speaker": None, "channel": None}) == [
        "a.wav"
    ]
    with open_inputs(["t.csv"], columns=columns | {"start": "begins"}) as (one,):
        assert one.error == (
            "it has no column 'begins'; its columns are 'clip id', 'caller', 'from', 'channel'. "
            "Pass the name of the one to use with --start-column"
        )


def test_named_columns_that_exclude_each_other():
    Path("t.csv").write_text("path,end,length\na.wav,1,2\n")
    columns = dict.fromkeys(("path", "speaker", "start"), "auto")
    columns |= {"end": "end", "duration": "length"}
    with open_inputs(["t.csv"], columns=columns) as (one,):
        assert one.error == (
            "columns 'end' and 'length' both say where segments end; pass one of them, with "
            "--end-column or --duration-column"
        )
    with pytest.raises(click.UsageError, match="-0 is about a list of paths, which has no columns"):
        names("-", is_null=True, columns=columns)


def test_patterns_of_tables():
    Path("t.csv").write_text("path\na.wav\n")
    assert names("t*.csv") == ["a.wav"]


def test_a_table_of_a_single_column(stdin):
    stdin(b"path\na.wav\nb.wav\n")
    assert names("-") == ["a.wav", "b.wav"]
    Path("path").touch()
    stdin(b"path\na.wav\nb.wav\n")
    assert names("-") == ["path", "a.wav", "b.wav"]


@pytest.mark.parametrize("data", [b"path\n", b"my,file.wav\npath,x\n"])
def test_lists_that_are_no_tables(stdin, data):
    stdin(data)
    assert names("-") == data.decode().splitlines()


def test_empty_and_closed_stdin(stdin, monkeypatch):
    stdin(b"")
    message = "standard input is empty; expected audio, or one path per line"
    assert errors("-") == [message]
    monkeypatch.setattr(sys, "stdin", None)
    assert errors("-") == [message]


def test_stdin_is_read_once():
    with pytest.raises(click.UsageError, match="'-' is given twice"):
        names("-", "-")
    with pytest.raises(click.UsageError, match="-0 is about paths from standard input: give '-'"):
        names("a.wav", is_null=True)
