"""Models that take speakers in prediction are scored with and without them."""

import numpy as np
import pytest
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline

from ser_estimators import SpeakerNormalizer, ViewVotingClassifier
from ser_estimators.evaluation import EvaluationReport, compare, evaluate

ADAPTED = "speaker-independent, adapted to each speaker, without labels"


def make_clips(n_speakers=8, n_clips=24):
    """Return clips of three emotions whose speakers differ more than the emotions."""
    rng = np.random.default_rng(0)
    speakers = np.repeat(np.arange(n_speakers), n_clips)
    y = np.tile(["anger", "joy", "sadness"], n_speakers * n_clips // 3)
    X = rng.normal(size=(len(y), 6)) + 3 * rng.normal(size=(n_speakers, 6))[speakers]
    X[:, 0] += 2.0 * (y == "anger")
    X[:, 1] += 2.0 * (y == "joy")
    return X, y, speakers


def voting():
    return ViewVotingClassifier(LogisticRegression(), n_views=1, normalizer=SpeakerNormalizer())


MODELS = {
    "last step": voting,
    "step before": lambda: make_pipeline(SpeakerNormalizer(), LogisticRegression()),
    "search": lambda: GridSearchCV(
        make_pipeline("passthrough", voting()),
        {"viewvotingclassifier__estimator__C": [0.1, 1.0]},
        cv=GroupKFold(2),
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_both_scores_are_in_the_report(name):
    X, y, speakers = make_clips()
    report = evaluate(MODELS[name](), X, y, speakers, cv=4, check_leaks=False)
    assert list(report.protocols) == ["speaker-independent", ADAPTED]
    main, adapted = report.main, report.protocols[ADAPTED]
    assert adapted.scores.value.balanced_accuracy > main.scores.value.balanced_accuracy + 0.15
    np.testing.assert_array_equal(adapted.y_true, main.y_true)
    for fold, other in zip(main.folds, adapted.folds, strict=True):
        np.testing.assert_array_equal(fold.test, other.test)
    text = str(report)
    assert f"; {ADAPTED.split(',')[0]}," in " ".join(text.split())
    assert "not their emotions" in " ".join(text.split())


def test_predictions_are_those_of_the_model():
    X, y, speakers = make_clips()
    report = evaluate(voting(), X, y, speakers, cv=4, check_leaks=False)
    fold = report.main.folds[0]
    model = voting().fit(X[fold.train], y[fold.train], groups=speakers[fold.train])
    test, first = fold.test, slice(len(fold.test))
    for name, groups in (("speaker-independent", None), (ADAPTED, speakers[test])):
        protocol = report.protocols[name]
        np.testing.assert_array_equal(protocol.y_pred[first], model.predict(X[test], groups))
        np.testing.assert_allclose(
            protocol.probabilities[first], model.predict_proba(X[test], groups)
        )


def test_routing_that_was_enabled_by_the_user():
    X, y, speakers = make_clips()
    expected = evaluate(voting(), X, y, speakers, cv=4, check_leaks=False)
    with sklearn.config_context(enable_metadata_routing=True):
        report = evaluate(voting(), X, y, speakers, cv=4, check_leaks=False)
    for name, protocol in expected.protocols.items():
        np.testing.assert_array_equal(report.protocols[name].y_pred, protocol.y_pred)


@pytest.mark.parametrize(
    ("model", "options"),
    [
        (LogisticRegression(), {}),
        (voting(), {"speakers": "unknown"}),
        (
            make_pipeline("passthrough", ViewVotingClassifier(LogisticRegression(), n_views=1)),
            {},
        ),
    ],
)
def test_no_second_score_without_adaptation(model, options):
    X, y, speakers = make_clips()
    options = {"speakers": speakers} | options
    report = evaluate(model, X, y, **options, cv=4, check_leaks=False)
    assert len(report.protocols) == 1


def test_random_folds_are_not_adapted():
    X, y, speakers = make_clips()
    report = evaluate(voting(), X, y, speakers, cv=4, random_split=True, check_leaks=False)
    assert list(report.protocols) == ["speaker-independent", ADAPTED, "random split"]


def test_other_corpus():
    X, y, speakers = make_clips()
    is_train = speakers < 5
    options = {"X_test": X[~is_train], "y_test": y[~is_train], "check_leaks": False}
    report = evaluate(
        voting(), X[is_train], y[is_train], speakers[is_train],
        speakers_test=speakers[~is_train], **options,
    )  # fmt: skip
    adapted = report.protocols["other corpus, adapted to each speaker, without labels"]
    assert adapted.scores.value.balanced_accuracy > report.main.scores.value.balanced_accuracy
    unknown = evaluate(
        voting(), X[is_train], y[is_train], speakers[is_train], speakers_test="unknown", **options
    )
    assert list(unknown.protocols) == ["other corpus"]


def test_compared_stored_and_written(tmp_path):
    X, y, speakers = make_clips()
    options = {"cv": 4, "check_leaks": False, "resume": tmp_path / "folds"}
    report = evaluate(voting(), X, y, speakers, **options)
    again = evaluate(voting(), X, y, speakers, **options)
    assert [fold.fit_seconds for fold in again.main.folds] == [
        fold.fit_seconds for fold in report.main.folds
    ]
    report.to_json(tmp_path / "report.json")
    for other in (again, EvaluationReport.from_json(tmp_path / "report.json")):
        assert list(other.protocols) == list(report.protocols)
        for name, protocol in report.protocols.items():
            np.testing.assert_array_equal(other.protocols[name].y_pred, protocol.y_pred)
            np.testing.assert_allclose(
                other.protocols[name].probabilities, protocol.probabilities, atol=1e-6
            )
    compared = compare({"a": report, "b": again}, protocol=ADAPTED)
    assert compared.differences[0][2] == 0
    page = report.to_html(tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count(ADAPTED) >= 1


def test_stored_labels_that_are_objects(tmp_path):
    X, y, speakers = make_clips()
    labels = y.astype(object)
    options = {"cv": 4, "check_leaks": False, "resume": tmp_path}
    report = evaluate(voting(), X, labels, speakers, **options)
    again = evaluate(voting(), X, labels, speakers, **options)
    for name, protocol in report.protocols.items():
        assert again.protocols[name].y_pred.tolist() == protocol.y_pred.tolist()
        score = balanced_accuracy_score(protocol.y_true, protocol.y_pred)
        assert protocol.scores.value.balanced_accuracy == pytest.approx(score)
