"""evaluate: parameters, what it leaves alone, and what it returns."""

import warnings
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import sklearn.metrics
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GridSearchCV, GroupKFold

import ser_estimators
from ser_estimators import make_ser_pipeline
from ser_estimators.evaluation import evaluate
from ser_estimators.exceptions import AudioReadError

from .helpers import SMALL, Loudness, Unfittable, in_pipeline


def test_scores_are_those_of_scikit_learn(report):
    for protocol in report.protocols.values():
        scores = {title: value for title, value, _, _ in protocol.summary()}
        truth, predicted = protocol.y_true, protocol.y_pred
        for title, expected in {
            "accuracy": sklearn.metrics.accuracy_score(truth, predicted),
            "balanced accuracy (UAR)": sklearn.metrics.balanced_accuracy_score(truth, predicted),
            "macro F1": sklearn.metrics.f1_score(truth, predicted, average="macro"),
            "log loss": sklearn.metrics.log_loss(truth, protocol.probabilities),
        }.items():
            assert scores[title] == pytest.approx(expected), title
        for title, value, low, high in protocol.summary():
            assert low <= value <= high, title


def test_without_probabilities(voices):
    from ser_estimators import MFCCTransformer

    frames = MFCCTransformer().transform(voices.data).mean(axis=2)
    report = evaluate(
        RidgeClassifier(), frames, voices.target, voices.speakers, cv=2, check_leaks=False
    )
    assert report.main.probabilities is None
    assert [row[0] for row in report.main.summary()][-1] == "macro F1"
    assert report.main.mistakes(3) == []


def test_workers_give_the_same_result(voices):
    pipe = make_ser_pipeline(random_state=0).set_params(**SMALL)
    arguments = {"cv": 2, "check_leaks": False}
    one, two = (
        evaluate(pipe, voices.data, voices.target, voices.speakers, n_jobs=n, **arguments)
        for n in (1, 2)
    )
    np.testing.assert_array_equal(one.main.probabilities, two.main.probabilities)
    assert one.main.folds[0].history[0]["epoch"] == 1
    assert not hasattr(pipe["cnn"], "net_")  # the estimator itself is left unchanged


@pytest.mark.parametrize("kind", [np.asarray, list])
def test_waveforms_and_arrays(kind):
    X = kind(np.random.default_rng(0).normal(size=(12, 3000)))
    report = evaluate(DummyClassifier(), X, ["a", "b"] * 6, np.repeat([1, 2, 3], 4), cv=3)
    assert len(report.main.y_true) == 12
    assert report.main.leaks == []
    np.testing.assert_array_equal(report.main.clips[0], X[report.main.tested[0]])


class Rated(DummyClassifier):
    """Has a parameter for the sampling rate, as pipelines on audio do."""

    def __init__(self, sr=None):
        super().__init__()
        self.sr = sr


@pytest.mark.parametrize(("sr", "expected"), [(None, 16000), (8000, 8000), ("native", 16000)])
@pytest.mark.parametrize("wrap", [lambda estimator: estimator, in_pipeline])
def test_the_sampling_rate_is_that_of_the_estimator_if_it_has_one(voices, sr, expected, wrap):
    report = evaluate(
        wrap(Rated(sr)), voices.data, voices.target, voices.speakers, check_leaks=False
    )
    assert report.sr == expected
    assert report.versions["ser_estimators"] == ser_estimators.__version__
    assert set(report.versions) >= {"scikit-learn", "numpy", "torch"}


def test_the_sampling_rate_of_a_fitted_search_is_that_which_is_evaluated(voices):
    search = GridSearchCV(Rated(8000), {"sr": [22050]}, cv=2).fit(voices.data, voices.target)
    assert search.best_estimator_.sr == 22050
    report = evaluate(search, voices.data, voices.target, voices.speakers, check_leaks=False)
    assert report.sr == 8000


BAD_ARGUMENTS = [
    ({"confidence": 1.0}, ValueError, "confidence == 1.0, must be < 1"),
    ({"estimator": 3}, TypeError, "estimator is 3; expected a classifier"),
    ({"X": "a.wav"}, TypeError, "single path"),
    ({"X": [np.zeros(9)] * 35 + [np.array([])]}, AudioReadError, "clip 36 of 36: .* no samples"),
    ({"y_test": ["anger"]}, ValueError, "y_test was passed without X_test; pass both or neither"),
    ({"speakers_test": ["a"]}, ValueError, "speakers_test was passed without X_test"),
    ({"metadata_test": {}}, ValueError, "metadata_test was passed without X_test"),
    ({"verbose": -1}, ValueError, "verbose == -1, must be >= 0"),
    (
        {"groups": ["a"] * 36},
        TypeError,
        "^evaluate has no parameter groups; pass the speaker of each clip as speakers=..., which",
    ),
    ({"group": ["a"] * 36}, TypeError, "unexpected keyword argument 'group'"),
    (
        {"X_test": ["a.wav"], "cv": 3},
        ValueError,
        "cv=3 splits X, but X_test was passed.*pass either cv or X_test",
    ),
    (
        {"X_test": ["a.wav"], "random_split": True},
        ValueError,
        "random_split=True splits X.*pass either random_split or X_test",
    ),
    (
        {"X_test": ["a.wav"], "y_test": ["anger"]},
        ValueError,
        'speakers_test is missing.*=corpus.speakers. If .* pass speakers_test="unknown"; the rep',
    ),
]


@pytest.mark.parametrize(("changes", "error", "message"), BAD_ARGUMENTS)
def test_bad_arguments_are_named(voices, changes, error, message):
    arguments = {
        "estimator": Loudness(),
        "X": voices.data,
        "y": voices.target,
        "speakers": voices.speakers,
    }
    with pytest.raises(error, match=message):
        evaluate(**arguments | changes)


def test_errors_are_short_whatever_was_passed(voices):
    long = "x" * 10_000
    arguments = {"estimator": Unfittable(), "X": voices.data, "y": voices.target}
    arguments["speakers"] = voices.speakers
    for changes in (
        {"estimator": long},
        {"y": long},
        {"speakers": long},
        {"speakers": [long] * 36},
        {"speakers": [3, *[long] * 35]},
        {"cv": long},
        {"cv": [long]},
        {"cv": [long], "X_test": ["a.wav"]},
        {"metadata": long},
        {"metadata": {long: [1]}},
        {"metadata": {3: long}},
        {"metadata": {"sex": long}},
        {"X_test": ["a.wav"], "y_test": [3], "speakers_test": ["a"], "y": [long] * 36},
        {"X_test": ["a.wav"], "y_test": [long], "speakers_test": ["a"]},
        {"resume": [long]},
    ):
        with pytest.raises((TypeError, ValueError)) as caught:
            evaluate(**arguments | changes)
        assert len(str(caught.value)) < 500, changes


def test_many_missing_classes_are_not_all_listed(voices):
    y = [f"class {index:03d}" for index in range(36)]
    message = r"lack 'class 0\d\d', .* and \d+ more, which the model therefore cannot predict$"
    with pytest.warns(UserWarning, match=message) as caught, pytest.raises(AssertionError):
        evaluate(Unfittable(), voices.data, y, voices.speakers, cv=GroupKFold(3), check_leaks=False)
    assert all(len(str(one.message)) < 300 for one in caught)


def test_the_date_is_in_utc(report):
    date = datetime.fromisoformat(report.date)
    assert date.utcoffset() == timedelta(0)
    assert timedelta(0) <= datetime.now(UTC) - date < timedelta(hours=1)


@pytest.mark.real_data
def test_a_real_corpus_split_by_speaker_raises_no_warning(ravdess_folder):
    from ser_estimators.datasets import load_ravdess

    corpus = load_ravdess(ravdess_folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = evaluate(DummyClassifier(), corpus.data, corpus.target, corpus.speakers, n_jobs=2)
    assert report.main.leaks == []
