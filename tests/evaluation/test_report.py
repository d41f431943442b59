"""The report as text, table and page."""

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
from ser_estimators.evaluation import evaluate
from ser_estimators.evaluation._html import _line_chart

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
    confidence = protocol.confidence
    assert confidence[positions].tolist() == sorted(confidence[wrong], reverse=True)[:3]


def test_page_without_mistakes_has_no_players(report, tmp_path):
    page = report.to_html(tmp_path / "x.html", n_mistakes=0).read_text(encoding="utf-8")
    assert "<audio" not in page
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
    assert "taken for" in page


def test_confidence_is_that_of_the_class_predicted(report):
    protocol = report.main
    for i, predicted in enumerate(protocol.y_pred):
        column = protocol.classes.tolist().index(predicted)
        assert protocol.confidence[i] == protocol.probabilities[i, column]


@pytest.mark.parametrize("values", [[float("nan")] * 3, [float("inf"), 1.0, 0.5], [0.0, 0.0]])
def test_learning_curve_of_a_diverged_or_flat_training_is_drawn(values):
    chart = _line_chart([(values, False)], "Loss")
    assert "nan" not in chart
    assert "inf" not in chart


def test_names_wider_than_the_column_are_cut():
    names = ["anger", "a very long name of a feeling indeed"] * 6
    report = evaluate(
        DummyClassifier(), list(np.random.default_rng(0).normal(size=(12, 900))), names,
        np.repeat([1, 2, 3], 4), cv=3, name="a system with a long name " * 5,
    )  # fmt: skip
    assert max(map(len, str(report).splitlines())) <= 79
    assert "a very long..." in str(report)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("pleasant_surprise", "pleasant_su..."), ("frustration_hi", "frustration_hi")],
)
def test_names_without_a_space_are_cut_too(name, shown):
    clips = list(np.random.default_rng(0).normal(size=(12, 900)))
    report = evaluate(DummyClassifier(), clips, ["anger", name] * 6, np.repeat([1, 2, 3], 4))
    assert f"\n{shown} " in str(report)


@pytest.mark.parametrize(("confidence", "text"), [(0.95, "95%"), (0.995, "99.5%")])
def test_the_confidence_of_the_intervals_is_not_rounded(tmp_path, confidence, text):
    clips = list(np.random.default_rng(0).normal(size=(12, 900)))
    report = evaluate(
        DummyClassifier(), clips, ["anger", "fear"] * 6, np.repeat([1, 2, 3], 4),
        confidence=confidence,
    )  # fmt: skip
    assert f" {text} interval\n" in str(report)
    page = report.to_html(tmp_path / "x.html").read_text(encoding="utf-8")
    assert f"Small: {text} intervals" in page


def test_a_clip_that_is_gone_is_said_on_its_card_and_the_page_is_written(voices, tmp_path):
    copies = [shutil.copy(path, tmp_path / f"{i}.wav") for i, path in enumerate(voices.data)]
    report = evaluate(
        DummyClassifier(strategy="most_frequent"), copies, voices.target, voices.speakers, cv=3
    )
    first, second = report.main.mistakes(2)
    Path(report.main.clips[first]).unlink()
    page = report.to_html(tmp_path / "x.html", n_mistakes=2).read_text(encoding="utf-8")
    assert page.count("Its file can no longer be read.") == 1
    assert page.count("<audio") == 1
    assert Path(report.main.clips[second]).name in page


class Curved(DummyClassifier):
    """Has a learning curve, of one kind or another."""

    def __init__(self, curve=None):
        super().__init__()
        self.curve = curve

    def fit(self, X, y):
        self.history_ = self.curve
        return super().fit(X, y)


@pytest.mark.parametrize(
    ("curve", "is_drawn"),
    [
        ([{"train_loss": 1.0}, {"train_loss": 0.5}], True),
        ([{"train_loss": 1.0}, {"valid_loss": 0.5}], True),
        ({"loss": [1.0, 0.5]}, False),
        ([1.0, 0.5], False),
        (None, False),
    ],
)
def test_a_learning_curve_of_another_kind_is_left_out(tmp_path, curve, is_drawn):
    clips = list(np.random.default_rng(0).normal(size=(12, 900)))
    report = evaluate(Curved(curve), clips, ["anger", "fear"] * 6, np.repeat([1, 2, 3], 4))
    page = report.to_html(tmp_path / "x.html").read_text(encoding="utf-8")
    assert ("<h2>Learning curves</h2>" in page) == is_drawn


def test_negative_number_of_mistakes_is_refused(report, tmp_path):
    with pytest.raises(ValueError, match="n_mistakes == -1, must be >= 0"):
        report.to_html(tmp_path / "x.html", n_mistakes=-1)


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
