"""The report as data: tables of scores, short representations, and the file that is written."""

import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from ser_estimators.evaluation import EvaluationReport, evaluate


def test_frame(network_report):
    frame = network_report.to_frame()
    assert frame.columns.tolist() == ["protocol", "score", "value", "low", "high"]
    assert len(frame) == 2 * 5
    assert set(frame["protocol"]) == {"speaker-independent", "random split"}
    rows = network_report.main.summary()
    assert frame[frame["protocol"] == "speaker-independent"]["value"].tolist() == [
        value for _, value, _, _ in rows
    ]


def test_frame_without_pandas(network_report, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    match = "to_frame needs pandas, which is not installed; run \"pip install 'ser_estimators"
    with pytest.raises(ImportError, match=match):
        network_report.to_frame()


def test_repr_is_one_line_whatever_the_report_contains(report, network_report):
    score = report.main.summary()[1][1]
    assert repr(report) == (
        f"EvaluationReport(name='level', balanced accuracy {score:.3f}, 36 clips, 6 speakers)"
    )
    huge = replace(network_report, name="x\n" * 5000, estimator="y" * 5000, corpus="z" * 5000)
    assert len(repr(huge)) < 150
    assert "\n" not in repr(huge)
    assert len(repr(network_report.protocols)) < 400
    assert repr(replace(report, protocols={})) == "EvaluationReport(name='level', no protocols)"


def test_reports_are_equal_to_themselves_only(report):
    assert report == report
    assert report != replace(report)
    assert len({report, replace(report)}) == 2


@pytest.fixture
def report_of_odd_names(voices):
    """Evaluate files whose names are Latin-1, which file systems of Linux allow."""
    folder = os.fsencode("latin")
    os.mkdir(folder)
    clips = []
    for number, path in enumerate(voices.data):
        odd = folder + b"/stimme\xfc-%d.wav" % number
        try:
            shutil.copy(path, odd)
        except OSError:
            pytest.skip("the file system allows only UTF-8")
        clips.append(os.fsdecode(odd))
    return evaluate(DummyClassifier(), clips, voices.target, voices.speakers, cv=3)


def test_file_names_that_are_not_utf8_are_escaped(report_of_odd_names):
    odd = os.fsdecode(b"\xfc")
    named = replace(report_of_odd_names, name=f"<b> {odd}", corpus=odd)
    page = named.to_html("x.html", n_mistakes=2).read_text(encoding="utf-8")
    assert page.count("latin/stimme\\xfc-") == page.count("<audio") == 2
    for text in (page, str(named), named._repr_html_(), repr(named)):
        text.encode("utf-8")
    assert str(named).startswith("<b> \\xfc\n\\xfc, 36 clips")
    assert "<h1>&lt;b&gt; \\xfc</h1>" in page


def test_a_page_may_itself_have_such_a_name(report):
    name = os.fsdecode(b"seite\xfc.html")
    try:
        Path(name).touch()
    except OSError:
        pytest.skip("the file system allows only UTF-8")
    assert report.to_html(name, n_mistakes=0) == Path(name)
    assert Path(name).stat().st_size > 5000


@pytest.mark.parametrize("stage", ["render", "write"])
def test_a_failure_leaves_the_previous_page_untouched(report, monkeypatch, stage):
    page = report.to_html("x.html", n_mistakes=0)
    before = page.read_text(encoding="utf-8")

    def fail(*_):
        raise OSError("no space left on device")

    if stage == "write":
        monkeypatch.setattr(os, "replace", fail)
    else:
        monkeypatch.setattr("ser_estimators.evaluation._html.mistakes_of", fail)
    with pytest.raises(OSError, match="no space left"):
        report.to_html(page)
    assert page.read_text(encoding="utf-8") == before
    assert [path.name for path in Path().iterdir()] == ["x.html"]


def test_a_missing_folder_is_named(report):
    with pytest.raises(FileNotFoundError, match="there is no such folder; create it first: 'no'"):
        report.to_html("no/x.html", n_mistakes=0)


def test_fields_of_earlier_versions_are_enough(report):
    old = EvaluationReport("x", "x", report.protocols, 0.95, {})
    assert (old.date, old.corpus, old.sr) == ("", "", 16000)
    assert str(old).splitlines()[:2] == ["x", "36 clips, 6 speakers"]


def test_arrays_are_not_shared_with_a_copy(report):
    main = replace(report.main, metadata={"sex": np.array(["f"] * 36)})
    assert report.main.metadata == {}
    assert list(main.metadata) == ["sex"]
