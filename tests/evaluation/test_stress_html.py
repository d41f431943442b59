"""Stress tests as a page, as a section of the report, and as a table in a notebook."""

from dataclasses import replace

import numpy as np
import pytest

from ser_estimators.evaluation import StressTest, evaluate
from ser_estimators.evaluation._stress_html import stress_section

from .browser import CHROMIUM, measure
from .stressed import Level, clips_of, noisy, quiet
from .test_html import read


@pytest.fixture(scope="module")
def report():
    clips, labels, speakers = clips_of()
    return evaluate(
        Level(),
        clips,
        labels,
        speakers,
        cv=2,
        metadata={"sex": np.where(speakers == "s0", "female", "male")},
        conditions={"noise & <hiss>": noisy, "quiet": quiet},
        name="<CNN>",
    )


@pytest.fixture(scope="module")
def stress(report):
    """Return a result with eight emotions, a failure, and long names."""
    rng = np.random.default_rng(0)
    emotions = np.array(["anger", "calm", "disgust", "fear", "happiness", "neutral", "sadness"])
    y_true = np.tile(emotions, 20)
    after = np.where(rng.random(140) < 0.5, y_true, np.roll(y_true, 1))
    predictions = {"as recorded": np.where(rng.random(140) < 0.8, y_true, "fear")}
    predictions |= {"white noise 20 dB": after, "0.5 s of noise around": y_true}
    return StressTest(
        "MFCCTransformer + CNNEmbedder + LogisticRegression",
        predictions,
        y_true,
        np.repeat(list("abcd"), 35),
        [None] * 140,
        metadata={"sex": np.repeat(["female", "male"], 70)},
        failures={"MP3 24 kbit/s": "RuntimeError: libsndfile 1.0.28 cannot write MP3"},
        description="One fitted model.",
        corpus="ravdess",
        date="2026-11-26T12:34:56+00:00",
    )


def text_of(markup):
    return " ".join(" ".join(read(markup).text).split())


def test_the_page_shows_everything_and_needs_nothing_else(stress, tmp_path):
    page = stress.to_html(tmp_path / "s.html")
    assert page == tmp_path / "s.html"
    markup = page.read_text(encoding="utf-8")
    assert markup.startswith("<!DOCTYPE html>\n")
    reader = read(markup)
    assert not {"script", "iframe", "img"} & set(reader.tags)
    assert all(address.startswith("data:") for address in reader.addresses)
    text = text_of(markup)
    for row in stress.summary():
        value, low, high = row.balanced_accuracy
        assert f"{row.condition}" in text
        assert f"{value:.3f}" in text
        assert f"{low:.3f} to {high:.3f}" in text
    for row in stress.summary()[1:]:
        assert f"{row.difference[0]:+.3f} {row.difference[1]:+.3f} to" in text
        assert f"{row.accuracy_kept[0]:.2f}" in text
        assert f"{row.labels_kept[0]:.2f}" in text
    for words in (
        "Recall by emotion",
        "Balanced accuracy by sex",
        "happiness",
        "MP3 24 kbit/s could not be tested: RuntimeError: libsndfile 1.0.28",
        "ravdess, 140 clips, 4 speakers, 2026-11-26 12:34 UTC",
        "One fitted model.",
        "Guessing gives a UAR of 0.143",
        "paired",
    ):
        assert words in text
    value = stress.summary()[1].balanced_accuracy[0]
    assert f'<circle cx="{100 * value:.1f}%"' in markup


def test_losses_and_gains_have_different_colors(stress):
    title, names, rows = stress_section(stress).tables[0]
    assert title == "Recall by emotion"
    assert names == [str(name) for name in stress.classes]
    reference, noise, same = (cells for _, cells in rows)
    assert all(cell.change == "" and cell.loss == cell.gain == 0 for cell in reference)
    for cell, (_, scores) in zip(noise, stress.by_class().items(), strict=True):
        change = scores[1].difference[0]
        assert cell.loss == pytest.approx(min(max(-change, 0) / 0.5, 1), abs=1e-3)
        assert cell.change == f"{change:+.2f}"
    assert any(cell.loss > 0 for cell in noise)
    assert any(cell.gain > 0 for cell in same)
    assert all(cell.loss == 0 for cell in same)


def test_the_report_has_a_section(report, tmp_path):
    markup = report.to_html(tmp_path / "r.html").read_text(encoding="utf-8")
    text = text_of(markup)
    assert "<hiss>" not in markup
    places = [text.index(w) for w in ("By emotion", "Outside the studio", "noise & <hiss>", "Fol")]
    assert places == sorted(places)
    assert "predicted by the model of their fold" in text


def test_notebooks_show_a_table(report, stress):
    for one in (report.stress, stress):
        markup = one._repr_html_()
        assert "<style" not in markup
        text = text_of(markup)
        assert one.name in text
        for row in one.summary():
            assert row.condition in text
            assert f"{row.balanced_accuracy[0]:.3f}" in text
    assert "could not be tested" in text_of(stress._repr_html_())


def test_without_intervals_and_without_conditions(stress, tmp_path):
    unknown = replace(stress, speakers=None)
    text = text_of(unknown.to_html(tmp_path / "u.html").read_text(encoding="utf-8"))
    assert "No intervals: they show how much speakers differ" in text
    assert "nan" not in text
    only = replace(stress, predictions={"as recorded": stress.y_true})
    assert "as recorded" in text_of(only.to_html(tmp_path / "o.html").read_text(encoding="utf-8"))
    assert "nan" not in only._repr_html_()


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
def test_the_page_fits_and_is_legible(stress, tmp_path, width, is_dark):
    found = measure(stress.to_html(tmp_path / "s.html"), width, is_dark=is_dark)
    assert found["width"] <= width
    assert found["outside"] == []
    assert len(found["contrasts"]) > 60
    contrast, text = min(found["contrasts"])
    assert contrast > 4.5, text
