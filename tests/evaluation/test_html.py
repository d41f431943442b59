"""The report as a page, and as a table in a notebook."""

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import LeaveOneGroupOut
from sklearn.naive_bayes import GaussianNB

from ser_estimators import make_ser_pipeline
from ser_estimators.evaluation import EvaluationReport, evaluate

from .helpers import SMALL

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def page(network_report, tmp_path_factory):
    return network_report.to_html(tmp_path_factory.mktemp("page") / "report.html", n_mistakes=3)


class Reader(HTMLParser):
    """Collects tags, addresses and text, and checks that every tag is closed."""

    EMPTY = ("meta", "link", "br")

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.addresses, self.text = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [v for name, v in attrs if name in ("src", "href", "action", "data")]
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(text):
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def reader(page):
    return read(page.read_text(encoding="utf-8"))


def test_the_page_is_complete_and_needs_nothing_else(page, reader):
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>\n")
    assert "script" not in reader.tags
    assert "iframe" not in reader.tags
    assert reader.addresses
    assert all(address.startswith("data:") for address in reader.addresses)


def test_the_page_shows_everything(reader, network_report):
    text = " ".join(" ".join(reader.text).split())
    for words in (
        "<CNN> & logistic regression",
        "evaluated on 36 clips of 6 speakers",
        "speaker-independent",
        "random split",
        "6 speakers appear in both training and test",
        "balanced accuracy (UAR)",
        "calibration error",
        "Confusion matrix",
        "Learning curves",
        "By speaker",
        "Most confident mistakes",
        "What it was not tested on",
        "lr__C=",
        "a corpus other than the one it was trained on",
    ):
        assert words in text
    for _, value, low, high in network_report.main.summary():
        assert f"{value:.3f}" in text
        assert f"{low:.3f} to {high:.3f}" in text
    assert reader.tags.count("audio") == 3
    assert text.count("anger") > 4


def test_the_confusion_matrix_has_a_color_for_each_fraction(page, network_report):
    text = page.read_text(encoding="utf-8")
    cells = re.findall(r'<td title="([\d.]+), .*rgb\((\d+),(\d+),(\d+)\);color:(\S+)">', text)
    fractions = [p.scores.value.confusion for p in network_report.protocols.values()]
    assert [float(cell[0]) for cell in cells] == np.concatenate(fractions).ravel().round(3).tolist()
    for value, red, _, _, ink in cells:
        assert int(red) == pytest.approx(255 - float(value) * 247, abs=1)
        assert ink == ("#fff" if float(value) > 0.6 else "#1b1f24")


def test_a_page_without_mistakes_has_no_players(network_report, tmp_path):
    page = network_report.to_html(tmp_path / "x.html", n_mistakes=0).read_text(encoding="utf-8")
    assert "<audio" not in page
    assert "Most confident mistakes" not in page
    assert len(page) < 60_000


def test_cards_of_waveforms_play_at_their_rate_and_are_numbered_as_in_X(tmp_path):
    rng = np.random.default_rng(0)
    clips = [rng.normal(size=8000) * 0.1 for _ in range(12)]
    pipe = make_ser_pipeline(random_state=0).set_params(mfcc__sr=8000, **SMALL)
    y = np.array(["anger", "fear"] * 6)
    speakers = np.repeat(["c", "a", "b"], 4)
    report = evaluate(pipe, clips, y, speakers, cv=LeaveOneGroupOut())
    assert report.sr == 8000
    page = report.to_html(tmp_path / "x.html", n_mistakes=1).read_text(encoding="utf-8")
    (position,) = report.main.mistakes(1)
    number = report.main.tested[position] + 1
    assert number != position + 1  # folds are in the order of speakers, clips are not
    assert f"1.0 s<br>clip {number}<" in page
    assert f"({report.main.confidence[position]:.0%})" in page


def test_rows_of_a_table_have_no_player(tmp_path):
    table = np.random.default_rng(0).normal(size=(12, 30)) * 1000
    report = evaluate(GaussianNB(), table, ["anger", "fear"] * 6, np.repeat([1, 2, 3], 4), cv=3)
    page = report.to_html(tmp_path / "x.html").read_text(encoding="utf-8")
    assert report.main.mistakes(1)
    assert "<audio" not in page
    assert "can no longer be read" not in page
    assert ", predicted as <b>" in page
    assert "Learning curves" not in page


def test_a_missing_file_is_mentioned_on_its_card_and_the_page_is_written(voices, tmp_path):
    copies = [shutil.copy(path, tmp_path / f"{i}.wav") for i, path in enumerate(voices.data)]
    report = evaluate(
        DummyClassifier(strategy="most_frequent"), copies, voices.target, voices.speakers, cv=3
    )
    first, second = report.main.mistakes(2)
    Path(report.main.clips[first]).unlink()
    page = report.to_html(tmp_path / "x.html", n_mistakes=2).read_text(encoding="utf-8")
    assert page.count("The file can no longer be read.") == 1
    assert page.count("<audio") == 1
    assert Path(report.main.clips[second]).name in page


def test_the_model_card_lists_what_was_not_tested(report, voices, tmp_path):
    def items(report):
        page = report.to_html(tmp_path / "x.html", n_mistakes=0).read_text(encoding="utf-8")
        return re.findall(r"<li>(.*)</li>", page)

    common = [
        "recordings from other microphones, rooms or transmission lines than the test clips",
        "spontaneous speech, unless the test clips are spontaneous: acted emotions are stronger "
        "and easier to tell apart",
        "languages, ages and cultures other than those of the test speakers",
        "emotions other than anger, neutral, sadness",
    ]
    corpus = "a corpus other than the one it was trained on"
    assert items(report) == [corpus, *common]
    random = EvaluationReport(
        "x", "x", {"random split": report.protocols["random split"]}, 0.95, {}
    )
    assert items(random) == ["speakers that it was not trained on", corpus, *common]
    data, labels, speakers = voices.data, voices.target, voices.speakers
    other = evaluate(
        DummyClassifier(), data[:18], labels[:18], speakers[:18],
        X_test=data[18:], y_test=labels[18:], speakers_test=speakers[18:],
    )  # fmt: skip
    assert items(other) == common


def test_names_are_escaped_everywhere(tmp_path):
    evil = "<script>alert('x')</script>"
    clips = list(np.random.default_rng(0).normal(size=(12, 3000)))
    report = evaluate(
        GaussianNB(), clips, ["anger", evil] * 6, np.repeat([evil, "b", "c"], 4), name=evil,
        param_grid={"priors": [None]},
    )  # fmt: skip
    page = report.to_html(tmp_path / "x.html").read_text(encoding="utf-8")
    for text in (page, report._repr_html_()):
        assert "<script" not in text
        assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in text
    assert read(page).text.count(evil) > 8


def test_a_negative_number_of_mistakes_is_refused(report, tmp_path):
    with pytest.raises(ValueError, match="n_mistakes == -1, must be >= 0"):
        report.to_html(tmp_path / "x.html", n_mistakes=-1)
    assert not (tmp_path / "x.html").exists()


def test_the_table_of_a_notebook(network_report):
    table = network_report._repr_html_()
    assert "&lt;CNN&gt; &amp; logistic regression" in table
    assert table.count("<tr>") == 6
    reader = read(table)
    for _, value, low, high in network_report.main.summary():
        assert f"{value:.3f} " in reader.text
        assert f"{low:.3f} to {high:.3f}" in reader.text


@pytest.mark.skipif(CHROMIUM is None, reason="no browser")
def test_a_real_browser_shows_the_page_without_an_error(page):
    done = subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--enable-logging=stderr",
            f"--user-data-dir={Path.cwd() / 'profile'}",
            "--window-size=400,900",
            "--screenshot=shot.png",
            f"file://{page}",
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert Path("shot.png").stat().st_size > 10_000, done.stderr
    # Script errors and refused requests appear in the console of the page.
    assert not re.findall(r"CONSOLE.*", done.stderr)
