"""Reading one file: every format that works, and one clear error for every one that does not."""

import math
import os
import shutil
import struct
import subprocess
import tracemalloc
from fractions import Fraction
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_estimators._audio import diagnose_file, read_audio, resample
from ser_estimators.exceptions import AudioReadError

SR = 16000
TONE = (0.5 * np.sin(2 * np.pi * 440 * np.arange(SR) / SR)).astype(np.float32)


def write(path, samples=TONE, sr=SR, **kwargs):
    soundfile.write(path, samples, sr, **kwargs)
    return path


@pytest.mark.parametrize(
    ("name", "subtype", "tolerance"),
    [
        ("a.wav", "PCM_U8", 1 / 100),
        ("a.wav", "PCM_16", 1e-4),
        ("a.wav", "PCM_24", 1e-6),
        ("a.wav", "PCM_32", 1e-6),
        ("a.wav", "FLOAT", 0),
        ("a.wav", "DOUBLE", 0),
        ("a.wav", "ULAW", 0.02),
        ("a.WAV", "PCM_16", 1e-4),
        ("a.flac", "PCM_16", 1e-4),
        ("a.flac", "PCM_24", 1e-6),
        ("a.aiff", "PCM_16", 1e-4),
        ("a.ogg", "VORBIS", 0.05),
        ("a.ogg", "OPUS", 0.1),
        ("a.mp3", "MPEG_LAYER_III", 0.05),
    ],
)
def test_formats_come_on_the_scale_of_one(name, subtype, tolerance):
    waveform = read_audio(write(name, subtype=subtype), SR)
    assert waveform.dtype == np.float32
    assert waveform.ndim == 1
    assert abs(len(waveform) - SR) <= 0.1 * SR  # MP3 pads to whole frames
    middle = slice(2000, 14000)
    if len(waveform) == SR and name[-3:] != "mp3":
        np.testing.assert_allclose(waveform[middle], TONE[middle], atol=tolerance or 1e-7)
    assert 0.45 < np.abs(waveform[middle]).max() < 0.6


# librosa.load looks for audioread's back ends, which import modules on their way out of Python.
@pytest.mark.filterwarnings("ignore:'(aifc|audioop|sunau)' is deprecated:DeprecationWarning")
@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_rates_and_channels_as_librosa_load(rate, channels):
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, size=(rate // 2, channels))
    path = write("a.wav", samples, rate, subtype="FLOAT")
    expected, _ = librosa.load(path, sr=SR, mono=True, res_type="soxr_hq")
    np.testing.assert_allclose(read_audio(path, SR), expected, atol=1e-6)


def test_accepts_str_and_path():
    path = write("a.wav")
    np.testing.assert_array_equal(read_audio(path, SR), read_audio(Path(path), SR))


def test_no_copy_of_a_waveform_that_fits():
    assert resample(TONE, SR, SR) is TONE


@given(
    n_samples=st.integers(1, 3000),
    rates=st.tuples(*[st.sampled_from([8000, 16000, 44100, 48000])] * 2),
)
@settings(max_examples=60, deadline=None)
def test_resampled_length_is_exact(n_samples, rates):
    waveform = np.ones(n_samples, dtype=np.float32)
    expected = librosa.resample(waveform, orig_sr=rates[0], target_sr=rates[1], res_type="soxr_hq")
    resampled = resample(waveform, *rates)
    assert resampled.size == math.ceil(Fraction(n_samples * rates[1], rates[0]))
    assert abs(resampled.size - expected.size) <= 1  # librosa rounds up a product of floats


@pytest.mark.parametrize("rate", [8000, 16000, 96000])
def test_single_sample_stays_a_clip(rate):
    assert read_audio(write("a.wav", np.array([0.5]), rate, subtype="FLOAT"), SR).size >= 1


def test_wav_of_unknown_length_from_a_pipe_is_read():
    path = Path(write("a.wav"))
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = struct.pack("<I", 0xFFFFFFFF)
    path.write_bytes(data)
    np.testing.assert_allclose(read_audio(path, SR), TONE, atol=1e-4)


def test_wav_with_other_chunks_before_the_data_is_read():
    path = Path(write("a.wav"))
    data = path.read_bytes()
    path.write_bytes(data[:36] + b"LIST" + struct.pack("<I", 3) + b"abc\0" + data[36:])
    np.testing.assert_allclose(read_audio(path, SR), TONE, atol=1e-4)


def test_long_file_costs_little_more_than_its_samples():
    path = write("a.wav", np.zeros(60 * SR, dtype=np.float32))
    tracemalloc.start()
    read_audio(path, SR)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * 60 * SR * 4


def unreadable(name):
    """Make one bad file of each kind and return its path."""
    path = Path(name)
    if name == "folder":
        path.mkdir()
    elif name == "empty.wav":
        path.write_bytes(b"")
    elif name == "text.wav":
        path.write_text("this is not audio, übrigens\n" * 40, encoding="utf-8")
    elif name == "pointer.wav":
        path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    elif name == "page.wav":
        path.write_text("\ufeff\n<!DOCTYPE html><html><body>404</body></html>", encoding="utf-8")
    elif name == "video.m4a":
        path.write_bytes(b"\x00\x00\x00\x20ftypM4A \x00\x00\x00\x00" + bytes(500))
    elif name == "header.wav":
        write(path, np.zeros(0))
    elif name == "truncated.wav":
        path.write_bytes(Path(write("whole.wav")).read_bytes()[:20000])
    elif name == "truncated.flac":
        noise = np.random.default_rng(0).normal(size=SR * 4) / 10
        path.write_bytes(Path(write("whole.flac", noise)).read_bytes()[:40000])
    elif name == "broken.wav":
        path.write_bytes(b"RIFF" + bytes(200))
    elif name == "noise.wav":
        path.write_bytes(bytes(range(128, 256)) * 8)
    elif name == "nan.wav":
        write(path, np.where(np.arange(SR) == 7, np.nan, TONE), subtype="FLOAT")
    elif name == "inf.wav":
        write(path, np.where(np.arange(SR) < 5, np.inf, TONE), subtype="DOUBLE")
    return path


UNREADABLE = {
    "missing.wav": "there is no such file; check the path",
    "folder": r"it is a folder; pass the files in it",
    "empty.wav": r"empty \(0 bytes\); download or copy it again",
    "text.wav": "it is text, not audio; check how it was made",
    "pointer.wav": "it is a git-lfs pointer, not audio; run 'git lfs pull'",
    "page.wav": "it is a web page, not audio: the download went wrong",
    "video.m4a": r"it is MPEG-4 audio \(m4a, mp4\).*ffmpeg -i video.m4a video.wav",
    "header.wav": "it holds no samples, only a header",
    "truncated.wav": "it is truncated: only 62% of the audio",
    "truncated.flac": "it is truncated|begins like fLaC audio but cannot be decoded",
    "broken.wav": "begins like RIFF audio but cannot be decoded",
    "noise.wav": "ffmpeg -i noise.wav noise.wav",
    "nan.wav": "1 of its 16000 samples are NaN or infinity",
    "inf.wav": "5 of its 16000 samples are NaN or infinity",
}


@pytest.mark.parametrize(("name", "message"), UNREADABLE.items())
def test_unreadable_file_is_named_with_reason_and_remedy(name, message):
    path = unreadable(name)
    with pytest.raises(AudioReadError, match=rf"Could not read '{name}': .*({message})") as caught:
        read_audio(path, SR)
    assert caught.value.failures[0][:2] == (0, name)
    assert isinstance(caught.value, ValueError)


def test_a_path_through_a_file_is_named():
    Path("file").write_bytes(b"x")
    with pytest.raises(AudioReadError, match=r"Could not read 'file.a\.wav': Not a directory"):
        read_audio("file/a.wav", SR)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_forbidden_file_is_named():
    path = Path(write("a.wav"))
    path.chmod(0)
    with pytest.raises(AudioReadError, match="Permission denied; check its permissions"):
        read_audio(path, SR)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg makes the file")
def test_real_m4a_is_refused_with_its_remedy():
    write("a.wav")
    subprocess.run(["ffmpeg", "-loglevel", "error", "-i", "a.wav", "a.m4a"], check=True)
    with pytest.raises(AudioReadError, match="MPEG-4 audio.*convert it"):
        read_audio("a.m4a", SR)


def test_decoder_error_is_chained():
    with pytest.raises(AudioReadError) as caught:
        read_audio(unreadable("text.wav"), SR)
    assert isinstance(caught.value.__cause__, soundfile.LibsndfileError)


@given(st.binary(min_size=1, max_size=300))
@settings(max_examples=80, deadline=None)
def test_any_bytes_are_audio_or_one_clear_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("bytes") / "a.wav"
    path.write_bytes(content)
    diagnosis = diagnose_file(path)
    assert diagnosis is None or diagnosis
    try:
        waveform = read_audio(path, SR)
    except AudioReadError as error:
        assert str(path) in str(error)  # noqa: PT017
    else:
        assert waveform.size
