"""Stress tests inside evaluate: each clip by the model of its fold; resume, report and JSON."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ser_estimators import AcousticFeatures
from ser_estimators.conditions import standard_conditions
from ser_estimators.evaluation import EvaluationReport, evaluate, stress_test
from ser_estimators.exceptions import LeakWarning

from .stressed import Level, clips_of, identity, quiet

CONDITIONS = ["gain -20 dB", "white noise 10 dB", "babble 10 dB"]


def system():
    return make_pipeline(AcousticFeatures(["rms"]), StandardScaler(), LogisticRegression())


def run(voices, conditions=CONDITIONS, **options):
    return evaluate(
        system(),
        voices.data,
        voices.target,
        voices.speakers,
        cv=3,
        metadata={"sex": voices.sex},
        conditions=conditions,
        **options,
    )


@pytest.fixture(scope="module")
def report(voices):
    return run(voices, random_split=True)


def test_every_clip_is_predicted_by_the_model_of_its_fold(report, voices):
    main = report.main
    assert list(main.conditions) == CONDITIONS
    models, tests = [], []
    for fold in main.folds:
        train = [voices.data[i] for i in fold.train]
        models.append(clone(system()).fit(train, voices.target[fold.train]))
        tests.append(fold.test)
    expected = stress_test(
        models,
        voices.data,
        voices.target,
        voices.speakers,
        conditions=CONDITIONS,
        test_indices=tests,
    )
    for name, labels in expected.predictions.items():
        np.testing.assert_array_equal(report.stress.predictions[name], labels)
    assert list(report.protocols["random split"].conditions) == []


def test_the_result_is_that_of_the_report(report):
    stress, main = report.stress, report.main
    assert stress.name == report.name
    assert stress.description == main.description
    value = float(main.scores.value.balanced_accuracy)
    low, high = float(main.scores.low.balanced_accuracy), float(main.scores.high.balanced_accuracy)
    assert stress.summary()[0].balanced_accuracy == pytest.approx((value, low, high))
    assert list(stress.by_metadata()) == ["sex"]


def test_text_and_page(report, tmp_path):
    text = str(report)
    assert "\noutside the studio\n------------------\n" in text
    assert "white noise 10 dB" in text
    assert max(map(len, text.splitlines())) < 80
    page = report.to_html(tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<h2>Outside the studio</h2>" in page
    assert "white noise 10 dB" in page


def test_without_conditions_nothing_is_said(voices, tmp_path):
    plain = run(voices, None)
    assert plain.stress is None
    assert "studio" not in str(plain)
    page = plain.to_html(tmp_path / "r.html").read_text(encoding="utf-8")
    assert "studio" not in page.split("</style>")[1]


def test_json(report):
    text = report.to_json("r.json")
    loaded = EvaluationReport.from_json("r.json")
    assert str(loaded) == str(report)
    assert loaded.to_json() == text
    # Files of versions without stress tests lack the keys.
    record = json.loads(text)
    for protocol in record["protocols"]:
        del protocol["conditions"], protocol["failed_conditions"]
    Path("old.json").write_text(json.dumps(record))
    assert EvaluationReport.from_json("old.json").stress is None


def test_folds_are_stored_with_their_conditions(voices, monkeypatch):
    first = run(voices, resume="folds")
    stored = sorted(Path("folds").rglob("fold-*.npz"))
    assert len(stored) == 3
    stored[0].unlink()
    fits = []
    fit = AcousticFeatures.fit
    monkeypatch.setattr(
        AcousticFeatures, "fit", lambda self, X, y=None: fits.append(len(X)) or fit(self, X, y)
    )
    again = run(voices, resume="folds")
    assert len(fits) == 1
    for name, labels in first.main.conditions.items():
        np.testing.assert_array_equal(again.main.conditions[name], labels)
    # Other conditions, another seed of their noise, and none: other folds.
    for options in ({"conditions": CONDITIONS[:1]}, {"conditions": None}):
        run(voices, resume="folds", **options)
    assert len(list(Path("folds").iterdir())) == 3
    shutil.rmtree("folds")


def test_failures_are_stored_and_reported(voices):
    def fail(waveform, sr):
        if abs(waveform).max() > 0.5:
            raise RuntimeError("too loud")
        return waveform

    conditions = {"fragile": fail, "quiet": quiet}
    for _ in range(2):
        with pytest.warns(UserWarning, match="1 condition could not be tested: fragile: clip"):
            report = run(voices, conditions, resume="folds")
        assert list(report.main.conditions) == ["quiet"]
        assert "RuntimeError: too loud" in report.main.failed_conditions["fragile"]
        assert "fragile could not be tested" in " ".join(str(report).split())
    report.to_json("r.json")
    loaded = EvaluationReport.from_json("r.json")
    assert loaded.main.failed_conditions == report.main.failed_conditions


def test_parallel_folds_are_the_same(report, voices):
    conditions = {name: standard_conditions()[name] for name in CONDITIONS}
    conditions["other"] = lambda waveform, sr: waveform / 3  # which pickle refuses
    parallel = run(voices, conditions, n_jobs=2)
    for name, labels in report.main.conditions.items():
        np.testing.assert_array_equal(parallel.main.conditions[name], labels)
    assert list(parallel.main.conditions)[-1] == "other"


def test_a_search_over_the_sampling_rate(voices):
    grid = {"acousticfeatures__sr": [8000]}
    report = run(voices, {"same": identity}, param_grid=grid)
    agree = np.mean(report.main.conditions["same"] == report.main.y_pred)
    assert agree > 0.9  # resampled in two steps instead of one


def test_doubts_about_the_splits_are_part_of_the_result(voices):
    with pytest.warns(LeakWarning, match="in both training and test"):
        report = evaluate(
            system(),
            voices.data,
            voices.target,
            voices.speakers,
            cv=KFold(2, shuffle=True, random_state=0),
            conditions=["gain -20 dB"],
        )
    assert "6 speakers appear in both training and test: these scores" in report.stress.description


def test_another_corpus(voices):
    first, second = slice(0, 18), slice(18, 36)
    report = evaluate(
        system(),
        voices.data[first],
        voices.target[first],
        voices.speakers[first],
        X_test=voices.data[second],
        y_test=voices.target[second],
        speakers_test=voices.speakers[second],
        conditions=["babble 10 dB"],
    )
    assert len(report.main.conditions["babble 10 dB"]) == 18


def test_waveforms_and_labels_of_any_kind():
    clips, labels, speakers = clips_of()
    for kind in (labels, (labels == "loud").astype(int), labels.astype(object)):
        report = evaluate(
            Level(), clips, kind, speakers, cv=2, conditions={"same": identity}, resume="folds"
        )
        again = evaluate(
            Level(), clips, kind, speakers, cv=2, conditions={"same": identity}, resume="folds"
        )
        for one in (report, again):
            np.testing.assert_array_equal(one.main.conditions["same"], one.main.y_pred)
            assert one.main.conditions["same"].dtype == one.main.y_pred.dtype


def test_progress(voices, capsys):
    run(voices, ["gain -20 dB"], verbose=1)
    out = capsys.readouterr().out
    assert "[evaluate] speaker-independent, fold 2/3, condition 1/1, gain -20 dB: 0 s" in out


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"conditions": "all"}, ValueError, "conditions is 'all'"),
        ({"conditions": []}, ValueError, "conditions is empty"),
        ({"conditions": {"x": 3}}, TypeError, "expected a function of a waveform"),
    ],
)
def test_wrong_conditions_are_reported_before_anything_is_read(options, error, message):
    with pytest.raises(error, match=message):
        evaluate(system(), ["no.wav"] * 4, list("abab"), list("ccdd"), cv=2, **options)


def test_tables_cannot_be_changed():
    with pytest.raises(ValueError, match="rows are too short to be sounds"):
        evaluate(
            LogisticRegression(),
            np.zeros((8, 30)),
            list("abababab"),
            list("ccddeeff"),
            cv=2,
            conditions="standard",
        )
