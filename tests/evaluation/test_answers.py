"""Systems that may be unsure: what is scored, saved and stored, and stress tests of them."""

import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ser_estimators import (
    AcousticFeatures,
    CNNEmbedder,
    SelectiveClassifier,
    SpeakerNormalizer,
    ViewVotingClassifier,
)
from ser_estimators.evaluation import EvaluationReport, compare, evaluate, stress_test
from ser_estimators.evaluation._routing import warn_of_missing_speakers

from .test_adapted import ADAPTED

UNSURE = "Where the system is unsure, its most probable emotion is scored."


def make_clips(n_speakers=8, n_clips=24):
    """Return clips of three emotions, some of which are hard to recognize."""
    rng = np.random.default_rng(0)
    speakers = np.repeat(np.arange(n_speakers), n_clips)
    y = np.tile(["anger", "joy", "sadness"], n_speakers * n_clips // 3)
    X = rng.normal(size=(len(y), 6)) + rng.normal(size=(n_speakers, 6))[speakers]
    X[:, 0] += 3.0 * (y == "anger")
    X[:, 1] += 3.0 * (y == "joy")
    return X, y, speakers


X, Y, SPEAKERS = make_clips()


def selective(model=None, **parameters):
    model = LogisticRegression() if model is None else model
    return SelectiveClassifier(model, **{"threshold": 0.6, **parameters})


def run(model, **options):
    return evaluate(model, X, Y, SPEAKERS, cv=4, check_leaks=False, **options)


REPORT = run(selective())
MODELS = {
    "last step": make_pipeline(StandardScaler(), selective()),
    "whole pipeline": selective(make_pipeline(StandardScaler(), LogisticRegression())),
    "search": GridSearchCV(selective(), {"threshold": [0.6]}, scoring="neg_log_loss", cv=2),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_most_probable_labels_are_scored(name):
    main = run(MODELS[name]).main
    assert set(main.y_pred) == set(Y)
    expected = main.classes[main.probabilities.argmax(axis=1)]
    np.testing.assert_array_equal(main.y_pred, expected)
    np.testing.assert_array_equal(main.answered, main.probabilities.max(axis=1) >= 0.6)
    assert 0 < main.answered.mean() < 1


def test_answers_are_scored_as_well():
    main = REPORT.main
    rows = {name: values for name, *values in main.summary()}
    assert list(rows)[-2:] == ["share answered", "accuracy of answers"]
    share, low, high = rows["share answered"]
    assert share == pytest.approx(main.answered.mean())
    assert low < share < high
    accuracy, low, high = rows["accuracy of answers"]
    right = main.y_pred == main.y_true
    assert accuracy == pytest.approx(right[main.answered].mean())
    assert accuracy > rows["accuracy"][0]
    assert low < accuracy < high
    # As many clips of each speaker: the interval of the mean over speakers.
    shares = [main.answered[main.speakers == who].mean() for who in np.unique(main.speakers)]
    from scipy import stats

    half = stats.t.ppf(0.975, 7) * np.std(shares, ddof=1) / np.sqrt(8)
    assert rows["share answered"][2] - share == pytest.approx(half)


def test_texts_and_tables():
    text = " ".join(str(REPORT).split())
    assert "share answered 0." in text
    assert UNSURE in text
    REPORT.to_html("report.html", n_mistakes=0)
    with open("report.html") as file:
        page = file.read()
    assert "accuracy of answers" in page
    assert UNSURE in " ".join(page.split())
    frame = REPORT.main.clips_frame()
    order = np.argsort(REPORT.main.tested)
    np.testing.assert_array_equal(frame["answered"], REPORT.main.answered[order])
    assert "share answered" in set(REPORT.to_frame()["score"])
    always = run(LogisticRegression())
    assert always.main.answered is None
    assert UNSURE not in " ".join(str(always).split())
    assert "answered" not in always.main.clips_frame()


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_all_or_no_clips_are_answered(threshold):
    rows = {name: values for name, *values in run(selective(threshold=threshold)).main.summary()}
    assert rows["share answered"] == [1 - threshold] * 3
    if threshold:
        assert np.isnan(rows["accuracy of answers"]).all()
    else:
        assert rows["accuracy of answers"][0] == rows["accuracy"][0]


def test_answers_of_one_speaker_have_no_interval():
    from dataclasses import replace

    main = REPORT.main
    only = replace(main, answered=main.speakers == main.speakers[0])
    name, value, low, high = only.summary()[-1]
    assert name == "accuracy of answers"
    assert 0 <= value <= 1
    assert np.isnan([low, high]).all()
    unknown = replace(main, speakers=None)
    assert np.isnan([row[2:] for row in unknown.summary()[-2:]]).all()


def test_unknown_speakers():
    report = evaluate(selective(), X, Y, "unknown", cv=4, check_leaks=False)
    assert np.isnan(report.main.summary()[-1][2])
    assert report.main.answered.any()


def test_saved_and_compared():
    REPORT.to_json("r.json")
    again = EvaluationReport.from_json("r.json")
    np.testing.assert_array_equal(again.main.answered, REPORT.main.answered)
    assert again.main.summary() == REPORT.main.summary()
    assert compare({"a": REPORT, "b": run(LogisticRegression(C=0.01))}).n_speakers == 8


@pytest.mark.parametrize("answered", ["[true]", "true", "[1, 0]"])
def test_a_file_that_was_changed(answered):
    import re

    text = REPORT.to_json()
    changed = re.sub(r'"answered": \[[^\]]*\]', f'"answered": {answered}', text)
    with open("r.json", "w") as file:
        file.write(changed)
    with pytest.raises(ValueError, match="answered"):
        EvaluationReport.from_json("r.json")


def test_finished_folds_are_resumed():
    voting = ViewVotingClassifier(LogisticRegression(), normalizer=SpeakerNormalizer())
    model = selective(voting, precision=0.6, threshold=None)
    first = run(model, resume="folds")
    assert list(first.protocols) == ["speaker-independent", ADAPTED]
    second = run(model, resume="folds")
    for name, protocol in first.protocols.items():
        assert protocol.answered.any()
        np.testing.assert_array_equal(second.protocols[name].answered, protocol.answered)
    shares = [protocol.answered.mean() for protocol in first.protocols.values()]
    assert shares[1] > shares[0]


def test_a_model_that_adapts_to_nobody_has_one_protocol():
    assert list(REPORT.protocols) == ["speaker-independent"]
    assert REPORT.name == "SelectiveClassifier of LogisticRegression"


def quiet(waveform, sr):
    return 0.01 * waveform


def test_stress_tests_score_the_most_probable_labels(voices):
    pipe = make_pipeline(AcousticFeatures(["rms"]), StandardScaler(), selective(threshold=0.9))
    pipe.fit(voices.data, voices.target, selectiveclassifier__groups=voices.speakers)
    assert "unsure" in pipe.predict(voices.data)
    stress = stress_test(
        pipe, voices.data, voices.target, voices.speakers, conditions={"quiet": quiet}
    )
    expected = pipe.classes_[pipe.predict_proba(voices.data).argmax(axis=1)]
    np.testing.assert_array_equal(stress.predictions["as recorded"], expected)
    assert set(stress.predictions["quiet"]) <= set(voices.target)
    report = evaluate(
        pipe, voices.data, voices.target, voices.speakers, cv=2, conditions={"quiet": quiet}
    )
    assert set(report.stress.predictions["quiet"]) <= set(voices.target)


def test_early_stopping_inside_receives_the_speakers():
    network = CNNEmbedder(early_stopping=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_missing_speakers(selective(make_pipeline("passthrough", network)))
        warn_of_missing_speakers(make_pipeline("passthrough", selective(network)))
    from sklearn.ensemble import VotingClassifier

    hidden = selective(VotingClassifier([("cnn", network)], voting="soft"))
    with pytest.warns(UserWarning, match="CNNEmbedder has early_stopping=True, but"):
        warn_of_missing_speakers(hidden)
