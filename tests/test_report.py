"""The report as text, table and page."""

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from ser_estimators import make_ser_pipeline
from ser_estimators.evaluation import evaluate

SMALL = {"cnn__channels": (4, 8), "cnn__embedding_dim": 8, "cnn__max_epochs": 6}
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def report(voices):
    pipe = make_ser_pipeline(random_state=0).set_params(**SMALL)
    return evaluate(
        pipe,
        voices.data,
        voices.target,
        voices.speakers,
        cv=2,
        random_split=True,
        param_grid={"lr__C": [0.1, 1]},
        name="<CNN> & logistic regression",
    )


@pytest.fixture(scope="module")
def page(report, tmp_path_factory):
    return report.to_html(tmp_path_factory.mktemp("page") / "report.html", n_mistakes=3)


class Reader(HTMLParser):
    """Collects tags, addresses and text, and checks that every tag is closed."""

    EMPTY = ("meta", "link", "br", "line", "polyline", "polygon")

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


@pytest.fixture(scope="module")
def reader(page):
    reader = Reader()
    reader.feed(page.read_text(encoding="utf-8"))
    return reader


def test_page_is_whole_and_stands_alone(reader):
    assert reader.open == []
    assert "script" not in reader.tags
    assert "iframe" not in reader.tags
    assert reader.addresses
    assert all(address.startswith("data:") for address in reader.addresses)


def test_page_says_what_was_asked_for(reader, report):
    text = " ".join(" ".join(reader.text).split())
    for words in (
        "<CNN> & logistic regression",
        "speaker-independent",
        "random split",
        "6 speakers stand on both sides of a split",
        "balanced accuracy (UAR)",
        "calibration error",
        "Confusion matrix",
        "Learning curves",
        "By speaker",
        "Most confidently mistaken",
        "What it was not tested on",
        "lr__C=",
        "another corpus than the one that it was trained on",
    ):
        assert words in text
    for _, value, low, high in report.main.summary():
        assert f"{value:.3f}" in text
        assert f"{low:.3f} to {high:.3f}" in text
    assert reader.tags.count("audio") == 3
    n_cells = text.count("anger")
    assert n_cells > 4


def test_mistakes_are_the_most_confident_ones(report):
    protocol = report.main
    positions = protocol.mistakes(3)
    wrong = protocol.y_true != protocol.y_pred
    assert all(wrong[positions])
    confidence = protocol.probabilities.max(axis=1)
    assert confidence[positions].tolist() == sorted(confidence[wrong], reverse=True)[:3]


def test_page_without_mistakes_has_no_players(report, tmp_path):
    page = report.to_html(tmp_path / "x.html", n_mistakes=0).read_text(encoding="utf-8")
    assert "<audio" not in page
    assert len(page) < 60_000


def test_tables(report):
    frame = report.to_frame()
    assert frame.columns.tolist() == ["protocol", "score", "value", "low", "high"]
    assert len(frame) == 2 * 5
    assert set(frame["protocol"]) == {"speaker-independent", "random split"}
    table = report._repr_html_()
    assert "&lt;CNN&gt; &amp; logistic regression" in table
    assert table.count("<tr>") == 6
    lines = str(report).splitlines()
    assert lines[0] == "Evaluation of <CNN> & logistic regression"
    assert max(map(len, lines)) <= 79
    assert sum(line.startswith("anger") for line in lines) == 2


def test_speakers_from_the_hardest_on(report):
    rows = report.main.by_speaker()
    assert [row[0] for row in sorted(rows)] == [f"{i:02d}" for i in range(1, 7)]
    values = [row[1] for row in rows]
    assert values == sorted(values)
    assert np.mean(values) == pytest.approx(report.main.summary()[1][1], abs=0.01)


@pytest.mark.skipif(CHROMIUM is None, reason="no browser")
def test_a_real_browser_shows_it_without_an_error(page):
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
    # Script errors and refused requests are written by the page's console.
    assert not re.findall(r"CONSOLE.*", done.stderr)
