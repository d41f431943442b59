"""Warnings of SelectiveClassifier about what could not be calibrated."""

import warnings

import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from ser_estimators import SelectiveClassifier, SpeakerNormalizer
from ser_estimators._estimators.calibration import explain_failure
from ser_estimators._estimators.held_out import HeldOut

RNG = np.random.default_rng(0)
Y = np.tile(["anger", "joy"], 40)
X = RNG.normal(size=(80, 3)) + (Y == "joy")[:, None]
SPEAKERS = np.repeat(["1", "2", "3", "4"], 20)
ONE = "all clips are of one speaker, so none could be held out: for other speakers, the prob"


@pytest.mark.parametrize("parameters", [{}, {"precision": 0.3, "temperature": 1.0}])
def test_one_speaker(parameters):
    model = SelectiveClassifier(LogisticRegression(), **parameters)
    with pytest.warns(UserWarning, match=ONE):
        model.fit(X[:20], Y[:20], groups=SPEAKERS[:20])


@pytest.mark.parametrize(
    ("model", "groups"),
    [
        # Perhaps it was adapted to this speaker, and is meant for no other.
        (SelectiveClassifier(FrozenEstimator(LogisticRegression().fit(X, Y))), ["1"] * 80),
        (SelectiveClassifier(LogisticRegression(), temperature=1.0, threshold=0.5), ["1"] * 80),
        (SelectiveClassifier(LogisticRegression()), SPEAKERS),
        (SelectiveClassifier(LogisticRegression()), None),
    ],
)
def test_nothing_to_warn_of(model, groups):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, Y, groups=groups)


@pytest.mark.parametrize(
    ("alone", "adapted", "which"),
    [
        (np.inf, np.inf, ""),
        (np.inf, 0.5, " without groups in predict"),
        (0.5, np.inf, " with groups in predict"),
        (0.5, 0.4, None),
    ],
)
def test_precision_is_reached_with_or_without_speakers(alone, adapted, which):
    model = SelectiveClassifier(make_pipeline(SpeakerNormalizer(), LogisticRegression()))
    model.fit(X, Y, groups=SPEAKERS).set_params(precision=0.95)
    model.threshold_, model.speaker_threshold_ = alone, adapted
    curve = {"answered": [0.1, 0.2], "precision": [0.9, 0.8], "low": [0.5, 0.6]}
    other = {"answered": [0.3, 0.4], "precision": [0.7, 0.6], "low": [0.4, 0.3]}
    for name, values in (("coverage_curve_", curve), ("speaker_coverage_curve_", other)):
        setattr(model, name, {key: np.array(one) for key, one in values.items()})
    held_out = HeldOut(np.zeros((2, 2)), np.zeros((2, 2)), np.array([0, 1]), np.array(["1", "2"]))
    text = explain_failure(model, held_out)
    if which is None:
        assert text == ""
        return
    numbers = "40% with the highest probability, 60% are right, and 30% at least"
    if np.isinf(alone):
        numbers = "20% with the highest probability, 80% are right, and 60% at least"
    assert f"precision == 0.95 is not reached{which} on clips that were held out: of the" in text
    assert f"All answers{which} will be unsure; lower precision" in text
    assert (numbers in text) == np.isinf(alone)
