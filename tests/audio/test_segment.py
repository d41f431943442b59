"""Segment: a part of a file as a clip, its checks, and what is read of the file."""

import itertools
import os
import pickle
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_estimators import AcousticFeatures, MFCCTransformer, Segment
from ser_estimators._audio.clips import check_clips
from ser_estimators._audio.files import read_audio
from ser_estimators._audio.reading import Reading, duration_of
from ser_estimators.exceptions import AudioReadError

RATE = 8000
SECONDS = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Make a recording in several formats, with two channels of which one is a delayed copy."""
    folder = tmp_path_factory.mktemp("segments")
    noise = np.random.default_rng(0).normal(0, 0.1, RATE * SECONDS)
    for suffix in ("wav", "flac", "mp3", "ogg"):
        soundfile.write(folder / f"mono.{suffix}", noise, RATE)
    soundfile.write(folder / "stereo.wav", np.stack([noise, np.roll(noise, 20)], axis=1), RATE)
    return folder


@pytest.fixture
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)


def read(clip, **kwargs):
    return read_audio(clip, RATE, **kwargs)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (("a b/c.wav",), "a b/c.wav"),
        (("c.wav", 1.5), "c.wav#t=1.5"),
        (("c.wav", 0, 2), "c.wav#t=0,2"),
        (("c.wav", np.float32(0.5), np.int64(2), np.int8(1)), "c.wav#t=0.5,2&channel=1"),
        (("c.wav", 0, None, 0), "c.wav#channel=0"),
    ],
)
def test_text(values, text):
    segment = Segment(*values)
    assert str(segment) == text
    assert os.fspath(segment) == str(Path(segment)) == values[0]
    assert (type(segment.start), type(segment.channel)) in ((float, int), (float, type(None)))


def test_segments_are_values():
    segment = Segment(Path("a.wav"), 1, 2)
    assert segment == Segment("a.wav", 1.0, 2.0)
    assert (
        len({segment, Segment("a.wav", 1, 2), Segment("a.wav", 1), Segment("a.wav", 1, 2, 0)}) == 3
    )
    pickled = pickle.dumps(segment)
    assert pickle.loads(pickled) == segment
    assert b"_audio" not in pickled
    with pytest.raises(AttributeError):
        segment.start = 3.0


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ((3,), TypeError, r"path is 3 \(int\); expected the path of a file"),
        ((b"a.wav",), TypeError, r"path is b'a.wav' \(bytes\); expected the path"),
        ((Segment("a.wav", 1),), TypeError, "path is Segment.*; expected a path, not a segment"),
        (("a.wav", "1"), TypeError, r"start is '1' \(str\); expected seconds as a number"),
        (("a.wav", True), TypeError, r"start is True \(bool\); expected seconds"),
        (("a.wav", None), TypeError, r"start is None \(NoneType\); expected seconds"),
        (("a.wav", 0, Decimal(1)), TypeError, r"end is Decimal.*; expected seconds"),
        (("a.wav", -0.5), ValueError, "start=-0.5 is before the start of the file; expected 0 s"),
        (("a.wav", float("nan")), ValueError, "start=nan; expected a finite number"),
        (("a.wav", 0, float("inf")), ValueError, "end=inf; expected a finite number"),
        (("a.wav", 0, 10**400), ValueError, "end=inf; expected a finite number"),
        (("a.wav", 2, 1.5), ValueError, "end=1.5 is not after start=2.0; .* not the duration"),
        (("a.wav", 0, 0), ValueError, "end=0.0 is not after start=0.0"),
        (("a.wav", 0, 1, 0.5), TypeError, r"channel is 0.5 \(float\); expected an int, 0 for the"),
        (("a.wav", 0, 1, True), TypeError, r"channel is True \(bool\); expected an int"),
        (("a.wav", 0, 1, -1), ValueError, "channel=-1; expected 0 or more"),
    ],
)
def test_values_are_checked(values, error, message):
    with pytest.raises(error, match=message):
        Segment(*values)


@settings(max_examples=50, deadline=None)
@given(
    cuts=st.lists(st.floats(0.001, SECONDS - 0.001), min_size=1, max_size=6, unique=True),
    suffix=st.sampled_from(["wav", "flac"]),
)
def test_segments_that_follow_each_other_are_the_whole_file(folder, cuts, suffix):
    """However the cuts are rounded, no sample is lost or read twice."""
    samples = sorted({round(cut * RATE) for cut in cuts} | {0, SECONDS * RATE})
    edges = [0, *sorted(cuts), None]
    if len(samples) != len(edges):  # two cuts at one sample: a segment has at least one
        return
    path = folder / f"mono.{suffix}"
    parts = [read(Segment(path, *bounds)) for bounds in itertools.pairwise(edges)]
    np.testing.assert_array_equal(np.concatenate(parts), read(path))


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg"])
def test_a_segment_is_the_part_of_the_file(suffix):
    whole = read(f"mono.{suffix}")
    part = read(Segment(f"mono.{suffix}", 1.25, 2.5))
    np.testing.assert_allclose(part, whole[10000:20000], atol=1e-4)


@pytest.mark.usefixtures("here")
def test_offset_and_duration_are_relative_to_the_segment():
    whole, segment = read("mono.wav"), Segment("mono.wav", 1, 2)
    np.testing.assert_array_equal(read(segment, offset=0.5), whole[12000:16000])
    np.testing.assert_array_equal(read(segment, duration=0.25), whole[8000:10000])
    np.testing.assert_array_equal(read(segment, offset=0.5, duration=9), whole[12000:16000])
    with pytest.raises(AudioReadError, match=r"offset=1.5 s is beyond its end at 1.000 s"):
        read(segment, offset=1.5)


@pytest.mark.usefixtures("here")
def test_a_segment_has_a_sample_at_least():
    np.testing.assert_array_equal(
        read(Segment("mono.wav", 1, 1 + 1e-9)), read("mono.wav")[8000:8001]
    )


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("end", [SECONDS, SECONDS + 0.1])
def test_an_end_that_was_rounded_up(end):
    np.testing.assert_array_equal(read(Segment("mono.wav", 3, end)), read("mono.wav")[24000:])


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("segment", "message"),
    [
        (
            Segment("mono.wav", 3, 4.2),
            "'mono.wav#t=3,4.2': the segment ends at 4.2 s, and the file at 4.000 s; check",
        ),
        (
            Segment("mono.wav", 4),
            "'mono.wav#t=4': the segment starts at 4 s, and the file ends at 4.000 s; check",
        ),
        (Segment("mono.wav", 1500, 3000), "starts at 1500 s, .* check that start is in seconds"),
        (
            Segment("mono.wav", channel=1),
            "'mono.wav#channel=1': it has only channel 0, not channel 1; pass another channel",
        ),
        (Segment("stereo.wav", channel=2), "it has the channels 0 to 1, not channel 2"),
        (Segment("none.wav", 1, 2), "'none.wav#t=1,2': there is no such file"),
    ],
)
def test_segments_that_a_file_does_not_have(segment, message):
    with pytest.raises(AudioReadError, match=message):
        read(segment)


@pytest.mark.usefixtures("here")
def test_one_of_several_channels():
    first, second = soundfile.read("stereo.wav", dtype="float32")[0].T
    np.testing.assert_array_equal(read(Segment("stereo.wav", channel=0)), first)
    np.testing.assert_array_equal(read(Segment("stereo.wav", 1, 2, 1)), second[8000:16000])
    np.testing.assert_allclose(read(Segment("stereo.wav")), (first + second) / 2, atol=1e-7)
    np.testing.assert_array_equal(read(Segment("mono.wav", channel=0)), read("mono.wav"))


@pytest.mark.usefixtures("here")
def test_durations():
    assert duration_of(Segment("mono.wav", 1, 2.5)) == 1.5
    assert duration_of(Segment("mono.wav", 1)) == SECONDS - 1
    assert duration_of(Segment("mono.wav", 9)) == 0
    assert duration_of(Segment("none.wav", 9)) is None


@pytest.mark.parametrize(
    "kind", [list, tuple, lambda clips: np.array(clips, dtype=object), np.array]
)
def test_segments_in_any_sequence(kind):
    clips = [Segment("a.wav", 1, 2), "b.wav", Segment("a.wav", 2, 3), Path("c.wav")]
    assert check_clips(kind(clips)) == [*clips[:3], "c.wav"]


def test_segments_in_a_series():
    pandas = pytest.importorskip("pandas")
    clips = [Segment("a.wav", 1, 2), Segment("a.wav", 2, 3)]
    assert check_clips(pandas.Series(clips)) == clips


def test_a_single_segment_is_no_list():
    with pytest.raises(TypeError, match=r"X is the single segment Segment.*: pass \[X\]"):
        check_clips(Segment("a.wav", 1, 2))


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("estimator", [MFCCTransformer(sr=RATE), AcousticFeatures(sr=RATE)])
def test_features_of_segments_are_those_of_the_cut_file(estimator, tmp_path):
    """Segments of one file differ in the cache, too."""
    samples = soundfile.read("mono.wav", dtype="int16")[0]
    bounds = [(0, 1), (1, 2.5), (2.5, 4)]
    cut = [samples[int(start * RATE) : int(end * RATE)] for start, end in bounds]
    segments = [Segment("mono.wav", start, end) for start, end in bounds]
    expected = np.asarray(estimator.fit_transform(cut))
    estimator.set_params(memory=tmp_path)
    for _ in range(2):
        np.testing.assert_array_equal(np.asarray(estimator.fit_transform(segments)), expected)
    assert len([path for path in tmp_path.glob("*/*/??/*") if path.is_file()]) == 3


@pytest.mark.usefixtures("here")
def test_all_bad_segments_are_in_one_error():
    clips = [Segment("mono.wav", 9), "mono.wav", Segment("mono.wav", 1, 7), Segment("mono.wav", 1)]
    with pytest.raises(AudioReadError, match="Could not read 2 of 4 clips") as error:
        MFCCTransformer().fit_transform(clips)
    assert [name for _, name, _ in error.value.failures] == ["mono.wav#t=9", "mono.wav#t=1,7"]
    assert Reading(RATE).load(clips[3]).size == 3 * RATE
