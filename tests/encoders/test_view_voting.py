"""ViewVotingClassifier: views as clips of their own, temperature, checks of scikit-learn."""

import pickle

import numpy as np
import pytest
import sklearn
from scipy.special import softmax
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from ser_estimators import SpeakerNormalizer, ViewVotingClassifier, load_model, save_model
from ser_estimators._estimators.embedding_array import EmbeddingArray, blocks_of
from ser_estimators._estimators.speaker_folds import speaker_folds


def make_views(n_clips=120, n_views=3, n_features=6, seed=0):
    """Return the views of clips of three classes by six speakers, labels and speakers."""
    rng = np.random.default_rng(seed)
    y = np.array(["anger", "neutral", "sadness"])[np.arange(n_clips) % 3]
    speakers = np.arange(n_clips) // 3 % 6
    centers = {name: rng.normal(size=n_features) for name in np.unique(y)}
    own = 2 * rng.normal(size=(6, n_features))
    clips = np.stack([centers[name] for name in y]) + own[speakers]
    views = [clips + 0.7 * rng.normal(size=clips.shape) for _ in range(n_views)]
    return np.hstack(views), y, speakers


def test_each_view_is_a_clip_and_log_probabilities_are_averaged():
    X, y, _ = make_views()
    voting = ViewVotingClassifier(LogisticRegression(), n_views=3, temperature=2.0).fit(X, y)
    views = np.split(X, 3, axis=1)
    alone = LogisticRegression().fit(np.vstack(views), np.tile(y, 3))
    logs = np.mean([alone.predict_log_proba(view) for view in views], axis=0) / 2
    expected = np.exp(logs) / np.exp(logs).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(voting.predict_proba(X), expected, atol=1e-4)
    np.testing.assert_array_equal(voting.predict(X), voting.classes_[expected.argmax(axis=1)])
    np.testing.assert_allclose(voting.predict_log_proba(X), np.log(expected), atol=1e-3)
    assert voting.temperature_ == 2.0


def test_each_member_has_columns_and_a_classifier_of_its_own():
    X, y, _ = make_views()
    voting = ViewVotingClassifier(
        LogisticRegression(), n_views=3, n_members=2, temperature=1.0
    ).fit(X, y)
    assert len(voting.estimators_) == 2
    views = np.split(X, 3, axis=1)
    logs = []
    for columns in (slice(3), slice(3, 6)):
        parts = [view[:, columns] for view in views]
        alone = LogisticRegression().fit(np.vstack(parts), np.tile(y, 3))
        logs += [alone.predict_log_proba(part) for part in parts]
    mean = np.exp(np.mean(logs, axis=0))
    expected = mean / mean.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(voting.predict_proba(X), expected, atol=1e-4)


def test_one_view_is_the_classifier_itself():
    X, y, _ = make_views(n_views=1)
    voting = ViewVotingClassifier(LogisticRegression(), n_views=1, temperature=1).fit(X, y)
    np.testing.assert_allclose(
        voting.predict_proba(X), LogisticRegression().fit(X, y).predict_proba(X), atol=1e-9
    )


def test_the_temperature_lowers_the_log_loss_of_new_speakers():
    X, y, speakers = make_views(n_features=24)
    train = speakers < 4
    lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.01)
    voting = ViewVotingClassifier(make_pipeline(StandardScaler(), lda))
    voting.fit(X[train], y[train], groups=speakers[train])
    assert voting.temperature_ > 1.5
    plain = clone(voting).set_params(temperature=1.0).fit(X[train], y[train])
    losses = [
        log_loss(y[~train], model.predict_proba(X[~train]), labels=model.classes_)
        for model in (voting, plain)
    ]
    assert losses[0] < losses[1]
    np.testing.assert_array_equal(voting.predict(X), plain.predict(X))


def test_speakers_are_held_out():
    X, y, speakers = make_views(n_features=24)
    lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.01)
    known = ViewVotingClassifier(lda).fit(X, y)
    new = ViewVotingClassifier(lda).fit(X, y, groups=speakers)
    assert new.temperature_ > known.temperature_


def test_too_few_clips_for_a_temperature():
    X, y, _ = make_views(3)
    assert ViewVotingClassifier(LogisticRegression()).fit(X, y).temperature_ == 1.0


def test_a_single_speaker_is_divided_into_folds_of_clips():
    X, y, _ = make_views()
    alone = ViewVotingClassifier(LogisticRegression()).fit(X, y, groups=["a"] * len(y))
    assert alone.temperature_ == ViewVotingClassifier(LogisticRegression()).fit(X, y).temperature_


@pytest.mark.filterwarnings("ignore:Only one sample available")
def test_a_rare_class_does_not_prevent_calibration():
    """With one clip, or with clips of one speaker, a class is left out of the folds at times."""
    X, y, speakers = make_views(300, n_features=24)
    is_rare = y == "neutral"
    lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.01)
    expected = ViewVotingClassifier(lda).fit(X, y, groups=speakers).temperature_
    one_speaker = ~is_rare | (speakers == 0)
    for kept in (one_speaker, ~is_rare | (np.cumsum(is_rare) == 1)):
        voting = ViewVotingClassifier(lda).fit(X[kept], y[kept], groups=speakers[kept])
        assert expected / 4 < voting.temperature_ < 2 * expected
        assert voting.predict_proba(X).shape == (300, 3)


def test_blocks_come_from_the_encoder(tmp_path):
    X, y, speakers = make_views()
    lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5)
    expected = ViewVotingClassifier(lda, n_views=3, n_members=2).fit(X, y, groups=speakers)
    array = EmbeddingArray(X, (3, 2))
    for given in (array, array[::-1][::-1], pickle.loads(pickle.dumps(array)), array[:]):
        voting = ViewVotingClassifier(lda).fit(given, y, groups=speakers)
        assert (voting.n_views_, voting.n_members_) == (3, 2)
        np.testing.assert_array_equal(voting.predict_proba(X), expected.predict_proba(X))
    for plain in (np.asarray(array), array[:, :6], array[0], X.tolist()):
        assert blocks_of(plain) == (1, 1, 0)
    voting = ViewVotingClassifier(lda, n_views=1, n_members=1).fit(array, y)
    assert (voting.n_views_, voting.n_members_) == (1, 1)


def test_blocks_come_from_the_names_of_a_table():
    pd = pytest.importorskip("pandas")
    names = [
        f"speed{speed:g}_layer{layer}_{statistic}_{number}"
        for speed in (0.95, 1.0)
        for layer in (3, 12)
        for statistic in ("mean", "std")
        for number in range(2)
    ]
    assert blocks_of(pd.DataFrame(np.zeros((1, 16)), columns=names)) == (2, 2, 0)
    one_speed = [name.partition("_")[2] for name in names[:8]]
    assert blocks_of(pd.DataFrame(np.zeros((1, 8)), columns=one_speed)) == (1, 2, 0)
    assert blocks_of(pd.DataFrame(np.zeros((1, 9)), columns=[*one_speed, "age"])) == (1, 1, 0)
    assert blocks_of(pd.DataFrame(np.zeros((1, 2)))) == (1, 1, 0)


def make_statistics(n_clips, n_views=2, seed=0):
    """Return views of three columns each and four statistics, labels and speakers."""
    views, y, speakers = make_views(n_clips, n_views, n_features=3, seed=seed)
    statistics, _, _ = make_views(n_clips, 1, n_features=4, seed=seed + 1)
    return np.hstack([views, statistics]), y, speakers


@pytest.mark.parametrize(("n_clips", "weight"), [(120, 3.0), (256, 3.0), (512, 3 / 8)])
def test_statistics_have_a_classifier_of_their_own(n_clips, weight):
    X, y, _ = make_statistics(n_clips)
    voting = ViewVotingClassifier(LogisticRegression(), n_views=2, n_statistics=4, temperature=1)
    voting.fit(X, y)
    assert voting.statistics_weight_ == pytest.approx(weight)
    views = [X[:, :3], X[:, 3:6]]
    alone = LogisticRegression().fit(np.vstack(views), np.tile(y, 2))
    # Each view has a copy.
    others = LogisticRegression().fit(np.vstack([X[:, 6:]] * 2), np.tile(y, 2))
    logs = np.mean([alone.predict_log_proba(view) for view in views], axis=0)
    logs = (logs + weight * others.predict_log_proba(X[:, 6:])) / (1 + weight)
    np.testing.assert_allclose(voting.predict_proba(X), softmax(logs, axis=1), atol=1e-3)


def test_statistics_weigh_more_with_speakers():
    X, y, speakers = make_statistics(600, n_views=1)
    lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5)
    voting = ViewVotingClassifier(
        lda, n_statistics=4, normalizer=SpeakerNormalizer(), temperature=1
    ).fit(X, y, groups=speakers)
    weight = 3 * (256 / 600) ** 3
    assert voting.statistics_weight_ == pytest.approx(weight)
    assert voting.speaker_statistics_weight_ == 3
    weight = weight**0.01 * 3**0.99  # each speaker has about 100 clips
    normalized = SpeakerNormalizer().fit(X, groups=speakers).transform(X, groups=speakers)
    logs = lda.fit(normalized[:, :3], y).predict_log_proba(normalized[:, :3])
    logs = logs + weight * lda.fit(normalized[:, 3:], y).predict_log_proba(normalized[:, 3:])
    found = voting.predict_proba(X, groups=speakers)
    np.testing.assert_allclose(found, softmax(logs / (1 + weight), axis=1), atol=1e-3)
    assert np.abs(found - voting.predict_proba(X)).max() > 0.1


def test_a_single_clip_of_a_speaker_is_as_sure_as_without():
    X, y, speakers = make_statistics(600, n_views=1)
    voting = ViewVotingClassifier(
        LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.4),
        n_statistics=4,
        normalizer=SpeakerNormalizer(),
    ).fit(X[:400], y[:400], groups=speakers[:400])
    without = voting.predict_proba(X[400:]).max(axis=1).mean()
    alone = voting.predict_proba(X[400:], groups=np.arange(200)).max(axis=1).mean()
    many = voting.predict_proba(X[400:], groups=speakers[400:]).max(axis=1).mean()
    assert alone == pytest.approx(without, abs=0.03)
    assert many > max(alone, without)


@pytest.mark.parametrize("weight", [0, 0.5])
def test_weight_of_statistics_can_be_set(weight):
    X, y, speakers = make_statistics(600, n_views=1)
    voting = ViewVotingClassifier(
        LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5),
        n_statistics=4,
        statistics_weight=weight,
        normalizer=SpeakerNormalizer(),
        temperature=1,
    ).fit(X, y, groups=speakers)
    assert voting.statistics_weight_ == voting.speaker_statistics_weight_ == weight
    if weight == 0:
        expected = clone(voting).set_params(n_statistics=0).fit(X[:, :3], y, groups=speakers)
        for groups in (None, speakers):
            np.testing.assert_allclose(
                voting.predict_proba(X, groups=groups),
                expected.predict_proba(X[:, :3], groups=groups),
                atol=1e-9,
            )


def test_statistics_come_from_the_network(tmp_path):
    X, y, speakers = make_statistics(60)
    expected = ViewVotingClassifier(LogisticRegression(), n_views=2, n_statistics=4)
    expected.fit(X, y, groups=speakers)
    array = EmbeddingArray(X, (2, 1, 4))
    joined = np.concatenate([array[:20], array[20:]])
    copies = (array[::-1][::-1], pickle.loads(pickle.dumps(array)), joined, np.vstack([array]))
    for given in (array, *copies):
        voting = ViewVotingClassifier(LogisticRegression()).fit(given, y, groups=speakers)
        assert (voting.n_views_, voting.n_members_, voting.n_statistics_) == (2, 1, 4)
        np.testing.assert_array_equal(voting.predict_proba(X), expected.predict_proba(X))
    for other in (array[:, ::-1], array[:, :5], np.hstack([array, X]), np.vstack([array, X])):
        assert blocks_of(other) == (1, 1, 0)
    assert array[5:, :].blocks == array[[1, 2]].blocks == (2, 1, 4)
    loaded = load_model(save_model(expected, tmp_path / "voting.safetensors"))
    np.testing.assert_array_equal(loaded.predict_proba(X), expected.predict_proba(X))
    for name, value, message in [
        ("n_statistics_", 0, "has 2 classifiers; expected 1"),
        ("n_statistics_", 6, "a classifier of ViewVotingClassifier has 3 columns; expected 2"),
        ("statistics_weight_", -1.0, "statistics_weight_"),
    ]:
        broken = load_model(tmp_path / "voting.safetensors")
        setattr(broken, name, value)
        with pytest.raises(ValueError, match=message):
            save_model(broken, tmp_path / "broken.safetensors")


@pytest.mark.parametrize(
    ("n_statistics", "message"),
    [
        (10, r"X has 10 columns; expected more than n_statistics == 10"),
        (3, r"X has 7 columns before the statistics, which is not a multiple"),
        (-1, "n_statistics == -1, must be >= 0"),
        ("all", "n_statistics"),
    ],
)
def test_wrong_number_of_statistics(n_statistics, message):
    X, y, _ = make_statistics(30)
    voting = ViewVotingClassifier(LogisticRegression(), n_views=2, n_statistics=n_statistics)
    with pytest.raises(ValueError, match=message):
        voting.fit(X, y)


def test_statistics_come_from_the_names_of_a_table():
    pd = pytest.importorskip("pandas")
    names = ["cnnembedder0", "cnnembedder1", "statistics_mean_0", "statistics_slow_change_0"]
    assert blocks_of(pd.DataFrame(np.zeros((1, 4)), columns=names)) == (1, 1, 2)
    assert blocks_of(pd.DataFrame(np.zeros((1, 4)), columns=names[::-1])) == (1, 1, 0)
    assert blocks_of(pd.DataFrame(np.zeros((1, 2)), columns=names[2:])) == (1, 1, 0)
    prefixed = [f"cnn__{name}" for name in names]
    assert blocks_of(pd.DataFrame(np.zeros((1, 4)), columns=prefixed)) == (1, 1, 2)


def test_one_class():
    X, y, _ = make_views()
    with pytest.raises(ValueError, match="y has one class, 'anger'; expected two or more"):
        ViewVotingClassifier(LogisticRegression()).fit(X, ["anger"] * len(y))


def test_missing_speakers():
    X, y, speakers = make_views()
    some = speakers.astype(object)
    some[[5, 9]] = None, float("nan")
    message = "groups has no speaker for 2 of 120 clips, the first of which is clip 6; give each"
    with pytest.raises(ValueError, match=message):
        ViewVotingClassifier(LogisticRegression()).fit(X, y, groups=some)


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"estimator": "lda"}, TypeError, "estimator is 'lda'; expected a classifier"),
        ({"estimator": LogisticRegression}, TypeError, "expected a classifier"),
        ({"estimator": StandardScaler()}, TypeError, "expected a classifier"),
        ({"estimator": RidgeClassifier()}, TypeError, "which has no predict_proba"),
        ({"n_views": 0}, ValueError, "n_views == 0"),
        (
            {"n_views": 4},
            ValueError,
            r"18 columns, which is not a multiple of n_views \* n_members == 4 \* 1",
        ),
        ({"n_members": 4}, ValueError, r"n_members == 1 \* 4; .* set both to 'auto'"),
        ({"n_members": 0}, ValueError, "n_members == 0"),
        ({"n_members": "all"}, ValueError, "n_members == 'all', must be one of 'auto'"),
        ({"n_views": 2.0}, TypeError, "n_views"),
        ({"normalizer": "speaker"}, TypeError, "normalizer is 'speaker'; expected a SpeakerNorm"),
        (
            {"temperature": "hot"},
            ValueError,
            "must be 'auto', 'training' or a number",
        ),
        ({"temperature": 0}, ValueError, "temperature"),
        ({"temperature": float("inf")}, ValueError, "temperature"),
        ({"temperature": None}, TypeError, "temperature"),
        ({"cv": 1}, ValueError, "cv == 1"),
    ],
)
def test_wrong_parameters(params, error, message):
    X, y, _ = make_views()
    with pytest.raises(error, match=message):
        ViewVotingClassifier(LogisticRegression()).set_params(**params).fit(X, y)


def test_groups_of_another_length():
    X, y, speakers = make_views()
    with pytest.raises(ValueError, match="groups has 119 elements and X has 120 clips; expected"):
        ViewVotingClassifier(LogisticRegression()).fit(X, y, groups=speakers[1:])


@pytest.mark.parametrize("groups", ["ab", [["a", "b"]] * 120, None])
def test_groups_of_another_shape(groups):
    X, y, speakers = make_views()
    voting = ViewVotingClassifier(LogisticRegression(), normalizer=SpeakerNormalizer())
    voting.fit(X, y, groups=speakers)
    if groups is None:
        column = speakers.reshape(-1, 1)
        np.testing.assert_array_equal(
            voting.predict(X, groups=column), voting.predict(X, groups=speakers)
        )
        return
    message = r"groups has the shape \(.*\); expected \(120,\), a speaker for each clip"
    with pytest.raises(ValueError, match=message):
        voting.predict(X, groups=groups)
    with pytest.raises(ValueError, match=message):
        voting.fit(X, y, groups=groups)


def test_a_clip_is_the_surer_the_more_clips_of_its_speaker_there_are():
    X, y, speakers = make_views(240)
    voting = ViewVotingClassifier(
        LogisticRegression(), normalizer=SpeakerNormalizer(), temperature="training"
    ).fit(X, y, groups=speakers)
    low, high = voting.speaker_temperature_, voting.temperature_
    groups = np.array(["a"] * 100 + ["b"] * 2 + ["c", None], dtype=object)
    found = voting._clip_temperatures(len(groups), groups)
    expected = [low**0.99 * high**0.01] * 100 + [np.sqrt(low * high)] * 2 + [high] * 2
    np.testing.assert_allclose(found, expected)
    np.testing.assert_allclose(voting._clip_temperatures(3, None), high)


def test_speakers_in_prediction():
    X, y, speakers = make_views(240)
    is_train = speakers < 4
    voting = ViewVotingClassifier(LogisticRegression(), n_views=3, normalizer=SpeakerNormalizer())
    voting.fit(X[is_train], y[is_train], groups=speakers[is_train])
    X, y, speakers = X[~is_train], y[~is_train], speakers[~is_train]
    alone, adapted = voting.score(X, y), voting.score(X, y, groups=speakers)
    assert adapted > 0.9 > alone
    assert adapted == np.mean(voting.predict(X, groups=speakers) == y)
    # A temperature for each, because predictions with speakers are more certain.
    assert voting.speaker_temperature_ < voting.temperature_
    for groups in (None, speakers):
        at_once = voting.predict_proba(X, groups=groups)
        np.testing.assert_allclose(np.exp(voting.predict_log_proba(X, groups)), at_once)
        by_speaker = np.empty_like(at_once)
        for name in np.unique(speakers):
            own = speakers == name
            by_speaker[own] = voting.predict_proba(
                X[own], groups=None if groups is None else groups[own]
            )
        np.testing.assert_allclose(by_speaker, at_once, rtol=1e-9)


def test_normalizer_is_fitted_without_the_clips_left_out_for_the_temperature():
    X, y, speakers = make_views()
    X += 3 * np.random.default_rng(1).normal(size=X.shape)
    voting = ViewVotingClassifier(
        LogisticRegression(), n_views=3, normalizer=SpeakerNormalizer(), cv=2
    )
    voting.fit(X, y, groups=speakers)
    folds = speaker_folds(y, speakers, 2)
    logs = np.empty((len(y), 3))
    for train, test in folds:
        fixed = clone(voting).set_params(temperature=1.0)
        fixed.fit(X[train], y[train], groups=speakers[train])
        logs[test] = fixed.predict_log_proba(X[test], groups=speakers[test])
    at = [log_loss(y, softmax(logs / t, axis=1)) for t in voting.speaker_temperature_ * POWERS]
    assert np.argmin(at) == 1


POWERS = np.array([0.8, 1.0, 1.25])


def test_speakers_in_a_pipeline_and_in_a_search():
    X, y, speakers = make_views()
    voting = ViewVotingClassifier(LogisticRegression(), n_views=3, normalizer=SpeakerNormalizer())
    pipe = make_pipeline("passthrough", voting)
    pipe.fit(X, y, viewvotingclassifier__groups=speakers)
    found = pipe.predict(X, groups=speakers)
    np.testing.assert_array_equal(found, voting.predict(X, groups=speakers))
    assert not np.array_equal(found, pipe.predict(X))
    with sklearn.config_context(enable_metadata_routing=True):
        routed = clone(pipe).fit(X, y, groups=speakers)
        np.testing.assert_array_equal(routed.predict(X, groups=speakers), found)
        grid = {"viewvotingclassifier__estimator__C": [0.1, 1.0]}
        search = GridSearchCV(pipe, grid, cv=GroupKFold(3)).fit(X, y, groups=speakers)
    with_speakers = search.cv_results_["mean_test_score"]
    search = GridSearchCV(pipe, grid, cv=GroupKFold(3))
    search.fit(X, y, groups=speakers, viewvotingclassifier__groups=speakers)
    assert (with_speakers > search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("normalizer", [None, SpeakerNormalizer()])
def test_model_file_with_and_without_a_normalizer(tmp_path, normalizer):
    X, y, speakers = make_views()
    voting = ViewVotingClassifier(LogisticRegression(), n_views=3, normalizer=normalizer)
    voting.fit(X, y, groups=speakers)
    path = save_model(voting, tmp_path / "voting.safetensors")
    for groups in (None, speakers):
        found = load_model(path).predict_proba(X, groups=groups)
        np.testing.assert_array_equal(found, voting.predict_proba(X, groups=groups))
    other = SpeakerNormalizer().fit(X[:, :6])
    wrong = {
        "a normalizer and lacks a fitted one": other if normalizer is None else None,
        "expected a fitted SpeakerNormalizer": StandardScaler().fit(X),
        "has 18 columns, and its normalizer 6": other,
    }
    for message, value in wrong.items():
        broken = load_model(path)
        broken.normalizer_ = value
        if normalizer is None and "its normalizer 6" in message:
            broken.normalizer = SpeakerNormalizer()
        with pytest.raises(ValueError, match=message):
            save_model(broken, tmp_path / "broken.safetensors")


def test_model_file(tmp_path):
    X, y, speakers = make_views()
    lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5)
    voting = ViewVotingClassifier(make_pipeline(StandardScaler(), lda), n_views=3, n_members=2)
    voting.fit(X, y, groups=speakers)
    loaded = load_model(save_model(voting, tmp_path / "voting.safetensors"))
    np.testing.assert_array_equal(loaded.predict_proba(X), voting.predict_proba(X))
    assert loaded.temperature_ == voting.temperature_
    for name, value, message in [
        ("classes_", np.array(["a", "b", "c"]), "other classes"),
        ("temperature_", 0.0, "temperature_"),
        ("estimators_", voting.estimators_[:1], "has 1 classifiers; expected 2"),
        ("n_features_in_", 15, "has 15 columns, which do not divide into 3 views of 2 blocks"),
    ]:
        broken = load_model(tmp_path / "voting.safetensors")
        setattr(broken, name, value)
        with pytest.raises(ValueError, match=message):
            save_model(broken, tmp_path / "broken.safetensors")


def test_model_file_without_statistics(tmp_path):
    X, y, _ = make_views()
    voting = ViewVotingClassifier(LogisticRegression(), n_views=3).fit(X, y)
    expected = voting.predict_proba(X)
    path = tmp_path / "voting.safetensors"
    del voting.statistics_weight_
    with pytest.raises(ValueError, match="ViewVotingClassifier lacks statistics_weight_"):
        load_model(save_model(voting, path))
    # Files of earlier versions have none of them.
    del voting.n_statistics_, voting.speaker_statistics_weight_
    loaded = load_model(save_model(voting, path))
    assert loaded.n_statistics_ == 0
    np.testing.assert_array_equal(loaded.predict_proba(X), expected)


@parametrize_with_checks(
    [
        ViewVotingClassifier(LogisticRegression(), n_views=1),
        ViewVotingClassifier(LogisticRegression(), n_views=1, temperature=2.0),
        ViewVotingClassifier(LogisticRegression(), n_views=1, normalizer=SpeakerNormalizer()),
    ]
)
def test_sklearn_checks(estimator, check):
    check(estimator)
