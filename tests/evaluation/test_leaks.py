"""Recordings are recognized in another format, at another level, with silence around them."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import LeaveOneGroupOut

from ser_estimators.evaluation import _leaks, evaluate
from ser_estimators.evaluation._leaks import Leak, find_leaks, find_same_recordings
from ser_estimators.evaluation._plan import _name_of
from ser_estimators.exceptions import LeakWarning

from .helpers import Loudness, planted


def as_flac(source, copy):
    soundfile.write(copy, *soundfile.read(source))


def as_padded_flac(source, copy):
    samples, rate = soundfile.read(source)
    silence = np.zeros(rate // 3)
    soundfile.write(copy, np.concatenate([silence, samples, silence, silence]), rate)


def as_quiet_mp3(source, copy):
    samples, rate = soundfile.read(source)
    soundfile.write(copy, samples / 2, rate)


@pytest.mark.parametrize(
    ("suffix", "write", "kind"),
    [
        (".wav", shutil.copyfile, "same bytes"),
        (".flac", as_flac, "same sound"),
        (".flac", as_padded_flac, "same sound"),
        (".mp3", as_quiet_mp3, "same sound"),
    ],
)
def test_a_planted_recording_is_found(voices, suffix, write, kind):
    X, y, speakers = planted(voices, suffix, write)
    with pytest.warns(LeakWarning, match=rf": 1 pair of clips.*innocent{suffix}.*\({kind}\)"):
        report = evaluate(Loudness(), X, y, speakers, cv=LeaveOneGroupOut())
    (leak,) = report.main.leaks
    assert {leak.train, leak.test} == {0, 36}
    assert leak.kind == kind
    assert not report.main.is_honest
    text = " ".join(str(report).split())
    assert "The same recording appears in both training and test, in 1 pair of clips." in text


def noise(rng, n):
    return rng.normal(size=n) * 0.1


SOUNDS = {
    "hiss": lambda rng: noise(rng, 16000),
    "tone": lambda rng: np.sin(2 * np.pi * 440 * np.arange(16000) / 16000 + rng.uniform(0, 6)),
    "click": lambda rng: np.eye(1, 16000, 8000)[0] * rng.uniform(0.1, 0.9),
    "dc": lambda rng: np.full(16000, rng.uniform(0.1, 0.9)),
    "one sample": lambda rng: noise(rng, 1),
    "row of a table": lambda rng: noise(rng, 40),
}


@pytest.mark.parametrize("kind", SOUNDS)
def test_short_and_steady_sounds_are_compared_by_their_bytes_only(kind):
    rng = np.random.default_rng(0)
    waveforms = [SOUNDS[kind](rng) for _ in range(12)]
    assert find_same_recordings(waveforms) == []
    assert find_same_recordings([*waveforms, waveforms[3].copy()]) == [{3, 12}]


def test_groups_are_found_wherever_their_clips_are(voices):
    samples = [soundfile.read(path)[0] for path in voices.data]
    copies = [*samples, samples[7][200:], samples[5] * 3, samples[5] / 2]
    assert find_same_recordings(copies) == [{5, 37, 38}, {7, 36}]


def test_a_wide_table_raises_no_warning(voices):
    table = np.random.default_rng(0).normal(size=(36, 1700)) * 1000
    evaluate(DummyClassifier(), table, voices.target, voices.speakers, cv=3)


def test_a_leak_is_listed_once_for_all_splits():
    clips = [np.full(9, value) for value in (1.0, 1.0, 2.0)]
    splits = [(np.array([0, 2]), np.array([1])), (np.array([1, 2]), np.array([0]))]
    assert find_leaks([{0, 1}], clips, splits) == [Leak(0, 1, "same bytes")]
    assert find_leaks([{0, 2}], clips, splits) == [Leak(2, 0, "same sound")]
    assert find_leaks([{0, 2}], clips, splits[:1]) == []


class Unheard:
    """A kind of clip whose sound cannot be compared, such as one that is too short."""

    def __init__(self, content):
        self.content = content


@pytest.mark.parametrize(
    "kind",
    [
        lambda number: bytes([number] * 40),
        lambda number: (np.full(40, number), 16000),
        lambda number: {"array": np.full(40, number), "sampling_rate": 16000},
        Unheard,
    ],
    ids=["bytes", "pair", "dict", "object"],
)
def test_other_kinds_of_clips_are_compared_by_their_content(kind, monkeypatch):
    # What these clips sound like is not known here.
    monkeypatch.setattr(_leaks, "map_waveforms", lambda _, clips, *__, **___: [None] * len(clips))
    clips = [kind(number) for number in (1, 2, 3, 2)]
    assert find_same_recordings(clips) == [{1, 3}]
    splits = [(np.array([0, 1]), np.array([2, 3]))]
    assert find_leaks([{1, 3}], clips, splits) == [Leak(1, 3, "same bytes")]
    assert find_leaks([{0, 3}], clips, splits) == [Leak(0, 3, "same sound")]
    assert _name_of(clips, 1) == "clip 2"


def test_names_of_clips_in_messages_are_short():
    assert _name_of(["a.wav"], 0) == "'a.wav'"
    assert _name_of([Path("a.wav")], 0).endswith("('a.wav')")
    assert len(_name_of(["x" * 4000], 0)) <= 300
