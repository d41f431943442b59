"""adapt_model: the last step of a trained model is fitted to a few labeled clips."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ser_estimators import (
    AcousticFeatures,
    SelectiveClassifier,
    SpeakerNormalizer,
    ViewVotingClassifier,
    adapt_model,
    load_model,
    save_model,
)
from ser_estimators._estimators.linear_adaptation import adapt_coefficients
from ser_estimators._utils.pipelines import iter_steps
from ser_estimators.exceptions import AudioReadError

RNG = np.random.default_rng(0)
CLASSES = np.array(["anger", "fear", "sadness"])
CENTERS = RNG.normal(size=(3, 20))
LDA = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5)
LASTS = {
    "logistic regression": LogisticRegression(),
    "discriminant analysis": LDA,
    "voting": ViewVotingClassifier(LDA, n_views=2, n_members=2, temperature=2.0),
    "normalized": ViewVotingClassifier(
        make_pipeline(StandardScaler(), LDA), normalizer=SpeakerNormalizer()
    ),
    "statistics": ViewVotingClassifier(LDA, n_statistics=8, normalizer=SpeakerNormalizer()),
}


def draw(n_clips, *, shift=0.0, seed=0):
    """Return clips of each class, shifted like those of an unusual speaker."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(3), n_clips)
    turned = CENTERS[(y + 1) % 3] if shift else 0
    return CENTERS[y] + shift * turned + rng.normal(size=(len(y), 20)), CLASSES[y]


X, Y = draw(30)
GROUPS = np.tile(list("abcdef"), 15)
# A speaker whose emotions sound like others of the training speakers.
OWN, OWN_Y = draw(8, shift=1.2, seed=1)
REST, REST_Y = draw(50, shift=1.2, seed=2)


def fit(last):
    pipe = make_pipeline(StandardScaler(), clone(last))
    name = pipe.steps[-1][0]
    is_voting = isinstance(last, ViewVotingClassifier)
    return pipe.fit(X, Y, **({f"{name}__groups": GROUPS} if is_voting else {}))


@pytest.mark.parametrize("name", LASTS)
def test_few_clips_help(name):
    model = fit(LASTS[name])
    before = model.predict_proba(REST)
    own = adapt_model(model, OWN, OWN_Y)
    assert own.score(REST, REST_Y) > model.score(REST, REST_Y) + 0.1
    # The model itself is left as it is.
    np.testing.assert_array_equal(model.predict_proba(REST), before)
    assert own.classes_.tolist() == CLASSES.tolist()
    np.testing.assert_allclose(own.predict_proba(REST).sum(axis=1), 1)


@pytest.mark.parametrize("name", LASTS)
def test_tiny_C_changes_nothing(name):
    model = fit(LASTS[name])
    own = adapt_model(model, OWN, OWN_Y, C=1e-9)
    np.testing.assert_allclose(own.predict_proba(REST), model.predict_proba(REST), atol=1e-4)


@pytest.mark.parametrize("last", [LogisticRegression(), LDA])
def test_two_classes(last):
    rows, own = Y != "fear", OWN_Y != "fear"
    model = make_pipeline(StandardScaler(), clone(last)).fit(X[rows], Y[rows])
    adapted = adapt_model(model, OWN[own], OWN_Y[own])
    assert adapted[-1].coef_.shape == (1, 20)
    test = REST_Y != "fear"
    assert adapted.score(REST[test], REST_Y[test]) > model.score(REST[test], REST_Y[test])


def test_classes_without_a_clip_keep_their_scores():
    model = fit(LogisticRegression())
    rows = OWN_Y != "fear"
    own = adapt_model(model, OWN[rows], OWN_Y[rows])
    last, adapted = model[-1], own[-1]
    np.testing.assert_array_equal(adapted.coef_[1], last.coef_[1])
    assert adapted.intercept_[1] == last.intercept_[1]
    assert not np.allclose(adapted.coef_[0], last.coef_[0])
    # What the others gain, they lose together.
    np.testing.assert_allclose(adapted.coef_[[0, 2]].sum(axis=0), last.coef_[[0, 2]].sum(axis=0))


@given(st.floats(0.01, 100), st.floats(0.1, 10), st.integers(0, 1000), st.lists(st.integers(0, 2)))
def test_the_objective_is_at_its_minimum(C, temperature, seed, more):
    """The derivative of what is documented vanishes."""
    rng = np.random.default_rng(seed)
    codes = np.array([0, 2, *more])
    present, rows, counts = np.unique(codes, return_inverse=True, return_counts=True)
    table = rng.normal(size=(len(codes), 4))
    coef, intercept = rng.normal(size=(3, 4)), rng.normal(size=3)
    new_coef, new_intercept = adapt_coefficients(
        table, codes, coef, intercept, C=C, temperature=temperature
    )
    scores = ((table @ new_coef.T + new_intercept) / temperature)[:, present]
    probabilities = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    probabilities[np.arange(len(codes)), rows] -= 1
    weight = len(codes) / (len(present) * counts[rows])
    moved = (new_coef - coef)[present] / temperature
    gradient = (probabilities * weight[:, None]).T @ table + moved / C
    np.testing.assert_allclose(gradient, 0, atol=2e-3)


def test_from_recordings_to_files(voices):
    rows = [i for i, speaker in enumerate(voices.speakers) if speaker in ("01", "02")]
    others = [i for i in range(len(voices.data)) if i not in rows]
    features = AcousticFeatures(features=("rms", "centroid", "pitch"), statistics=("mean", "std"))
    pipe = make_pipeline(features, SpeakerNormalizer(), LogisticRegression())
    pipe.fit([voices.data[i] for i in others], voices.target[others])
    own = adapt_model(pipe, [voices.data[i] for i in rows], voices.target[rows])
    expected = own.predict_proba(voices.data)
    save_model(own, "own.safetensors")
    for copied in (load_model("own.safetensors"), pickle.loads(pickle.dumps(own))):
        np.testing.assert_allclose(copied.predict_proba(voices.data), expected, atol=1e-6)
    # And once more, with other clips.
    again = adapt_model(own, voices.data[:6], voices.target[:6])
    assert not np.allclose(again.predict_proba(voices.data), expected)
    with pytest.raises(AudioReadError, match="there is no such file"):
        adapt_model(pipe, [*voices.data[:3], "missing.wav"], [*voices.target[:3], "anger"])


def test_the_best_pipeline_of_a_search():
    search = GridSearchCV(make_pipeline(StandardScaler(), LDA), {}, cv=2).fit(X, Y)
    own = adapt_model(search, OWN, OWN_Y)
    assert isinstance(own, Pipeline)
    assert own.score(REST, REST_Y) > search.score(REST, REST_Y)


def test_the_scale_of_the_columns_has_no_effect():
    """As much as one clip can move the scores, for columns of any scale."""
    scores = []
    for scale in (0.01, 1, 100):
        lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5)
        model = make_pipeline(lda).fit(scale * X, Y)
        scores.append(adapt_model(model, scale * OWN, OWN_Y).score(scale * REST, REST_Y))
    assert max(scores) - min(scores) < 0.06
    assert min(scores) > model.score(100 * REST, REST_Y) + 0.1


def test_speakers():
    """Clips are normalized as they will be in prediction."""
    model = fit(LASTS["normalized"])
    names = np.repeat("new", len(OWN))
    rest = np.repeat("new", len(REST))
    own = adapt_model(model, OWN, OWN_Y, groups=names)
    alone = adapt_model(model, OWN, OWN_Y)
    assert own.score(REST, REST_Y, groups=rest) > model.score(REST, REST_Y, groups=rest)
    assert not np.allclose(own[-1].estimators_[0][-1].coef_, alone[-1].estimators_[0][-1].coef_)


def test_speakers_of_a_step_before():
    pipe = make_pipeline(SpeakerNormalizer(), LogisticRegression())
    pipe.fit(X, Y, speakernormalizer__groups=GROUPS)
    names = np.repeat("new", len(OWN))
    own = adapt_model(pipe, OWN, OWN_Y, groups=names)
    expected = adapt_model(pipe[-1:], pipe[0].transform(OWN, groups=names), OWN_Y)
    np.testing.assert_array_equal(own[-1].coef_, expected[-1].coef_)


def test_speakers_that_are_all_unknown():
    model = fit(LASTS["normalized"])
    own, unknown = (
        adapt_model(model, OWN, OWN_Y, groups=groups) for groups in (None, [None] * len(OWN))
    )
    np.testing.assert_allclose(own.predict_proba(REST), unknown.predict_proba(REST), atol=1e-12)


@pytest.mark.parametrize("last", LASTS)
def test_nothing_is_shared_with_the_model(last):
    """The result can be changed and fitted without an effect on the model."""
    model = fit(LASTS[last])
    expected, params = model.predict_proba(REST), repr(model)
    own = adapt_model(model, OWN, OWN_Y)
    own[0].fit(5 + 3 * X)
    for _, estimator in list(iter_steps(own))[1:]:
        for name in estimator.get_params(deep=False):
            setattr(estimator, name, "other")
    assert repr(model) == params
    np.testing.assert_array_equal(model.predict_proba(REST), expected)


class Pipe(Pipeline):
    """A pipeline that may predict otherwise."""


def unrefitted():
    return GridSearchCV(make_pipeline(clone(LDA)), {}, cv=2, refit=False).fit(X, Y)


def test_text_in_place_of_numbers():
    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(OWN, np.unique(OWN_Y, return_inverse=True)[1])
    with pytest.raises(
        ValueError, match=r"y contains '0', .* did you mean 0\? expected some of 0, 1"
    ):
        adapt_model(model, OWN, np.unique(OWN_Y, return_inverse=True)[1].astype(str))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"C": 0}, ValueError, "C == 0, must be > 0"),
        ({"C": "much"}, TypeError, "C must be an instance of"),
        ({"C": np.inf}, ValueError, "C == inf, must be finite"),
        ({"y": np.where(OWN_Y == "fear", "panic", OWN_Y)}, ValueError, "y contains 'panic', which"),
        (
            {"y": np.full(24, "fear")},
            ValueError,
            "y has one class, 'fear'; expected clips of two",
        ),
        ({"X": OWN[:0], "y": []}, ValueError, "y has no labels; expected"),
        ({"y": OWN_Y[:-1]}, ValueError, "X has 24 clips and y has 23 labels; expected"),
        ({"y": "joy"}, TypeError, "y is 'joy'; expected a list with the label of each clip"),
        ({"X": [[0.0]], "y": ["joy"] * 2}, ValueError, "X has 1 clips and y has 2 labels"),
        (
            {"y": np.where(OWN_Y == "fear", "Fear", OWN_Y)},
            ValueError,
            "y contains 'Fear', .* did you mean 'fear'",
        ),
        (
            {"y": np.where(OWN_Y == "sadness", "sad", OWN_Y)},
            ValueError,
            "y contains 'sad', .* did you mean 'sadness'",
        ),
        (
            {"y": pd.Series([*OWN_Y[:-1], pd.NA], dtype="string")},
            ValueError,
            "no label for 1 of 24 clips, the first of which is clip 24",
        ),
        (
            {"model": LogisticRegression()},
            TypeError,
            "model is LogisticRegression.*fitted Pipeline",
        ),
        ({"model": Pipeline([])}, TypeError, "model is Pipeline"),
        ({"model": fit(SVC())}, TypeError, r"the model ends with SVC\(\); expected LogisticReg"),
        ({"model": SelectiveClassifier(fit(LDA))}, TypeError, "ends with a SelectiveClassifier, w"),
        (
            {"model": make_pipeline(SelectiveClassifier(LDA))},
            TypeError,
            r"fit another one to the result: SelectiveClassifier\(FrozenEstimator\(adapted",
        ),
        ({"model": Pipe([("lr", LogisticRegression())])}, TypeError, "model is Pipe"),
        ({"model": make_pipeline(ViewVotingClassifier(SVC()))}, TypeError, "ends with SVC"),
        ({"model": unrefitted()}, TypeError, "no best pipeline to adapt; fit it with refit=True"),
        ({"groups": ["a"] * 24}, ValueError, "groups was passed, but the model does not adapt"),
        ({"X": np.where(OWN > 2, np.nan, OWN)}, ValueError, "contains NaN"),
        ({"X": OWN[:, :5]}, ValueError, "X has 5 features, but StandardScaler is expecting 20"),
        (
            {"model": fit(LogisticRegression())[-1:], "X": OWN[:, :5]},
            ValueError,
            "X has 5 features, but LogisticRegression is expecting 20",
        ),
        ({"model": make_pipeline(StandardScaler(), LDA)}, NotFittedError, "not fitted yet"),
    ],
)
def test_what_cannot_be_adapted(change, error, message):
    arguments = {"model": fit(LogisticRegression()), "X": OWN, "y": OWN_Y, **change}
    with pytest.raises(error, match=message):
        adapt_model(**arguments)
