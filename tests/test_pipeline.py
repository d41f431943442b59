"""The complete pipeline, from paths to emotions, in combination with scikit-learn."""

import os
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
import soundfile
import torch
from sklearn.base import clone, is_classifier
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import Pipeline
from sklearn.utils import estimator_html_repr
from sklearn.utils.validation import check_is_fitted

import ser_estimators
from ser_estimators import (
    AudioRanges,
    CNNEmbedder,
    EncoderEmbedder,
    FitCache,
    LogisticRegression,
    MFCCTransformer,
    ViewVotingClassifier,
    load_model,
    make_ser_pipeline,
    predict_clips,
    save_model,
)
from ser_estimators.exceptions import UnlikeAudioWarning

SMALL = {"cnn__network__channels": (4, 8), "cnn__embedding_dim": 8, "cnn__max_epochs": 20}


def make_pipe(**kwargs):
    return make_ser_pipeline(random_state=0, **kwargs).set_params(**SMALL)


@pytest.fixture(scope="module")
def fitted(voices):
    return make_pipe().fit(voices.data, voices.target)


def test_steps_and_classes():
    pipe = make_ser_pipeline(random_state=3, n_jobs=2, memory="cache", verbose=1)
    assert [name for name, _ in pipe.steps] == ["mfcc", "cnn", "voting"]
    assert [type(step) for _, step in pipe.steps] == [
        MFCCTransformer,
        CNNEmbedder,
        ViewVotingClassifier,
    ]
    assert pipe["mfcc"].n_jobs == 2
    assert pipe["cnn"].random_state == 3
    assert pipe["cnn"].verbose == 1
    assert pipe["mfcc"].memory == "cache"
    assert isinstance(pipe.memory, FitCache)
    assert pipe.memory.location == os.path.abspath("cache")
    assert make_ser_pipeline().memory is None
    assert is_classifier(pipe)


def test_recordings_of_any_kind_or_of_a_studio():
    anywhere, studio = make_ser_pipeline(), make_ser_pipeline(recordings="studio")
    assert (anywhere["mfcc"].loudness, studio["mfcc"].loudness) == (-23, None)
    assert anywhere["cnn"].augmentation.recording_p == 0.5
    assert studio["cnn"].augmentation == "default"
    assert list(studio.named_steps) == ["mfcc", "cnn", "lr"]
    assert isinstance(studio["lr"], LogisticRegression)
    assert (studio["lr"].C, studio["lr"].class_weight) == (1, "balanced")
    # This C requires embeddings of length one.
    assert studio["cnn"].norm == "l2"
    with pytest.raises(ValueError, match="recordings == 'phone', must be one of 'any', 'studio'"):
        make_ser_pipeline(recordings="phone")


def test_level_has_no_effect(fitted, voices):
    (wave, rate), *_ = [soundfile.read(voices.data[0])]
    expected = fitted.predict_proba([(wave, rate)])
    for gain in (0.03, 0.3, 3):
        found = fitted.predict_proba([(gain * wave, rate)])
        np.testing.assert_allclose(found, expected, atol=1e-3)


def test_adapts_to_speakers(voices):
    pipe = make_pipe().fit(voices.data, voices.target, voting__groups=voices.speakers)
    assert np.isfinite(pipe["voting"].normalizer_.n_prior_).all()
    plain = predict_clips(pipe, voices.data)
    adapted = predict_clips(pipe, voices.data, speakers=voices.speakers)
    assert np.abs(plain.probabilities - adapted.probabilities).max() > 0.01
    np.testing.assert_allclose(plain.probabilities, pipe.predict_proba(voices.data), atol=1e-6)
    found = pipe.predict_proba(voices.data, groups=voices.speakers)
    np.testing.assert_allclose(adapted.probabilities, found, atol=1e-6)


@pytest.mark.parametrize("encoder", [None, "base"])
def test_warn_unlike_adds_a_first_step(encoder):
    plain = make_ser_pipeline(encoder=encoder)
    pipe = make_ser_pipeline(encoder=encoder, n_jobs=2, memory="cache", warn_unlike=True)
    assert [name for name, _ in pipe.steps] == ["audio", *(name for name, _ in plain.steps)]
    assert isinstance(pipe["audio"], AudioRanges)
    assert (pipe["audio"].n_jobs, pipe["audio"].memory) == (2, "cache")


def test_warn_unlike_of_another_type():
    with pytest.raises(TypeError, match="warn_unlike is 'yes'; expected True or False"):
        make_ser_pipeline(warn_unlike="yes")


def test_warn_unlike_changes_no_prediction(fitted, voices):
    pipe = make_pipe(warn_unlike=True, memory="cache")
    pipe.fit(voices.data, voices.target, audio__groups=voices.speakers)
    loud = [(40 * np.sin(np.arange(8000)), 16000)]
    with pytest.warns(UnlikeAudioWarning, match="louder"):
        found = pipe.predict_proba(loud)
    np.testing.assert_array_equal(found, fitted.predict_proba(loud))


def test_logistic_regression_is_that_of_sklearn():
    from sklearn.linear_model import LogisticRegression as Original

    assert LogisticRegression is Original


def test_fit_predict_and_score(fitted, voices):
    check_is_fitted(fitted)
    assert fitted.classes_.tolist() == ["anger", "neutral", "sadness"]
    assert fitted.predict([voices.data[0]]).tolist()[0] in voices.target_names
    probabilities = fitted.predict_proba(voices.data)
    assert probabilities.shape == (36, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert fitted.score(voices.data, voices.target) > 0.6
    # The embedding, and four statistics of 64 coefficients
    assert fitted[:-1].transform(voices.data[:2]).shape == (2, 8 + 4 * 64)
    assert fitted[:-1].predict(voices.data[:2]).shape == (2,)  # the network's own softmax


def test_predictions_for_waveforms_and_files_are_equal(fitted, voices):
    import soundfile

    waveforms = [soundfile.read(path, dtype="float32")[0] for path in voices.data[:4]]
    np.testing.assert_array_equal(
        fitted.predict_proba(waveforms), fitted.predict_proba(voices.data[:4])
    )


def test_cross_validation_by_speaker(voices):
    scores = cross_val_score(
        make_pipe(),
        voices.data,
        voices.target,
        groups=voices.speakers,
        cv=GroupKFold(3),
        error_score="raise",
    )
    assert scores.shape == (3,)
    assert scores.mean() > 0.4  # a third by guessing
    predicted = cross_val_predict(
        make_pipe().set_params(cnn__max_epochs=1),
        voices.data,
        voices.target,
        groups=voices.speakers,
        cv=GroupKFold(3),
    )
    assert set(predicted) <= set(voices.target_names)


def test_grid_search_is_the_same_with_one_and_two_workers(voices):
    grid = {
        "mfcc__n_mfcc": [20, 40],
        "voting__estimator__shrinkage": [0.1, 0.9],
    }
    searches = [
        GridSearchCV(
            make_pipe().set_params(cnn__max_epochs=2),
            grid,
            cv=GroupKFold(2),
            n_jobs=n_jobs,
            error_score="raise",
            scoring="neg_log_loss",  # shows differences that the accuracy would hide
        ).fit(voices.data, voices.target, groups=voices.speakers)
        for n_jobs in (1, 2)
    ]
    for key in ("split0_test_score", "split1_test_score"):
        one, two = (search.cv_results_[key] for search in searches)
        np.testing.assert_array_equal(one, two)
        assert len(set(one)) == 4  # every candidate is another model
    np.testing.assert_array_equal(*(search.predict_proba(voices.data) for search in searches))


def test_result_depends_on_the_seed(voices, fitted):
    again = make_pipe().fit(voices.data, voices.target)
    expected = fitted.predict_proba(voices.data)
    np.testing.assert_array_equal(again.predict_proba(voices.data), expected)
    other = make_pipe().set_params(cnn__random_state=1).fit(voices.data, voices.target)
    assert np.abs(other.predict_proba(voices.data) - expected).max() > 1e-3


def test_number_of_threads_has_no_effect(voices, fitted):
    before = torch.get_num_threads()
    try:
        for n_threads in (1, 2):
            torch.set_num_threads(n_threads)
            again = make_pipe(n_jobs=2).fit(voices.data, voices.target)
            actual = again.predict_proba(voices.data)
            np.testing.assert_array_equal(actual, fitted.predict_proba(voices.data))
    finally:
        torch.set_num_threads(before)


def test_global_generators_are_not_used(voices):
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()
    make_pipe().fit(voices.data, voices.target).predict(voices.data)
    assert torch.equal(torch_before, torch.get_rng_state())
    assert all(
        np.array_equal(a, b) for a, b in zip(numpy_before, np.random.get_state(), strict=True)
    )


def test_prediction_for_a_clip_does_not_depend_on_other_clips(fitted, voices):
    together = fitted.predict_proba(voices.data)
    alone = np.concatenate([fitted.predict_proba([path]) for path in voices.data])
    np.testing.assert_allclose(alone, together, atol=1e-5)
    backwards = fitted.predict_proba(voices.data[::-1])[::-1]
    np.testing.assert_allclose(backwards, together, atol=1e-5)


def test_clone_and_set_params(fitted):
    copy = clone(fitted).set_params(mfcc__n_mfcc=13, cnn__lr=0.01, voting__temperature=7)
    assert (copy["mfcc"].n_mfcc, copy["cnn"].lr, copy["voting"].temperature) == (13, 0.01, 7)
    assert fitted["mfcc"].n_mfcc == 64
    with pytest.raises(ValueError, match="Invalid parameter 'epochs'"):
        copy.set_params(cnn__epochs=3)


def test_memory_of_the_pipeline_reuses_fitted_steps(voices, fitted):
    pipe = make_pipe().set_params(memory="cache").fit(voices.data, voices.target)
    np.testing.assert_array_equal(
        pipe.predict_proba(voices.data), fitted.predict_proba(voices.data)
    )
    written = {path: path.stat().st_mtime_ns for path in Path("cache").rglob("output.pkl")}
    assert len(written) == 2  # of mfcc and cnn
    other = clone(pipe).set_params(voting__temperature=2).fit(voices.data, voices.target)
    assert not np.allclose(other.predict_proba(voices.data), pipe.predict_proba(voices.data))
    assert {p: p.stat().st_mtime_ns for p in Path("cache").rglob("output.pkl")} == written


def test_cached_features_do_not_change_the_result(voices, fitted):
    for _ in range(2):
        pipe = make_pipe(memory="cache").fit(voices.data, voices.target)
        np.testing.assert_array_equal(
            pipe.predict_proba(voices.data), fitted.predict_proba(voices.data)
        )
    assert len(list(Path("cache").glob("*/*/??/*"))) == 36


def test_html_and_text_repr(fitted):
    page = estimator_html_repr(fitted)
    for name in ("MFCCTransformer", "CNNEmbedder", "ViewVotingClassifier"):
        assert name in page
        assert name in repr(fitted)
    assert "<style>" in page


def test_model_loads_in_a_fresh_process_in_another_folder(fitted, voices):
    joblib.dump(fitted, "model.joblib")
    Path("elsewhere").mkdir()
    joblib.dump(voices.data, "paths.joblib")
    code = (
        "import joblib, numpy as np\n"
        "pipe, paths = joblib.load('../model.joblib'), joblib.load('../paths.joblib')\n"
        "np.save('probabilities.npy', pipe.predict_proba(paths))\n"
    )
    root = str(Path(ser_estimators.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd="elsewhere",
        env=os.environ | {"PYTHONPATH": root, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(
        np.load("elsewhere/probabilities.npy"), fitted.predict_proba(voices.data)
    )


def test_other_classifiers_fit_on_the_embedding(voices):
    from sklearn.svm import SVC

    pipe = make_pipe()
    pipe.set_params(voting=SVC()).fit(voices.data, voices.target)
    assert pipe.predict(voices.data[:1]).shape == (1,)
    table = Pipeline(fitted_steps := pipe.steps[1:2])
    assert fitted_steps[0][1].set_output(transform="pandas")
    frames = pipe["mfcc"].transform(voices.data[:3])
    assert list(table.transform(frames).columns[:2]) == ["cnnembedder0", "cnnembedder1"]


def test_steps_with_an_encoder(tmp_path, voices):
    from .encoders.helpers import save_encoder

    save_encoder(tmp_path / "encoder")
    pipe = make_ser_pipeline(encoder=tmp_path / "encoder", memory="cache", n_jobs=2, verbose=0)
    assert [name for name, _ in pipe.steps] == ["encoder", "voting"]
    assert pipe["encoder"].model == tmp_path / "encoder"
    assert pipe["encoder"].speeds == (0.95, 1.0, 1.05)
    assert (pipe["encoder"].memory, pipe["encoder"].n_jobs) == ("cache", 2)
    groups = {"encoder__groups": voices.speakers, "voting__groups": voices.speakers}
    pipe.fit(voices.data, voices.target, **groups)
    assert (pipe["voting"].n_views_, pipe["voting"].n_members_) == (3, 4)
    found = pipe.predict_proba(voices.data)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert pipe.score(voices.data, voices.target) > 0.6
    loaded = load_model(save_model(pipe, "model.safetensors"))
    np.testing.assert_array_equal(loaded.predict_proba(voices.data), found)


def test_an_encoder_with_parameters(tmp_path):
    embedder = EncoderEmbedder(tmp_path, layers=(2, 3), loudness=None, memory="cache", n_jobs=2)
    pipe = make_ser_pipeline(encoder=embedder)
    assert pipe["encoder"] is not embedder
    assert pipe["encoder"].get_params() == embedder.get_params()
    replaced = make_ser_pipeline(encoder=embedder, memory="other", n_jobs=1, verbose=2)["encoder"]
    assert (replaced.memory, replaced.n_jobs, replaced.verbose) == ("other", 1, 2)


@pytest.mark.parametrize(("layers", "n_members"), [("auto", 4), (3, 1), (-1, 1), ([1, 3], 2)])
def test_each_layer_has_a_classifier(tmp_path, voices, layers, n_members):
    from .encoders.helpers import save_encoder

    save_encoder(tmp_path / "encoder")
    pipe = make_ser_pipeline(encoder=tmp_path / "encoder")
    pipe.set_params(encoder__layers=layers, encoder__speeds=(0.9, 1.0))
    voting = pipe.fit(voices.data, voices.target)["voting"]
    assert (voting.n_views_, voting.n_members_, len(voting.estimators_)) == (
        2,
        n_members,
        n_members,
    )


def test_an_encoder_in_a_search_and_in_evaluate(tmp_path, voices):
    from ser_estimators.evaluation import evaluate

    from .encoders.helpers import save_encoder

    save_encoder(tmp_path / "encoder")
    pipe = make_ser_pipeline(encoder=tmp_path / "encoder", memory="cache")
    grid = {
        "encoder__layers": [(0, 1, 2), (1, 2, 3)],
        "voting__estimator__shrinkage": [0.3, 0.7],
    }
    search = GridSearchCV(pipe, grid, cv=GroupKFold(2)).fit(
        voices.data, voices.target, groups=voices.speakers
    )
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    report = evaluate(pipe, voices.data, voices.target, voices.speakers, cv=2)
    assert "EncoderEmbedder" in report.name
