"""SelectiveClassifier: calibration on held-out speakers, unsure answers, sets, inner models."""

import pickle
import re

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    cross_val_predict,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from ser_estimators import CNNEmbedder, SelectiveClassifier, SpeakerNormalizer, ViewVotingClassifier
from ser_estimators.exceptions import TrainingInterruptedWarning

EMOTIONS = np.array(["anger", "fear", "joy"])


def draw(n_speakers=8, n_clips=30, seed=0, spread=0.8):
    """Return clips of three classes, labels and speakers; every speaker has a voice."""
    rng = np.random.default_rng(seed)
    speakers = np.repeat(np.arange(n_speakers), n_clips)
    y = np.arange(len(speakers)) % 3
    voices = rng.normal(0, spread, size=(n_speakers, 5))
    centers = np.random.default_rng(1).normal(size=(3, 5))
    return centers[y] + voices[speakers] + rng.normal(size=(len(y), 5)), EMOTIONS[y], speakers


X, Y, SPEAKERS = draw()
NEW_X, NEW_Y, NEW_SPEAKERS = draw(60, seed=2)


def fit(model=None, **parameters):
    """Return a fitted overconfident classifier that is calibrated."""
    model = LogisticRegression(C=1e4) if model is None else model
    return SelectiveClassifier(model, **parameters).fit(X, Y, groups=SPEAKERS)


@parametrize_with_checks(
    [
        SelectiveClassifier(LogisticRegression()),
        SelectiveClassifier(make_pipeline(StandardScaler(), LogisticRegression()), threshold=0.3),
    ]
)
def test_sklearn_check(estimator, check):
    check(estimator)


def test_the_temperature_is_that_of_new_speakers():
    model = fit()
    plain = LogisticRegression(C=1e4).fit(X, Y)
    assert model.temperature_ > 1.2
    losses = [log_loss(NEW_Y, one.predict_proba(NEW_X)) for one in (model, plain)]
    assert losses[0] < losses[1]
    np.testing.assert_array_equal(model.predict(NEW_X), plain.predict(NEW_X))
    np.testing.assert_allclose(model.predict_proba(NEW_X).sum(axis=1), 1)
    np.testing.assert_allclose(model.predict_log_proba(NEW_X), np.log(model.predict_proba(NEW_X)))
    # Without speakers, the model meets the same voices again, and seems better than it is.
    alone = SelectiveClassifier(LogisticRegression(C=1e4)).fit(X, Y)
    assert alone.temperature_ < model.temperature_


def test_a_fixed_temperature():
    model = fit(temperature=2)
    logs = LogisticRegression(C=1e4).fit(X, Y).predict_log_proba(NEW_X[:9])
    expected = np.exp(logs / 2) / np.exp(logs / 2).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(NEW_X[:9]), expected, atol=1e-3)
    assert model.temperature_ == 2


def test_a_precision_is_reached_on_new_speakers():
    plain = LogisticRegression(C=1e4).fit(X, Y)
    assert accuracy_score(NEW_Y, plain.predict(NEW_X)) < 0.75
    model = fit(precision=0.8)
    found = model.predict(NEW_X)
    answered = found != "unsure"
    assert 0.1 < answered.mean() < 0.9
    assert accuracy_score(NEW_Y[answered], found[answered]) >= 0.8
    np.testing.assert_array_equal(
        answered, model.predict_proba(NEW_X).max(axis=1) >= model.threshold_
    )
    assert fit(precision=0.7).threshold_ <= model.threshold_
    assert fit(precision=0.8, confidence=0.5).threshold_ <= model.threshold_


def test_the_curve_of_answers():
    curve = fit(precision=0.8).coverage_curve_
    assert list(curve) == ["threshold", "answered", "precision", "low"]
    assert (np.diff(curve["threshold"]) < 0).all()
    assert (np.diff(curve["answered"]) > 0).all()
    assert curve["answered"][-1] == 1
    assert (curve["low"] <= curve["precision"]).all()


def test_a_threshold_of_the_user():
    model = fit(threshold=0.6)
    assert model.threshold_ == 0.6
    answered = model.predict_proba(NEW_X).max(axis=1) >= 0.6
    np.testing.assert_array_equal(model.predict(NEW_X) != "unsure", answered)
    assert 0 < answered.mean() < 1


def test_always_and_never_unsure():
    assert set(fit().predict(NEW_X)) == set(EMOTIONS)
    assert set(fit(threshold=0).predict(NEW_X)) == set(EMOTIONS)
    assert set(fit(threshold=1).predict(NEW_X)) == {"unsure"}


def test_a_precision_that_is_not_reached():
    message = (
        r"precision == 0.99 is not reached on clips that were held out: of the \d+% with the "
        r"highest probability, \d+% are right, and \d+% at least, with a certainty of 90%. All "
        "answers will be unsure; lower precision, or fit on more speakers"
    )
    with pytest.warns(UserWarning, match=message):
        model = fit(precision=0.99)
    assert model.threshold_ == np.inf
    assert set(model.predict(NEW_X[:5])) == {"unsure"}
    assert model.predict_proba(NEW_X[:5]).shape == (5, 3)


def test_nothing_can_be_held_out():
    rows = np.arange(3)
    with pytest.warns(UserWarning, match="no clip could be held out, so the prob.* not calibrated"):
        model = SelectiveClassifier(LogisticRegression()).fit(X[rows], Y[rows])
    assert (model.temperature_, model.threshold_) == (1, 0)
    assert {len(values) for values in model.coverage_curve_.values()} == {0}
    with pytest.warns(UserWarning, match="coverage == 0.5 needs more speakers.* allow 0 at most"):
        assert model.predict_set(X, coverage=0.5).all()
    with pytest.warns(UserWarning, match=r"not calibrated\. All answers will be unsure"):
        SelectiveClassifier(LogisticRegression(), precision=0.5).fit(X[rows], Y[rows])
    SelectiveClassifier(LogisticRegression(), temperature=1.0).fit(X[rows], Y[rows])  # no warning


def test_the_order_of_clips_does_not_matter():
    order = np.random.default_rng(0).permutation(len(X))
    first = SelectiveClassifier(LogisticRegression(), precision=0.6, cv=LeaveOneGroupOut())
    second = clone(first).fit(X[order], Y[order], groups=SPEAKERS[order])
    first.fit(X, Y, groups=SPEAKERS)
    assert second.temperature_ == pytest.approx(first.temperature_, rel=1e-3)
    assert second.threshold_ == pytest.approx(first.threshold_, rel=1e-3)
    np.testing.assert_allclose(second.conformal_scores_, first.conformal_scores_, atol=1e-3)


@pytest.mark.filterwarnings("ignore:all clips are of one speaker")
@pytest.mark.parametrize("n_speakers", [1, 2])
def test_few_speakers(n_speakers):
    known = n_speakers > SPEAKERS
    model = SelectiveClassifier(LogisticRegression(), precision=0.4)
    model.fit(X[known], Y[known], groups=SPEAKERS[known])
    assert np.isfinite(model.threshold_)
    assert len(model.conformal_scores_) == known.sum()


def test_a_class_of_one_clip():
    y = Y.astype(object)
    y[0] = "boredom"
    model = SelectiveClassifier(LogisticRegression()).fit(X, y, groups=SPEAKERS)
    assert model.classes_.tolist() == ["anger", "boredom", "fear", "joy"]
    assert len(model.conformal_scores_) == len(y) - 1
    assert model.predict_proba(X).shape == (len(X), 4)


def test_sets_cover_new_speakers():
    model = fit()
    column = np.searchsorted(EMOTIONS, NEW_Y)
    sizes = []
    for coverage in (0.5, 0.7, 0.85):
        sets = model.predict_set(NEW_X, coverage=coverage)
        assert sets.dtype == bool
        assert sets[np.arange(len(column)), column].mean() >= coverage
        assert sets[np.arange(len(sets)), model.predict_proba(NEW_X).argmax(axis=1)].all()
        sizes.append(sets.sum(axis=1).mean())
    assert sizes == sorted(sizes)
    with pytest.warns(UserWarning, match="coverage == 0.9 needs .*, which allow 0.889 at most, so"):
        assert model.predict_set(NEW_X, coverage=0.9).all()
    for coverage in (0, 1, 2.0):
        with pytest.raises(ValueError, match="coverage =="):
            model.predict_set(NEW_X, coverage=coverage)


@pytest.mark.parametrize(
    ("labels", "unsure"),
    [
        (EMOTIONS, "unsure"),
        (EMOTIONS.astype(object), "unsure"),
        (np.array(["a", "b", "c"]), "unsure"),
        (np.array([0, 1, 5]), -1),
        (np.array([-3, -1, 5]), -4),
        (np.array([0.0, 1.0, 5.0]), -1.0),
        (np.array([0, 1, 5], dtype=np.int8), -1),
    ],
)
def test_types_of_labels(labels, unsure):
    y = labels[np.searchsorted(EMOTIONS, Y)]
    model = SelectiveClassifier(LogisticRegression(), threshold=0.6).fit(X, y)
    found = model.predict(X)
    assert found.dtype.kind == labels.dtype.kind
    assert model.unsure_ == unsure
    assert set(found.tolist()) == {*labels.tolist(), unsure}
    if labels.dtype.kind != "U":
        assert found.dtype == labels.dtype


def test_labels_without_a_value_for_unsure_answers():
    y = Y == "joy"
    model = SelectiveClassifier(LogisticRegression()).fit(X, y)
    assert model.unsure_ is None
    assert model.predict(X).dtype == bool
    with pytest.raises(ValueError, match=r"the labels are \[False, True\] \(bool\), a type with"):
        SelectiveClassifier(LogisticRegression(), threshold=0.5).fit(X, y)
    y = np.where(y, "unsure", "joy")
    assert SelectiveClassifier(LogisticRegression()).fit(X, y).unsure_ is None
    with pytest.raises(ValueError, match="unsure == 'unsure', which is one of the labels"):
        SelectiveClassifier(LogisticRegression(), threshold=0.5).fit(X, y)
    y = np.searchsorted(EMOTIONS, Y).astype(np.uint8)
    model = SelectiveClassifier(LogisticRegression(), threshold=0.9, unsure=255).fit(X, y)
    assert (model.predict(X).dtype, model.predict(X).max()) == (np.uint8, 255)


@pytest.mark.parametrize(
    ("unsure", "error", "message"),
    [
        ("anger", ValueError, "unsure == 'anger', which is one of the labels"),
        (-1, TypeError, "unsure == -1, must be a string as the labels are"),
        (None, TypeError, "unsure == None, must be a string"),
    ],
)
def test_wrong_labels_of_unsure_answers(unsure, error, message):
    with pytest.raises(error, match=message):
        SelectiveClassifier(LogisticRegression(), threshold=0.5, unsure=unsure).fit(X, Y)
    with pytest.raises(error, match=message):
        SelectiveClassifier(LogisticRegression(), unsure=unsure).fit(X, Y)


def test_other_labels_of_unsure_answers():
    assert "no idea" in fit(threshold=0.9, unsure="no idea").predict(NEW_X)
    y = np.searchsorted(EMOTIONS, Y)
    model = SelectiveClassifier(LogisticRegression(), threshold=0.9, unsure=99).fit(X, y)
    assert 99 in model.predict(X)
    with pytest.raises(ValueError, match="unsure == 1.5, which does not fit the type"):
        SelectiveClassifier(LogisticRegression(), threshold=0.9, unsure=1.5).fit(X, y)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"precision": 0.5, "threshold": 0.5}, ValueError, "which exclude each other; set one"),
        ({"precision": 1.0}, ValueError, "precision == 1.0, must be < 1"),
        ({"precision": "high"}, TypeError, "precision must be an instance of"),
        ({"threshold": 1.1}, ValueError, "threshold == 1.1, must be <= 1"),
        *(
            ({name: np.nan}, ValueError, f"{name} == nan, must be finite")
            for name in ("precision", "threshold", "confidence")
        ),
        ({"confidence": 0}, ValueError, "confidence == 0, must be > 0"),
        ({"temperature": 0}, ValueError, "temperature == 0, must be > 0"),
        ({"temperature": np.inf}, ValueError, "temperature == inf, must be finite"),
        ({"temperature": "cold"}, ValueError, "temperature == 'cold', must be one of 'auto'"),
        ({"cv": 1}, ValueError, "cv == 1, must be >= 2"),
        ({"cv": "prefit"}, TypeError, "cv is 'prefit'; .* pass FrozenEstimator"),
        ({"cv": None}, TypeError, "cv is None; expected an int >= 2, a splitter"),
        ({"estimator": RidgeClassifier()}, TypeError, "which has no predict_proba; expected a"),
        ({"estimator": StandardScaler()}, TypeError, "expected a classifier"),
        ({"estimator": LogisticRegression}, TypeError, "expected a classifier"),
    ],
)
def test_wrong_parameters(parameters, error, message):
    model = SelectiveClassifier(LogisticRegression()).set_params(**parameters)
    with pytest.raises(error, match=message):
        model.fit(X, Y)


@pytest.mark.parametrize(
    ("y", "unsure"),
    [(Y == "joy", "auto"), (np.where(Y == "joy", "unsure", Y), "auto"), (Y, -1), (Y, "joy")],
)
def test_unsure_answers_are_checked_before_training(y, unsure):
    Spy.fits.clear()
    with pytest.raises((TypeError, ValueError), match="unsure"):
        SelectiveClassifier(Spy(), precision=0.5, unsure=unsure).fit(X, y)
    assert Spy.fits == []


def test_speakers_that_cannot_be_sorted():
    groups = np.empty(len(Y), dtype=object)
    groups[:] = [int(name) if name % 2 else f"{name:02}" for name in np.asarray(SPEAKERS, int)]
    mixed = SelectiveClassifier(LogisticRegression(), precision=0.6).fit(X, Y, groups=groups)
    same = SelectiveClassifier(LogisticRegression(), precision=0.6).fit(X, Y, groups=SPEAKERS)
    assert mixed.threshold_ == pytest.approx(same.threshold_, abs=0.1)


def test_missing_speakers():
    speakers = [None, *SPEAKERS[1:].tolist()]
    with pytest.raises(ValueError, match="groups has no speaker for 1 of 240 clips"):
        SelectiveClassifier(LogisticRegression()).fit(X, Y, groups=speakers)


def test_a_model_that_is_fitted_is_not_fitted_again():
    known = SPEAKERS < 4
    inner = LogisticRegression(C=1e4).fit(X[known], Y[known])
    before = inner.coef_.copy()
    model = SelectiveClassifier(FrozenEstimator(inner), precision=0.7)
    model.fit(X[~known], Y[~known], groups=SPEAKERS[~known])
    assert model.estimator_ is inner
    np.testing.assert_array_equal(inner.coef_, before)
    assert len(model.conformal_scores_) == (~known).sum()
    assert model.temperature_ != 1
    only_one = Y == "joy"
    model.set_params(precision=None).fit(X[only_one], Y[only_one])
    assert model.classes_.tolist() == EMOTIONS.tolist()
    with pytest.raises(ValueError, match=r"labels that the fitted .* not know, 'glee'; it knows"):
        model.fit(X[:2], ["joy", "glee"])
    with pytest.raises(sklearn.exceptions.NotFittedError):
        SelectiveClassifier(FrozenEstimator(LogisticRegression())).fit(X, Y)


class Spy(ClassifierMixin, BaseEstimator):
    """Remember the speakers of each fit, and the kinds of clips."""

    fits: list = []  # noqa: RUF012

    def fit(self, X, y, groups=None):
        self.fits.append((type(X), None if groups is None else set(groups)))
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


@pytest.mark.parametrize("is_routed", [False, True])
def test_steps_inside_receive_the_speakers_of_their_fold(is_routed):
    Spy.fits.clear()
    pipe = make_pipeline("passthrough", Spy())
    with sklearn.config_context(enable_metadata_routing=is_routed):
        if is_routed:
            pipe[-1].set_fit_request(groups=True)
        SelectiveClassifier(pipe, cv=GroupKFold(4)).fit(X, Y, groups=SPEAKERS)
    everybody, *folds = [speakers for _, speakers in Spy.fits]
    assert everybody == set(range(8))
    assert sorted(map(len, folds)) == [6, 6, 6, 6]


@pytest.mark.parametrize("kind", [list, tuple, "frame", "series"])
def test_clips_stay_what_they_are(kind):
    Spy.fits.clear()
    clips = [f"{number}.wav" for number in range(len(Y))]
    if isinstance(kind, str):
        pd = pytest.importorskip("pandas")
        clips = pd.DataFrame({"a": range(len(Y))}) if kind == "frame" else pd.Series(clips)
    else:
        clips = kind(clips)
    SelectiveClassifier(Spy()).fit(clips, Y)
    assert len(Spy.fits) == 4
    assert {found for found, _ in Spy.fits} <= {type(clips), list}


def test_splitters_and_iterables():
    folds = list(KFold(4).split(X))
    first = SelectiveClassifier(LogisticRegression(), cv=folds).fit(X, Y)
    second = SelectiveClassifier(LogisticRegression(), cv=KFold(4)).fit(X, Y)
    assert first.temperature_ == second.temperature_
    with pytest.raises(ValueError, match="The 'groups' parameter should not be None"):
        SelectiveClassifier(LogisticRegression(), cv=GroupKFold(3)).fit(X, Y)


def test_probabilities_of_zero():
    """A forest is sure of what it has seen; one wrong certainty does not flatten all others."""
    model = fit(RandomForestClassifier(10, random_state=0))
    assert 1 < model.temperature_ < 8
    assert np.isfinite(model.predict_log_proba(NEW_X)).all()


def voting():
    lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1)
    return ViewVotingClassifier(lda, normalizer=SpeakerNormalizer())


def adapting():
    return make_pipeline(StandardScaler(), voting())


def test_a_model_that_adapts_to_speakers():
    model = fit(adapting(), precision=0.7)
    assert model.speaker_threshold_ < model.threshold_
    alone, adapted = model.predict(NEW_X), model.predict(NEW_X, groups=NEW_SPEAKERS)
    shares = [np.mean(found != "unsure") for found in (alone, adapted)]
    assert shares[1] > shares[0]
    answered = adapted != "unsure"
    assert np.mean(adapted[answered] == NEW_Y[answered]) >= 0.7
    assert model.score(NEW_X, NEW_Y, groups=NEW_SPEAKERS) > model.score(NEW_X, NEW_Y)
    sets = model.predict_set(NEW_X, NEW_SPEAKERS, coverage=0.8)
    assert sets.sum() < model.predict_set(NEW_X, coverage=0.8).sum()


def test_speakers_that_nothing_adapts_to():
    model = fit()
    assert model.speaker_threshold_ == model.threshold_
    with pytest.raises(ValueError, match="groups was passed, but the LogisticRegression does not"):
        model.predict(NEW_X, groups=NEW_SPEAKERS)


def test_speakers_in_a_pipeline():
    pipe = make_pipeline(StandardScaler(), SelectiveClassifier(voting(), threshold=0.5))
    pipe.fit(X, Y, selectiveclassifier__groups=SPEAKERS)
    expected = pipe[-1].predict(pipe[0].transform(NEW_X), groups=NEW_SPEAKERS)
    np.testing.assert_array_equal(pipe.predict(NEW_X, groups=NEW_SPEAKERS), expected)
    with sklearn.config_context(enable_metadata_routing=True):
        routed = clone(pipe).fit(X, Y, groups=SPEAKERS).predict(NEW_X, groups=NEW_SPEAKERS)
    np.testing.assert_array_equal(routed, expected)


def test_cross_validation_and_search():
    model = SelectiveClassifier(LogisticRegression(), threshold=0.6)
    found = cross_val_predict(model, X, Y, groups=SPEAKERS, cv=GroupKFold(4))
    assert set(found) == {*EMOTIONS, "unsure"}
    search = GridSearchCV(
        make_pipeline(StandardScaler(), model),
        {"selectiveclassifier__estimator__C": [1e-4, 1.0]},
        scoring="neg_log_loss",
        cv=GroupKFold(4),
    )
    search.fit(X, Y, groups=SPEAKERS, selectiveclassifier__groups=SPEAKERS)
    assert search.best_params_ == {"selectiveclassifier__estimator__C": 1.0}
    inside = fit(GridSearchCV(adapting(), {"viewvotingclassifier__cv": [3]}, cv=GroupKFold(3)))
    assert inside.predict(NEW_X, groups=NEW_SPEAKERS).shape == NEW_Y.shape


def test_the_score_counts_unsure_answers_as_wrong():
    model = fit(threshold=0.6)
    assert model.score(NEW_X, NEW_Y) == np.mean(model.predict(NEW_X) == NEW_Y)
    assert model.score(NEW_X[:2], NEW_Y[:2], sample_weight=[0, 1]) in (0, 1)


def test_pickles_and_names_of_columns():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=list("abcde"))
    model = SelectiveClassifier(LogisticRegression(), precision=0.6)
    model.fit(frame, Y, groups=SPEAKERS)
    assert model.feature_names_in_.tolist() == list("abcde")
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(frame), model.predict(frame))
    model.fit(X, Y)
    assert not hasattr(model, "feature_names_in_")


def test_a_fit_that_fails_leaves_the_model_as_it_was():
    model = fit()
    before = model.predict_proba(NEW_X)
    with pytest.raises(ValueError, match="NaN"):
        model.fit(X * np.nan, Y)
    np.testing.assert_array_equal(model.predict_proba(NEW_X), before)


def test_an_interrupted_network_is_not_calibrated():
    class Interrupted(Spy):
        def fit(self, X, y, groups=None):
            import warnings

            warnings.warn("stopped", TrainingInterruptedWarning, stacklevel=1)
            return super().fit(X, y)

    with pytest.raises(KeyboardInterrupt, match="so nothing was calibrated; fit again"):
        SelectiveClassifier(Interrupted()).fit(X, Y)


def test_networks():
    cnn = CNNEmbedder(network="mlp", max_epochs=2, n_networks=1, random_state=0)
    model = SelectiveClassifier(cnn, cv=2).fit(X, Y, groups=SPEAKERS)
    assert model.predict(X).shape == Y.shape


def test_one_class():
    with pytest.warns(UserWarning, match="no clip could be held out"):
        model = SelectiveClassifier(DummyClassifier()).fit(X, ["joy"] * len(X))
    assert set(model.predict(X)) == {"joy"}


def test_the_repr_is_short():
    assert re.fullmatch(
        r"SelectiveClassifier\(estimator=LogisticRegression\(\), precision=0.8\)",
        repr(SelectiveClassifier(LogisticRegression(), precision=0.8)),
    )
