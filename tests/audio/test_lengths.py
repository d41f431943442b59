"""Every format is read with the right number of samples, or refused, whatever its header says."""

import io
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_estimators._audio.files import read_audio
from ser_estimators._audio.kinds import EncodedClip
from ser_estimators.exceptions import AudioReadError

from .helpers import SR, encode, speechlike, without_first_frame

PLAIN = ("PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW")
CODECS = [
    *[("WAV", subtype) for subtype in (*PLAIN, "PCM_U8", "IMA_ADPCM", "MS_ADPCM", "GSM610")],
    *[("WAVEX", subtype) for subtype in (*PLAIN, "PCM_U8")],
    *[("RF64", subtype) for subtype in (*PLAIN, "PCM_U8")],
    *[("W64", subtype) for subtype in (*PLAIN, "PCM_U8")],
    *[("AIFF", subtype) for subtype in (*PLAIN, "PCM_S8", "PCM_U8", "IMA_ADPCM", "GSM610")],
    *[("AU", subtype) for subtype in (*PLAIN, "PCM_S8", "G721_32")],
    *[("CAF", subtype) for subtype in (*PLAIN, "PCM_S8", "ALAC_16", "ALAC_24")],
    *[("NIST", subtype) for subtype in ("PCM_S8", "PCM_16", "PCM_24", "PCM_32", "ULAW", "ALAW")],
    *[("FLAC", subtype) for subtype in ("PCM_S8", "PCM_16", "PCM_24")],
    *[("OGG", subtype) for subtype in ("VORBIS", "OPUS")],
    ("MP3", "MPEG_LAYER_III"),
]
# Samples per block of codecs whose last block is padded, and whose header does not say how much.
PADDED = {("WAV", "IMA_ADPCM"): 4100, ("AIFF", "IMA_ADPCM"): 64, ("AU", "G721_32"): 120}
# libsndfile writes an even number of bytes of 8-bit AIFF, and counts them all.
PADDED |= {("AIFF", subtype): 2 for subtype in ("PCM_S8", "PCM_U8", "ULAW", "ALAW")}
MONO = ("IMA_ADPCM", "GSM610", "G721_32")


def count(content, **part):
    """Return the number of samples that are read at the rate of the file."""
    with soundfile.SoundFile(io.BytesIO(content)) as file:
        rate = file.samplerate
    return read_audio(EncodedClip(content), rate, **part).size


def different_clips(n_clips, *, n_channels=2):
    """Yield waveforms of different lengths and their rates."""
    rng = np.random.default_rng(0)
    for number in range(n_clips):
        sr = int(rng.choice([8000, 16000, 24000, 48000]))
        channels = int(rng.integers(1, n_channels + 1))
        yield speechlike(int(rng.integers(1, 9000)), sr, n_channels=channels, seed=number), sr


@pytest.mark.parametrize(("file_format", "subtype"), CODECS)
def test_thirty_clips_are_read_with_every_sample(file_format, subtype):
    for samples, sr in different_clips(30, n_channels=1 if subtype in MONO else 2):
        content = encode(samples, sr, file_format=file_format, subtype=subtype)
        padding = count(content) - len(samples)
        assert 0 <= padding < PADDED.get((file_format, subtype), 1)


@pytest.mark.parametrize(("file_format", "subtype"), CODECS)
def test_part_of_a_clip_is_a_slice_of_the_whole(file_format, subtype):
    samples = speechlike(30000)
    clip = EncodedClip(encode(samples, file_format=file_format, subtype=subtype))
    whole = read_audio(clip, SR)
    for offset, duration in ((0.1, 0.5), (1.003, 0.2), (1.5, None), (1.8, 9.0)):
        part = read_audio(clip, SR, offset=offset, duration=duration)
        start = int(offset * SR)
        stop = whole.size if duration is None else start + int(duration * SR)
        np.testing.assert_allclose(part, whole[start:stop], atol=1e-6)


@pytest.mark.parametrize(
    ("file_format", "subtype"),
    [("MP3", "MPEG_LAYER_III"), ("OGG", "OPUS"), ("OGG", "VORBIS"), ("FLAC", "PCM_16")],
)
def test_part_far_into_a_long_file(file_format, subtype):
    samples = speechlike(70 * 8000, 8000)
    clip = EncodedClip(encode(samples, 8000, file_format=file_format, subtype=subtype))
    whole = read_audio(clip, 8000)
    part = read_audio(clip, 8000, offset=65.0, duration=2.0)
    np.testing.assert_allclose(part, whole[65 * 8000 : 67 * 8000], atol=1e-3)


@pytest.mark.parametrize(("file_format", "subtype"), CODECS)
@given(cut=st.floats(0.001, 0.999))
@settings(max_examples=25)
def test_truncated_file_is_read_to_its_end_or_refused(file_format, subtype, cut):
    samples = speechlike(20000, seed=3)
    whole = encode(samples, file_format=file_format, subtype=subtype)
    content = whole[: int(cut * len(whole))]
    if whole[len(content) :].startswith(b"OggS"):
        return  # an Ogg file that ends between two pages is like a short one
    try:
        n_samples = read_audio(EncodedClip(content), SR).size
    except AudioReadError:
        return
    # It is nearly complete.
    assert n_samples > 0.98 * 20000


def patch(content, position, layout, value):
    """Return the content with another number in its header."""
    changed = bytearray(content)
    struct.pack_into(layout, changed, position, value)
    return bytes(changed)


def chunk(content, name):
    """Return the position of the length of a chunk."""
    return content.index(name) + 4


# Where a header states the length of the audio, and the bytes that it includes besides the audio.
LENGTHS = {
    "WAV": (lambda content: (chunk(content, b"data"), "<I"), 0),
    "RF64": (lambda content: (28, "<Q"), 0),
    "W64": (lambda content: (content.index(b"data\xf3") + 16, "<Q"), 24),
    "AIFF": (lambda content: (chunk(content, b"SSND"), ">I"), 8),
    "AU": (lambda content: (8, ">I"), 0),
    "CAF": (lambda content: (chunk(content, b"data"), ">Q"), 4),
}


@pytest.mark.parametrize("file_format", LENGTHS)
@pytest.mark.parametrize("fraction", [0.01, 0.25, 0.5, 0.9, 0.97, 1.02, 1.5, 40.0])
def test_wrong_length_in_a_header_is_refused(file_format, fraction):
    content = encode(speechlike(20000), file_format=file_format)
    where, extra = LENGTHS[file_format]
    position, layout = where(content)
    assert struct.unpack_from(layout, content, position)[0] == 40000 + extra
    assert count(content) == 20000
    # Even, because a length includes no part of a sample.
    wrong = patch(content, position, layout, int(fraction * 20000) * 2 + extra)
    message = (
        "it is truncated: only [0-9]+% of the audio that its header announces"
        if fraction > 1
        else "its header announces only [0-9]+% of the audio in the file"
    )
    with pytest.raises(AudioReadError, match=message):
        read_audio(EncodedClip(wrong), SR)


@pytest.mark.parametrize("file_format", LENGTHS)
def test_header_without_samples_before_data_is_refused(file_format):
    content = encode(speechlike(20000), file_format=file_format)
    where, extra = LENGTHS[file_format]
    with pytest.raises(
        AudioReadError, match="announces no samples, but data follow.*(repair|export) it"
    ):
        read_audio(EncodedClip(patch(content, *where(content), extra)), SR)


@pytest.mark.parametrize(
    ("file_format", "value"),
    [
        *[("WAV", value) for value in (0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFF00)],
        ("AIFF", 0xFFFFFFFF),
        ("AU", 0xFFFFFFFF),
        *[("CAF", value) for value in (2**64 - 1, 2**63 - 1)],
        *[("W64", value) for value in (2**64 - 1, 2**63 - 1)],
    ],
)
def test_unknown_length_is_read_to_the_end(file_format, value):
    content = encode(speechlike(20000), file_format=file_format)
    where, _ = LENGTHS[file_format]
    unknown = patch(content, *where(content), value)
    np.testing.assert_array_equal(
        read_audio(EncodedClip(unknown), SR), read_audio(EncodedClip(content), SR)
    )


@pytest.mark.parametrize("file_format", ["WAV", "RF64", "W64", "AIFF", "CAF", "AU", "NIST"])
@pytest.mark.parametrize("n_samples", [19999, 20000])
@pytest.mark.parametrize("subtype", ["PCM_16", "ULAW"])
def test_what_follows_the_audio_is_not_read(file_format, n_samples, subtype):
    content = encode(speechlike(n_samples), file_format=file_format, subtype=subtype)
    if file_format == "AIFF" and subtype == "ULAW":
        n_samples += n_samples % 2  # see PADDED
    tag = b"TAG" + bytes(range(125))
    for trailing in (bytes(3000), tag):
        assert count(content + trailing) == n_samples
    following = {
        "WAV": struct.pack("<4sI", b"LIST", 3000),
        "RF64": struct.pack("<4sI", b"id3 ", 3000),
        "W64": b"bext" + bytes.fromhex("f3acd3118cd100c04f8edb8a") + struct.pack("<Q", 3024),
        "AIFF": struct.pack(">4sI", b"ANNO", 3000),
        "CAF": struct.pack(">4sQ", b"info", 3000),
    }
    if file_format in following:
        content += bytes(-len(content) % {"W64": 8, "CAF": 1}.get(file_format, 2))
        assert count(content + following[file_format] + bytes(range(1, 251)) * 12) == n_samples


@pytest.mark.parametrize("n_samples", [10000, 30000])
def test_wrong_length_of_a_nist_file_is_refused(n_samples):
    content = encode(speechlike(20000), file_format="NIST")
    wrong = content.replace(b"sample_count -i 20000", b"sample_count -i %d" % n_samples)
    with pytest.raises(AudioReadError, match="header announces only 50%|truncated: only 67% of"):
        read_audio(EncodedClip(wrong), SR)
    without = content.replace(b"sample_count -i 20000", b"sample_cuont -i 20000")
    with pytest.raises(AudioReadError):
        read_audio(EncodedClip(without[:200]), SR)


def test_nist_file_in_shorten_is_refused():
    content = encode(speechlike(2000), file_format="NIST")
    shorten = content.replace(b"sample_coding -s3 pcm", b"sample_coding -s26 pcm,embedded-shorten")
    with pytest.raises(AudioReadError, match="compressed with Shorten, .*sph2pipe -f wav"):
        read_audio(EncodedClip(shorten), SR)


def test_wav_that_lacks_the_last_block_is_refused():
    content = encode(speechlike(20000), subtype="MS_ADPCM")
    with pytest.raises(AudioReadError, match="only 9[0-9]% of it can be decoded: it is damaged or"):
        read_audio(EncodedClip(content[: int(0.992 * len(content))]), SR)


def test_fact_chunk_that_contradicts_the_audio_is_ignored():
    content = encode(speechlike(20000), subtype="MS_ADPCM")
    position = content.index(b"fact") + 8
    assert count(content) == 20000
    assert count(patch(content, position, "<I", 500)) >= 20000
    assert count(patch(content, position, "<I", 2**32 - 1)) >= 20000


@pytest.mark.parametrize("total", [0, 1, 4096, 19000, 19999, 20001])
@pytest.mark.parametrize("trailing", [b"", b"TAG" + bytes(125), bytes(300)])
def test_flac_with_a_wrong_length_is_read_to_its_end(total, trailing):
    content = encode(speechlike(20000), file_format="FLAC")
    packed = int.from_bytes(content[18:26], "big") >> 36 << 36 | total
    wrong = content[:18] + packed.to_bytes(8, "big") + content[26:] + trailing
    np.testing.assert_array_equal(
        read_audio(EncodedClip(wrong), SR), read_audio(EncodedClip(content), SR)
    )


def test_flac_that_lacks_frames_is_refused():
    content = encode(speechlike(20000), file_format="FLAC")
    packed = int.from_bytes(content[18:26], "big") >> 36 << 36 | 40000
    wrong = content[:18] + packed.to_bytes(8, "big") + content[26:]
    with pytest.raises(AudioReadError, match="it is truncated: only 50% of the audio that its"):
        read_audio(EncodedClip(wrong), SR)


@pytest.mark.parametrize("n_bytes", [20, 30])
def test_flac_without_a_complete_header_is_refused(n_bytes):
    content = encode(speechlike(20000), file_format="FLAC")
    with pytest.raises(AudioReadError, match="starts like audio but cannot be decoded"):
        read_audio(EncodedClip(content[:n_bytes]), SR)


@pytest.mark.parametrize(
    ("file_format", "subtype"),
    [("FLAC", "PCM_16"), ("WAV", "PCM_16"), ("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")],
)
def test_files_after_id3_tags_are_read(file_format, subtype):
    content = encode(speechlike(20000), file_format=file_format, subtype=subtype)
    tag = b"ID3\x03\x00\x00" + bytes([0, 0, 2, 0]) + bytes(256)
    for tags in (tag, tag + tag, b"ID3\x04\x00\x10" + bytes(4) + b"3DI\x04\x00\x10" + bytes(4)):
        assert read_audio(EncodedClip(tags + content), SR).size == 20000


def pages(content):
    """Return the start of each page of an Ogg file."""
    starts, position = [], 0
    while position < len(content):
        starts.append(position)
        n_segments = content[position + 26]
        position += 27 + n_segments + sum(content[position + 27 : position + 27 + n_segments])
    return starts


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_ogg_file_is_complete_or_refused(subtype):
    content = encode(speechlike(100000), file_format="OGG", subtype=subtype)
    starts = pages(content)
    for end in (starts[-1] + 3, starts[-1] + 20, starts[-1] + 40, len(content) - 1):
        with pytest.raises(AudioReadError, match="it is truncated: its last page is incomplete"):
            read_audio(EncodedClip(content[:end]), SR)
    # Between two pages, it is the end of the file.
    assert 0.5 * 100000 < count(content[: starts[-1]]) < 100000
    with pytest.raises(AudioReadError, match="it contains 2 recordings one after the other"):
        read_audio(EncodedClip(content + content), SR)
    with pytest.raises(AudioReadError, match=r"damaged: there is no Ogg page at byte \d+ of \d+"):
        read_audio(EncodedClip(content[: starts[-1]] + b"x" * 900 + content[starts[-1] :]), SR)
    assert count(content + bytes(900)) == 100000


@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE", "AVERAGE"])
def test_thirty_mp3_files_without_a_header_are_read_to_the_end(mode):
    for samples, sr in different_clips(30):
        content = encode(
            samples, sr, file_format="MP3", subtype="MPEG_LAYER_III", bitrate_mode=mode
        )
        # Without the header, nothing says how much of the first and last frames is padding.
        assert 0 <= count(without_first_frame(content)) - len(samples) < 4 * 1152
