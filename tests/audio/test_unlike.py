"""The warning about unlike clips: bounded, one per call, and who receives it instead."""

import pickle
import threading
import warnings

import pytest

from ser_estimators._audio.unlike import (
    Difference,
    UnlikeClip,
    describe_unlike,
    is_unlike_wanted,
    report_unlike,
    unlike_collected,
    unlike_ignored,
)
from ser_estimators.exceptions import UnlikeAudioWarning

NOISIER = Difference("noisier", "-10.0", "-60.0 to -30.0 dB")
LOUDER = Difference("louder", "-3.0", "-40.0 to -20.0 dBFS")
ONE = UnlikeClip(1, "b.wav", (NOISIER, LOUDER))


def test_message_for_one_clip():
    assert describe_unlike([ONE], 3) == (
        "1 of 3 clips is unlike the training audio, so its label is less reliable: noisier (-10.0 "
        "instead of -60.0 to -30.0 dB), louder (-3.0 instead of -40.0 to -20.0 dBFS). Listen to "
        "it, or train on such recordings too: clip 2 'b.wav'"
    )


def test_message_for_several_clips():
    text = describe_unlike([UnlikeClip(0, "", (LOUDER,)), ONE], 2)
    assert text.startswith("2 of 2 clips are unlike the training audio, so their labels are less")
    assert "louder (2 clips, such as -3.0 instead of" in text
    assert "noisier (1 clip, -10.0 instead of" in text
    assert text.endswith("Listen to them, or train on such recordings too: clip 1, clip 2 'b.wav'")


def test_message_is_bounded():
    many = [
        UnlikeClip(
            number, "x" * 4000 + "\n", tuple(NOISIER._replace(kind=f"k{k}") for k in range(20))
        )
        for number in range(10_000)
    ]
    text = describe_unlike(many, 10_000)
    assert len(text) < 1500
    assert "\n" not in text
    assert "and 14 more differences" in text
    assert text.endswith(" and 9995 more")


def test_other_words():
    text = describe_unlike([ONE], 1, noun="recording", label=lambda one: one.name.upper())
    assert text.startswith("1 of 1 recording is unlike")
    assert text.endswith(": B.WAV")


def test_list_for_a_terminal():
    first, *differences, last = describe_unlike([ONE], 3, is_list=True).splitlines()
    assert first.endswith("so its label is less reliable:")
    assert differences == [f"  {NOISIER}", f"  {LOUDER}"]
    assert last == "Listen to it, or train on such recordings too: clip 2 'b.wav'"


def test_one_warning_with_all_clips():
    with pytest.warns(UnlikeAudioWarning, match="2 of 5 clips") as caught:
        report_unlike([UnlikeClip(0, "", (LOUDER,)), ONE], 5)
    assert len(caught) == 1
    expected = "noisier (-10.0 instead of -60.0 to -30.0 dB), louder (-3.0 instead of"
    (first, _, _), (second, name, reason) = caught[0].message.unlike
    assert (first, second, name) == (0, 1, "b.wav")
    assert reason.startswith(expected)
    copied = pickle.loads(pickle.dumps(caught[0].message))
    assert (str(copied), copied.unlike) == (str(caught[0].message), caught[0].message.unlike)


def test_no_warning_without_unlike_clips():
    report_unlike([], 5)


def test_collected_instead_of_a_warning():
    with unlike_collected() as outer:
        with unlike_collected() as inner:
            report_unlike([ONE], 2)
        assert (inner, outer) == ([ONE], [])
        report_unlike(inner, 2)
    assert outer == [ONE]
    with pytest.warns(UnlikeAudioWarning):
        report_unlike([ONE], 2)


def test_a_collector_is_that_of_its_thread():
    found = []

    def work():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            report_unlike([ONE], 2)
        found.extend(caught)

    with unlike_collected() as collected:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert collected == []
    assert len(found) == 1


def test_ignored():
    assert is_unlike_wanted()
    with unlike_ignored():
        assert not is_unlike_wanted()
    assert is_unlike_wanted()
