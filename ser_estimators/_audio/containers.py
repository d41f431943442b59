"""Recognition of files by their first bytes, whatever their name says."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["HEAD_BYTES", "Foreign", "foreign_format", "skip_id3"]

# Enough for the sync bytes of MPEG-TS and the magic number of tar.
HEAD_BYTES = 1024


class Foreign(NamedTuple):
    """A format that is recognized but not read.

    Parameters
    ----------
    what : str
        Such as "an MPEG-4 file (m4a, mp4)".
    is_media : bool
        Whether ffmpeg can extract audio from it.
    remedy : str
        What to do, for formats that are not media.
    """

    what: str
    is_media: bool = True
    remedy: str = ""


_UNPACK = "unpack it, and pass the files in it"
_PICTURE = Foreign("a picture", False, "check the list of paths")

# Magic numbers: position, bytes, format. The first that matches is reported.
_MAGIC: tuple[tuple[int, bytes, Foreign], ...] = (
    (
        0,
        b"\x00\x05\x16\x07",
        Foreign(
            "a metadata file of macOS (AppleDouble), not audio",
            False,
            "leave out files whose names begin with '._'",
        ),
    ),
    (0, b"\x00\x05\x16\x00", Foreign("an AppleSingle file of macOS", False, _UNPACK)),
    (0, b"\x1aE\xdf\xa3", Foreign("a Matroska or WebM file")),
    (0, b"0&\xb2u\x8ef\xcf\x11", Foreign("a Windows Media file (ASF, WMA)")),
    (0, b"#!AMR", Foreign("AMR speech")),
    (0, b"#!SILK", Foreign("SILK speech", False, "decode it with a SILK decoder")),
    (1, b"#!SILK", Foreign("SILK speech", False, "decode it with a SILK decoder")),
    (0, b"ADIF", Foreign("AAC audio (ADIF)")),
    (0, b".RMF", Foreign("a RealMedia file")),
    (0, b".ra\xfd", Foreign("RealAudio")),
    (0, b"MAC ", Foreign("Monkey's Audio (ape)")),
    (0, b"wvpk", Foreign("WavPack audio")),
    (0, b"TTA1", Foreign("True Audio (tta)")),
    (0, b"MPCK", Foreign("Musepack audio")),
    (0, b"MP+", Foreign("Musepack audio")),
    (0, b"DSD ", Foreign("DSD audio (dsf)")),
    (0, b"ajkg", Foreign("Shorten audio (shn)")),
    (0, b"\x0bw", Foreign("AC-3 audio")),
    (0, b"\x7f\xfe\x80\x01", Foreign("DTS audio")),
    (0, b"FLV\x01", Foreign("a Flash video")),
    (0, b"\x00\x00\x01\xba", Foreign("an MPEG program stream")),
    (0, b"\x00\x00\x01\xb3", Foreign("an MPEG video")),
    (0, b"Creative Voice File", Foreign("a Creative Voice file (voc)")),
    (0, b" paf", Foreign("an Ensoniq PARIS file")),
    (0, b"fap ", Foreign("an Ensoniq PARIS file")),
    (0, b"PVF1", Foreign("a Portable Voice file")),
    (0, b"2BIT", Foreign("an AVR file")),
    (0, b"d\xa3\x01\x00", Foreign("an IRCAM file")),
    (0, b"d\xa3\x02\x00", Foreign("an IRCAM file")),
    (0, b"d\xa3\x03\x00", Foreign("an IRCAM file")),
    (0, b"d\xa3\x04\x00", Foreign("an IRCAM file")),
    (0, b"MThd", Foreign("a MIDI file, which contains notes, not sound", False, "leave it out")),
    (0, b"\x93NUMPY", Foreign("a NumPy array", False, "pass list(numpy.load(...))")),
    (0, b"MATLAB 5.0", Foreign("a MATLAB file", False, "load it with scipy.io.loadmat")),
    (0, b"\x89HDF", Foreign("an HDF5 file", False, "load it with h5py")),
    (0, b"PAR1", Foreign("a Parquet table", False, "read it with pandas.read_parquet")),
    (0, b"PK\x03\x04", Foreign("a ZIP archive", False, _UNPACK)),
    (0, b"\x1f\x8b", Foreign("compressed with gzip", False, _UNPACK)),
    (0, b"BZh", Foreign("compressed with bzip2", False, _UNPACK)),
    (0, b"\xfd7zXZ", Foreign("compressed with xz", False, _UNPACK)),
    (0, b"(\xb5/\xfd", Foreign("compressed with zstd", False, _UNPACK)),
    (0, b"7z\xbc\xaf", Foreign("a 7z archive", False, _UNPACK)),
    (0, b"Rar!", Foreign("a RAR archive", False, _UNPACK)),
    (257, b"ustar", Foreign("a tar archive", False, _UNPACK)),
    (0, b"%PDF", Foreign("a PDF document", False, "check the list of paths")),
    (0, b"\x89PNG", _PICTURE),
    (0, b"\xff\xd8\xff", _PICTURE),
    (0, b"GIF8", _PICTURE),
)
# Types of the first box of MPEG-4 and QuickTime files; old QuickTime files have no "ftyp".
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_PACKETS = (188, 192, 204)  # lengths of the packets of MPEG-TS in bytes
# Audio in Ogg that libsndfile does not read, by the start of the first packet.
_OGG_CODECS = {
    b"\x7fFLAC": "FLAC in Ogg",
    b"Speex   ": "Speex audio",
    b"\x80theora": "a Theora video",
    b"fishead\0": "an Ogg file of several streams",
    b"OggMIDI": "MIDI in Ogg",
}


def foreign_format(head: bytes) -> Foreign | None:
    """Return the format of a file that is recognized but not read, or None.

    Parameters
    ----------
    head : bytes
        The first `HEAD_BYTES` bytes of the file, after ID3 tags.
    """
    for position, magic, foreign in _MAGIC:
        if head[position : position + len(magic)] == magic:
            return foreign
    if head[:4] == b"RIFF" and len(head) >= 12 and head[8:12] != b"WAVE":
        if head[8:12] == b"AVI ":
            return Foreign("an AVI video")
        return Foreign("a RIFF file without audio", False, "leave it out")
    if head[:4] == b"FORM" and len(head) >= 12 and head[8:12] not in (b"AIFF", b"AIFC"):
        return Foreign("an IFF file of the Amiga")
    if head[4:8] in _BOXES:
        is_quicktime = head[4:8] != b"ftyp" or head[8:12] == b"qt  "
        return Foreign("a QuickTime file (mov)" if is_quicktime else "an MPEG-4 file (m4a, mp4)")
    if _is_adts(head):
        return Foreign("AAC audio (ADTS)")
    for length in _PACKETS:
        # The packets of 192 bytes begin with a time stamp of 4 bytes.
        start = 4 if length == 192 else 0
        if (
            len(head) > start + 4 * length
            and head[start : start + 4 * length + 1 : length] == b"G" * 5
        ):
            return Foreign("an MPEG transport stream (ts)")
    if head[:4] == b"OggS":
        first = head[27 + head[26] :] if len(head) > 27 else b""
        for magic, what in _OGG_CODECS.items():
            if first.startswith(magic):
                return Foreign(what)
    return None


def _is_adts(head: bytes) -> bool:
    """Return whether two frames of AAC follow each other; their layer is 0, unlike that of MP3."""
    position = 0
    for _ in range(2):
        if len(head) < position + 6:
            return position > 0
        if head[position] != 0xFF or head[position + 1] & 0xF6 != 0xF0:
            return False
        third, fourth, fifth = head[position + 3 : position + 6]
        position += (third & 3) << 11 | fourth << 3 | fifth >> 5
    return True


def skip_id3(head: bytes) -> int:
    """Return the length of an ID3v2 tag at the start of a file, 0 if there is none."""
    if head[:3] != b"ID3" or len(head) < 10 or max(head[6:10]) > 127:
        return 0
    length = 0
    for byte in head[6:10]:  # seven bits each
        length = length << 7 | byte
    has_footer = head[5] & 0x10
    return length + (20 if has_footer else 10)
