"""The Bunch of all loaders: its summary, copies and pickles, and the pandas DataFrame."""

import copy
import pickle
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from sklearn.utils import Bunch

from ser_estimators.datasets import (
    concatenate_corpora,
    load_emodb,
    load_ravdess,
    load_savee,
    make_emotional_speech,
)
from ser_estimators.datasets._bunch import CorpusBunch

ATTRIBUTES = {"data", "target", "speakers", "sex", "intensity", "frame", "target_names", "DESCR"}


class Cells(HTMLParser):
    """The rows of all tables of a page, and its tags that are not closed."""

    def __init__(self, html):
        super().__init__()
        self.rows, self.open, self.text = [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append("")
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if self.open[-1:] in (["th"], ["td"]):
            self.rows[-1][-1] += data


def test_summary_in_the_terminal(corpora):
    ravdess = load_ravdess(corpora["ravdess"])
    assert repr(ravdess) == str(ravdess)
    assert repr(ravdess).splitlines() == [
        "RAVDESS, the Ryerson Audio-Visual Database of Emotional Speech and Song: speech audio",
        "  1,440 clips of 24 speakers (12 female, 12 male)",
        "  emotions: anger 192, calm 192, disgust 192, fear 192, happiness 192, neutral 96,",
        "    sadness 192, surprise 192",
        "  attributes: data, target, speakers, sex, intensity, target_names, DESCR",
    ]


def test_summary_in_a_notebook(corpora):
    ravdess = load_ravdess(corpora["ravdess"])
    html = ravdess._repr_html_()
    page = Cells(html)
    assert not page.open
    assert [row[:2] for row in page.rows[:3]] == [
        ["emotion", "clips"],
        ["anger", "192"],
        ["calm", "192"],
    ]
    assert html.count("width: 100%") == 7
    assert html.count("width: 50%") == 1  # neutral has half as many clips
    for words in ("RAVDESS, the Ryerson", "1,440 clips of 24 speakers (12 female, 12 male)"):
        assert words in page.text
    assert "<code>intensity</code>" in html
    assert "<code>frame</code>" not in html  # it is None
    assert len(html) < 5000
    for absent in (ravdess.data[0], "CC BY-NC-SA", "http", "<script"):
        assert absent not in html


def test_summary_of_several_corpora(corpora):
    parts = {"savee": load_savee(corpora["savee"]), "emodb": load_emodb(corpora["emodb"])}
    both = concatenate_corpora(parts, as_frame=True)
    assert repr(both).startswith("savee, emodb\n  1,015 clips of 14 speakers (5 female, 9 male)\n")
    assert "emotions: anger 187, boredom 81," in repr(both)
    assert "corpus, frame, target_names, DESCR" in repr(both)
    assert [row[:4] for row in Cells(both._repr_html_()).rows[:3]] == [
        ["emotion", "savee", "emodb", "clips"],
        ["anger", "60", "127", "187"],
        ["boredom", "0", "81", "81"],
    ]
    one = concatenate_corpora({"savee": parts["savee"]})
    assert Cells(one._repr_html_()).rows[0][:2] == ["emotion", "clips"]


def test_names_are_escaped_in_a_notebook(corpora):
    savee = load_savee(corpora["savee"], emotions={"a": "<b>&anger"})
    page = Cells(
        concatenate_corpora({"<i>": savee, "b": load_emodb(corpora["emodb"])})._repr_html_()
    )
    assert page.rows[0][1] == "<i>"
    assert page.rows[1][0] == "<b>&anger"
    assert not page.open


def test_summary_of_a_corpus_that_was_changed(corpora):
    savee = load_savee(corpora["savee"])
    savee.data, savee.target = savee.data[:1], np.array(0)
    del savee["DESCR"], savee["sex"]
    savee["note"] = "of my own"
    assert repr(savee).splitlines() == [
        "Corpus",
        "  1 clip of 4 speakers",
        "  attributes: data, target, speakers, target_names, note",
    ]
    assert "<table" not in savee._repr_html_()
    assert repr(CorpusBunch()) == "Corpus\n  0 clips"
    assert "0 clips" in CorpusBunch(target="joy", speakers=None)._repr_html_()
    numbers = CorpusBunch(data=[[0.0]] * 3, target=[1, 1, None], speakers=[7, 7, 8])
    assert repr(numbers).splitlines()[1:3] == ["  3 clips of 2 speakers", "  emotions: 1 2, None 1"]


def test_it_stays_a_bunch(corpora):
    savee = load_savee(corpora["savee"])
    voices = make_emotional_speech(1, 1, emotions=["calm"], n_syllables=1, out_dir="voices")
    for corpus in (savee, voices, concatenate_corpora({"savee": savee})):
        assert isinstance(corpus, Bunch)
        assert set(dir(corpus)) == set(corpus) >= ATTRIBUTES
        assert corpus["data"] is corpus.data
    savee.extra = 1
    assert savee["extra"] == 1
    with pytest.raises(AttributeError, match="missing"):
        _ = savee.missing


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda b: pickle.loads(pickle.dumps(b))]
)
def test_copies_and_pickles(corpora, again):
    savee = load_savee(corpora["savee"])
    other = again(savee)
    assert type(other) is CorpusBunch
    assert list(other) == list(savee)
    assert other.data == savee.data
    np.testing.assert_array_equal(other.target, savee.target)
    assert repr(other) == repr(savee)


def test_pickles_name_no_private_module(corpora):
    pickled = pickle.dumps(load_savee(corpora["savee"]))
    assert b"ser_estimators.datasets" in pickled
    assert b"_bunch" not in pickled


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
        match=r"as_frame=True needs pandas, .*; run \"pip install 'ser_estimators\[frame\]'\", or",
    ):
        load_savee(corpora["savee"], as_frame=True)
