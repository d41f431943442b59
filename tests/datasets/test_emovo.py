"""EMOVO: one of two microphones."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_estimators import MFCCTransformer, Segment
from ser_estimators._audio.reading import Reading
from ser_estimators.datasets import load_emovo

MISSING = "1 clip instead of 588"


@pytest.fixture
def one_clip():
    """Write a clip of EMOVO, whose second microphone is 0.5 ms farther away."""
    noise = np.random.default_rng(0).normal(0, 0.1, 48000)
    Path("EMOVO/f1").mkdir(parents=True)
    soundfile.write("EMOVO/f1/gio-f1-l2.wav", np.stack([noise, np.roll(noise, 24)], axis=1), 48000)
    soundfile.write("first.wav", noise, 48000)
    return "EMOVO"


def test_the_first_microphone_is_read(one_clip):
    with pytest.warns(UserWarning, match=MISSING):
        corpus = load_emovo(one_clip, as_frame=True)
    assert corpus.data == [Segment(Path("EMOVO/f1/gio-f1-l2.wav"), channel=0)]
    assert list(corpus.frame) == ["path", "channel", "emotion", "speaker", "sex"]
    mfcc = MFCCTransformer()
    np.testing.assert_array_equal(
        mfcc.fit_transform(corpus.data), mfcc.fit_transform(["first.wav"])
    )


def test_other_channels(one_clip):
    with pytest.warns(UserWarning, match=MISSING):
        assert load_emovo(one_clip, channel=1).data[0].channel == 1
    with pytest.warns(UserWarning, match=MISSING):
        assert load_emovo(one_clip, channel=None).data == [str(Path("EMOVO/f1/gio-f1-l2.wav"))]
    with pytest.raises(ValueError, match="channel=-1; expected 0 or more"):
        load_emovo(one_clip, channel=-1)
    with pytest.raises(TypeError, match="channel is 'left' .*; expected an int"):
        load_emovo("nothing", channel="left")


def test_the_average_of_the_microphones_lacks_a_frequency(one_clip):
    """At 1 kHz, the delay is half a period."""
    with pytest.warns(UserWarning, match=MISSING):
        (clip,) = load_emovo(one_clip).data
    one, average = (
        np.abs(np.fft.rfft(Reading(48000).load(each)))[1000] for each in (clip, clip.path)
    )
    assert average < 0.01 * one
