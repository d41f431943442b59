"""MP3: with and without a header that states the length, with tags, damaged, or only similar."""

import struct

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from ser_estimators._audio.files import read_audio
from ser_estimators._audio.kinds import EncodedClip
from ser_estimators._audio.mpeg import inspect_mpeg
from ser_estimators.exceptions import AudioReadError

from .helpers import SR, encode, speechlike, without_first_frame

N_SAMPLES = 40000
SAMPLES = speechlike(N_SAMPLES)


def mp3(samples=SAMPLES, sr=SR, *, mode="VARIABLE", level=0.2):
    return encode(
        samples,
        sr,
        file_format="MP3",
        subtype="MPEG_LAYER_III",
        bitrate_mode=mode,
        compression_level=level,
    )


WHOLE = mp3()
BARE = without_first_frame(WHOLE)
FIRST = WHOLE[: len(WHOLE) - len(BARE)]
COUNT = FIRST.index(b"Xing") + 8  # where the number of frames stands
(N_FRAMES,) = struct.unpack_from(">I", FIRST, COUNT)


def read(content):
    return read_audio(EncodedClip(content), SR)


def with_count(n_frames):
    changed = bytearray(WHOLE)
    struct.pack_into(">I", changed, COUNT, n_frames)
    return bytes(changed)


@pytest.fixture(autouse=True)
def _decoder_prints_nothing(capfd):
    yield
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("sr", [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000])
@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
@pytest.mark.parametrize("n_channels", [1, 2])
def test_missing_header_loses_nothing(sr, mode, n_channels):
    samples = speechlike(3 * sr + 77, sr, n_channels=n_channels)
    whole = mp3(samples, sr, mode=mode)
    expected = read_audio(EncodedClip(whole), sr)
    assert expected.size == len(samples)
    waveform = read_audio(EncodedClip(without_first_frame(whole)), sr)
    # The decoder removes its own delay, not that of the encoder, 576 samples of LAME.
    n_more = waveform.size - expected.size
    assert 576 <= n_more < 576 + 1152 + 576
    np.testing.assert_allclose(waveform[576 : 576 + expected.size], expected, atol=1e-5)


def test_libsndfile_loses_the_end_without_the_header(tmp_path):
    """The fault that is avoided; if this fails, the length need not be counted any more."""
    (tmp_path / "a.mp3").write_bytes(BARE)
    assert soundfile.info(tmp_path / "a.mp3").frames < 0.8 * N_SAMPLES


def ape(n_bytes):
    footer = struct.pack("<III", n_bytes + 32, 1, 1 << 31) + bytes(8)
    return b"APETAGEX" + bytes(24) + bytes(n_bytes) + b"APETAGEX" + struct.pack("<I", 2000) + footer


ID3V1 = b"TAG" + bytes(125)
ID3V2 = b"ID3\x04\x00\x00" + bytes([0, 0, 8, 0]) + b"x" * 1024
LYRICS = b"LYRICSBEGIN" + b"y" * 400 + b"000411" + b"LYRICS200"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", ID3V1),
        (ID3V2, b""),
        (ID3V2 + ID3V2, LYRICS + ID3V1),
        (b"", ape(700)),
        (ID3V2, ape(700) + ID3V1),
        (bytes(500), bytes(3000)),
        (b"junk" * 50, b"junk" * 50),
    ],
    ids=["ID3v1", "ID3v2", "Lyrics3", "APE", "all", "zeros", "junk"],
)
@pytest.mark.parametrize("content", [WHOLE, BARE], ids=["header", "no header"])
def test_tags_change_nothing(before, after, content):
    np.testing.assert_array_equal(read(before + content + after), read(content))


@pytest.mark.parametrize("tag", [ape(0), b"LYRICS200", ID3V1, ape(9)[-32:], ID3V2])
def test_tags_without_audio_are_refused(tag):
    with pytest.raises(AudioReadError):
        read(tag)


def test_files_one_after_the_other_are_read_to_the_end():
    other = mp3(speechlike(30000, seed=1))
    assert abs(read(WHOLE + other).size - N_SAMPLES - 30000) < 3 * 1152
    assert abs(read(ID3V2 + BARE + other).size - N_SAMPLES - 30000) < 4 * 1152
    with pytest.raises(AudioReadError, match="only 9[0-9]% of its bytes are frames of MP3"):
        read(BARE + ID3V1 + ID3V2 + other)


def test_header_that_announces_too_few_frames_is_corrected():
    np.testing.assert_allclose(read(with_count(N_FRAMES // 2)), read(WHOLE), atol=1e-6)


def test_header_that_counts_itself_is_accepted():
    waveform = read(with_count(N_FRAMES + 1))
    assert N_SAMPLES <= waveform.size < N_SAMPLES + 1152
    np.testing.assert_allclose(waveform[:N_SAMPLES], read(WHOLE), atol=1e-6)


def test_header_without_a_count_is_replaced():
    changed = bytearray(WHOLE)
    changed[COUNT - 1] &= 0xFE
    assert read(bytes(changed)).size == read(BARE).size


def test_header_of_fraunhofer_is_replaced():
    vbri = bytearray(len(FIRST))
    vbri[:4] = FIRST[:4]
    vbri[36:40] = b"VBRI"
    struct.pack_into(">I", vbri, 50, N_FRAMES)
    np.testing.assert_array_equal(read(bytes(vbri) + BARE), read(BARE))
    with pytest.raises(AudioReadError, match="it is truncated: only 4[0-9]% of the audio that"):
        read(bytes(vbri) + BARE[: len(BARE) // 2])


@given(cut=st.floats(0.05, 0.95))
def test_truncated_file_with_a_header_is_refused(cut):
    with pytest.raises(AudioReadError, match="it is truncated: only [0-9]+% of the audio that its"):
        read(WHOLE[: int(cut * len(WHOLE))])


@given(cut=st.floats(0.05, 0.95))
def test_truncated_file_without_a_header_is_read_to_its_end(cut):
    """Every complete frame is read, as if each were a file."""
    content = BARE[: int(cut * len(BARE))]
    complete = inspect_mpeg(content).content
    assert len(content) - len(complete) < 1000
    n_samples = read(content).size
    assert n_samples % 576 == 576 - 529
    whole = read(BARE)
    np.testing.assert_allclose(n_samples, cut * whole.size, atol=0.25 * whole.size)
    np.testing.assert_allclose(read(content), whole[:n_samples], atol=1e-5)


def test_file_that_lacks_one_frame_is_read():
    longer = mp3(speechlike(5 * N_SAMPLES))
    waveform = read(longer[:-80])
    assert 0 <= 5 * N_SAMPLES - waveform.size < 2 * 576
    np.testing.assert_allclose(waveform, read(longer)[: waveform.size], atol=1e-5)


@pytest.mark.parametrize("n_frames", [1, 2, 3])
def test_shortest_files_are_read(n_frames):
    content = mp3(mode="CONSTANT")
    rest = without_first_frame(content)
    length = len(content) - len(rest)
    assert read(rest[: n_frames * length]).size == n_frames * 576 - 529


def test_damage_in_the_middle_is_refused():
    middle = len(BARE) // 2
    with pytest.raises(AudioReadError, match="only 9[0-9]% of its bytes are frames of MP3: it is"):
        read(BARE[:middle] + b"damage! " * 100 + BARE[middle:])


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (mp3(speechlike(30000, n_channels=2)), "changes the number of channels in the middle"),
        (mp3(speechlike(30000, 8000), 8000), "changes the sampling rate in the middle"),
        (mp3(speechlike(30000, 48000), 48000), "changes the sampling rate in the middle"),
    ],
    ids=["stereo", "MPEG-2.5", "MPEG-1"],
)
def test_change_in_the_middle_is_refused(other, message):
    with pytest.raises(AudioReadError, match=f"it {message}, which .*convert it to WAV"):
        read(WHOLE + other)


@given(st.binary(max_size=3000), st.integers(0, 2**32 - 1))
def test_bytes_that_look_like_one_frame_are_not_mp3(content, seed):
    noise = np.random.default_rng(seed).bytes(3000)
    assert inspect_mpeg(b"\xff\xf3\x48\xc4" + content + noise) is None


def test_mp3_in_wav_is_read_to_its_end():
    def wav(content):
        fmt = struct.pack("<HHIIHHHHIHHH", 0x55, 1, SR, 4000, 1, 0, 12, 1, 0, 576, 1, 0)
        chunks = b"fmt " + struct.pack("<I", len(fmt)) + fmt
        chunks += b"data" + struct.pack("<I", len(content)) + content
        return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks

    np.testing.assert_array_equal(read(wav(BARE)), read(BARE))
    np.testing.assert_array_equal(read(wav(WHOLE)), read(WHOLE))
    with pytest.raises(AudioReadError, match="header announces MP3, but it contains none"):
        read(wav(b"none" * 999))


def test_layer_two_is_read_to_its_end(tmp_path):
    ffmpeg = pytest.importorskip("imageio_ffmpeg").get_ffmpeg_exe()
    import subprocess

    (tmp_path / "a.wav").write_bytes(encode(SAMPLES))
    command = [ffmpeg, "-loglevel", "error", "-i", "a.wav", "a.mp2"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert 0 <= read_audio(tmp_path / "a.mp2", SR).size - N_SAMPLES < 2 * 1152
