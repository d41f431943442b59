"""The report as a page, and as a table in a notebook."""

import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import LeaveOneGroupOut
from sklearn.naive_bayes import GaussianNB

from ser_estimators import make_ser_pipeline
from ser_estimators.evaluation import EvaluationReport, evaluate

from .browser import CHROMIUM, measure, run_browser
from .helpers import SMALL
from .reports import with_metadata, with_unknown_speakers


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
        "36 clips, 6 speakers",
        "speaker-independent",
        "random split",
        "6 speakers appear in both training and test",
        "balanced accuracy (UAR)",
        "calibration error",
        "Confusion matrix",
        "Learning curves",
        "Epoch",
        "Loss training",
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


def test_the_page_begins_with_the_answer(report, tmp_path):
    shown = with_metadata(report)
    page = shown.to_html(tmp_path / "x.html", n_mistakes=0).read_text(encoding="utf-8")
    text = " ".join(" ".join(read(page).text).split())
    _, value, low, high = shown.main.summary()[1]
    order = [
        "level",
        "synthetic voices, 36 clips, 6 speakers, 2024-05-01 12:34 UTC",
        f"{value:.3f} balanced accuracy",
        f"95% interval {low:.3f} to {high:.3f}; chance 0.333",
        "random split",
        "3 folds over 36 clips and 6 speakers. No speaker",
        "Scores",
        "By emotion",
        "By sex",
        "By intensity",
        "By speaker",
        "For comparison: random split",
        "Folds",
        "Model card",
    ]
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    assert "By seconds" not in text


def test_the_chart_of_scores_marks_chance(report):
    for text in (report._repr_html_(), report.to_html("x.html").read_text(encoding="utf-8")):
        _, value, low, high = report.main.summary()[1]
        assert f'<circle cx="{100 * value:.1f}%"' in text
        assert f'x1="{100 * low:.1f}%" x2="{100 * high:.1f}%"' in text
        # In two parts, between the names of the rows, which it might cross.
        assert text.count('<line class="ser-chance" x1="33.3%" x2="33.3%"') == 2
        assert "chance 0.333</text>" in text
        assert text.count('class="ser-other"') == 1


def test_chance_is_beside_scores_of_groups_and_folds_have_scores(report, tmp_path):
    shown = with_metadata(report)
    page = shown.to_html(tmp_path / "x.html", n_mistakes=0).read_text(encoding="utf-8")
    for groups in shown.main.by_metadata().values():
        for group in groups:
            assert f'<th scope="row">{group.value}</th>\n<td>{group.balanced_accuracy:.3f}' in page
            assert f"<td>{group.chance:.3f}</td><td>{group.n_clips}</td>" in page
    for protocol in shown.protocols.values():
        for number, (fold, value, _) in enumerate(protocol.by_fold(), start=1):
            row = f'<th scope="row">{number}</th><td>{value:.3f}</td><td>{len(fold.train)}</td>'
            assert row in page
    assert '<tr><th scope="row">accuracy</th>' in page
    assert page.count("<td>0.333</td></tr>") == 2  # accuracy and balanced accuracy


def test_unknown_speakers(report, tmp_path):
    unknown = with_unknown_speakers(report)
    page = unknown.to_html(tmp_path / "x.html", n_mistakes=1).read_text(encoding="utf-8")
    assert "No interval; chance 0.333" in page
    assert '<p class="warning">The speakers are unknown and may appear in both' in page
    assert (
        "<li>speakers that it was not trained on: who speaks in each clip is unknown</li>" in page
    )
    assert "In small type" not in page
    assert "Test speakers" not in page
    assert "By speaker" not in page
    assert "None" not in page
    assert "n/a" not in page.split("Confusion matrix")[0]
    assert "⚠ The speakers are unknown" in unknown._repr_html_()


def test_long_tables_and_long_estimators_are_folded_up(report, tmp_path):
    def page(report):
        return report.to_html(tmp_path / "x.html", n_mistakes=0).read_text(encoding="utf-8")

    assert page(report).count("<details") == page(report).count("<details open>") == 1
    long = page(replace(report, estimator="x" * 5000))
    assert long.count("<details>") == 1
    assert "x" * 5000 in long
    main = report.main
    speakers = np.array([f"s{i:02d}" for i in range(36)])
    # Folds of one clip each, as when each speaker is left out.
    folds = [replace(main.folds[0], test=np.array([position])) for position in main.tested.tolist()]
    many = replace(main, speakers=speakers, folds=folds)
    text = page(replace(report, protocols={main.name: many}))
    assert "<summary>12 more speakers</summary>" in text
    assert "<summary>36 folds</summary>" in text
    assert text.count("<span>s") == 36


def test_the_confusion_matrix_has_a_shade_for_each_fraction(page, network_report):
    text = page.read_text(encoding="utf-8")
    cells = re.findall(
        r'<td title="([\d.]+), interval .*" style="--shade:([\d.]+)">(\S+)</td>', text
    )
    fractions = [p.scores.value.confusion for p in network_report.protocols.values()]
    expected = np.concatenate(fractions).ravel().round(3).tolist()
    assert [float(title) for title, _, _ in cells] == expected
    assert [float(shade) for _, shade, _ in cells] == expected
    assert [float(shown) for _, _, shown in cells] == pytest.approx(expected, abs=0.0051)


def test_a_class_without_clips_has_no_shade(report, tmp_path):
    main = report.main
    confusion = main.scores.value.confusion.copy()
    confusion[1] = np.nan
    value = replace(main.scores.value, confusion=confusion)
    odd = replace(main, scores=replace(main.scores, value=value))
    page = replace(report, protocols={"x": odd}).to_html(tmp_path / "x.html", n_mistakes=0)
    assert page.read_text(encoding="utf-8").count('style="--shade:0.0">n/a</td>') == 3


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
        assert f"({low:.3f} to {high:.3f})" in reader.text
    assert "36 clips, 6 speakers" in table
    assert "chance 0.333" in table


def test_the_table_of_a_notebook_has_the_colors_of_the_notebook(report):
    """A style sheet would apply to the whole notebook, and a color of text to one theme only."""
    table = report._repr_html_()
    assert "<style" not in table
    assert set(re.findall(r"(?<!-)\bcolor:(\w+)", table)) == {"inherit"}
    assert set(re.findall(r'(?:fill|stroke)="([^"]+)"', table)) == {
        *("currentColor", "#0072b2", "#d55e00"),
    }


needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no browser")


@needs_browser
def test_a_real_browser_shows_the_page_without_an_error(page):
    done = run_browser(
        "--enable-logging=stderr",
        "--window-size=400,900",
        "--screenshot=shot.png",
        page.as_uri(),
    )
    assert Path("shot.png").stat().st_size > 10_000, done.stderr
    # Script errors and refused requests appear in the console of the page.
    assert not re.findall(r"CONSOLE.*", done.stderr)


@needs_browser
@pytest.mark.parametrize("is_dark", [False, True])
@pytest.mark.parametrize("width", [400, 1200])
def test_every_text_is_readable_and_nothing_is_cut_off(network_report, width, is_dark):
    shown = replace(
        with_metadata(network_report), name="a_name_without_spaces_" * 9, estimator="x" * 2000
    )
    found = measure(shown.to_html("x.html", n_mistakes=2).resolve(), width, is_dark=is_dark)
    assert found["width"] <= width
    assert found["outside"] == []
    assert len(found["contrasts"]) > 100
    assert min(found["contrasts"]) >= [4.5]


@needs_browser
def test_the_measurements_find_what_is_wrong():
    """Show that the test above can fail."""
    Path("x.html").write_text(
        '<meta name="color-scheme" content="light dark"><body style="margin:0;width:700px">'
        '<p style="color:#888;background:#fff">gray</p><p style="color:black">dark</p>',
        encoding="utf-8",
    )
    light = measure(Path("x.html").resolve(), 400)
    assert light["width"] == 700
    assert light["outside"]
    assert min(light["contrasts"]) == [pytest.approx(3.54, abs=0.02), "gray"]
