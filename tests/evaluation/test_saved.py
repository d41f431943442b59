"""Reports as JSON: they load as they were, and files that are something else are refused."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier

from ser_estimators.evaluation import EvaluationReport, compare, evaluate

from .reports import with_metadata, with_unknown_speakers


def saved(report):
    report.to_json("report.json")
    return EvaluationReport.from_json("report.json")


def assert_same(loaded, report):
    assert str(loaded) == str(report)
    assert list(loaded.protocols) == list(report.protocols)
    for name, one in loaded.protocols.items():
        other = report.protocols[name]
        for attribute in ("y_true", "y_pred", "probabilities", "speakers", "classes", "tested"):
            np.testing.assert_array_equal(getattr(one, attribute), getattr(other, attribute))
        for (title, *values), (expected_title, *expected) in zip(
            one.summary(), other.summary(), strict=True
        ):
            assert title == expected_title
            np.testing.assert_allclose(values, expected, rtol=1e-12)
        np.testing.assert_equal(one.by_class(), other.by_class())
        np.testing.assert_equal(one.by_metadata(), other.by_metadata())
        assert one.leaks == other.leaks
        assert one.shared_speakers == other.shared_speakers
        for fold, expected in zip(one.folds, other.folds, strict=True):
            np.testing.assert_array_equal(fold.train, expected.train)
            assert (fold.best_params, fold.history) == (expected.best_params, expected.history)
    assert loaded.to_json() == report.to_json()


def test_reports_load_as_they_were(report, network_report):
    for one in (report, with_metadata(report), with_unknown_speakers(report), network_report):
        loaded = saved(one)
        assert_same(loaded, one)
        assert loaded.main.clips == [str(clip) for clip in one.main.clips]
        for name in ("name", "estimator", "confidence", "versions", "sr", "date", "corpus"):
            assert getattr(loaded, name) == getattr(one, name)


def test_pages_of_loaded_reports(network_report):
    page = saved(network_report).to_html("loaded.html").read_text()
    assert page == network_report.to_html("original.html").read_text()


def test_loaded_reports_can_be_compared(report):
    other = replace(report, protocols=dict(report.protocols))
    expected = compare({"a": report, "b": other})
    assert compare({"a": saved(report), "b": saved(other)}) == expected
    assert compare({"a": saved(report), "b": other}) == expected


class Without(DummyClassifier):
    predict_proba = property()


@pytest.mark.parametrize("kind", ["int", "bool", "object", "no probabilities"])
def test_labels_and_speakers_of_other_types(kind):
    clips = list(np.random.default_rng(0).normal(size=(12, 2000)))
    labels = {"int": [3, 7] * 6, "bool": [True, False] * 6}.get(kind, ["joy", "fear"] * 6)
    labels = np.array(labels, dtype=object if kind == "object" else None)
    model = DummyClassifier(strategy="stratified", random_state=0)
    if kind == "no probabilities":
        model = Without(strategy="most_frequent")
    report = evaluate(model, clips, labels, np.repeat([5, 2, 9], 4), cv=3)
    loaded = saved(report)
    assert_same(loaded, report)
    assert loaded.main.y_true.tolist() == report.main.y_true.tolist()
    assert loaded.main.clips == [None] * 12
    page = loaded.to_html("loaded.html").read_text()
    assert "<audio" not in page
    assert "report.json" not in page


def test_values_without_json(report):
    """Estimators become text, and losses that are not finite are left out."""
    fold = replace(
        report.main.folds[0],
        best_params={"lr": DummyClassifier(), "C": np.float64(0.5), "p": float("nan"), "k": None},
        history=[{"epoch": 1, "train_loss": 0.5, "valid_loss": float("nan")}],
    )
    main = replace(
        report.main,
        folds=[fold, *report.main.folds[1:]],
        metadata={"age": np.array([np.nan, *range(len(report.main.y_true) - 1)])},
    )
    loaded = saved(replace(report, protocols={main.name: main}))
    expected = {"lr": "DummyClassifier()", "C": 0.5, "p": "nan", "k": None}
    assert loaded.main.folds[0].best_params == expected
    assert loaded.main.folds[0].history == [{"epoch": 1, "train_loss": 0.5}]
    np.testing.assert_array_equal(loaded.main.metadata["age"], main.metadata["age"])


def test_names_that_are_not_valid_text(report):
    clips = ["\udcfc.wav", *report.main.clips[1:]]
    odd = replace(report, name="Grüße, 世界", protocols={"x": replace(report.main, clips=clips)})
    loaded = saved(odd)
    assert Path("report.json").read_bytes().isascii()
    assert loaded.main.clips[0] == "\udcfc.wav"
    assert loaded.name == "Grüße, 世界"


def change(record, *place, to):
    """Change a value inside a report."""
    *outer, last = place
    for key in outer:
        record = record[key]
    record[last] = to


MAIN = ("protocols", 0)
BAD = {
    "confidence is missing": lambda r: r.pop("confidence"),
    "confidence or sr is out of range": lambda r: change(r, "confidence", to=1.5),
    "confidence is missing or has": lambda r: change(r, "confidence", to=10**400),
    "versions is wrong": lambda r: change(r, "versions", to={"numpy": 2}),
    "sr is missing or has the wrong type": lambda r: change(r, "sr", to=True),
    "it has no protocol": lambda r: change(r, "protocols", to=[]),
    "protocols is wrong": lambda r: change(r, *MAIN, to=3),
    "classes is wrong": lambda r: change(r, *MAIN, "classes", to=["sadness", "anger"]),
    "classes mixes types": lambda r: change(r, *MAIN, "classes", to=["sadness", 3]),
    "y_true contains something": lambda r: change(r, *MAIN, "y_true", 0, to=99),
    "y_pred has 0 values instead of 36": lambda r: change(r, *MAIN, "y_pred", to=[]),
    "y_pred contains something": lambda r: change(r, *MAIN, "y_pred", 0, to="anger"),
    "probabilities contains something": lambda r: change(r, *MAIN, "probabilities", 0, to=[1.0]),
    "probabilities contains": lambda r: change(r, *MAIN, "probabilities", 0, 0, to=2**70),
    "probabilities": lambda r: change(r, *MAIN, "probabilities", 0, 0, to=-3.0),
    "fit_seconds is": lambda r: change(r, *MAIN, "folds", 0, "fit_seconds", to=-(10**400)),
    "speakers has 1 values": lambda r: change(r, *MAIN, "speakers", to=["01"]),
    "speakers contains something": lambda r: change(r, *MAIN, "speakers", to=["a" * 10**6] * 36),
    "clips contains something": lambda r: change(r, *MAIN, "clips", 0, to=["a.wav"]),
    "leaks contains something": lambda r: change(r, *MAIN, "leaks", to=[[1, 2]]),
    "leaks is wrong": lambda r: change(r, *MAIN, "leaks", to=[[1, 2, "smell"]]),
    "folds is wrong": lambda r: change(r, *MAIN, "folds", 0, to=None),
    "it has no tested clips": lambda r: change(r, *MAIN, "folds", to=[]),
    "train contains something": lambda r: change(r, *MAIN, "folds", 0, "train", to=[-1]),
    "history contains something": lambda r: change(r, *MAIN, "folds", 0, "history", to=[3]),
    "sex contains something": lambda r: change(r, *MAIN, "metadata", "sex", to=[[]] * 36),
    "it has the format 2, and this version": lambda r: change(r, "format", to=2),
    "it is not a report": lambda r: change(r, "kind", to="recipe"),
}


@pytest.mark.parametrize("message", list(BAD))
def test_inconsistent_files_are_refused(report, message):
    record = json.loads(with_metadata(report).to_json())
    BAD[message](record)
    Path("report.json").write_text(json.dumps(record))
    message = f"from 'report.json': .*{re.escape(message)}.*; expected a file that"
    with pytest.raises(ValueError, match=message):
        EvaluationReport.from_json("report.json")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is not JSON, or not all of it"),
        (b"<html>", "it is not JSON"),
        (b"\x80\x04pickle", "utf-8"),
        (b"[" * 100_000, "it is not JSON|nested too deeply"),
        (b'{"kind": NaN}', "it contains NaN"),
        (b"[]", "it is not a report"),
        (b"9" * 10_000, "it is not JSON"),
    ],
)
def test_other_files_are_refused(content, message):
    Path("report.json").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        EvaluationReport.from_json("report.json")


def test_missing_files():
    with pytest.raises(FileNotFoundError, match=r"report\.json"):
        EvaluationReport.from_json("report.json")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_changed_files_load_as_they_were_or_are_refused(report, data):
    text = report.to_json()
    start = data.draw(st.integers(0, len(text) - 1))
    length = data.draw(st.integers(0, 20))
    new = data.draw(st.text(alphabet='0123456789-.,:[]{}"ae\\nul', max_size=8))
    Path("changed.json").write_text(text[:start] + new + text[start + length :])
    try:
        loaded = EvaluationReport.from_json("changed.json")
    except ValueError as error:
        assert len(str(error)) < 1000  # noqa: PT017
    else:
        str(loaded)
        json.loads(loaded.to_json())
