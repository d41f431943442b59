"""Names of systems and corpora."""

import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from ser_estimators import make_ser_pipeline
from ser_estimators.evaluation import evaluate
from ser_estimators.evaluation._names import name_of_corpora, name_of_system
from ser_estimators.evaluation._sides import Side

from .helpers import Loudness


@pytest.mark.parametrize(
    ("estimator", "name"),
    [
        (DummyClassifier(), "DummyClassifier"),
        (make_ser_pipeline(), "MFCCTransformer + CNNEmbedder + ViewVotingClassifier"),
        (make_pipeline("passthrough", None, DummyClassifier()), "DummyClassifier"),
        (Pipeline([("nothing", "passthrough")]), "Pipeline"),
        (
            make_pipeline(StandardScaler(), make_pipeline(StandardScaler(), DummyClassifier())),
            "StandardScaler + StandardScaler + DummyClassifier",
        ),
        (
            GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()), {}),
            "GridSearchCV over StandardScaler + LogisticRegression",
        ),
        (
            make_pipeline(StandardScaler(), RandomizedSearchCV(LogisticRegression(), {})),
            "StandardScaler + RandomizedSearchCV over LogisticRegression",
        ),
        (VotingClassifier([("a", DummyClassifier())]), "VotingClassifier"),
    ],
)
def test_names_of_systems(estimator, name):
    assert name_of_system(estimator) == name


def side(*clips):
    return Side(list(clips), np.zeros(len(clips)), None)


def test_the_corpus_is_the_common_folder_of_its_files():
    assert name_of_corpora(side("/data/ravdess/Actor_01/a.wav", "/data/ravdess/b.wav"), None) == (
        "ravdess"
    )
    assert name_of_corpora(side("/data/ravdess/a.wav"), None) == "ravdess"
    assert name_of_corpora(side("/a.wav", "/b/c.wav"), None) == ""
    assert name_of_corpora(side("a.wav"), None) == Path.cwd().name
    assert name_of_corpora(side("voices/a.wav", "voices/../voices/b.wav"), None) == "voices"
    assert name_of_corpora(side(np.zeros(9)), None) == ""
    assert name_of_corpora(side("/x/\0/a.wav", "/x/b.wav"), None) in ("", "x")
    assert name_of_corpora(side(os.fsdecode(b"/data/f\xfcnf/a.wav")), None) == r"f\xfcnf"


def test_two_corpora():
    one, two = side("/data/ravdess/a.wav"), side("/data/crema/b.wav")
    assert name_of_corpora(one, two) == "ravdess, tested on crema"
    assert name_of_corpora(one, one) == "ravdess"
    assert name_of_corpora(side(np.zeros(9)), one) == ""


def test_names_in_the_report(voices):
    def run(**arguments):
        return evaluate(
            make_pipeline(Loudness()), voices.data, voices.target, voices.speakers, cv=2,
            check_leaks=False, **arguments,
        )  # fmt: skip

    report = run()
    assert report.name == "Loudness"
    assert report.corpus == Path(voices.data[0]).parent.parent.name
    report = run(name="system", corpus="voices")
    assert (report.name, report.corpus) == ("system", "voices")
    assert run(corpus="").corpus == ""
    for name in ("name", "corpus"):
        with pytest.raises(TypeError, match=f"{name} must be an instance of"):
            run(**{name: 3})
