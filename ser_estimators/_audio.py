"""From a path to a mono float32 waveform at the rate asked for; every failure names the file."""

from __future__ import annotations

import os
import shlex
import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from .exceptions import AudioReadError

__all__ = ["RES_TYPES", "printable", "read_audio", "resample"]

# librosa's names of soxr's qualities.
RES_TYPES = {f"soxr_{quality.lower()}": quality for quality in ("VHQ", "HQ", "MQ", "LQ", "QQ")}

# A WAV written to a pipe cannot know its length; writers announce about 2 or 4 GiB instead.
_UNKNOWN_SIZE = 0x7FFF0000
# Kinds of files made of chunks, and how the name and the length of a chunk are written.
_CHUNKS = {
    (b"RIFF", b"WAVE"): "<4sI",
    (b"RF64", b"WAVE"): "<4sI",
    (b"RIFX", b"WAVE"): ">4sI",
    (b"FORM", b"AIFF"): ">4sI",
    (b"FORM", b"AIFC"): ">4sI",
}
# Less than this share is missing from files that players accept without a word.
_ENOUGH = 0.99
# A rate outside is that of no recorder: 5 s of samples "at 1 Hz" would become hours.
_LOWEST_RATE, _HIGHEST_RATE = 500, 1_000_000
# Frames decoded at once. The header's own count is not trusted with an allocation.
_BLOCK = 1 << 20
# What soundfile gives for PCM of so many bits, and what it is multiplied by to lie in [-1, 1].
_INTEGERS = {"PCM_16": "int16", "PCM_24": "int32", "PCM_32": "int32"}
_SCALES = {"int16": 2.0**-15, "int32": 2.0**-31}


def read_audio(
    path: str | os.PathLike[str],
    sr: int,
    *,
    offset: float = 0.0,
    duration: float | None = None,
    res_type: str = "soxr_hq",
) -> NDArray[np.float32]:
    """Read an audio file as one channel at a given sampling rate.

    Integer PCM is rescaled to [-1, 1], channels are averaged, and another rate is resampled by
    soxr, as ``librosa.load`` does. Only the part that is asked for is decoded.

    Parameters
    ----------
    path : path-like
        Any file that libsndfile reads: WAV, FLAC, OGG, Opus, MP3, AIFF and more.
    sr : int > 0
        Sampling rate of the result in Hz.
    offset : float >= 0, default=0.0
        Seconds of the file that are left out at its beginning.
    duration : float > 0 or None, default=None
        Seconds that are read at most; None reads all.
    res_type : {"soxr_vhq", "soxr_hq", "soxr_mq", "soxr_lq", "soxr_qq"}, default="soxr_hq"
        Quality of the resampling.

    Returns
    -------
    ndarray of shape (n_samples,), float32
        At least one sample.

    Raises
    ------
    AudioReadError
        If the file is missing, empty, not audio, damaged, holds no samples or none after `offset`,
        or holds NaN or infinity, and if a WAV or AIFF is truncated. The message names the file,
        what is wrong and what to do. An MP3, OGG, W64 or AU that breaks off cannot be told from a
        shorter one.

    Examples
    --------
    >>> import numpy as np, soundfile
    >>> soundfile.write("tone.wav", np.sin(np.arange(8000) / 10), 8000)
    >>> read_audio("tone.wav", sr=16000).shape
    (16000,)
    """
    import soundfile

    name = os.fspath(path)
    _check_before_opening(name)
    # As bytes, where names are bytes: not all of them are text.
    file_name = os.fsencode(name) if os.name == "posix" else name
    try:
        with soundfile.SoundFile(file_name) as file:
            rate, n_frames = file.samplerate, file.frames
            if not _LOWEST_RATE <= rate <= _HIGHEST_RATE:
                raise _error(
                    name,
                    f"its header says {rate} Hz; expected {_LOWEST_RATE} to {_HIGHEST_RATE} Hz: "
                    "write it again with the right rate, or read it with numpy.fromfile",
                )
            start = int(offset * rate)
            samples = np.empty((0, 1), dtype=np.float32)
            if start < n_frames or start == 0:
                if start:  # not every file can seek
                    file.seek(start)
                n_wanted = -1 if duration is None else max(int(duration * rate), 1)
                samples = _decode(file, n_wanted)
    except AudioReadError:
        raise
    except (soundfile.SoundFileError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise _error(name, _diagnose(name, getattr(error, "error_string", str(error)))) from error

    if len(samples) == 0 and n_frames > 0 and offset:
        raise _error(
            name,
            f"offset={offset} s is beyond its end, {n_frames / rate:.3f} s; lower offset, or leave "
            "it out",
        )
    if len(samples) == 0:
        raise _error(
            name, "it holds no samples, only a header; record or download it again, or leave it out"
        )
    waveform = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)
    n_bad = waveform.size - int(np.count_nonzero(np.isfinite(waveform)))
    if n_bad:
        raise _error(
            name,
            f"{n_bad} of its {waveform.size} samples are NaN or infinity; "
            "write it again from the source, or leave it out",
        )
    return resample(np.ascontiguousarray(waveform), rate, sr, res_type=res_type)


def _decode(file: Any, n_frames: int) -> NDArray[np.float32]:
    """Read so many frames (all of them if -1) as float32, shape (n_frames, n_channels)."""
    # libsndfile turns integers into floats one by one; NumPy does it four times as fast.
    dtype = _INTEGERS.get(file.subtype, "float32")
    blocks = []
    n_left = n_frames
    while n_left != 0:
        n_block = _BLOCK if n_left < 0 else min(_BLOCK, n_left)
        block = file.read(n_block, dtype=dtype, always_2d=True)
        if dtype != "float32":
            block = block.astype(np.float32)
            block *= _SCALES[dtype]
        blocks.append(block)
        if len(block) < n_block:
            break
        n_left -= n_block if n_left > 0 else 0
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)


def resample(
    waveform: NDArray[np.float32], orig_sr: int, target_sr: int, *, res_type: str = "soxr_hq"
) -> NDArray[np.float32]:
    """Resample a waveform with soxr.

    Parameters
    ----------
    waveform : ndarray of shape (n_samples,), float32
    orig_sr, target_sr : int > 0
        Rates in Hz.
    res_type : str, default="soxr_hq"
        As in `read_audio`.

    Returns
    -------
    ndarray of shape (ceil(n_samples * target_sr / orig_sr),), float32
        Never empty: a clip of one sample keeps one.
    """
    if orig_sr == target_sr:
        return waveform
    import soxr

    resampled = soxr.resample(waveform, orig_sr, target_sr, quality=RES_TYPES[res_type])
    n_samples = -(-waveform.size * target_sr // orig_sr)
    fixed = np.zeros(n_samples, dtype=np.float32)
    fixed[: min(n_samples, resampled.size)] = resampled[:n_samples]
    return fixed


def _check_before_opening(name: str) -> None:
    """Raise for what the name and the file system alone can tell, and for a WAV cut short."""
    path = Path(name)
    if not name:
        raise _error(name, "the path is empty; check the list of paths")
    if "://" in name:
        raise _error(name, "it is an address, not a file; download it first")
    if path.suffix.lower() == ".raw":
        raise _error(
            name,
            "raw samples have no header that tells their rate; read them with numpy.fromfile and "
            "pass the waveform",
        )
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise _error(
                name,
                "it is a folder; pass the files in it, for example "
                'sorted(Path(...).rglob("*.wav"))',
            )
        if size == 0:
            raise _error(name, "the file is empty (0 bytes); download or copy it again")
        with path.open("rb") as file:
            fault = _length_fault(file, size)
    except FileNotFoundError as error:
        remedy = (
            "replace ~ by Path.home()"
            if name.startswith("~")
            else f"check the path (relative paths start at {str(Path.cwd())!r})"
        )
        raise _error(name, f"there is no such file; {remedy}") from error
    except OSError as error:
        raise _error(name, f"{error.strerror or error}; check the path and its rights") from error
    except ValueError as error:
        if isinstance(error, AudioReadError):
            raise
        raise _error(name, f"{error}; check the path") from error
    if fault:
        raise _error(name, fault)


def _length_fault(file: BinaryIO, size: int) -> str | None:
    """Say what is wrong with the length that a WAV or AIFF announces, if anything is.

    libsndfile silently reads what there is, so a broken download would pass for a short clip.
    """
    head = file.read(12)
    layout = _CHUNKS.get((head[:4], head[8:12]))
    if layout is None:
        return None
    n_bytes_in_64_bits = None
    while len(chunk := file.read(8)) == 8:
        name, n_bytes = struct.unpack(layout, chunk)
        n_left = size - file.tell()
        if name == b"ds64":  # of an RF64, whose data may be longer than 32 bits can say
            lengths = file.read(16)
            if len(lengths) < 16 or n_bytes < 16:
                return None  # libsndfile refuses it
            n_bytes_in_64_bits = struct.unpack("<QQ", lengths)[1]
            n_bytes -= 16
        if name not in (b"data", b"SSND"):
            file.seek(n_bytes + n_bytes % 2, os.SEEK_CUR)  # chunks have an even length
            continue
        if n_bytes == 0 and n_left > 0:
            return (
                "its header says that it holds no samples but more follows: the recording was "
                "not finished properly; repair it, for example with ffmpeg"
            )
        is_known = n_bytes < _UNKNOWN_SIZE
        if n_bytes == 0xFFFFFFFF and n_bytes_in_64_bits is not None:
            n_bytes, is_known = n_bytes_in_64_bits, True
        if is_known and n_left < _ENOUGH * n_bytes:
            return (
                f"it is truncated: only {n_left / n_bytes:.0%} of the audio that its header "
                "announces is there; download or copy it again"
            )
        return None
    return None


def _diagnose(name: str, decoder_says: str) -> str:
    """Say what a file that cannot be decoded really is, with the remedy."""
    with open(name, "rb") as file:
        head = file.read(512)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(b"version https://git-lfs"):
        return "it is a git-lfs pointer, not audio; run 'git lfs pull' in its repository"
    if start.startswith((b"<!doctype html", b"<html")):
        return "it is a web page, not audio: the download went wrong; download it again"
    if head[4:8] == b"ftyp":
        return f"it is MPEG-4 audio (m4a, mp4), which libsndfile cannot read; {_convert(name)}"
    if head[:4] in (b"fLaC", b"OggS") or (head[:4] == b"RIFF" and head[8:12] == b"WAVE"):
        return (
            f"it begins like audio but cannot be decoded ({decoder_says}), so it is damaged, cut "
            f"off, or of a codec that libsndfile lacks; download it again, or {_convert(name)}"
        )
    if _is_text(head):
        return "it is text, not audio; check how it was made or downloaded, or leave it out"
    return f"{decoder_says}; if it is audio, {_convert(name)}"


def _is_text(head: bytes) -> bool:
    if any(byte < 32 and byte not in b"\t\n\r\f" for byte in head):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character cut in half by the end of what was read is still text.
        return error.start >= len(head) - 3
    return True


def _convert(name: str) -> str:
    path = Path(name)
    result = path.with_name(f"{path.stem}-converted.wav")
    return f"convert it, for example with: ffmpeg -i {shlex.quote(name)} {shlex.quote(str(result))}"


def _error(name: str, reason: str) -> AudioReadError:
    return AudioReadError(f"Could not read '{printable(name)}': {reason}", ((0, name, reason),))


def printable(name: str) -> str:
    """Return a file name as text that any terminal can print: bytes that are no text, escaped."""
    return name.encode("utf-8", "backslashreplace").decode()
