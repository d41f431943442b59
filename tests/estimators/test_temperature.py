"""Temperatures of classifiers that know their training clips."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_softmax
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from ser_estimators import SpeakerNormalizer, ViewVotingClassifier
from ser_estimators._estimators.temperature import (
    temperature_of_confidence,
    training_temperatures,
)

LDA = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.4)


def confidence(scores, temperature):
    return np.exp(log_softmax(scores / temperature, axis=1)).max(axis=1).mean()


@given(
    st.floats(0.4, 0.95),
    st.floats(0.1, 1000),
    st.integers(2, 8),
    st.integers(0, 1000),
)
def test_the_confidence_is_reached(wanted, scale, n_classes, seed):
    scores = scale * np.random.default_rng(seed).normal(size=(50, n_classes))
    temperature = temperature_of_confidence(scores, wanted)
    if temperature > 0.11 and wanted > 1 / n_classes:
        assert confidence(scores, temperature) == pytest.approx(wanted, abs=1e-3)


def test_scores_that_are_all_the_same():
    assert temperature_of_confidence(np.zeros((5, 3)), 0.9) == pytest.approx(0.1)
    certain = np.where(np.eye(3) > 0, 0.0, -1e9)
    assert temperature_of_confidence(certain, 0.5) > 1e8


def test_the_fewer_speakers_the_less_certain():
    scores = 40 * np.random.default_rng(0).normal(size=(60, 4))
    found = [
        training_temperatures(scores, scores, np.resize(np.arange(n), 60)) for n in (3, 6, 12, 60)
    ]
    alone, adapted = np.array(found).T
    assert (np.diff(alone) < 0).all()
    np.testing.assert_allclose(adapted, adapted[0])
    assert (alone[:3] > adapted[:3]).all()
    assert alone[3] == adapted[3]  # never more certain than with the speakers
    unknown = training_temperatures(scores, scores, None)
    assert adapted[0] < unknown[0] < alone[0]
    some = np.where(np.arange(60) < 6, None, "a")
    assert training_temperatures(scores, scores, some) == pytest.approx(found[0])


@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_columns_that_know_the_labels(scale):
    """Probabilities of new clips are no certainties, however far apart the classes are."""
    rng = np.random.default_rng(0)
    y = np.tile([0, 1, 2], 60)
    speakers = np.repeat(np.arange(6), 30)
    known = np.eye(3)[y] + scale * 1e-4 * rng.normal(size=(180, 3))
    voting = ViewVotingClassifier(LDA, normalizer=SpeakerNormalizer(), temperature="training")
    voting.fit(known, y, groups=speakers)
    assert voting.temperature_ > voting.speaker_temperature_
    assert voting.predict_proba(known).max(axis=1).mean() == pytest.approx(1 - 2 / 6, abs=0.01)
    adapted = voting.predict_proba(known, groups=speakers).max(axis=1).mean()
    assert adapted == pytest.approx(0.9, abs=0.01)
    unknown = voting.fit(known, y).predict_proba(known).max(axis=1).mean()
    assert unknown == pytest.approx(0.7, abs=0.01)
