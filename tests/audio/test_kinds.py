"""Clips in memory: encoded audio, and waveforms with their own sampling rate."""

import io
import os
import pickle
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ser_estimators import AcousticFeatures, MFCCTransformer, make_ser_pipeline
from ser_estimators._audio.clips import check_clips
from ser_estimators._audio.kinds import EncodedClip, SampledClip, digest_of, name_of
from ser_estimators._audio.reading import Reading
from ser_estimators._audio.workers import map_waveforms
from ser_estimators.exceptions import AudioLengthWarning, AudioLevelWarning, AudioReadError

from .helpers import SR, encode, speechlike

SAMPLES = (speechlike(12000, 24000)[:, 0] * 32767).astype(np.int16)
CONTENT = encode(SAMPLES, 24000)


def collect(X, **reading):
    """Return the waveforms of X at 16 kHz."""
    return map_waveforms(lambda waveform: waveform, check_clips(X), Reading(SR, **reading))


@pytest.fixture
def path():
    Path("a.wav").write_bytes(CONTENT)
    return "a.wav"


@pytest.fixture
def opened(path):
    with open(path, "rb") as file:
        yield file


ENCODED = {
    "bytes": lambda: CONTENT,
    "bytearray": lambda: bytearray(CONTENT),
    "memoryview": lambda: memoryview(CONTENT),
    "strided": lambda: memoryview(bytes(np.repeat(np.frombuffer(CONTENT, np.uint8), 2)))[::2],
    "BytesIO": lambda: io.BytesIO(CONTENT),
    "undecoded": lambda: {"bytes": CONTENT, "path": "x.wav"},
    "undecoded, no path": lambda: {"bytes": bytearray(CONTENT), "path": None},
}
SAMPLED = {
    "pair": lambda: (SAMPLES, 24000),
    "list": lambda: [SAMPLES, 24000],
    "floats": lambda: ((SAMPLES / 32768).tolist(), 24000),
    "tensor": lambda: (torch.from_numpy(SAMPLES.copy()), torch.tensor(24000)),
    "numpy rate": lambda: (SAMPLES, np.int32(24000)),
    "decoded": lambda: {"array": SAMPLES, "sampling_rate": 24000},
    "decoded, path": lambda: {"path": "x.wav", "array": SAMPLES, "sampling_rate": 24000},
}


@pytest.mark.parametrize("make", [*ENCODED.values(), *SAMPLED.values()], ids=[*ENCODED, *SAMPLED])
@pytest.mark.parametrize(
    "reading",
    [{}, {"offset": 0.1003, "duration": 0.2}, {"trim_db": 20.0, "res_type": "soxr_lq"}],
    ids=["all", "part", "trimmed"],
)
def test_clip_in_memory_equals_the_file(path, make, reading):
    (expected,) = collect([path], **reading)
    (waveform,) = collect([make()], **reading)
    np.testing.assert_allclose(waveform, expected, atol=1e-7)


@pytest.mark.parametrize("make", [*ENCODED.values(), *SAMPLED.values()], ids=[*ENCODED, *SAMPLED])
def test_checked_clips_are_accepted_again_and_pickled(make):
    (clip,) = check_clips([make()])
    (again,) = check_clips(pickle.loads(pickle.dumps([clip])))
    assert digest_of(again) == digest_of(clip)
    assert type(again) is type(clip)


def test_open_file_is_read_from_its_start_and_stays_where_it_was(opened):
    opened.seek(100)
    for _ in range(2):
        np.testing.assert_array_equal(collect([opened])[0], collect([CONTENT])[0])
        assert opened.tell() == 100
    assert name_of(check_clips([opened])[0]) == "a.wav"


@pytest.mark.parametrize("max_size", [10, 1 << 20])
def test_spooled_file_is_read(max_size):
    with tempfile.SpooledTemporaryFile(max_size) as file:
        file.write(CONTENT)
        np.testing.assert_array_equal(collect([file])[0], collect([CONTENT])[0])
        assert file.tell() == len(CONTENT)


def test_file_that_cannot_seek_is_read_once():
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as file:
        file.write(CONTENT[:5000])
    with os.fdopen(reader, "rb", buffering=0) as file:
        (clip,) = check_clips([file])
        assert clip.content.startswith(b"RIFF")
        with pytest.raises(AudioReadError, match=r"use clip 1 of 1: the file is empty \(0 bytes\)"):
            collect([file])


def test_uploads_of_web_frameworks_are_read():
    class FileStorage:
        """As in Flask: no method `seekable`."""

        filename = "voice.wav"

        def __init__(self, content):
            self.stream = io.BytesIO(content)
            self.read, self.seek, self.tell = self.stream.read, self.stream.seek, self.stream.tell

    (clip,) = check_clips([FileStorage(CONTENT)])
    assert (clip.content, clip.name) == (CONTENT, "voice.wav")
    with pytest.raises(
        AudioReadError, match=r"Could not read 'voice.wav' \(clip 1 of 1\): it is t"
    ):
        collect([FileStorage(CONTENT[:3000])])


@pytest.mark.parametrize("kind", [tuple, lambda clips: np.array([*clips, None])[:-1]])
def test_collections_of_clips_in_memory(path, kind):
    for clips in ([CONTENT] * 2, [{"bytes": CONTENT, "path": "x"}] * 2):
        assert len(collect(kind(clips))) == 2
    assert len(collect(({"array": SAMPLES, "sampling_rate": 24000}, (SAMPLES, 8000)))) == 2


def test_undecoded_clips_of_hugging_face_may_have_only_a_path(path):
    clips = [{"bytes": None, "path": path}, {"bytes": CONTENT, "path": None}, {"path": Path(path)}]
    first, second, third = collect(clips)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, third)


def test_every_clip_may_have_another_rate():
    clips = [(speechlike(rate // 2, rate)[:, 0], rate) for rate in (8000, 16000, 22050, 96000)]
    assert {len(waveform) for waveform in collect(clips)} == {8000}


class Upload:
    """As in FastAPI."""

    async def read(self):
        return CONTENT


class Broken(io.RawIOBase):
    def read(self, size=-1):
        raise OSError("the connection was closed")


class Decoder:
    """As in datasets with torchcodec."""

    def get_all_samples(self):
        raise NotImplementedError


WAVE = np.ones(3)
PART = "Clip 1 of 1 is a pair of a waveform and the sampling rate "


@pytest.mark.parametrize(
    ("clip", "error", "message"),
    [
        ((24000, WAVE), ValueError, r"a pair of 24000 and a waveform; .*\(clip\[1\], clip\[0\]\)"),
        ((np.ones((2, 9)), SR), ValueError, r"an array of shape \(2, 9\).*y.mean\(axis=0\)"),
        ((np.ones((9, 1)), SR), ValueError, r"an array of shape \(9, 1\).*y.mean\(axis=1\)"),
        (
            (WAVE, 16000.5),
            TypeError,
            PART + r"16000.5 \(float\); expected the rate in Hz as an int",
        ),
        ((WAVE, True), TypeError, PART + r"True \(bool\)"),
        ((WAVE, float("nan")), TypeError, PART + r"nan \(float\)"),
        ((WAVE, "16000"), TypeError, PART + r"'16000' \(str\)"),
        ((WAVE, None), TypeError, PART + r"None \(NoneType\)"),
        ((WAVE, 0), ValueError, PART + "0; expected 500 to 1000000 Hz"),
        ((WAVE, -16000), ValueError, PART + "-16000; expected"),
        ((WAVE, 10**12), ValueError, PART + "1000000000000; expected"),
        (("a.wav", 16000), TypeError, r"is \('a.wav', 16000\) \(tuple\); expected a path without"),
        ((WAVE, SR, "a"), TypeError, r"\(tuple\); expected a list of audio paths"),
        ({"array": WAVE}, TypeError, 'a dict whose "sampling_rate" is None'),
        ({"array": WAVE, "sampling_rate": 1}, ValueError, '"sampling_rate" is 1; expected 500'),
        ({"array": "abc", "sampling_rate": SR}, TypeError, "an array of the type '<U3'"),
        ({"array": [[1], [1, 2]], "sampling_rate": SR}, ValueError, "is a list that is not an arr"),
        ({"audio": WAVE}, TypeError, r'\(dict\); expected the keys "array" and "sampling_rate"'),
        ({"bytes": None, "path": None}, TypeError, r'whose "bytes" are None and whose "path" is N'),
        (
            {"bytes": "UklGRg==", "path": "a"},
            TypeError,
            "\"bytes\" are 'UklGRg=='.*expected the con",
        ),
        (io.StringIO("a"), TypeError, r'a file opened as text; .*open\(path, "rb"\)'),
        (
            Upload(),
            TypeError,
            r"an? Upload, whose read\(\) is asynchronous; pass its attribute `fi",
        ),
        (
            Broken(),
            ValueError,
            "a Broken that cannot be read: 'the connection was closed'; pass an",
        ),
        (Decoder(), TypeError, r"\(Decoder\); expected undecoded audio, ds.cast_column"),
        (
            np.frombuffer(CONTENT, np.uint8),
            TypeError,
            r"bytes of an audio file; .*clip.tobytes\(\)",
        ),
        (
            b"clips/a",
            TypeError,
            "is b'clips/a', which looks like a path in bytes; pass it as a str",
        ),
        (bytearray(b"a.wav"), TypeError, "looks like a path in bytes"),
    ],
)
def test_invalid_clip_in_memory_is_refused(clip, error, message):
    for method in (check_clips, MFCCTransformer().fit, MFCCTransformer().transform):
        with pytest.raises(error, match=message):
            method([clip])


def test_closed_file_is_refused(opened):
    opened.close()
    with pytest.raises(ValueError, match="a BufferedReader that cannot be read: '.*closed file"):
        check_clips([opened])


def test_file_that_returns_no_bytes_is_refused():
    class Lines(io.RawIOBase):
        def read(self, size=-1):
            return ["RIFF"]

    with pytest.raises(TypeError, match=r"a Lines whose read\(\) returns a list; expected bytes"):
        check_clips([Lines()])


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (CONTENT, r"X is a single clip: encoded audio \(bytes\); .* pass \[X\]"),
        (memoryview(CONTENT), r"X is a single clip: encoded audio \(memoryview\)"),
        (io.BytesIO(CONTENT), r"X is a single clip: encoded audio \(BytesIO\)"),
        ({"bytes": CONTENT, "path": None}, r"X is a single clip: a dict of encoded audio"),
        ({"array": WAVE, "sampling_rate": SR}, r"X is a single clip: a waveform with its sampling"),
        ((WAVE, SR), r"single pair of a waveform and a sampling rate.*pass \[\(X\[0\], X\[1\]\)\]"),
        ([[0.1, 0.2], SR], r"single pair of a waveform"),
        ((SR, WAVE), r"single pair of a waveform .* pass \[\(X\[1\], X\[0\]\)\]"),
        (EncodedClip(CONTENT), r"X is a single clip: encoded audio \(EncodedClip\)"),
    ],
)
def test_single_clip_in_memory_is_refused(X, message):
    with pytest.raises(TypeError, match=message):
        check_clips(X)


def test_array_of_pairs_is_refused_with_a_remedy():
    X = np.empty((2, 2), dtype=object)
    for row in X:
        row[:] = WAVE, SR
    with pytest.raises(ValueError, match=r"shape \(2, 2\) that contains arrays.*list\(map\(tuple"):
        check_clips(X)
    assert len(check_clips(list(map(tuple, X)))) == 2


@pytest.mark.parametrize(
    ("clip", "message"),
    [
        (b"", r"Could not use clip 1 of 1: the file is empty \(0 bytes\)"),
        (b"just some words", "it is text, not audio"),
        (SAMPLES[2000:].tobytes(), r"of no known audio format; .*pass \(numpy.frombuffer\(content"),
        (CONTENT[:9000], "it is truncated: only 37% of the audio"),
        (bytes(4) + b"ftypM4A " + bytes(99), "MPEG-4 file.*convert it to WAV first, for example"),
        (
            {"bytes": b"", "path": "x.wav"},
            r"Could not read 'x.wav' \(clip 1 of 1\): the file is em",
        ),
        ((np.zeros(0), SR), "Could not use clip 1 of 1: it contains no samples"),
        (
            {"array": np.array([np.nan]), "sampling_rate": SR, "path": "x.wav"},
            r"Could not read 'x.wav' \(clip 1 of 1\): 1 of its 1 samples are NaN or infinity",
        ),
        ((np.array([1e30]), SR), r"its samples reach 1e\+30"),
    ],
)
def test_bad_content_is_reported_like_that_of_a_file(clip, message):
    with pytest.raises(AudioReadError, match=message):
        MFCCTransformer().transform([clip])


def test_offset_beyond_the_end_of_a_clip_in_memory():
    for clip in (CONTENT, (SAMPLES, 24000)):
        with pytest.raises(AudioReadError, match="offset=9.0 s is beyond its end at 0.500 s"):
            MFCCTransformer(offset=9.0).transform([clip])


def test_warnings_name_clips_in_memory():
    silent = {"bytes": encode(np.zeros(9000)), "path": "x.wav"}
    with pytest.warns(AudioLevelWarning, match="1 of 2 clips is silent.*: clip 2 'x.wav'"):
        collect([{"bytes": CONTENT, "path": None}, silent])
    with pytest.warns(AudioLengthWarning, match=r"2 of 2 clips are shorter than 0.1 s \(0.001 s\)"):
        MFCCTransformer().transform([(WAVE / 3, 3000), (WAVE / 3, 2000)])


def test_pipeline_predicts_clips_in_memory(voices):
    pipe = make_ser_pipeline(random_state=0).set_params(
        cnn__network__channels=(4, 8), cnn__embedding_dim=4, cnn__max_epochs=1
    )
    pipe.fit(voices.data, voices.target)
    expected = pipe.predict_proba(voices.data[:2])
    contents = [Path(path).read_bytes() for path in voices.data[:2]]
    np.testing.assert_allclose(pipe.predict_proba(contents), expected, atol=1e-6)
    files = [io.BytesIO(content) for content in contents]
    for _ in range(2):  # the same files can be passed twice
        np.testing.assert_allclose(pipe.predict_proba(files), expected, atol=1e-6)
    assert AcousticFeatures().fit_transform(files).shape[0] == 2


def test_descriptions_of_clips_are_short():
    assert repr(EncodedClip(CONTENT, "a" * 999)).startswith("EncodedClip(24044 bytes, name='aaa")
    assert repr(SampledClip(WAVE, SR)) == "SampledClip(3 samples, sr=16000, name='')"
    assert len(repr(EncodedClip(CONTENT, "a" * 999))) < 200


def test_digest_distinguishes_content(path):
    clips = [path, np.ones(3), *check_clips([(WAVE, SR), (WAVE, 8000)]), EncodedClip(b"x")]
    assert len({digest_of(clip) for clip in clips}) == 5
    assert digest_of(path) == digest_of(EncodedClip(CONTENT))
    assert digest_of(np.ones((3, 2))[:, 0]) == digest_of(np.ones(3))


@given(st.binary(max_size=60))
def test_any_bytes_are_a_clip_or_a_clear_error(content):
    try:
        (clip,) = check_clips([content])
    except TypeError as error:
        assert "looks like a path" in str(error)  # noqa: PT017
    else:
        assert clip.content == content
