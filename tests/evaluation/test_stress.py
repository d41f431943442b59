"""stress_test: predictions under conditions, whatever goes wrong with some of them."""

import numpy as np
import pytest
import soundfile
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler

from ser_estimators import AcousticFeatures, MFCCTransformer
from ser_estimators.conditions import amplify
from ser_estimators.evaluation import stress_test
from ser_estimators.exceptions import AudioReadError

from .stressed import SR, Level, clips_of, fitted, identity, noisy, quiet

CLIPS, LABELS, SPEAKERS = clips_of()


def run(conditions, model=None, **options):
    given = {"X": CLIPS, "y": LABELS, "speakers": SPEAKERS, **options}
    X, y, speakers = given.pop("X"), given.pop("y"), given.pop("speakers")
    return stress_test(model or fitted(), X, y, speakers, conditions=conditions, **given)


def test_predictions_are_those_of_the_changed_clips():
    stress = run({"same": identity, "quiet": quiet})
    model = fitted()
    assert list(stress.predictions) == ["as recorded", "same", "quiet"]
    np.testing.assert_array_equal(stress.predictions["as recorded"], model.predict(CLIPS))
    np.testing.assert_array_equal(stress.predictions["same"], model.predict(CLIPS))
    expected = model.predict([0.1 * clip for clip in CLIPS])
    np.testing.assert_array_equal(stress.predictions["quiet"], expected)
    assert set(stress.predictions["quiet"]) == {"calm"}
    assert stress.conditions == ["same", "quiet"]
    assert stress.failures == {}
    assert (stress.name, stress.sr, stress.n_speakers) == ("Level", SR, 4)
    assert stress.description.startswith("One fitted model. That it was not trained on these")
    assert stress.date


def test_the_result_does_not_depend_on_order_threads_or_batches():
    conditions = ["white noise 10 dB", "babble 10 dB", "room 0.4 s"]
    order = np.random.default_rng(0).permutation(len(CLIPS))
    clips = [CLIPS[i] for i in order]
    seen = []
    for options in ({}, {"batch_size": 1}, {"n_jobs": 2, "batch_size": 5}):
        model = fitted()
        run(conditions, model, **options)
        seen.append([clip for batch in model.seen_ for clip in batch])
    model = fitted()
    run(conditions, model, X=clips, y=LABELS[order], speakers=SPEAKERS[order])
    n = len(CLIPS)
    shuffled = [clip for batch in model.seen_ for clip in batch]
    back = np.argsort(order)
    seen.append([shuffled[part * n + i] for part in range(4) for i in back])
    for other in seen[1:]:
        for a, b in zip(seen[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_random_state_seeds_the_noise():
    models = [fitted() for _ in range(3)]
    for model, seed in zip(models, (0, 0, 1), strict=True):
        run({"noise": noisy}, model, random_state=seed)
    a, b, c = (model.seen_[-1][0] for model in models)
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


def test_files_are_read_at_the_rate_of_the_model(tmp_path):
    paths = []
    for number, clip in enumerate(CLIPS):
        paths.append(tmp_path / f"{number}.wav")
        soundfile.write(paths[-1], clip, SR, subtype="FLOAT")
    model = fitted(sr=8000)
    rates = []
    stress = run({"spy": lambda w, sr: rates.append(sr) or w}, model, X=paths)
    assert set(rates) == {8000}
    assert stress.sr == 8000
    assert {clip.size for clip in model.seen_[0]} == {2000}
    assert stress.corpus == tmp_path.name
    assert stress.clips_frame()["path"].tolist() == [str(path) for path in paths]
    frame = run({"same": identity}, X=paths, corpus="mine").clips_frame()
    assert list(frame.columns) == ["path", "speaker", "y_true", "as recorded", "same"]


def test_another_rate_is_told_to_the_model():
    model = fitted(sr=8000)
    stress = run({"same": identity}, model, sr=12000)
    waveform, rate = model.seen_[0][0]
    assert (rate, stress.sr, waveform.dtype) == (12000, 12000, np.float32)
    np.testing.assert_array_equal(stress.predictions["same"], stress.predictions["as recorded"])


def test_steps_with_several_rates(voices):
    union = FeatureUnion(
        [
            ("a", AcousticFeatures(["rms"], sr=8000)),
            ("b", AcousticFeatures(["centroid"], sr=16000)),
        ]
    )
    pipe = make_pipeline(union, StandardScaler(), LogisticRegression())
    pipe.fit(voices.data, voices.target)
    stress = stress_test(
        pipe, voices.data, voices.target, voices.speakers, conditions={"same": identity}
    )
    assert stress.sr == 16000
    agree = np.mean(stress.predictions["same"] == pipe.predict(voices.data))
    assert agree > 0.9  # resampled in two steps instead of one


def test_as_recorded_is_what_the_model_predicts_of_files(voices):
    pipe = make_pipeline(AcousticFeatures(["rms", "mfcc"]), StandardScaler(), LogisticRegression())
    search = GridSearchCV(pipe, {"logisticregression__C": [0.1, 1]}, cv=2)
    search.fit(voices.data, voices.target)
    stress = stress_test(
        search, voices.data, voices.target, voices.speakers, conditions=["gain -20 dB"]
    )
    np.testing.assert_array_equal(stress.predictions["as recorded"], search.predict(voices.data))


def test_models_of_a_cross_validation(voices):
    pipe = make_pipeline(AcousticFeatures(["rms"]), StandardScaler(), LogisticRegression())
    cv = list(GroupKFold(3).split(voices.data, voices.target, voices.speakers))
    found = cross_validate(
        pipe, voices.data, voices.target, cv=cv, return_estimator=True, return_indices=True
    )
    stress = stress_test(
        found["estimator"],
        voices.data,
        voices.target,
        voices.speakers,
        conditions={"same": identity, "gain -20 dB": lambda w, sr: amplify(w, sr, decibels=-20)},
        test_indices=found["indices"]["test"],
        metadata={"sex": voices.sex},
    )
    tested = np.concatenate(found["indices"]["test"])
    np.testing.assert_array_equal(stress.y_true, voices.target[tested])
    np.testing.assert_array_equal(stress.speakers, voices.speakers[tested])
    np.testing.assert_array_equal(stress.metadata["sex"], voices.sex[tested])
    expected = [
        model.predict([voices.data[i] for i in test])
        for model, test in zip(found["estimator"], found["indices"]["test"], strict=True)
    ]
    np.testing.assert_array_equal(stress.predictions["same"], np.concatenate(expected))
    assert stress.description.startswith("3 models of a cross-validation")


def fail(waveform, sr):
    raise RuntimeError("no tape\nleft")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (fail, r"clip 1 of 24: RuntimeError: no tape left"),
        (lambda w, sr: None, r"clip 1 of 24: it returned None \(NoneType\); expected a 1-D array"),
        (lambda w, sr: w.tolist(), "it returned .* \\(list\\); expected a 1-D array"),
        (lambda w, sr: w[:0], r"it returned an array of shape \(0,\); expected \(n_samples,\)"),
        (lambda w, sr: w[None], r"it returned an array of shape \(1, 4000\)"),
        (lambda w, sr: w.astype(int), "it returned an array of the type 'int64'; expected floats"),
        (lambda w, sr: w + 1j, "it returned an array of the type 'complex"),
        (lambda w, sr: w * np.nan, "4000 of the 4000 samples that it returned are NaN or infinity"),
        (lambda w, sr, others: others[99], "IndexError"),
    ],
)
def test_a_condition_that_fails_costs_only_itself(function, message):
    with pytest.warns(UserWarning, match=f"1 condition could not be tested: bad: .*{message}"):
        stress = run({"bad": function, "quiet": quiet})
    assert stress.conditions == ["quiet"]
    assert list(stress.failures) == ["bad"]
    assert "bad could not be tested:" in " ".join(str(stress).split())


def test_the_clip_that_failed_is_named(tmp_path):
    soundfile.write(tmp_path / "fine.wav", CLIPS[0], SR)
    soundfile.write(tmp_path / "bäd.wav", CLIPS[1] * 0, SR)

    def refuse_silence(waveform, sr):
        if not waveform.any():
            raise ValueError
        return waveform

    paths = [tmp_path / "fine.wav", tmp_path / "bäd.wav"]
    with pytest.warns(UserWarning, match="silent|could not be tested") as caught:
        stress = run({"picky": refuse_silence}, X=paths, y=["calm", "loud"], speakers=["a", "b"])
    assert f"clip 2 of 2 '{paths[1]}': ValueError" in stress.failures["picky"]
    # A silent clip is reported as well, once.
    assert [w.category.__name__ for w in caught] == ["AudioLevelWarning", "UserWarning"]
    assert all(w.filename == __file__ for w in caught)


class Fragile(Level):
    """Cannot predict short clips."""

    def predict(self, X):
        if min(map(len, X)) < 100:
            raise ValueError("too short for a frame")
        return super().predict(X)


def test_a_model_that_cannot_predict_the_result():
    clips, labels, _ = clips_of(seed=1)
    with pytest.warns(UserWarning, match="cut: ValueError: too short for a frame"):
        stress = run({"cut": lambda w, sr: w[:50], "same": identity}, Fragile().fit(clips, labels))
    assert stress.conditions == ["same"]


def test_a_model_that_cannot_predict_the_clips_as_they_are():
    clips, labels, _ = clips_of(seed=1)
    with pytest.raises(ValueError, match="too short for a frame"):
        run({"same": identity}, Fragile().fit(clips, labels), X=[clip[:50] for clip in CLIPS])


def test_all_conditions_may_fail():
    with pytest.warns(UserWarning, match="2 conditions could not be tested"):
        stress = run({"a": fail, "b": fail})
    assert stress.conditions == []
    assert "as recorded" in str(stress)
    assert len(stress.to_frame()) == 1


def test_interrupts_are_not_failures_of_a_condition():
    def interrupt(waveform, sr):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run({"stop": interrupt})


def test_conditions_may_change_waveforms_in_place():
    def silence(waveform, sr):
        waveform[:] = 0
        return waveform

    before = [clip.copy() for clip in CLIPS]
    stress = run({"silence": silence, "same": identity})
    np.testing.assert_array_equal(CLIPS, before)
    np.testing.assert_array_equal(stress.predictions["same"], stress.predictions["as recorded"])


def test_unknown_speakers():
    for speakers in (None, "unknown"):
        stress = run(["babble 10 dB"], speakers=speakers)
        assert stress.speakers is None
        assert np.isnan(stress.summary()[1].difference[1:]).all()
        assert "No intervals" in str(stress)
        assert "unknown speakers" in repr(stress)


def test_babble_needs_another_speaker():
    with pytest.warns(UserWarning, match="babble 10 dB: clip 1 of 24: ValueError: others contains"):
        run(["babble 10 dB"], speakers=["a"] * len(CLIPS))


def test_progress(capsys):
    with pytest.warns(UserWarning, match="could not be tested"):
        run({"quiet": quiet, "bad": fail}, verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "[stress_test] condition 1/2, quiet: 0 s"
    assert lines[1].startswith("[stress_test] condition 2/2, bad: left out: clip 1 of 24: Runtime")


class Odd(Level):
    def predict(self, X):
        return super().predict(X)[:-1]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"confidence": 1}, ValueError, "confidence == 1"),
        ({"batch_size": 0}, ValueError, "batch_size == 0"),
        ({"random_state": -1}, ValueError, "random_state == -1"),
        ({"random_state": None}, TypeError, "random_state must be an instance of"),
        ({"verbose": -1}, ValueError, "verbose == -1"),
        ({"name": 3}, TypeError, "name must be an instance of"),
        ({"sr": "high"}, ValueError, "sr == 'high', must be one of 'auto'"),
        ({"sr": 0}, ValueError, "sr == 0"),
        ({"sr": 16000.0}, TypeError, "sr must be an instance of"),
        ({"groups": SPEAKERS}, TypeError, "stress_test has no parameter groups; pass the speaker"),
        ({"y": LABELS[1:]}, ValueError, r"y has shape \(23,\); expected \(24,\)"),
        ({"speakers": ["a"]}, ValueError, r"speakers has shape \(1,\); expected \(24,\)"),
        ({"X": "a.wav"}, TypeError, "expected a list of paths: pass"),
        ({"X": ["no.wav"] * 24}, AudioReadError, "there is no such file"),
        (
            {"X": np.zeros((24, 40))},
            ValueError,
            r"shape \(24, 40\), whose rows are too short to be",
        ),
        ({"metadata": 3}, TypeError, "metadata is 3; expected columns by name"),
        (
            {"y": ["a"] * 24},
            ValueError,
            "y contains 'a', none of which the model predicts; expected",
        ),
        ({"model": Level}, TypeError, r"model is <class .*; expected a fitted classifier"),
        ({"model": StandardScaler()}, TypeError, "model is StandardScaler.*; expected a fitted"),
        ({"model": Level()}, NotFittedError, "model is not fitted; fit it on other clips than the"),
        ({"model": [fitted()]}, ValueError, "a list of models without test_indices; pass a list"),
        ({"test_indices": [[0]]}, ValueError, "a single model with test_indices; pass a list"),
    ],
)
def test_wrong_parameters(options, error, message):
    with pytest.raises(error, match=message):
        run({"same": identity}, **options)


@pytest.mark.parametrize(
    ("indices", "message"),
    [
        ([], "model is a list of 2, and test_indices of 0; expected as many models"),
        ([[0], [1], [2]], "model is a list of 2, and test_indices of 3"),
        ([[0], []], r"test_indices\[1\] is \[\]; expected positions of clips in X"),
        ([[0], [0.5]], r"test_indices\[1\] is \[0.5\]; expected positions"),
        ([[0], [[1]]], r"test_indices\[1\] is \[\[1\]\]; expected positions"),
        ([[0], [-1, 3]], r"test_indices\[1\] has positions from -1 to 3; expected 0 to 23"),
        ([[24], [0]], r"test_indices\[0\] has positions from 24 to 24; expected 0 to 23"),
    ],
)
def test_wrong_positions(indices, message):
    with pytest.raises(ValueError, match=message):
        run({"same": identity}, [fitted(), fitted()], test_indices=indices)


def test_wrong_number_of_predictions():
    clips, labels, _ = clips_of(seed=1)
    with pytest.raises(ValueError, match=r"an array of shape \(23,\) for 24 clips; expected one"):
        run({"same": identity}, Odd().fit(clips, labels))


def test_labels_that_the_model_cannot_predict():
    labels = LABELS.astype(object)
    labels[:3] = "bored"
    with pytest.warns(UserWarning, match="y contains 'bored', which the model cannot predict"):
        stress = run({"same": identity}, y=labels)
    assert stress.by_class()["bored"][0].balanced_accuracy[0] == 0
    assert np.isnan(stress.by_class()["bored"][0].accuracy_kept[0])


def test_a_model_that_is_no_estimator():
    class Constant:
        def predict(self, X):
            return np.array(["calm"] * len(X))

    stress = run({"same": identity}, Constant())
    assert stress.name == "Constant"
    assert stress.summary()[0].balanced_accuracy[0] == 0.5


def test_mfccs_of_waveforms_equal_those_of_files(voices):
    """What a model sees of clips as recorded is what it sees of their files."""
    mfcc = MFCCTransformer().fit(voices.data)
    seen = {}

    class Spy(Level):
        def predict(self, X):
            seen.setdefault("clips", X)
            return np.array([voices.target[0]] * len(X))

    spy = Spy().fit([np.ones(9)], [voices.target[0]])
    with pytest.warns(UserWarning, match="which the model cannot predict"):
        stress_test(spy, voices.data[:9], voices.target[:9], conditions={"same": identity})
    of_waveforms = mfcc.transform(seen["clips"])
    np.testing.assert_array_equal(of_waveforms, mfcc.transform(voices.data[:9]))
