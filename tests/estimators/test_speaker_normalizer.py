"""SpeakerNormalizer: means of speakers, few clips, unknown speakers, checks of scikit-learn."""

import numpy as np
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from ser_estimators import SpeakerNormalizer, load_model, save_model


def make_clips(n_speakers=8, n_clips=30, n_features=5, between=3.0, seed=0):
    """Return clips of two emotions whose speakers differ more than the emotions."""
    rng = np.random.default_rng(seed)
    speakers = np.repeat([f"speaker {i}" for i in range(n_speakers)], n_clips)
    y = np.tile(["anger", "sadness"], n_speakers * n_clips // 2)
    own = between * rng.normal(size=(n_speakers, n_features))
    X = rng.normal(size=(len(y), n_features)) + np.repeat(own, n_clips, axis=0)
    X[:, 0] += 2 * (y == "anger")
    return X, y, speakers


def test_means_of_speakers_are_subtracted():
    X, _, speakers = make_clips()
    normalizer = SpeakerNormalizer(n_prior=0)
    found = normalizer.fit_transform(X, groups=speakers)
    for name in np.unique(speakers):
        own = speakers == name
        np.testing.assert_allclose(found[own].mean(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(found[own] * normalizer.scale_, X[own] - X[own].mean(axis=0))
    np.testing.assert_allclose(np.sqrt(np.mean(found**2, axis=0)), 1)
    means = [X[speakers == name].mean(axis=0) for name in np.unique(speakers)]
    np.testing.assert_allclose(normalizer.mean_, np.mean(means, axis=0))


def test_the_average_speaker_counts_as_clips():
    X, _, speakers = make_clips()
    normalizer = SpeakerNormalizer(n_prior=6).fit(X, groups=speakers)
    clips = np.random.default_rng(1).normal(size=(3, 5)) + 10
    center = (clips.sum(axis=0) + 6 * normalizer.mean_) / 9
    found = normalizer.transform(clips, groups=["new"] * 3)
    np.testing.assert_allclose(found, (clips - center) / normalizer.scale_)


def test_prior_is_the_ratio_of_the_variances():
    X, _, speakers = make_clips(n_speakers=400, n_clips=4, between=2.0, seed=3)
    prior = SpeakerNormalizer().fit(X, groups=speakers).n_prior_
    # The variance within speakers is that of 4 clips around their own mean: 3/4 of 1. The first
    # column also varies with the emotion.
    np.testing.assert_allclose(prior[1:], 0.75 / 4, rtol=0.15)
    assert prior[0] > 2 * prior[1]


def test_speakers_that_do_not_differ_are_not_normalized():
    X, _, speakers = make_clips(n_speakers=40, between=0.0)
    assert SpeakerNormalizer().fit(X, groups=speakers).n_prior_.min() > 100


@pytest.mark.parametrize("groups", [None, ["one"] * 240, [None] * 240, [float("nan")] * 240])
def test_without_several_speakers_it_is_a_standard_scaler(groups):
    X, *_ = make_clips()
    normalizer = SpeakerNormalizer()
    np.testing.assert_allclose(
        normalizer.fit_transform(X, groups=groups), StandardScaler().fit_transform(X)
    )
    assert np.isinf(normalizer.n_prior_).all()


def test_unknown_speakers():
    X, _, speakers = make_clips()
    normalizer = SpeakerNormalizer().fit(X, groups=speakers)
    # Clips without a speaker are left out of the fit, and alone in prediction.
    some = [*speakers, None, np.nan]
    more = np.vstack([X, X[:2] + 1000])
    same = SpeakerNormalizer().fit(more, groups=some)
    np.testing.assert_array_equal(same.n_prior_, normalizer.n_prior_)
    alone = np.vstack([normalizer.transform(clip[None], groups=["x"]) for clip in X[:4]])
    np.testing.assert_allclose(normalizer.transform(X[:4]), alone)
    np.testing.assert_allclose(normalizer.transform(X[:4], groups=[None] * 4), alone)
    mixed = normalizer.transform(X[:4], groups=["a", "a", None, None])
    np.testing.assert_allclose(mixed[2:], alone[2:])
    np.testing.assert_array_equal(normalizer.transform(X[:4], groups=["a", "a", "", " "]), mixed)
    pair = normalizer.transform(X[:2], groups=["a", "a"])
    np.testing.assert_allclose(mixed[:2], pair)


def test_constant_columns():
    X, _, speakers = make_clips()
    X[:, 0] = 7.0  # of all clips
    X[:, 1] = np.unique(speakers, return_inverse=True)[1]  # of all clips of a speaker
    normalizer = SpeakerNormalizer()
    found = normalizer.fit_transform(X, groups=speakers)
    np.testing.assert_allclose(found[:, :2], 0, atol=1e-12)
    assert normalizer.n_prior_[:2].tolist() == [0, 0]
    assert np.isfinite(normalizer.transform(X + 1)).all()


@given(
    groups=st.lists(st.sampled_from(["a", "b", None]), min_size=4, max_size=12),
    order=st.randoms(use_true_random=False),
)
def test_the_order_of_clips_does_not_matter(groups, order):
    X, _, speakers = make_clips()
    normalizer = SpeakerNormalizer().fit(X, groups=speakers)
    positions = list(range(len(groups)))
    order.shuffle(positions)
    found = normalizer.transform(X[: len(groups)], groups=groups)
    shuffled = normalizer.transform(X[positions], groups=[groups[i] for i in positions])
    np.testing.assert_allclose(shuffled, found[positions], rtol=1e-9, atol=1e-12)


def test_recognition_improves_with_the_number_of_clips():
    X, y, speakers = make_clips(n_speakers=30, between=5.0)
    is_train = np.isin(speakers, np.unique(speakers)[:15])
    pipe = make_pipeline(SpeakerNormalizer(), LogisticRegression())
    pipe.fit(X[is_train], y[is_train], speakernormalizer__groups=speakers[is_train])
    X, y, speakers = X[~is_train], y[~is_train], speakers[~is_train]
    scores = []
    order = np.random.default_rng(1).permuted(np.tile(np.arange(30), (15, 1)), axis=1).ravel()
    for n_clips in (1, 2, 5, 30):
        groups = [f"{name} {i // n_clips}" for name, i in zip(speakers, order, strict=True)]
        with sklearn.config_context(enable_metadata_routing=True):
            scores.append(pipe.score(X, y, groups=groups))
    assert scores == sorted(scores)
    assert scores[-1] > 0.8 > scores[0]


def test_metadata_routing_in_a_search():
    X, y, speakers = make_clips(between=5.0)
    pipe = make_pipeline(SpeakerNormalizer(), LogisticRegression())
    grid = {"speakernormalizer__n_prior": ["auto", 0.0, 1e6]}
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(pipe, grid, cv=GroupKFold(4)).fit(X, y, groups=speakers)
    auto, zero, none = search.cv_results_["mean_test_score"]
    assert min(auto, zero) > none + 0.1


def test_float32_tables_and_names(tmp_path):
    pd = pytest.importorskip("pandas")
    X, _, speakers = make_clips()
    single = SpeakerNormalizer().fit_transform(X.astype(np.float32), groups=speakers)
    assert single.dtype == np.float32
    np.testing.assert_allclose(
        single, SpeakerNormalizer().fit_transform(X, groups=speakers), atol=1e-4
    )
    table = pd.DataFrame(X, columns=list("abcde"), index=range(5, 245))
    normalizer = SpeakerNormalizer().set_output(transform="pandas").fit(table, groups=speakers)
    found = normalizer.transform(table, groups=pd.Series(speakers, index=table.index))
    assert found.columns.tolist() == list("abcde")
    assert found.index.tolist() == table.index.tolist()
    assert normalizer.get_feature_names_out().tolist() == list("abcde")
    loaded = load_model(save_model(normalizer, tmp_path / "normalizer.safetensors"))
    pd.testing.assert_frame_equal(loaded.transform(table, groups=speakers), found)


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"n_prior": "many"}, ValueError, "n_prior == 'many', must be 'auto' or a number >= 0"),
        ({"n_prior": -1}, ValueError, "n_prior == -1, must be >= 0"),
        ({"n_prior": float("inf")}, ValueError, "n_prior == inf, must be finite"),
        ({"n_prior": None}, TypeError, "n_prior must be an instance of float"),
    ],
)
def test_wrong_parameters(params, error, message):
    with pytest.raises(error, match=message):
        SpeakerNormalizer(**params).fit(np.zeros((3, 2)))


def test_wrong_groups():
    X, _, speakers = make_clips()
    message = "groups has 239 elements and X has 240 clips; expected a speaker for each clip"
    with pytest.raises(ValueError, match=message):
        SpeakerNormalizer().fit(X, groups=speakers[1:])
    with pytest.raises(ValueError, match=r"groups has the shape \(120, 2\)"):
        SpeakerNormalizer().fit(X).transform(X, groups=speakers.reshape(120, 2))


@parametrize_with_checks([SpeakerNormalizer(), SpeakerNormalizer(n_prior=2.0)])
def test_sklearn_checks(estimator, check):
    check(estimator)
