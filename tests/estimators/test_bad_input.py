"""Invalid input to the pipeline: it works, or it is one clear error before training."""

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sklearn.model_selection import cross_val_score

from ser_estimators import make_ser_pipeline
from ser_estimators.exceptions import AudioLengthWarning, AudioLevelWarning, AudioReadError

from ..audio.test_files import UNREADABLE, unreadable

SMALL = {"cnn__network__channels": (4, 8), "cnn__embedding_dim": 4, "cnn__max_epochs": 1}


@pytest.fixture
def pipe():
    return make_ser_pipeline(random_state=0).set_params(**SMALL)


@pytest.fixture
def no_training(monkeypatch):
    """Fail the test if the network is ever trained."""

    def fail(*args, **kwargs):
        pytest.fail("training started before the error")

    monkeypatch.setattr("ser_estimators._training.fit.train", fail)


@pytest.mark.parametrize(("name", "message"), UNREADABLE.items())
@pytest.mark.usefixtures("no_training")
def test_unreadable_file_stops_fit_before_training(pipe, voices, name, message):
    bad = str(unreadable(name))
    X = [*voices.data[:5], bad, *voices.data[5:]]
    y = [*voices.target[:5], "anger", *voices.target[5:]]
    with pytest.raises(
        AudioReadError, match=rf"Could not read '{name}' \(clip 6 of 37\): .*({message})"
    ):
        pipe.fit(X, y)


@pytest.mark.usefixtures("no_training")
def test_all_unreadable_files_are_listed_at_once(pipe, voices):
    bad = [str(unreadable(name)) for name in UNREADABLE]
    with pytest.raises(AudioReadError) as caught:
        pipe.fit([*voices.data, *bad], [*voices.target, *["anger"] * len(bad)])
    assert str(caught.value).startswith(f"Could not read {len(bad)} of {36 + len(bad)} clips:\n")
    assert "see the attribute `failures`" in str(caught.value)
    reasons = {name: reason for _, name, reason in caught.value.failures}
    for name, message in UNREADABLE.items():
        assert re.search(message, reasons[name])


def test_unreadable_file_stops_predict(pipe, voices):
    pipe.fit(voices.data, voices.target)
    with pytest.raises(AudioReadError, match=r"'gone.wav' \(clip 2 of 2\): there is no such file"):
        pipe.predict([voices.data[0], "gone.wav"])
    with pytest.raises(TypeError, match=r"pass \['abc'\]"):
        pipe.predict("abc")


def test_unreadable_file_is_reported_in_cross_validation(pipe, voices):
    with pytest.raises(ValueError, match="Could not read 'gone.wav'"):
        cross_val_score(
            pipe, ["gone.wav", *voices.data], ["anger", *voices.target], cv=2, error_score="raise"
        )


GOOD = {
    "8bit.wav": (16000, "PCM_U8", 1),
    "24bit.wav": (16000, "PCM_24", 1),
    "32bit.wav": (16000, "PCM_32", 1),
    "float.wav": (16000, "FLOAT", 1),
    "double.wav": (16000, "DOUBLE", 1),
    "stereo.wav": (16000, "PCM_16", 2),
    "slow.wav": (8000, "PCM_16", 1),
    "fast.wav": (96000, "PCM_16", 1),
    "a.flac": (44100, "PCM_16", 2),
    "a.ogg": (22050, "VORBIS", 1),
    "a.mp3": (44100, "MPEG_LAYER_III", 2),
}


def test_all_readable_formats_are_accepted_together(pipe):
    for name, (rate, subtype, channels) in GOOD.items():
        tone = 0.3 * np.sin(np.arange(rate) * 2 * np.pi * 220 / rate)
        noise = 0.01 * np.random.default_rng(0).normal(size=(rate, 1))
        samples = np.repeat(tone[:, None] + noise, channels, axis=1)
        soundfile.write(name, samples, rate, subtype=subtype)
    soundfile.write("single_sample.wav", np.array([0.5]), 16000)
    X = [*GOOD, "single_sample.wav"]
    y = ["anger", "fear"] * 6
    with pytest.warns(AudioLengthWarning, match="1 of 12 clips is .* clip 12 'single_sample.wav'"):
        pipe.fit(X, y)
    assert np.isfinite(pipe.predict_proba(list(GOOD))).all()
    # The features of a recording hardly depend on its encoding.
    frames = pipe["mfcc"].transform(
        ["float.wav", "24bit.wav", "32bit.wav", "double.wav", "stereo.wav"]
    )
    assert np.abs(frames - frames[0]).max() < 0.1


def test_warning_of_silence_names_the_clip(pipe, voices):
    soundfile.write("silent.wav", np.zeros(8000), 16000)
    with pytest.warns(AudioLevelWarning, match="1 of 37 clips is silent.*clip 37 'silent.wav'"):
        pipe.fit([*voices.data, "silent.wav"], [*voices.target, "anger"])
    with pytest.warns(AudioLevelWarning, match="silent"):
        assert np.isfinite(pipe.predict_proba(["silent.wav"])).all()


@pytest.mark.parametrize(
    ("X", "y", "error", "message"),
    [
        ("a.wav", ["anger"], TypeError, r"pass \['a.wav'\]"),
        ([], [], ValueError, "X is empty"),
        (b"RIFF", ["anger"], TypeError, r"single clip: encoded audio .*pass \[X\]"),
        ((np.ones(9), 16000), ["anger", "fear"], TypeError, r"single pair of a waveform and a"),
        ([(16000, np.ones(9))], ["anger"], ValueError, r"expected \(waveform, sr\)"),
        (["a.wav", np.ones(9)], ["anger", "fear"], TypeError, "mixes clips of different kinds"),
        (["a.wav"] * 3, ["anger"] * 2, ValueError, r"inconsistent numbers of samples: \[3, 2\]"),
    ],
)
@pytest.mark.usefixtures("no_training")
def test_invalid_training_set_is_refused(pipe, X, y, error, message):
    with pytest.raises(error, match=message):
        pipe.fit(X, y)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["anger"] * 36, "one class, 'anger'"),
        ([None, *["anger", "fear"] * 17, "fear"], r"no label \(clip 1\)"),
        ([float("nan"), *[1.0, 2.0] * 17, 2.0], "contains NaN"),
        (None, "requires y to be passed"),
    ],
)
@pytest.mark.usefixtures("no_training")
def test_invalid_labels_are_refused(pipe, voices, labels, message):
    with pytest.raises(ValueError, match=message):
        pipe.fit(voices.data, labels)


def test_class_with_one_clip_is_accepted(pipe, voices):
    y = voices.target.astype(object)
    y[0] = "boredom"
    assert "boredom" in pipe.fit(voices.data, y).classes_


def test_failed_fit_does_not_affect_the_next_call(pipe, voices):
    Path("empty.wav").touch()
    with pytest.raises(AudioReadError):
        pipe.fit([*voices.data, "empty.wav"], [*voices.target, "anger"])
    assert len(pipe.fit(voices.data, voices.target).predict(voices.data)) == 36
