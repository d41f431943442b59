"""predict_clips and predict_table with the speakers of clips."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from ser_estimators import (
    AcousticFeatures,
    SpeakerNormalizer,
    ViewVotingClassifier,
    load_model,
    predict_clips,
    predict_table,
    save_model,
)
from ser_estimators.models._predictions import _batches

MODELS = {
    "last step": lambda: make_pipeline(
        AcousticFeatures(["mfcc"]),
        ViewVotingClassifier(LogisticRegression(max_iter=1000), normalizer=SpeakerNormalizer()),
    ),
    "step between": lambda: make_pipeline(
        AcousticFeatures(["mfcc"]), SpeakerNormalizer(), LogisticRegression(max_iter=1000)
    ),
}
STEPS = {"last step": "viewvotingclassifier", "step between": "speakernormalizer"}


@pytest.fixture(scope="module", params=MODELS)
def model(request, voices):
    groups = {f"{STEPS[request.param]}__groups": voices.speakers}
    return MODELS[request.param]().fit(voices.data, voices.target, **groups)


def test_speakers_are_adapted_to(model, voices):
    found = predict_clips(model, voices.data, speakers=voices.speakers)
    alone = predict_clips(model, voices.data)
    assert np.abs(found.probabilities - alone.probabilities).max() > 0.01
    np.testing.assert_allclose(alone.probabilities, model.predict_proba(voices.data))
    for name in np.unique(voices.speakers):
        own = np.flatnonzero(voices.speakers == name)
        clips = [voices.data[i] for i in own]
        again = predict_clips(model, clips, speakers=[name] * len(clips))
        np.testing.assert_allclose(again.probabilities, found.probabilities[own], atol=1e-7)


@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_clips_of_a_speaker_are_in_one_batch(model, voices, batch_size):
    order = np.random.default_rng(0).permutation(len(voices.data))
    clips, speakers = [voices.data[i] for i in order], voices.speakers[order]
    expected = predict_clips(model, voices.data, speakers=voices.speakers).probabilities[order]
    found = predict_clips(model, clips, speakers=speakers, batch_size=batch_size)
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-7)


def test_unknown_speakers_are_in_no_common_batch():
    speakers = np.array(["", "a", " ", None, "a"], dtype=object)
    assert list(_batches(5, speakers, 2, 0)) == [[0], [1, 4], [2, 3]]


def test_unknown_speakers_and_unreadable_files(model, voices):
    clips = [*voices.data[:4], "missing.wav", *voices.data[4:6]]
    speakers = ["a", "a", None, "a", "a", "", "b"]
    found = predict_clips(model, clips, speakers=speakers, on_error="skip")
    assert [index for index, *_ in found.failures] == [4]
    own = predict_clips(model, [clips[i] for i in (0, 1, 3)], speakers=["a"] * 3)
    np.testing.assert_allclose(found.probabilities[[0, 1, 3]], own.probabilities, rtol=1e-6)
    alone = predict_clips(model, [clips[2], clips[5], clips[6]])
    if "voting" not in str(model.steps[-1][0]):  # its temperature depends on the call
        np.testing.assert_allclose(found.probabilities[[2, 5, 6]], alone.probabilities, rtol=1e-6)
    np.testing.assert_array_equal(found.labels[[2, 5, 6]], alone.labels)


def test_saved_model_and_table(model, voices, tmp_path):
    pd = pytest.importorskip("pandas")
    path = save_model(model, tmp_path / "model.safetensors")
    expected = predict_clips(model, voices.data, speakers=voices.speakers)
    found = predict_clips(load_model(path), voices.data, speakers=voices.speakers)
    np.testing.assert_array_equal(found.probabilities, expected.probabilities)
    table = pd.DataFrame({"path": voices.data, "who": voices.speakers})
    options = {"speaker": "who", "resume": tmp_path / "parts"}
    pytest.importorskip("pyarrow")
    for _ in range(2):
        predicted = predict_table(table, path, **options)
        assert predicted["label"].tolist() == expected.labels.tolist()
    alone = predict_table(table, path, resume=tmp_path / "parts")
    column = f"probability_{expected.classes[0]}"
    assert not np.allclose(alone[column].astype(float), predicted[column].astype(float))
    with pytest.raises(KeyError, match="no column 'speaker', only .*of speakers as speaker"):
        predict_table(table, path, speaker="speaker")


def test_search(voices):
    pipe = MODELS["last step"]()
    grid = {"viewvotingclassifier__estimator__C": [0.1, 1.0]}
    search = GridSearchCV(pipe, grid, cv=2)
    search.fit(voices.data, voices.target, viewvotingclassifier__groups=voices.speakers)
    found = predict_clips(search, voices.data, speakers=voices.speakers)
    best = predict_clips(search.best_estimator_, voices.data, speakers=voices.speakers)
    np.testing.assert_array_equal(found.probabilities, best.probabilities)


def test_wrong_speakers(model, voices):
    with pytest.raises(ValueError, match="speakers has 1 elements and X has 2 clips; expected a"):
        predict_clips(model, voices.data[:2], speakers=["a"])
    plain = make_pipeline(AcousticFeatures(["mfcc"]), LogisticRegression(max_iter=1000))
    plain.fit(voices.data, voices.target)
    message = "speakers was passed, but the Pipeline does not adapt to speakers: leave it out, or"
    with pytest.raises(ValueError, match=message):
        predict_clips(plain, voices.data[:2], speakers=["a", "b"])
