"""cross_corpus: training on each corpus, and testing on all of them."""

import json
import shutil
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils import Bunch

from ser_estimators import SpeakerNormalizer, ViewVotingClassifier
from ser_estimators.evaluation import CrossCorpus, cross_corpus
from ser_estimators.exceptions import AudioReadError, LeakWarning

N = 60


def make_corpus(seed, *, shift=0.0, spread=0.0, emotions=("anger", "fear", "sadness")):
    """Return clips as rows of a table, whose classes are told apart by one column each."""
    rng = np.random.default_rng(seed)
    target = np.resize(emotions, N)
    order = sorted({"anger", "fear", "joy", "sadness"})
    data = rng.normal(size=(N, 4)) * 0.5
    data[np.arange(N), [order.index(one) for one in target]] += 2
    speakers = np.repeat(["1", "2", "3", "4"], N // 4)
    data[:, 0] += shift + np.repeat(spread * rng.normal(size=4), N // 4)
    return Bunch(data=list(data), target=target, speakers=speakers)


CORPORA = {
    "near": make_corpus(0),
    "like it": make_corpus(1),
    "far": make_corpus(2, shift=9.0, emotions=("anger", "fear", "sadness", "joy")),
}


class Recorder(ClassifierMixin, BaseEstimator):
    """Remembers the numbers of clips and the labels of each fit."""

    fits: ClassVar = []

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        Recorder.fits.append((len(X), self.classes_.tolist()))
        return self

    def predict(self, X):
        return np.resize(self.classes_, len(X))


@pytest.fixture(scope="module")
def found():
    return cross_corpus(LogisticRegression(max_iter=1000), CORPORA, cv=2)


def test_scores(found):
    matrix = found.matrix()
    assert matrix.shape == (3, 3)
    # Within a corpus, and on one that is like it, everything is right; elsewhere, it is not.
    assert matrix[:2, :2].min() > 0.9
    assert matrix[2, 2] > 0.9
    assert matrix[0, 2] < 0.5
    assert found.emotions == ["anger", "fear", "sadness"]
    assert found.chance == pytest.approx(1 / 3)
    score = found.score("near", "far")
    assert score.low <= score.balanced_accuracy <= score.high
    assert (score.n_clips, score.n_speakers) == (45, 4)
    assert not found.is_adapted


def test_the_score_is_that_of_a_plain_fit(found):
    near, like = CORPORA["near"], CORPORA["like it"]
    model = LogisticRegression(max_iter=1000).fit(near.data, near.target)
    predicted = model.predict(like.data)
    recalls = [np.mean(predicted[like.target == one] == one) for one in found.emotions]
    assert found.score("near", "like it").balanced_accuracy == pytest.approx(np.mean(recalls))


def test_one_model_is_tested_on_all_other_corpora():
    Recorder.fits = []
    cross_corpus(Recorder(), CORPORA, cv=2)
    # Two folds of each corpus, and all of its clips.
    assert len(Recorder.fits) == 9
    assert sorted(n for n, _ in Recorder.fits)[-2:] == [60, 60]
    assert all(labels == ["anger", "fear", "sadness"] for _, labels in Recorder.fits)


def test_speakers():
    voting = ViewVotingClassifier(LogisticRegression(max_iter=1000), normalizer=SpeakerNormalizer())
    corpora = {
        name: make_corpus(seed, shift=shift, spread=2.0)
        for seed, (name, shift) in enumerate({"near": 0.0, "like it": 0.0, "far": 9.0}.items())
    }
    found = cross_corpus(voting, corpora, cv=2)
    assert found.is_adapted
    assert found.score("near", "far").balanced_accuracy < 0.7
    # The distance between two corpora is part of the mean of each speaker.
    assert found.score("near", "far", adapted=True).balanced_accuracy > 0.9
    assert found.matrix(adapted=True).shape == (3, 3)
    text = str(found)
    assert text.count("\ntrained on ") == 2
    assert "adapted to each speaker of the test clips, without labels" in text


def test_text(found):
    lines = str(found).splitlines()
    assert max(map(len, lines)) <= 79
    assert "! " not in str(found)
    assert lines[:2] == ["LogisticRegression", "3 shared emotions: anger, fear, sadness"]
    near = next(line for line in lines if line.startswith("near"))
    assert near.count("*") == 1
    assert f"{found.score('near', 'far').balanced_accuracy:.3f}" in near
    assert repr(found) == "CrossCorpus(name='LogisticRegression', 3 corpora, 3 emotions)"


def test_many_corpora_with_long_names():
    corpora = {f"{'corpus' * 5} {number}": make_corpus(number) for number in range(5)}
    lines = str(cross_corpus(DummyClassifier(), corpora, cv=2)).splitlines()
    assert max(map(len, lines)) <= 79
    assert sum(line.startswith("trained on ") for line in lines) == 2
    # The end tells them apart.
    assert {line.split("  ")[0] for line in lines if "*" in line[:79] and "±" in line} == {
        f"corpus...rpus {number}" for number in range(5)
    }


def test_names_that_are_the_same_when_shortened():
    corpora = {f"calls of {part} in 2023": make_corpus(seed) for seed, part in enumerate("ab")}
    lines = str(cross_corpus(DummyClassifier(), corpora, cv=2)).splitlines()
    rows = [line for line in lines if "±" in line and "*" in line]
    assert [row.split("  ")[0] for row in rows[:2]] == ["1: cal...n 2023", "2: cal...n 2023"]
    assert "1: cal...n 2023" in next(line for line in lines if line.startswith("trained on"))


def test_json_and_frame(found):
    content = json.loads(found.to_json())
    assert content["corpora"] == list(CORPORA)
    assert content["scores"][0]["balanced_accuracy"] == found.scores[0].balanced_accuracy
    frame = found.to_frame()
    assert len(frame) == 9
    assert frame["tested"].tolist()[:3] == list(CORPORA)


def test_one_speaker():
    one = {
        name: Bunch(**corpus | {"speakers": np.full(N, "1")}) for name, corpus in CORPORA.items()
    }
    with pytest.raises(
        ValueError, match="the corpus 'near' has one speaker of the shared emotions"
    ):
        cross_corpus(DummyClassifier(), one, cv=2)


def test_a_class_of_one_speaker_is_found_before_anything_is_trained():
    rare = make_corpus(1, emotions=("fear",))
    rare.target = np.where(rare.speakers == "4", "anger", "fear")
    Recorder.fits = []
    with pytest.raises(ValueError, match=r"corpus 'rare', fold \d: all training clips are 'fear'"):
        cross_corpus(Recorder(), {"near": CORPORA["near"], "rare": rare}, cv=2)
    assert not Recorder.fits


def test_files_are_read_before_anything_is_trained(voices):
    half = len(voices.data) // 2
    parts = {"first": slice(0, half), "second": slice(half, None)}
    corpora = {
        name: Bunch(
            data=list(voices.data[part]),
            target=voices.target[part],
            speakers=voices.speakers[part],
        )
        for name, part in parts.items()
    }
    Path("bad.wav").write_bytes(b"RIFF")
    corpora["second"].data[3] = "bad.wav"
    Recorder.fits = []
    with pytest.raises(AudioReadError, match=r"bad\.wav"):
        cross_corpus(Recorder(), corpora, cv=2)
    assert not Recorder.fits
    shutil.copy(corpora["first"].data[0], "copy.wav")
    corpora["second"].data[3] = "copy.wav"
    with pytest.warns(LeakWarning, match="in both training and test: 1 pair") as found:
        result = cross_corpus(Recorder(), corpora, cv=2)
    assert len(found) == 1
    assert result.leaks == [("first", "second", 1)]
    assert json.loads(result.to_json())["leaks"] == [
        {"first": "first", "second": "second", "n_pairs": 1}
    ]
    text = " ".join(str(result).split())
    assert "! The same recording is in both first and second, in 1 pair of clips: the sco" in text
    assert "Those of 3 speakers are unreliable" in text


def test_resume():
    Recorder.fits = []
    first = cross_corpus(Recorder(), CORPORA, cv=2, resume="store")
    again = cross_corpus(Recorder(), CORPORA, cv=2, resume="store")
    assert len(Recorder.fits) == 9
    assert again.scores == first.scores


def test_verbose(capsys):
    cross_corpus(DummyClassifier(), CORPORA, cv=2, verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "[cross_corpus] without joy, which not all corpora have"
    assert lines[1] == "[cross_corpus] training on near"
    starts = [line.partition(":")[0] for line in lines[2:8]]
    assert starts == [
        f"[evaluate] {name}"
        for name in (
            "speaker-independent, fold 1/2",
            "speaker-independent, fold 2/2",
            "other corpus",
        )
        for _ in range(2)
    ]


def test_labels_that_are_numbers(capsys):
    corpora = {
        name: Bunch(**corpus | {"target": np.unique(corpus.target, return_inverse=True)[1]})
        for name, corpus in CORPORA.items()
    }
    found = cross_corpus(LogisticRegression(max_iter=1000), corpora, cv=2, verbose=1)
    assert "without 3, which not all corpora have" in capsys.readouterr().out
    assert "3 shared emotions: 0, 1, 2" in str(found)
    corpora = {"a": corpora["near"], "b": Bunch(**corpora["near"] | {"target": np.arange(60) + 5})}
    with pytest.raises(ValueError, match=r"0 emotions in common.*\(a: 0, 1, 2; b: 5, "):
        cross_corpus(LogisticRegression(), corpora, cv=2)


def test_names():
    assert cross_corpus(DummyClassifier(), CORPORA, cv=2, name="guess").name == "guess"
    pipe = make_pipeline(LogisticRegression(max_iter=1000))
    assert cross_corpus(pipe, CORPORA, cv=2).name == "LogisticRegression"


@pytest.mark.parametrize(
    ("corpora", "message"),
    [
        ({"near": CORPORA["near"]}, "corpora has one corpus, 'near'; expected two or more"),
        ({}, "corpora is empty"),
        (
            {"a": CORPORA["near"], "b": make_corpus(0, emotions=("anger", "joy"))},
            "have 1 emotion in common; expected two or more",
        ),
        (
            {"a": make_corpus(0, emotions=("fear",)), "b": make_corpus(0, emotions=("joy",))},
            "have 0 emotions in common; expected two or more .a: fear; b: joy",
        ),
    ],
)
def test_corpora_that_cannot_be_compared(corpora, message):
    with pytest.raises(ValueError, match=message):
        cross_corpus(DummyClassifier(), corpora, cv=2)


def test_a_missing_score(found):
    with pytest.raises(KeyError, match="and tested on 'nowhere'; the corpora are"):
        found.score("near", "nowhere")
    with pytest.raises(KeyError, match="no score that is adapted to speakers"):
        found.matrix(adapted=True)
    assert isinstance(found, CrossCorpus)
