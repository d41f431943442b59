"""Every pipeline is exported with its probabilities, or refused in one sentence with a remedy."""

import inspect

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import ser_estimators
from ser_estimators import (
    AcousticFeatures,
    AudioRanges,
    CNNEmbedder,
    EncoderEmbedder,
    FeatureMLP,
    MFCCTransformer,
    SelectiveClassifier,
    SpeakerNormalizer,
    SpectrogramAugmentation,
    SpectrogramCNN,
    ViewVotingClassifier,
    export_onnx,
)
from ser_estimators.models._onnx.plan import make_plan

from .test_onnx import SIGNALS, TOLERANCE, click, noise, open_session, run, run_one_by_one

SMALL = {"embedding_dim": 6, "max_epochs": 3, "n_networks": 2, "random_state": 0}
NETWORK = SpectrogramCNN(channels=(4, 8))

pytestmark = [
    pytest.mark.filterwarnings("ignore::ser_estimators.exceptions.AudioLengthWarning"),
    pytest.mark.filterwarnings("ignore::ser_estimators.exceptions.AudioLevelWarning"),
]


def cnn(**params):
    return CNNEmbedder(**{"network": NETWORK, **SMALL, **params})


class UserModule:
    """A factory of modules, which is refused before it is called again."""

    def __call__(self, n_channels, n_rows):
        from torch import nn

        class Mean(nn.Module):
            def forward(self, spectrogram, mask):
                return (spectrogram * mask).mean(dim=(1, 3))

        return Mean()


def assert_exported(pipe, voices, atol=TOLERANCE):
    """Compare a pipeline with its file on voices and other signals, alone and in a batch."""
    session = open_session(export_onnx(pipe, "model.onnx"))
    reading = MFCCTransformer(sr=pipe[0].sr)._reading()
    clips = [reading.load(path) for path in voices.data[::3]] + list(SIGNALS.values())
    if pipe[0].offset:
        clips = [clip for clip in clips if len(clip) > pipe[0].offset * pipe[0].sr]
    expected = pipe.predict_proba(clips)
    assert expected.std(axis=0).max() > 0.005
    np.testing.assert_allclose(run_one_by_one(session, clips), expected, atol=atol)
    np.testing.assert_allclose(run(session, clips, fill=0.5), expected, atol=atol)


@pytest.fixture(scope="module")
def embedded(voices):
    """Fit the first two steps, which several tests share."""
    pipe = make_pipeline(MFCCTransformer(), cnn(max_epochs=20))
    return pipe.fit(voices.data, voices.target)


LDA = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5)
# Calibrated on the clips of the training, so that the probabilities are not constant.
SAME_CLIPS = [(np.arange(36), np.arange(36))]
CLASSIFIERS = {
    "logistic regression": [LogisticRegression()],
    "without intercept": [LogisticRegression(fit_intercept=False)],
    "standardized": [StandardScaler(), LogisticRegression()],
    "centered": [StandardScaler(with_std=False), LogisticRegression()],
    "scaled": [StandardScaler(with_mean=False), LogisticRegression()],
    "linear discriminant analysis": [LinearDiscriminantAnalysis()],
    "shrinkage": ["passthrough", LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5)],
    "sigmoid": [CalibratedClassifierCV(LogisticRegression(), method="sigmoid", cv=3)],
    "temperature": [
        CalibratedClassifierCV(LogisticRegression(C=100), method="temperature", cv=SAME_CLIPS)
    ],
    "speakers": [SpeakerNormalizer(n_prior=2.0), LogisticRegression(C=10)],
    "speakers that are unknown": [SpeakerNormalizer(), LogisticRegression()],
    "voting": [ViewVotingClassifier(LDA, normalizer=SpeakerNormalizer(n_prior=3), temperature=99)],
    "voting of speakers that are unknown": [
        ViewVotingClassifier(LogisticRegression(), normalizer=SpeakerNormalizer())
    ],
    "voting of several members": [
        ViewVotingClassifier(make_pipeline(StandardScaler(), LDA), n_members=2, temperature=2.0)
    ],
    "one calibrated model": [
        StandardScaler(),
        CalibratedClassifierCV(LinearDiscriminantAnalysis(), ensemble=False, cv=3),
    ],
}


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("is_binary", [True, False])
def test_classifiers(embedded, voices, name, is_binary):
    target = np.where(voices.target == "sadness", 0, 1) if is_binary else voices.target
    steps = [*embedded.steps, *((f"step_{i}", step) for i, step in enumerate(CLASSIFIERS[name]))]
    later = Pipeline(steps[2:]).fit(embedded.transform(voices.data), target)
    pipe = Pipeline([*embedded.steps, *later.steps])
    assert pipe.classes_.tolist() == make_plan(pipe).classes
    assert_exported(pipe, voices)


def test_the_ranges_of_the_training_audio_are_left_out(embedded, voices):
    lr = LogisticRegression().fit(embedded.transform(voices.data), voices.target)
    pipe = Pipeline([*embedded.steps, ("lr", lr)])
    ranges = AudioRanges().fit(voices.data)
    plain = export_onnx(pipe, "plain.onnx").read_bytes()
    pipe = Pipeline([("audio", ranges), *pipe.steps])
    assert export_onnx(pipe, "ranges.onnx").read_bytes() == plain
    wrong = Pipeline([*embedded.steps, ("audio", ranges), ("lr", lr)])
    with pytest.raises(TypeError, match="cannot export AudioRanges"):
        export_onnx(wrong, "wrong.onnx")


@pytest.mark.parametrize(
    ("voting", "message"),
    [
        (ViewVotingClassifier(LDA, n_views=2), "step_0 with 2 views; set step_0__n_views=1"),
        (
            ViewVotingClassifier(make_pipeline(PCA(4), LDA)),
            "cannot export PCA inside step 'step_0'",
        ),
        (ViewVotingClassifier(GaussianNB()), "cannot export GaussianNB"),
    ],
)
def test_voting_that_is_no_linear_function(embedded, voices, voting, message):
    voting.fit(embedded.transform(voices.data), voices.target)
    with pytest.raises((TypeError, ValueError), match=message):
        export_onnx(Pipeline([*embedded.steps, ("step_0", voting)]), "model.onnx")


def test_frozen_classifier_with_calibration(embedded, voices):
    embedding = embedded.transform(voices.data)
    fitted = LogisticRegression().fit(embedding, voices.target)
    calibrated = CalibratedClassifierCV(FrozenEstimator(fitted)).fit(embedding, voices.target)
    assert_exported(Pipeline([*embedded.steps, ("calibrated", calibrated)]), voices)


def test_networks_as_the_last_step(embedded, voices):
    assert_exported(embedded, voices)


@pytest.mark.parametrize("place", ["last step", "around", "networks alone"])
def test_unsure_answers(embedded, voices, place):
    if place == "last step":
        embedding = embedded.transform(voices.data)
        last = SelectiveClassifier(LogisticRegression(), threshold=0.4, temperature=2.0)
        last.fit(embedding, voices.target, groups=voices.speakers)
        pipe = Pipeline([*embedded.steps, ("scale", "passthrough"), ("selective", last)])
        assert_exported(pipe, voices)
    else:
        inner = embedded
        if place == "around":
            embedding = embedded.transform(voices.data)
            classifier = LogisticRegression().fit(embedding, voices.target)
            inner = Pipeline([*embedded.steps, ("lr", classifier)])
        pipe = SelectiveClassifier(FrozenEstimator(inner), threshold=0.4)
        pipe.fit(voices.data, voices.target, groups=voices.speakers)
    session = open_session(export_onnx(pipe, "model.onnx"))
    waveforms = [MFCCTransformer()._reading().load(path) for path in voices.data[::5]]
    np.testing.assert_allclose(
        run(session, waveforms), pipe.predict_proba(waveforms), atol=TOLERANCE
    )
    metadata = session.get_modelmeta().custom_metadata_map
    assert (metadata["threshold"], metadata["unsure"]) == ("0.4", '"unsure"')


def test_one_selective_classifier_is_enough(embedded, voices):
    inner = SelectiveClassifier(FrozenEstimator(embedded)).fit(voices.data, voices.target)
    outer = SelectiveClassifier(FrozenEstimator(inner)).fit(voices.data, voices.target)
    with pytest.raises(TypeError, match="a SelectiveClassifier inside another; remove one of"):
        export_onnx(outer, "model.onnx")


def test_a_threshold_that_no_answer_reaches(embedded, voices):
    pipe = SelectiveClassifier(FrozenEstimator(embedded), precision=0.999, temperature=1.0)
    with pytest.warns(UserWarning, match="is not reached"):
        pipe.fit(voices.data, voices.target)
    session = open_session(export_onnx(pipe, "model.onnx"))
    assert session.get_modelmeta().custom_metadata_map["threshold"] == "2.0"


NETWORKS = {
    "one network": {"n_networks": 1},
    "no views": {"n_views": 1},
    "four views": {"n_views": 4},
    "views without augmentation": {"augmentation": None},
    "only stretched": {"augmentation": SpectrogramAugmentation(frequency_warp=0.0)},
    "not normalized": {"norm": None},
    "uneven": {"n_networks": 3, "embedding_dim": 8},
    "one convolution": {"network": SpectrogramCNN(channels=(4,))},
    "six convolutions": {"network": SpectrogramCNN(channels=(2, 3, 4, 5, 6, 7))},
    "no gates": {"network": SpectrogramCNN(channels=(4, 8, 8), se_ratio=0.0)},
    "gates": {"network": SpectrogramCNN(channels=(4, 8, 8, 8), se_ratio=0.5)},
}


@pytest.mark.parametrize("name", NETWORKS)
def test_architectures(voices, name):
    pipe = make_pipeline(MFCCTransformer(), cnn(**NETWORKS[name]), LogisticRegression(C=100))
    assert_exported(pipe.fit(voices.data, voices.target), voices)


@pytest.mark.parametrize(
    "params",
    [
        {"n_mfcc": 13},
        {"deltas": 1},
        {"normalization": "mean_variance"},
        {"normalization": "mean", "norm": None, "lifter": 22, "n_mfcc": 64},
    ],
)
@pytest.mark.parametrize("normalizer", [None, SpeakerNormalizer()])
def test_statistics(voices, params, normalizer):
    voting = ViewVotingClassifier(LDA, normalizer=normalizer, temperature="training")
    network = SpectrogramCNN(channels=(4, 8), statistics=True)
    lda = make_pipeline(StandardScaler(), LDA) if normalizer is None else LDA
    pipe = make_pipeline(
        MFCCTransformer(**params), cnn(network=network), voting.set_params(estimator=lda)
    )
    assert_exported(pipe.fit(voices.data, voices.target), voices)
    assert pipe[-1].n_statistics_ > 0


# As many changes as possible in each line, because a network is trained for every one.
FEATURES = [
    {"n_mfcc": 13, "n_fft": 400, "hop_length": 160, "htk": True, "lifter": 22.0},
    {"win_length": 800, "window": "hamming", "center": False, "norm": None, "fmin": 50.0},
    {"n_fft": 2048, "n_mels": 40, "fmax": 7000.0, "mel_norm": 2.0, "preemphasis": 0.97},
    {"deltas": 1, "normalization": "mean"},
    {"deltas": 2, "trim_db": 40.0, "hop_length": 200},
    {"normalization": "mean_variance", "loudness": -23.0},
    {"trim_db": 25.0, "loudness": -30.0, "preemphasis": 0.9, "mel_norm": None},
    {"offset": 0.1, "duration": 0.3},
    {"sr": 8000, "loudness": -23.0},
    {"sr": 4000, "n_fft": 256, "hop_length": 64, "n_mels": 20, "n_mfcc": 20},
    {"sr": 22050, "n_fft": 1001, "hop_length": 220, "backend": "librosa"},
]


@pytest.mark.parametrize("params", FEATURES, ids=" ".join)
def test_every_parameter_of_the_features(voices, params):
    # Not normalized, because the embedding of silence may be next to nothing if means are removed.
    pipe = make_pipeline(MFCCTransformer(**params), cnn(norm=None), LogisticRegression(C=100))
    assert_exported(pipe.fit(voices.data, voices.target), voices)


def test_no_parameter_of_the_features_is_forgotten():
    """Parameters that change features are in the list above, the others in this one."""
    without_effect = {
        "bytes_limit",
        "memmap",
        "memory",
        "n_jobs",
        "res_type",
        "verbose",
        "dct_type",
    }
    covered = set().union(*FEATURES)
    assert set(inspect.signature(MFCCTransformer).parameters) == covered | without_effect


@pytest.mark.parametrize(
    "params", [{}, {"trim_db": 30.0}, {"loudness": -23.0}, {"preemphasis": 0.9, "deltas": 2}]
)
def test_clips_that_cannot_be_used_are_told_from_others(voices, params):
    """With all effects, which must not fail for NaN or for clips shorter than the offset."""
    pipe = make_pipeline(MFCCTransformer(offset=0.25, **params), cnn())
    session = open_session(export_onnx(pipe.fit(voices.data, voices.target), "model.onnx"))
    clips = [noise(4000), noise(4001), click(9000), np.full(5000, np.nan), np.full(9000, np.inf)]
    found = run(session, clips)
    assert np.isnan(found[:, 0]).tolist() == [True, False, False, True, True]
    expected = pipe.predict_proba(clips[1:3])
    np.testing.assert_allclose(found[1:3], expected, atol=TOLERANCE)
    for clip in (clips[0], clips[3], np.zeros(0)):
        assert np.isnan(run(session, [clip])).all()


def test_best_pipeline_of_a_search(embedded, voices):
    pipe = Pipeline([*embedded.steps, ("lr", LogisticRegression())])
    search = GridSearchCV(pipe, {"lr__C": [1.0, 10.0]}, cv=2).fit(
        voices.data[::2], voices.target[::2]
    )
    path = export_onnx(search, "model.onnx", clips=voices.data[:2])
    clip = noise(9000)
    expected = search.predict_proba([clip])
    np.testing.assert_allclose(run(open_session(path), [clip]), expected, atol=TOLERANCE)


@pytest.mark.parametrize(
    "labels", [["ja", "nö"], [3, 7], [False, True], [0.0, 2.0]], ids=lambda labels: str(labels[0])
)
def test_labels_of_any_type(embedded, voices, labels):
    import json

    target = np.array(labels)[(voices.target == "anger").astype(int)]
    classifier = LogisticRegression().fit(embedded.transform(voices.data), target)
    path = export_onnx(Pipeline([*embedded.steps, ("lr", classifier)]), "model.onnx")
    metadata = open_session(path).get_modelmeta().custom_metadata_map
    assert json.loads(metadata["classes"]) == labels


def refused(last=None, *, middle=(), steps=None, target=None):
    """Return a function that fits a pipeline from the shared first steps."""

    def make(embedded, voices):
        labels = voices.target if target is None else target(voices.target)
        if steps is not None:
            return make_pipeline(*steps).fit(voices.data, labels)
        rest = make_pipeline(*middle, last).fit(embedded.transform(voices.data), labels)
        return Pipeline([*embedded.steps, *rest.steps])

    return make


def without_a_class(embedded, voices):
    """Return a calibrated classifier, in one of whose folds nobody was angry."""
    is_angry = voices.target == "anger"
    half = np.arange(len(is_angry)) % 2 == 0
    splits = [(np.flatnonzero(train), np.flatnonzero(~train)) for train in (~is_angry, half)]
    classifier = CalibratedClassifierCV(LogisticRegression(), cv=splits)
    return classifier.fit(embedded.transform(voices.data), voices.target)


def surrogates(target):
    return np.where(target == "anger", "\udcfc", target)


def days(target):
    return np.datetime64("2026-01-01") + (target == "anger").astype(int)


CUSTOM = cnn(network=UserModule(), n_networks=1)
REFUSED = {
    "no pipeline": (
        lambda embedded, voices: embedded[1],
        "cannot export a CNNEmbedder; pass a fitted pipeline of MFCCTransformer, CNNEmbedder and",
    ),
    "features": (
        refused(steps=[AcousticFeatures(["rms"]), StandardScaler(), LogisticRegression()]),
        r"cannot export AcousticFeatures \(step 'acousticfeatures'\); .* save_model instead",
    ),
    "encoder": (
        lambda embedded, voices: make_pipeline(EncoderEmbedder(), LogisticRegression()),
        r"cannot export EncoderEmbedder \(step 'encoderembedder'\), whose weights are not part",
    ),
    "table": (
        refused(steps=[AcousticFeatures(["rms"]), CNNEmbedder(network="mlp", **SMALL)]),
        r"cannot export AcousticFeatures \(step 'acousticfeatures'\)",
    ),
    "one step": (
        lambda embedded, voices: embedded[:1],
        "cannot export a pipeline of 1 steps; pass one of MFCCTransformer, CNNEmbedder and a",
    ),
    "custom network": (
        refused(steps=[MFCCTransformer(), CUSTOM]),
        "cannot export the custom module cnnembedder__network=.*; set it to 'cnn' or a Spectro",
    ),
    "SVC": (
        refused(SVC()),
        r"cannot export SVC \(step 'svc'\); end the pipeline with LogisticRegression, Linear",
    ),
    "forest": (
        refused(RandomForestClassifier(3)),
        r"cannot export RandomForestClassifier \(step 'randomforestclassifier'\)",
    ),
    "step between": (
        refused(LogisticRegression(), middle=[PCA(2)]),
        r"cannot export PCA \(step 'pca'\) between CNNEmbedder and the classifier; use Standard",
    ),
    "isotonic": (
        refused(CalibratedClassifierCV(LogisticRegression(), method="isotonic", cv=2)),
        "cannot export calibratedclassifiercv__method='isotonic'; set it to 'sigmoid' or 'temper",
    ),
    "calibrated forest": (
        refused(CalibratedClassifierCV(RandomForestClassifier(3), cv=2)),
        r"cannot export RandomForestClassifier \(step 'calibratedclassifiercv'\)",
    ),
    "fold without a class": (
        lambda embedded, voices: Pipeline(
            [*embedded.steps, ("sigmoid", without_a_class(embedded, voices))]
        ),
        "cannot export step 'sigmoid', because a fold of its calibration lacks classes; choose si",
    ),
    "dates": (
        refused(LogisticRegression(), target=days),
        r"cannot write the label datetime.date\(2026, 1, 1\) \(date\) as JSON; train with labels",
    ),
    "text": (
        refused(LogisticRegression(), target=surrogates),
        r"cannot write the label '\\udcfc', which is not valid text; train with labels that are",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_exported_is_refused(embedded, voices, tmp_path, name):
    make, match = REFUSED[name]
    with pytest.raises((TypeError, ValueError), match=match) as error:
        export_onnx(make(embedded, voices), "model.onnx")
    assert "\n" not in str(error.value)
    assert ". " not in str(error.value)  # one sentence
    assert list(tmp_path.iterdir()) == []


def test_a_pipeline_that_is_not_fitted():
    pipe = make_pipeline(MFCCTransformer(), cnn(), LogisticRegression())
    with pytest.raises(NotFittedError, match="This Pipeline instance is not fitted yet"):
        export_onnx(pipe, "model.onnx")


def test_every_public_estimator_is_exported_or_refused():
    """A new estimator belongs to one of the lists, and to a test above."""
    exported = {
        CNNEmbedder,
        LogisticRegression,
        MFCCTransformer,
        SelectiveClassifier,
        SpeakerNormalizer,
        SpectrogramCNN,
    }
    without_effect = {AudioRanges, SpectrogramAugmentation}  # on predictions
    refused = {AcousticFeatures, EncoderEmbedder, FeatureMLP, ViewVotingClassifier}
    public = {getattr(ser_estimators, name) for name in ser_estimators.__all__}
    estimators = {
        each for each in public if inspect.isclass(each) and issubclass(each, BaseEstimator)
    }
    assert estimators == exported | without_effect | refused
