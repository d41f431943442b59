"""One protocol: scores by fold, class, speaker and metadata, chance, and mistakes."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.metrics import balanced_accuracy_score

from ser_estimators.evaluation import evaluate
from ser_estimators.evaluation._metrics import count_by_speaker, score_with_intervals

from .reports import without_speakers


def test_mistakes_are_the_most_confident_ones(network_report):
    protocol = network_report.main
    positions = protocol.mistakes(3)
    wrong = protocol.y_true != protocol.y_pred
    assert all(wrong[positions])
    confidence = protocol.confidence
    assert confidence[positions].tolist() == sorted(confidence[wrong], reverse=True)[:3]


def test_confidence_is_that_of_the_predicted_class(network_report):
    protocol = network_report.main
    for i, predicted in enumerate(protocol.y_pred):
        column = protocol.classes.tolist().index(predicted)
        assert protocol.confidence[i] == protocol.probabilities[i, column]


def test_speakers_are_in_order_of_their_accuracy(network_report):
    rows = network_report.main.by_speaker()
    assert [row[0] for row in sorted(rows)] == [f"{i:02d}" for i in range(1, 7)]
    values = [row[1] for row in rows]
    assert values == sorted(values)
    assert np.mean(values) == pytest.approx(network_report.main.summary()[1][1], abs=0.01)


def test_folds_have_scores_and_speakers(report):
    main = report.main
    rows = main.by_fold()
    assert [fold for fold, _, _ in rows] == main.folds
    start = 0
    for fold, value, speakers in rows:
        part = slice(start, start + len(fold.test))
        start = part.stop
        assert value == pytest.approx(balanced_accuracy_score(main.y_true[part], main.y_pred[part]))
        assert speakers.tolist() == np.unique(main.speakers[part]).tolist()
    assert [speakers for *_, speakers in without_speakers(main).by_fold()] == [None] * 3


def test_chance_counts_the_classes_of_the_test_clips(report):
    main = report.main
    assert main.chance == pytest.approx(1 / 3)
    kept = np.where(main.y_true == "sadness", "anger", main.y_true)
    assert replace(main, y_true=kept).chance == 0.5


def test_guessing_is_what_dummies_reach():
    clips = list(np.random.default_rng(0).normal(size=(30, 900)))
    labels, speakers = ["anger"] * 15 + ["fear"] * 9 + ["neutral"] * 6, np.tile([1, 2, 3], 10)
    report = evaluate(DummyClassifier(), clips, labels, speakers, cv=3, check_leaks=False)
    scores = {title: value for title, value, _, _ in report.main.summary()}
    guesses = report.main.guessing()
    assert set(guesses) == {"accuracy", "balanced accuracy (UAR)", "log loss"}
    for title, value in guesses.items():
        assert scores[title] == pytest.approx(value)
    assert guesses["accuracy"] == 0.5


def with_columns(protocol, **columns):
    return replace(protocol, metadata={name: np.asarray(v) for name, v in columns.items()})


def test_scores_by_metadata_are_those_of_the_clips_with_each_value(report):
    main = report.main
    # As in RAVDESS, where calm has no strong intensity, one group lacks a class.
    is_strong = (np.arange(36) % 2 == 0) & (main.y_true != "neutral")
    intensity = np.where(is_strong, "strong", "normal")
    groups = with_columns(main, intensity=intensity).by_metadata()
    normal, strong = groups["intensity"]
    assert (normal.value, strong.value) == ("normal", "strong")
    assert (normal.n_clips, strong.n_clips) == ((~is_strong).sum(), is_strong.sum())
    assert (normal.chance, strong.chance) == (pytest.approx(1 / 3), 0.5)
    index = [np.searchsorted(main.classes, y[is_strong]) for y in (main.y_true, main.y_pred)]
    found = score_with_intervals(
        count_by_speaker(*index, None, main.speakers[is_strong], 3), confidence=0.95
    )
    assert strong.balanced_accuracy == found.value.balanced_accuracy
    assert (strong.low, strong.high) == (found.low.balanced_accuracy, found.high.balanced_accuracy)
    assert strong.low < strong.balanced_accuracy


def test_columns_of_one_value_or_of_many_are_left_out(report):
    main = with_columns(
        report.main,
        one=["x"] * 36,
        many=np.arange(36),
        thirteen=np.arange(36) % 13,
        twelve=np.arange(36) % 12,
    )
    groups = main.by_metadata()
    assert list(groups) == ["twelve"]
    assert [group.value for group in groups["twelve"]] == [str(i) for i in range(12)]


def test_missing_numbers_are_a_group(report):
    age = np.where(np.arange(36) < 6, np.nan, np.where(np.arange(36) < 20, 9.0, 10.5))
    groups = with_columns(report.main, age=age).by_metadata()["age"]
    assert [(group.value, group.n_clips) for group in groups] == [
        ("9", 14),
        ("10.5", 16),
        ("unknown", 6),
    ]


def test_unknown_speakers_have_no_intervals_and_are_not_honest(report):
    main = report.main
    assert main.is_honest
    unknown = with_columns(without_speakers(main), sex=np.arange(36) % 2)
    assert not unknown.is_honest
    assert not unknown.knows_speakers
    assert unknown.by_speaker() == []
    for group in unknown.by_metadata()["sex"]:
        assert 0 < group.balanced_accuracy < 1
        assert np.isnan([group.low, group.high]).all()
    # Speakers of another corpus are other people, whoever they are.
    assert replace(unknown, name="other corpus").is_honest


def test_clips_that_are_tested_twice_count_once(report):
    main = report.main
    twice = replace(main, folds=[*main.folds, main.folds[0]])
    assert (main.n_clips, twice.n_clips) == (36, 36)
    assert len(twice.tested) > 36


def test_representations_are_short(report):
    main = report.main
    score = main.summary()[1][1]
    assert repr(main) == (
        f"Protocol('speaker-independent', 3 folds, balanced accuracy {score:.3f}, 36 clips, "
        "6 speakers)"
    )
    assert "unknown speakers)" in repr(without_speakers(main))
    assert len(repr(replace(main, name="x" * 9999, description="y" * 9999))) < 150
    fold = replace(main.folds[0], fit_seconds=1.25, history=[{"epoch": 1}] * 500)
    assert repr(fold) == "Fold(24 training clips, 12 test clips, fitted in 1.2 s)"
