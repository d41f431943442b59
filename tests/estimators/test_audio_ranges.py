"""AudioRanges: clips pass unchanged, and unlike ones are named in one warning."""

import copy
import pickle
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from ser_estimators import AcousticFeatures, AudioRanges, Segment, load_model, save_model
from ser_estimators._audio.unlike import UnlikeClip, is_notable
from ser_estimators.conditions import add_room, add_white_noise, amplify, clip_peaks
from ser_estimators.evaluation import evaluate, stress_test
from ser_estimators.exceptions import AudioReadError, UnlikeAudioWarning

from ..helpers import Opens, needs_inotify

SR = 16000


@pytest.fixture(scope="module")
def ranges(voices):
    return AudioRanges().fit(voices.data, groups=voices.speakers)


@pytest.fixture(scope="module")
def waveforms(voices):
    return [soundfile.read(path, dtype="float32")[0] for path in voices.data]


@pytest.fixture(scope="module")
def noisy(waveforms):
    return add_white_noise(waveforms[0], SR, np.random.default_rng(0), snr=0)


def model_of(voices, **parameters):
    features = AcousticFeatures(features=("rms", "centroid"), statistics=("mean",))
    pipe = make_pipeline(AudioRanges(**parameters), features, LogisticRegression())
    return pipe.fit(voices.data, voices.target, audioranges__groups=voices.speakers)


@pytest.fixture(scope="module")
def alike(ranges, voices):
    """Return training clips that are inside the ranges."""
    found = ranges.find_unlike(voices.data)
    return [path for path, reason in zip(voices.data, found, strict=True) if not reason]


def test_most_training_audio_is_alike(ranges, voices, alike):
    assert len(alike) >= 0.9 * len(voices.data)
    assert ranges.transform(alike) is alike
    scores = ranges.score_samples(alike)
    assert ((scores > -1) & (scores <= 0)).all()


def test_reasons(ranges, waveforms):
    changed = {
        "noisier": add_white_noise(waveforms[0], SR, np.random.default_rng(0), snr=0),
        "quieter": amplify(waveforms[1], SR, decibels=-50),
        "more reverberant": add_room(waveforms[2], SR, np.random.default_rng(0), rt60=1.0),
        "clipped": clip_peaks(waveforms[3], SR, decibels=15),
        "longer": np.tile(waveforms[4], 20),
        "more silence before": np.pad(waveforms[5], (SR, 0)),
    }
    found = ranges.find_unlike(list(changed.values()))
    for reason, text in zip(changed, found, strict=True):
        assert f"{reason} (" in text
        assert " instead of " in text
    assert (ranges.score_samples(list(changed.values())) < -1).all()


def test_one_warning_per_call(ranges, waveforms, noisy):
    quiet = amplify(waveforms[1], SR, decibels=-50)
    X = [waveforms[0], noisy, quiet, waveforms[1]]
    with pytest.warns(UnlikeAudioWarning, match="2 of 4 clips are unlike") as caught:
        ranges.transform(X)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert [position for position, _, _ in caught[0].message.unlike] == [1, 2]


def test_names_of_files(ranges, voices, noisy):
    soundfile.write("noisy.wav", noisy, SR)
    with pytest.warns(UnlikeAudioWarning, match=r"clip 2 'noisy\.wav'"):
        ranges.transform([voices.data[0], "noisy.wav"])
    part = Segment("noisy.wav", 0.0, 0.3)
    with pytest.warns(UnlikeAudioWarning, match=r"clip 1 'noisy\.wav"):
        ranges.transform([part])


@pytest.mark.parametrize("kind", ["bytes", "pair", "dict", "tuple", "series", "array", "Path"])
def test_all_kinds_of_clips(ranges, voices, waveforms, kind):
    X = {
        "bytes": [Path(path).read_bytes() for path in voices.data[:2]],
        "pair": [(waveform, SR) for waveform in waveforms[:2]],
        "dict": [{"array": waveform, "sampling_rate": SR} for waveform in waveforms[:2]],
        "tuple": tuple(voices.data[:2]),
        "series": pd.Series(voices.data[:2], index=[7, 9]),
        "array": np.array(voices.data[:2]),
        "Path": [Path(path) for path in voices.data[:2]],
    }[kind]
    assert ranges.transform(X) is X
    np.testing.assert_allclose(
        ranges.score_samples(X), ranges.score_samples(voices.data[:2]), atol=0.02
    )


def test_other_rates(ranges, waveforms):
    """A file at 48 kHz is compared at the rate of the model."""
    from ser_estimators._audio.files import resample

    soundfile.write("high.wav", resample(waveforms[0], SR, 48000), 48000, subtype="FLOAT")
    found = ranges.score_samples(["high.wav"]), ranges.score_samples(waveforms[:1])
    np.testing.assert_allclose(*found, atol=0.3)


def test_fit_transform_does_not_warn(voices, waveforms, noisy):
    X = [*waveforms, noisy]
    assert AudioRanges().fit_transform(X) is X
    assert AudioRanges().fit_transform(X, groups=[*voices.speakers, None]) is X


def test_predictions_do_not_change(voices, alike):
    with_ranges, features = model_of(voices), clone(model_of(voices)[1:])
    plain = features.fit(voices.data, voices.target)
    np.testing.assert_array_equal(with_ranges.predict_proba(alike), plain.predict_proba(alike))


def test_one_warning_in_a_prediction(voices, noisy):
    model = model_of(voices)
    with pytest.warns(UnlikeAudioWarning) as caught:
        model.predict([noisy, noisy])
    assert len(caught) == 1


def test_no_warning_in_cross_validation(voices, waveforms, noisy):
    model = model_of(voices)
    X, y = [*waveforms, noisy, noisy], [*voices.target, "anger", "neutral"]
    groups = [*voices.speakers, "x", "y"]
    cross_val_predict(model, X, y, cv=GroupKFold(4), groups=groups)
    search = GridSearchCV(model, {"logisticregression__C": [1, 10]}, cv=2).fit(X, y)
    with pytest.warns(UnlikeAudioWarning, match="louder"):
        search.predict([amplify(noisy, SR, decibels=40)])


def test_no_warning_in_evaluations(voices, waveforms, noisy):
    model = model_of(voices)
    X, y = [*waveforms, noisy], [*voices.target, "anger"]
    speakers = [*voices.speakers, voices.speakers[0]]
    report = evaluate(model, X, y, speakers, cv=3, conditions=["white noise 10 dB"])
    assert report.stress is not None
    stress_test(model, X, y, speakers, conditions=["white noise 10 dB"])


def test_metadata_routing(voices):
    pipe = make_pipeline(AudioRanges(), AcousticFeatures(("rms",)), LogisticRegression())
    with config_context(enable_metadata_routing=True):
        routed = clone(pipe).fit(voices.data, voices.target, groups=voices.speakers)
    passed = clone(pipe).fit(voices.data, voices.target, audioranges__groups=voices.speakers)
    np.testing.assert_array_equal(routed[0].high_, passed[0].high_)
    assert not np.array_equal(clone(pipe).fit(voices.data, voices.target)[0].high_, passed[0].high_)


def test_fitted_attributes(ranges):
    names = list(ranges.ranges_)
    assert names == ranges.measures_.tolist()
    assert names[:3] == ["duration", "level", "noise"]
    assert all(low < high for low, high in ranges.ranges_.values())
    assert ranges.ranges_["speech"][1] <= 1
    copied = pickle.loads(pickle.dumps(ranges))
    assert copied.ranges_ == ranges.ranges_


def test_model_file(voices, noisy):
    model = model_of(voices)
    loaded = load_model(save_model(model, "model.safetensors"))
    assert loaded[0].ranges_ == model[0].ranges_
    assert loaded[0].find_unlike([noisy]) == model[0].find_unlike([noisy])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda one: one.measures_.__setitem__(0, "smell"), "the measure 'smell', which this"),
        (lambda one: one.measures_.__setitem__(0, "level"), "no measures, or some twice"),
        (lambda one: one.high_.__setitem__(0, one.center_[0]), "do not contain their centers"),
        (lambda one: one.low_.__setitem__(0, np.nan), "NaN or infinity"),
    ],
)
def test_broken_model_files(voices, change, message):
    model = model_of(voices)
    change(model[0])
    with pytest.raises(ValueError, match=message):
        save_model(model, "model.safetensors")


def test_older_measures_are_enough(ranges, voices, noisy):
    """A later version may measure more than a model knows."""
    old = clone(ranges)
    vars(old).update(
        measures_=ranges.measures_[[2, 0]],
        center_=ranges.center_[[2, 0]],
        low_=ranges.low_[[2, 0]],
        high_=ranges.high_[[2, 0]],
    )
    assert old.find_unlike([noisy])[0].startswith("noisier (")
    assert list(old.ranges_) == ["noise", "duration"]


def test_unreadable_files(ranges, voices):
    Path("empty.wav").touch()
    with pytest.raises(AudioReadError, match=r"2 of 3 clips(.|\n)*'empty\.wav'(.|\n)*'gone\.wav'"):
        ranges.transform([voices.data[0], "empty.wav", "gone.wav"])
    with pytest.raises(AudioReadError, match=r"empty\.wav"):
        AudioRanges().fit([voices.data[0], "empty.wav"])
    with pytest.raises(AudioReadError, match="NaN"):
        ranges.transform([np.array([0.1, np.nan, 0.2])])


@pytest.mark.parametrize("waveform", [np.zeros(8000), np.zeros(1), np.ones(1)])
def test_silence_and_single_samples(ranges, waveform):
    """The next step warns of silent and short clips; this one of unlike clips only."""
    with pytest.warns(UnlikeAudioWarning, match="1 of 1 clip is unlike") as caught:
        ranges.transform([waveform])
    assert len(caught) == 1


def test_of_silence_the_level_alone_is_known(ranges):
    (reason,) = ranges.find_unlike([np.zeros(8000)])
    assert reason.startswith("quieter (-120.0 instead of")
    assert "," not in reason


@pytest.mark.parametrize("n_clips", [1, 2, 5])
def test_few_training_clips(voices, noisy, n_clips):
    few = AudioRanges().fit(voices.data[:n_clips])
    few.transform(voices.data[:n_clips])
    assert "noisier" in few.find_unlike([noisy])[0]


@pytest.mark.parametrize("speakers", [["Ann"] * 36, [None] * 36, [float("nan")] * 36])
def test_one_speaker_or_none(voices, speakers):
    known = AudioRanges().fit(voices.data, groups=speakers)
    unknown = AudioRanges().fit(voices.data)
    np.testing.assert_array_equal(known.high_, unknown.high_)


def test_errors(voices, ranges):
    with pytest.raises(NotFittedError):
        AudioRanges().transform(voices.data)
    with pytest.raises(NotFittedError):
        _ = AudioRanges().ranges_
    with pytest.raises(ValueError, match="groups has 2 elements and X has 36 clips"):
        AudioRanges().fit(voices.data, groups=["a", "b"])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        AudioRanges().fit(voices.data, voices.target[1:])
    for wrong in (0, 1, -0.1, np.nan):
        with pytest.raises(ValueError, match="false_alarms"):
            AudioRanges(wrong).fit(voices.data)
    with pytest.raises(TypeError, match="false_alarms"):
        AudioRanges("few").fit(voices.data)
    with pytest.raises(TypeError, match=r"pass \["):
        ranges.transform("voice.wav")


@needs_inotify
def test_files_are_read_once_with_a_cache(voices):
    folder = Path(voices.data[0]).parent
    cached = AudioRanges(memory="cache").fit(voices.data)
    before = cached.score_samples(voices.data)
    with Opens(folder) as opens:
        np.testing.assert_array_equal(cached.score_samples(voices.data), before)
    assert not opens.counts
    np.testing.assert_array_equal(AudioRanges().fit(voices.data).high_, cached.high_)


def test_threads_change_nothing(voices, ranges):
    other = AudioRanges(n_jobs=3).fit(voices.data, groups=voices.speakers)
    np.testing.assert_array_equal(other.high_, ranges.high_)


def test_set_output_keeps_clips(ranges, voices):
    table = pd.Series(voices.data)
    assert clone(ranges).set_output(transform="pandas").fit_transform(table) is table


def test_nothing_is_measured_where_nobody_wants_it(voices, ranges):
    from ser_estimators._audio.unlike import unlike_ignored

    with unlike_ignored(), warnings.catch_warnings():
        warnings.simplefilter("error")
        ranges.transform(["missing.wav"])  # the next step raises


@pytest.mark.parametrize(
    ("n_near", "n_far", "n_clips", "expected"),
    [
        (1, 0, 1, True),  # 3 % by chance
        (1, 0, 2, False),
        (4, 0, 100, False),
        (7, 0, 100, True),
        (0, 1, 1000, True),
        (3, 1, 100, True),
    ],
)
def test_as_few_as_by_chance_are_no_reason_to_warn(n_near, n_far, n_clips, expected):
    unlike = [UnlikeClip(i, "", (), is_far=i >= n_near, chance=0.03) for i in range(n_near + n_far)]
    assert is_notable(unlike, n_clips) is expected


def test_one_clip_of_many_that_is_a_little_outside(ranges, voices, alike):
    """It is named where somebody asks for it, and no reason to warn of all of them."""
    measures = list(ranges.measures_)
    durations = ranges._measured(alike, ranges.measures_)[:, measures.index("duration")]
    narrow = copy.copy(ranges)
    narrow.high_ = ranges.high_.copy()
    narrow.high_[measures.index("duration")] = 0.999 * durations.max()
    found = narrow.find_unlike(alike)
    longest = alike[int(durations.argmax())]
    assert [path for path, reason in zip(alike, found, strict=True) if reason] == [longest]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        narrow.transform(alike)
    with pytest.warns(UnlikeAudioWarning, match="1 of 1 clip is unlike the training audio"):
        narrow.transform([longest])
