"""load_table: rows that are parts of files."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_estimators import AcousticFeatures, Segment
from ser_estimators.datasets import concatenate_corpora, load_table


@pytest.fixture(autouse=True)
def recordings():
    for name in ("a.wav", "b.wav"):
        noise = np.random.default_rng(0).normal(0, 0.1, 32000)
        soundfile.write(name, noise, 16000)


def table(text, **kwargs):
    Path("t.csv").write_text(text)
    return load_table("t.csv", **kwargs)


def test_starts_and_ends():
    rows = "a.wav,joy,anna,0,0.5\na.wav,fear,anna,0.5,\nb.wav,joy,ben,,\n"
    text = f"path,emotion,speaker,start,end\n{rows}"
    corpus = table(text)
    assert corpus.data == [Segment("a.wav", 0, 0.5), Segment("a.wav", 0.5), "b.wav"]
    assert corpus.target.tolist() == ["joy", "fear", "joy"]
    assert corpus.speakers.tolist() == ["anna", "anna", "ben"]
    assert "start in 'start', end in 'end'" in corpus.DESCR
    assert AcousticFeatures().fit_transform(corpus.data).shape[0] == 3


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("start,end", "0.5,1.5"),
        ("Begin,Stop", "0.5,1.5"),
        ("start time,duration", "0.5,1"),
        ("onset,dur", "00:00.5,00:01"),
        ("tmin,tmax,duration", "0.5,1.5,60"),  # the length of the file
    ],
)
def test_usual_names(header, cells):
    corpus = table(f"path,emotion,{header}\na.wav,joy,{cells}\n")
    assert corpus.data == [Segment("a.wav", 0.5, 1.5)]


def test_columns_that_are_named_or_ignored():
    text = "path,emotion,from,long,start,ch\na.wav,joy,0.25,0.5,x,1\nb.wav,joy,,,y,\n"
    corpus = table(text, start="from", duration="long", channel="ch")
    assert corpus.data == [Segment("a.wav", 0.25, 0.75, 1), "b.wav"]
    assert table(text, start=None).data == ["a.wav", "b.wav"]
    assert table(text, start=None, duration="long").data == [Segment("a.wav", 0, 0.5), "b.wav"]


def test_a_duration_alone_is_the_length_of_the_file():
    assert table("path,emotion,duration\na.wav,joy,1.9\n").data == ["a.wav"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a.wav,joy,x,1\nb.wav,joy,1,2\nb.wav,fear,1;2,3\n",
         r"column 'start' has no time in line 2 \('x'\), line 4 \('1;2'\); .* pass start=None"),
        ("a.wav,joy,1,later\n", r"column 'end' has no time in line 2 \('later'\)"),
        ("a.wav,joy,1,1e999\n", r"column 'end' has no time in line 2"),
        ("a.wav,joy,1,0.5\nb.wav,joy,2,2\na.wav,fear,-1,\n",
         r"in line 2 \(1 s to 0.5 s\), line 3 \(2 s to 2 s\), line 4 \(-1 s to the end\); exp"),
        ("a.wav,joy,2,1\n" * 9, r"line 6 \(2 s to 1 s\) and 4 more; .* as duration=..., correct"),
        ("a.wav,joy,0,1\na.wav,fear,0,1.0\n",
         r"'a.wav#t=0,1' has two emotions: 'joy' in line 2 and 'fear' in line 3; leave"),
    ],
)  # fmt: skip
def test_bad_rows_are_in_one_error(rows, message):
    with pytest.raises(ValueError, match=f"from 't.csv': .*{message}"):
        table("path,emotion,start,end\n" + rows)


def test_a_start_before_the_file_is_not_taken_for_a_duration():
    with pytest.raises(ValueError, match=r"in the file: correct these rows, or leave them out"):
        table("path,emotion,start\na.wav,joy,-1\n")


def test_an_end_and_a_duration():
    text = "path,emotion,start,end,length\na.wav,joy,0.5,1,9\n"
    assert table(text, duration="length").data == [Segment("a.wav", 0.5, 9.5)]
    message = "columns 'end' and 'length' both say where segments end; pass one of them, as end=..."
    with pytest.raises(ValueError, match=message):
        table(text, end="end", duration="length")


@pytest.mark.parametrize("cell", ["left", "-1", "0.5", "²"])
def test_bad_channels(cell):
    with pytest.raises(
        ValueError, match="'ch' has no number of a channel in line 2 .*; expected 0"
    ):
        table(f"path,emotion,ch\na.wav,joy,{cell}\n", channel="ch")


def test_segments_of_missing_and_repeated_files():
    rows = "a.wav,joy,0,1\nc.wav,joy,0,1\nc.wav,joy,1,2\na.wav,joy,1,2\n./a.wav,joy,0,1.0\n"
    with pytest.warns(UserWarning, match="'t.csv': 1 row with clips") as caught:
        corpus = table("path,emotion,start,end\n" + rows)
    assert corpus.data == [Segment("a.wav", 0, 1), Segment("a.wav", 1, 2)]
    assert corpus.left_out == [("c.wav", "it is missing; check the path")]
    (warning,) = caught
    assert "1 row with clips that are listed before, for example 'a.wav#t=0,1'" in str(
        warning.message
    )
    assert "left out: 1 file, for example 'c.wav', which is missing" in str(warning.message)
    assert warning.filename == __file__


def test_the_frame_is_a_table():
    pandas = pytest.importorskip("pandas")
    rows = "a.wav,joy,01,0.1,0.5,\na.wav,fear,01,0.5,,1\nb.wav,joy,02,,,\n"
    text = f"path,emotion,speaker,start,end,ch\n{rows}"
    corpus = table(text, channel="ch", as_frame=True)
    assert list(corpus.frame) == ["path", "start", "end", "channel", "emotion", "speaker"]
    assert corpus.frame["path"].tolist() == ["a.wav", "a.wav", "b.wav"]
    assert load_table(corpus.frame, channel="channel").data == corpus.data
    corpus.frame.to_csv("again.csv", index=False)
    again = load_table("again.csv", channel="channel")
    assert again.data == corpus.data
    assert again.speakers.tolist() == ["01", "01", "02"]
    assert isinstance(corpus.frame["start"].dtype, type(pandas.Series([0.5]).dtype))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a.wav", "b.wav"]),
            st.floats(0, 1e5),
            st.one_of(st.none(), st.floats(1e-3, 1e3)),
            st.one_of(st.none(), st.integers(0, 9)),
        ),
        min_size=1,
        unique=True,
    )
)
def test_any_segments_are_the_same_in_a_csv_file(rows):
    pytest.importorskip("pandas")
    clips = [
        Segment(path, start, None if length is None else start + length, channel)
        for path, start, length, channel in rows
    ]
    corpus = load_table({"path": clips, "emotion": ["joy"] * len(clips)}, as_frame=True)
    for name in ("start", "channel"):  # which are missing if no clip has them
        corpus.frame[name] = corpus.frame.get(name)
    corpus.frame.to_csv("again.csv", index=False)
    again = load_table("again.csv", channel="channel").data
    # Without bounds, a segment is its file.
    assert [clip if isinstance(clip, Segment) else Segment(clip) for clip in again] == corpus.data


def test_corpora_with_segments_are_joined():
    first = table("path,emotion,speaker,start,end\na.wav,joy,x,0,1\na.wav,fear,x,1,2\n")
    second = table("path,emotion,speaker,start,end\nb.wav,joy,x,0,1\nb.wav,fear,x,1,2\n")
    both = concatenate_corpora({"one": first, "two": second})
    assert both.data == [*first.data, *second.data]
    with pytest.raises(ValueError, match="'a.wav' is in the corpora 'one' and 'two'"):
        concatenate_corpora({"one": first, "two": first})
