"""Reading of a file: all supported formats, and a clear error for every other file."""

import math
import os
import struct
import tracemalloc
from fractions import Fraction
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_estimators._audio.files import length_of, read_audio, resample
from ser_estimators._audio.kinds import EncodedClip
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
def test_formats_are_scaled_to_one(name, subtype, tolerance):
    waveform = read_audio(write(name, subtype=subtype), SR)
    assert waveform.dtype == np.float32
    assert waveform.ndim == 1
    assert abs(len(waveform) - SR) <= 0.1 * SR  # MP3 pads to whole frames
    middle = slice(2000, 14000)
    if len(waveform) == SR and name[-3:] != "mp3":
        np.testing.assert_allclose(waveform[middle], TONE[middle], atol=tolerance or 1e-7)
    assert 0.45 < np.abs(waveform[middle]).max() < 0.6


# librosa.load looks for the back ends of audioread, which import deprecated modules.
@pytest.mark.filterwarnings("ignore:'(aifc|audioop|sunau)' is deprecated:DeprecationWarning")
@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_rates_and_channels_are_converted_as_by_librosa(rate, channels):
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, size=(rate // 2, channels))
    path = write("a.wav", samples, rate, subtype="FLOAT")
    expected, _ = librosa.load(path, sr=SR, mono=True, res_type="soxr_hq")
    np.testing.assert_allclose(read_audio(path, SR), expected, atol=1e-6)


def test_str_and_path_are_accepted():
    path = write("a.wav")
    np.testing.assert_array_equal(read_audio(path, SR), read_audio(Path(path), SR))


def test_waveform_at_the_target_rate_is_not_copied():
    assert resample(TONE, SR, SR) is TONE


@given(
    n_samples=st.integers(1, 3000),
    rates=st.tuples(*[st.sampled_from([8000, 16000, 44100, 48000])] * 2),
)
@settings(max_examples=60)
def test_resampled_length_is_exact(n_samples, rates):
    waveform = np.ones(n_samples, dtype=np.float32)
    expected = librosa.resample(waveform, orig_sr=rates[0], target_sr=rates[1], res_type="soxr_hq")
    resampled = resample(waveform, *rates)
    assert resampled.size == math.ceil(Fraction(n_samples * rates[1], rates[0]))
    assert abs(resampled.size - expected.size) <= 1  # librosa rounds up a product of floats


@pytest.mark.parametrize("rate", [8000, 16000, 96000])
def test_single_sample_is_resampled_to_at_least_one(rate):
    assert read_audio(write("a.wav", np.array([0.5]), rate, subtype="FLOAT"), SR).size >= 1


def test_wav_with_other_chunks_before_the_data_is_read():
    path = Path(write("a.wav"))
    data = path.read_bytes()
    path.write_bytes(data[:36] + b"LIST" + struct.pack("<I", 3) + b"abc\0" + data[36:])
    np.testing.assert_allclose(read_audio(path, SR), TONE, atol=1e-4)


def test_long_file_takes_little_more_memory_than_its_samples():
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
    elif name == "unfinished.wav":
        data = bytearray(Path(write("whole.wav")).read_bytes())
        data[40:44] = bytes(4)
        path.write_bytes(data)
    elif name == "late.wav":
        data = Path(write("whole.wav")).read_bytes()
        chunk = b"LIST" + struct.pack("<I", 100_000) + bytes(100_000)
        path.write_bytes((data[:36] + chunk + data[36:])[:120_000])
    elif name == "big-endian.wav":
        path.write_bytes(Path(write("whole.wav", endian="BIG")).read_bytes()[:20000])
    elif name == "truncated.rf64":
        path.write_bytes(Path(write("whole.rf64", format="RF64")).read_bytes()[:20000])
    elif name == "cut.rf64":
        path.write_bytes(Path(write("whole.rf64", format="RF64")).read_bytes()[:24])
    elif name == "truncated.aiff":
        path.write_bytes(Path(write("whole.aiff")).read_bytes()[:20000])
    elif name in ("slow.wav", "fast.wav"):
        data = bytearray(Path(write("whole.wav")).read_bytes())
        data[24:28] = struct.pack("<I", 1 if name == "slow.wav" else 2_147_483_647)
        path.write_bytes(data)
    elif name == "broken.wav":
        path.write_bytes(b"RIFF" + bytes(4) + b"WAVE" + bytes(200))
    elif name == "codec.wav":
        data = bytearray(Path(write("whole.wav")).read_bytes())
        data[20:22] = struct.pack("<H", 0x0002)  # Microsoft ADPCM, with a header of plain PCM
        path.write_bytes(data)
    elif name == "samples.raw":
        path.write_bytes(bytes(2000))
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
    "text.wav": "it is text, not audio; check how it was created",
    "pointer.wav": "it is a git-lfs pointer, not audio; run 'git lfs pull'",
    "page.wav": "it is a web page, not audio: the download failed",
    "video.m4a": r"it is an MPEG-4 file \(m4a, mp4\).*ffmpeg -i video.m4a video-converted.wav",
    "header.wav": "it contains no samples, only a header",
    "truncated.wav": "it is truncated: only 62% of the audio",
    "truncated.flac": r"it is damaged or truncated \(the decoder lost sync\)",
    "unfinished.wav": "the recording was not finished properly; repair it",
    "late.wav": "it is truncated: only 62% of the audio",
    "big-endian.wav": "it is truncated: only 62% of the audio",
    "truncated.rf64": "it is truncated: only 62% of the audio",
    "cut.rf64": "starts like audio but cannot be decoded",
    "truncated.aiff": "it is truncated: only 62% of the audio",
    "slow.wav": "its header says 1 Hz; expected 500 to 1000000 Hz: write it again",
    "fast.wav": "its header says 2147483647 Hz; expected 500",
    "broken.wav": "starts like audio but cannot be decoded",
    "codec.wav": r"Invalid bit width\): .* codec that libsndfile lacks; .*codec-converted",
    "noise.wav": "if it is audio, convert it, .* ffmpeg -i noise.wav noise-converted.wav",
    "samples.raw": r"raw samples have no header .*numpy.fromfile\('samples.raw', dtype=.*form, sr",
    "nan.wav": "1 of its 16000 samples are NaN or infinity",
    "inf.wav": "5 of its 16000 samples are NaN or infinity",
}


@pytest.mark.parametrize(("name", "message"), UNREADABLE.items())
def test_unreadable_file_is_reported_with_reason_and_remedy(name, message):
    path = unreadable(name)
    with pytest.raises(AudioReadError, match=rf"Could not read '{name}': .*({message})") as caught:
        read_audio(path, SR)
    assert caught.value.failures[0][:2] == (0, name)
    assert isinstance(caught.value, ValueError)


def test_path_through_a_file_is_reported():
    Path("file").write_bytes(b"x")
    with pytest.raises(AudioReadError, match=r"Could not read 'file.a\.wav': Not a directory"):
        read_audio("file/a.wav", SR)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "the path is empty"),
        ("https://example.org/a.wav", "it is a URL, not a file; download it first"),
        ("~/a.wav", r"there is no such file; replace ~ by Path.home\(\)"),
        ("a\0b.wav", "null byte; check the path"),
        ("./x//y.wav", "there is no such file"),
    ],
)
def test_invalid_path_is_reported_as_passed(path, message):
    with pytest.raises(AudioReadError, match=message) as caught:
        read_audio(path, SR)
    assert caught.value.failures[0][1] == path


def test_paths_in_the_remedy_are_quoted_for_a_shell():
    Path("my calls").mkdir()
    path = Path("my calls", "a b.m4a")
    path.write_bytes(b"\x00\x00\x00\x20ftypM4A " + bytes(99))
    with pytest.raises(AudioReadError, match="'my calls/a b.m4a' 'my calls/a b-converted.wav'"):
        read_audio(path, SR)


@pytest.mark.parametrize(
    "size", [0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0x7FFFEFFF, 0xFFFFFF00, 0xFFFFFFFF - 36]
)
def test_wav_of_unknown_length_from_a_pipe_is_read(size):
    path = Path(write("a.wav"))
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = struct.pack("<I", size)
    path.write_bytes(data)
    np.testing.assert_allclose(read_audio(path, SR), TONE, atol=1e-4)


def test_wav_that_lacks_a_few_bytes_is_read():
    path = Path(write("a.wav"))
    path.write_bytes(path.read_bytes()[:-100])
    assert len(read_audio(path, SR)) == SR - 50


@pytest.mark.parametrize("total", [0, 2**36 - 1])
def test_flac_of_unknown_length_is_read_and_of_absurd_length_reported(total):
    path = Path(write("a.flac"))
    data = bytearray(path.read_bytes())
    packed = int.from_bytes(data[18:26], "big")  # rate, channels, bits, 36 bits of total
    data[18:26] = ((packed >> 36 << 36) | total).to_bytes(8, "big")
    path.write_bytes(data)
    if total:
        with pytest.raises(AudioReadError, match="'a.flac': it is truncated: only 0% of the audio"):
            read_audio(path, SR)
    else:
        np.testing.assert_allclose(read_audio(path, SR), TONE, atol=1e-4)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.ogg"])
def test_length_is_known_without_decoding(name, monkeypatch):
    path = write(name)
    monkeypatch.setattr(soundfile.SoundFile, "read", None)
    assert length_of(path) == 1.0
    assert length_of(EncodedClip(Path(path).read_bytes())) == 1.0


def test_length_of_a_file_whose_header_is_wrong():
    data = bytearray(Path(write("a.flac")).read_bytes())
    packed = int.from_bytes(data[18:26], "big")
    for total in (0, 100):
        data[18:26] = (packed >> 36 << 36 | total).to_bytes(8, "big")
        assert length_of(EncodedClip(bytes(data))) == 1.0
    # Without its last frame, nothing says how long it is.
    data[18:26] = (packed >> 36 << 36).to_bytes(8, "big")
    assert length_of(EncodedClip(bytes(data[:60]))) is None


@pytest.mark.parametrize("content", [b"", b"text", b"RIFF"])
def test_file_that_cannot_be_read_has_no_length(content):
    assert length_of(EncodedClip(content)) is None
    assert length_of("missing.wav") is None


def test_infinity_of_both_signs_is_reported_without_a_warning():
    write("a.wav", np.array([[np.inf, -np.inf], [3e38, 3e38], [0, 0]]), subtype="FLOAT")
    with pytest.raises(AudioReadError, match="'a.wav': [12] of its 3 samples are NaN or infinity"):
        read_audio("a.wav", SR)


def test_file_that_does_not_fit_into_memory_is_reported(monkeypatch):
    def fail(*args, **kwargs):
        raise MemoryError

    monkeypatch.setattr("ser_estimators._audio.files._decode", fail)
    with pytest.raises(AudioReadError, match="'a.wav': it is too long for the memory; read it in"):
        read_audio(write("a.wav"), SR)


def test_file_longer_than_a_block_is_read_completely(monkeypatch):
    monkeypatch.setattr("ser_estimators._audio.files._BLOCK", 1000)
    np.testing.assert_allclose(read_audio(write("a.wav"), SR), TONE, atol=1e-4)
    exact = write("b.wav", TONE[:3000])
    assert len(read_audio(exact, SR)) == 3000


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read all files")
def test_file_without_permission_is_reported():
    path = Path(write("a.wav"))
    path.chmod(0)
    with pytest.raises(AudioReadError, match="Permission denied; check the path and its permi"):
        read_audio(path, SR)


def test_name_does_not_matter():
    """Not even names that soundfile takes for samples without a header."""
    expected = read_audio(write("a.wav"), SR)
    for name in ("a.raw", "a.mp3", "a.vox", "a", "a.pcm", "a.au"):
        Path(name).write_bytes(Path("a.wav").read_bytes())
        np.testing.assert_array_equal(read_audio(name, SR), expected)
    write("b.mp3")
    Path("b.wav").write_bytes(Path("b.mp3").read_bytes())
    np.testing.assert_array_equal(read_audio("b.wav", SR), read_audio("b.mp3", SR))


def test_error_of_the_decoder_is_chained():
    with pytest.raises(AudioReadError) as caught:
        read_audio(unreadable("broken.wav"), SR)
    assert isinstance(caught.value.__cause__, soundfile.LibsndfileError)


@given(st.binary(min_size=1, max_size=300))
@settings(max_examples=80)
def test_any_bytes_are_audio_or_cause_a_clear_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("bytes") / "a.wav"
    path.write_bytes(content)
    try:
        waveform = read_audio(path, SR)
    except AudioReadError as error:
        assert str(path) in str(error)  # noqa: PT017
    else:
        assert waveform.size
