"""Files that are not read: the reason is true, and the remedy works, whatever the name is."""

import base64
import os
import subprocess
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_estimators import MFCCTransformer
from ser_estimators._audio.files import read_audio
from ser_estimators._audio.kinds import EncodedClip
from ser_estimators.exceptions import AudioReadError

from .helpers import SR, encode, speechlike

CONTENT = encode(speechlike(SR))


def adts(n_frames):
    """Return frames of AAC, whose sync word is like that of MP3."""
    frame = bytes([0xFF, 0xF1, 0x50, 0x80, 0x19, 0x1F, 0xFC]) + bytes(193)
    return frame * n_frames


FOREIGN = {
    "MPEG-4": (bytes(3) + b"\x20ftypM4A " + bytes(300), r"an MPEG-4 file \(m4a, mp4\)"),
    "QuickTime": (bytes(3) + b"\x14ftypqt  " + bytes(300), r"a QuickTime file \(mov\)"),
    "old QuickTime": (bytes(3) + b"\x14moov" + bytes(300), r"a QuickTime file \(mov\)"),
    "AAC": (adts(20), r"AAC audio \(ADTS\)"),
    "AAC after ID3": (b"ID3\x04" + bytes(6) + adts(20), r"AAC audio \(ADTS\)"),
    "AAC, one frame": (adts(1), r"AAC audio \(ADTS\)"),
    "MPEG-TS": ((b"G@\x11\x10" + b"\xff" * 184) * 9, r"an MPEG transport stream \(ts\)"),
    "M2TS": ((bytes(4) + b"G@\x11\x10" + b"\xff" * 184) * 9, "an MPEG transport stream"),
    "Matroska": (b"\x1aE\xdf\xa3" + bytes(300), "a Matroska or WebM file"),
    "ASF": (bytes.fromhex("3026b2758e66cf11") + bytes(300), r"Windows Media file \(ASF, WMA\)"),
    "AMR": (b"#!AMR\n" + bytes(range(128, 250)), "AMR speech"),
    "AVI": (b"RIFF" + bytes(4) + b"AVI LIST" + bytes(99), "an AVI video"),
    "8SVX": (b"FORM" + bytes(4) + b"8SVXVHDR" + bytes(99), "an IFF file of the Amiga"),
    "FLAC in Ogg": (b"OggS\0\x02" + bytes(20) + b"\x01\x33\x7fFLAC\x01" + bytes(99), "FLAC in Ogg"),
    "Speex": (b"OggS\0\x02" + bytes(20) + b"\x01\x50Speex   1.2" + bytes(99), "Speex audio"),
    "AC-3": (b"\x0bw" + bytes(300), "AC-3 audio"),
    "WavPack": (b"wvpk" + bytes(300), "WavPack audio"),
    "VOC": (b"Creative Voice File\x1a" + bytes(99), r"a Creative Voice file \(voc\)"),
}
OTHER = {
    "AppleDouble": (
        bytes([0, 5, 0x16, 7, 0, 2, 0, 0]) + b"Mac OS X        " + bytes(4072),
        r"a metadata file of macOS \(AppleDouble\), not audio; leave out files whose names begin",
    ),
    "gzip": (b"\x1f\x8b\x08" + bytes(99), "compressed with gzip; unpack it"),
    "MIDI": (b"MThd" + bytes(99), "a MIDI file, which contains notes, not sound; leave it out"),
    "NumPy": (b"\x93NUMPY" + bytes(99), r"a NumPy array; pass list\(numpy.load"),
    "HDF5": (b"\x89HDF\r\n" + bytes(99), "an HDF5 file; load it with h5py"),
    "Parquet": (b"PAR1" + bytes(99), "a Parquet table; read it with pandas.read_parquet"),
    "WebP": (b"RIFF" + bytes(4) + b"WEBPVP8 " + bytes(99), "a RIFF file without audio; leave it"),
    "PNG": (b"\x89PNG\r\n" + bytes(99), "a picture; check the list of paths"),
    "JPEG": (b"\xff\xd8\xff\xe0" + bytes(99), "a picture"),
    "PDF": (b"%PDF-1.7" + bytes(99), "a PDF document"),
    "SILK": (b"\x02#!SILK_V3" + bytes(99), "SILK speech"),
}


@pytest.mark.parametrize("suffix", [".mp3", ".wav", ".flac", ""])
@pytest.mark.parametrize(("content", "what"), FOREIGN.values(), ids=FOREIGN)
def test_other_media_are_named_with_a_command(content, what, suffix):
    Path(f"a{suffix}").write_bytes(content)
    message = rf"it is (an? )?{what}.*, which libsndfile cannot read; convert it.*: ffmpeg -i a"
    with pytest.raises(AudioReadError, match=message):
        read_audio(f"a{suffix}", SR)
    with pytest.raises(AudioReadError, match=rf"{what}.*convert it to WAV first, for example wi"):
        read_audio(EncodedClip(content, f"a{suffix}"), SR)


@pytest.mark.parametrize(("content", "message"), OTHER.values(), ids=OTHER)
def test_other_files_are_named_with_a_remedy(content, message):
    Path("a.wav").write_bytes(content)
    with pytest.raises(AudioReadError, match=f"Could not read 'a.wav': it is {message}"):
        read_audio("a.wav", SR)


@pytest.mark.parametrize(
    "content", [b"RIFF", b"RI", b"FORM123", b"OggS", b"fLaC", b".snd", b"\xff"]
)
def test_start_of_a_file_is_refused(content):
    with pytest.raises(
        AudioReadError, match="cannot be decoded|no known audio format|it is text|trunc"
    ):
        read_audio(EncodedClip(content), SR)


def test_archives_are_named():
    Path("x.wav").write_bytes(CONTENT)
    with zipfile.ZipFile("a.wav", "w") as archive:
        archive.write("x.wav")
    with tarfile.open("b.wav", "w") as archive:
        archive.add("x.wav")
    with pytest.raises(AudioReadError, match="it is a ZIP archive; unpack it, and pass the files"):
        read_audio("a.wav", SR)
    with pytest.raises(AudioReadError, match="it is a tar archive; unpack it"):
        read_audio("b.wav", SR)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.wav", '{"error": "not found"}', "it is JSON, not audio: perhaps the answer of a serv"),
        ("a.wav", '<?xml version="1.0"?><Error/>', "it is XML, not audio: perhaps the answer of"),
        (
            "a.csv",
            "path,label\na.wav,anger\n",
            r"a table \(.csv\).*pandas.read_csv\('a.csv'\)\['pa",
        ),
        ("a.tsv", "path\tlabel\n", r"it is a table \(.tsv\), .*pandas.read_table\('a.tsv'\)"),
        ("a.json", "[1]", r"it is a table \(.json\), .*pandas.read_json\('a.json'\)"),
        ("a.csv", "<html></html>", "it is a web page, not audio"),
        ("a.wav", "a.wav anger\n", "it is text, not audio; check how it was created"),
    ],
)
def test_text_is_named(name, text, message):
    Path(name).write_text(text)
    with pytest.raises(AudioReadError, match=message):
        read_audio(name, SR)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "a.pcm",
            r"read them with numpy.fromfile\('a.pcm', dtype=numpy.int16\), .*\(waveform, sr\)",
        ),
        ("a.ul", "have no sampling rate; .*: ffmpeg -f mulaw -ar 8000 -i a.ul a-converted.wav"),
        ("my a.al", r"ffmpeg -f alaw -ar 8000 -i 'my a.al' 'my a-converted.wav'"),
        ("a.vox", "sox -r 8000 a.vox a-converted.wav"),
        ("a.VOX", "sox -r 8000 a.VOX a-converted.wav"),
        ("a" * 200 + ".vox", "sox -r 8000 IN.vox OUT.wav"),
        (
            "a.wav",
            r"first bytes \([0-9a-f ]{23}\) are those of no known audio format; if it is aud",
        ),
    ],
)
def test_samples_without_a_header(name, message):
    samples = (speechlike(SR)[:, 0] * 32767).astype("<i2")[1000:]
    samples.tofile(name)
    with pytest.raises(AudioReadError, match=message):
        read_audio(name, SR)


def test_remedy_for_raw_samples_works():
    samples = (speechlike(SR)[:, 0] * 32767).astype(np.int16)
    samples.tofile("a.pcm")
    frames = MFCCTransformer().transform([(np.fromfile("a.pcm", dtype=np.int16), SR)])
    np.testing.assert_array_equal(frames, MFCCTransformer().transform([samples]))


@pytest.mark.skipif(os.name != "posix", reason="the path is spelled differently")
def test_address_of_a_file_is_turned_into_a_path():
    path = Path("my clips", "ü.wav").absolute()
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    with pytest.raises(
        AudioReadError, match="it is the address of a file; pass its path: '(.*)'"
    ) as e:
        read_audio(path.as_uri(), SR)
    assert str(path) in str(e.value)


@pytest.mark.skipif(os.name != "posix", reason="Windows has no named pipes in folders")
def test_pipes_and_devices_are_refused():
    os.mkfifo("pipe")
    for name in ("pipe", os.devnull):
        with pytest.raises(AudioReadError, match="it is a pipe or a device, not a file; read it"):
            read_audio(name, SR)


@pytest.mark.parametrize(
    ("clip", "message"),
    [
        (base64.b64encode(CONTENT).decode(), r"it is 42728 characters of base64, .*decode\(clip\)"),
        (base64.b64encode(CONTENT[:150]).decode(), "it is 200 characters of base64, not a path"),
        (base64.urlsafe_b64encode(b"\xff\xfb" + CONTENT).decode(), "characters of base64"),
        (base64.b64encode(bytes(3000)).decode(), "it is 4000 characters of base64"),
        (
            "data:audio/wav;base64," + base64.b64encode(CONTENT).decode(),
            r'characters of base64.*b64decode\(clip.split\(",", 1\)\[1\]\)',
        ),
        ("x.y" * 30000, "it has 90000 characters, more than a path may have; pass a path, or the"),
        ("a" * 100, "there is no such file"),
        ("/".join(["folder"] * 40), "there is no such file"),
    ],
)
def test_text_that_is_no_path(clip, message):
    with pytest.raises(AudioReadError, match=message) as caught:
        MFCCTransformer().transform([clip])
    assert len(str(caught.value)) < 700


def test_remedy_for_base64_works():
    text = base64.b64encode(CONTENT).decode()
    assert len(MFCCTransformer().transform([base64.b64decode(text)])) == 1


def test_long_names_are_not_part_of_commands():
    Path("a" * 200 + ".m4a").write_bytes(FOREIGN["MPEG-4"][0])
    with pytest.raises(AudioReadError, match="convert it to WAV first, for example with ffmpeg"):
        read_audio("a" * 200 + ".m4a", SR)


CONTAINERS = {
    "aac": ["-c:a", "aac", "-f", "adts"],
    "ts": ["-c:a", "aac", "-f", "mpegts"],
    "mkv": ["-c:a", "flac", "-f", "matroska"],
    "mov": ["-c:a", "pcm_s16le", "-f", "mov"],
    "m4a": ["-c:a", "aac", "-f", "ipod"],
    "webm": ["-c:a", "libopus", "-f", "webm"],
    "mp3 in ts": ["-c:a", "libmp3lame", "-f", "mpegts"],
    "mp3 in mp4": ["-c:a", "libmp3lame", "-f", "mp4"],
    "wma": ["-c:a", "wmav2", "-f", "asf"],
}


@pytest.mark.parametrize("options", CONTAINERS.values(), ids=CONTAINERS)
def test_real_files_of_other_containers_named_mp3(options):
    ffmpeg = pytest.importorskip("imageio_ffmpeg").get_ffmpeg_exe()
    for seed in range(3):
        Path("a.wav").write_bytes(encode(speechlike(20000, seed=seed)))
        command = [ffmpeg, "-loglevel", "error", "-y", "-i", "a.wav", *options, "a.mp3"]
        subprocess.run(command, check=True)
        with pytest.raises(AudioReadError, match="which libsndfile cannot read") as caught:
            read_audio("a.mp3", SR)
        # The command in the message works.
        remedy = str(caught.value).rsplit(": ", 1)[1].split()
        subprocess.run([ffmpeg, "-loglevel", "error", "-y", *remedy[1:]], check=True)
        assert abs(read_audio(remedy[-1], SR).size - 20000) < 4000


@given(
    st.binary(min_size=1, max_size=2000), st.sampled_from([b"", b"RIFF1234WAVE", b"fLaC", b"OggS"])
)
@settings(max_examples=60)
def test_any_content_is_audio_or_a_clear_error(content, start):
    try:
        waveform = read_audio(EncodedClip(start + content, "a.wav"), SR)
    except AudioReadError as error:
        assert "'a.wav'" in str(error)  # noqa: PT017
        assert len(str(error)) < 1000  # noqa: PT017
    else:
        assert waveform.size


def test_single_paths_are_described_by_what_they_are():
    Path("calls/a").mkdir(parents=True)
    for name in ("calls/a/1.flac", "calls/2.flac", "calls/3.wav", "calls/notes.txt"):
        Path(name).touch()
    transform = MFCCTransformer().transform
    with pytest.raises(TypeError, match=r"X is the folder 'calls'.*Path\('calls'\).*flac'\)\)$"):
        transform("calls")
    with pytest.raises(TypeError, match=r"X is the folder PosixPath\('calls/a'\)|WindowsPath"):
        transform(Path("calls/a"))
    with pytest.raises(
        TypeError, match=r"the table 'x.csv'.*pandas.read_csv\('x.csv'\)\['path'\]$"
    ):
        transform("x.csv")
    with pytest.raises(TypeError, match=r"X is the single path 'x.wav'.*pass \['x.wav'\]$"):
        transform("x.wav")
    with pytest.raises(AudioReadError, match=r"it is a folder; pass the files in it.*flac'\)\)"):
        transform(["calls"])
