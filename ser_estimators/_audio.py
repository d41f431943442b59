"""From a path to a mono float32 waveform at the rate asked for; every failure names the file."""

from __future__ import annotations

import os
import shlex
import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from .exceptions import AudioReadError

__all__ = ["read_audio", "resample"]

# A WAV written to a pipe cannot know its length; writers announce about 2 or 4 GiB instead.
_UNKNOWN_SIZE = 0x7FFF0000
# Less than this share is missing from files that players accept without a word.
_ENOUGH = 0.99
# Frames decoded at once. The header's own count is not trusted with an allocation.
_BLOCK = 1 << 20


def read_audio(path: str | os.PathLike[str], sr: int) -> NDArray[np.float32]:
    """Read an audio file as one channel at a given sampling rate.

    Integer PCM is rescaled to [-1, 1], channels are averaged, and another rate is resampled
    with soxr's high-quality filter, as ``librosa.load`` does.

    Parameters
    ----------
    path : path-like
        Any file that libsndfile reads: WAV, FLAC, OGG, Opus, MP3, AIFF and more.
    sr : int > 0
        Sampling rate of the result in Hz.

    Returns
    -------
    ndarray of shape (n_samples,), float32
        At least one sample.

    Raises
    ------
    AudioReadError
        If the file is missing, empty, not audio, damaged, holds no samples, or holds NaN or
        infinity, and if a WAV is truncated. The message names the file, what is wrong and what to
        do. An MP3 or OGG that breaks off cannot be told from a shorter one.

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
    try:
        with soundfile.SoundFile(name) as file:
            rate = file.samplerate
            blocks = [file.read(_BLOCK, dtype="float32", always_2d=True)]
            while len(blocks[-1]) == _BLOCK:
                blocks.append(file.read(_BLOCK, dtype="float32", always_2d=True))
    except (soundfile.SoundFileError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise _error(name, _diagnose(name, getattr(error, "error_string", str(error)))) from error

    samples = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
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
    return resample(np.ascontiguousarray(waveform), rate, sr)


def resample(waveform: NDArray[np.float32], orig_sr: int, target_sr: int) -> NDArray[np.float32]:
    """Resample a waveform with soxr's high-quality filter.

    Parameters
    ----------
    waveform : ndarray of shape (n_samples,), float32
    orig_sr, target_sr : int > 0
        Rates in Hz.

    Returns
    -------
    ndarray of shape (ceil(n_samples * target_sr / orig_sr),), float32
        Never empty: a clip of one sample keeps one.
    """
    if orig_sr == target_sr:
        return waveform
    import soxr

    resampled = soxr.resample(waveform, orig_sr, target_sr, quality="HQ")
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
            fault = _wav_fault(file, size)
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


def _wav_fault(file: BinaryIO, size: int) -> str | None:
    """Say what is wrong with the length that a WAV announces, if anything is.

    libsndfile silently reads what there is, so a broken download would pass for a short clip.
    """
    head = file.read(12)
    if head[:4] not in (b"RIFF", b"RIFX") or head[8:12] != b"WAVE":
        return None
    layout = "<4sI" if head[:4] == b"RIFF" else ">4sI"
    while len(chunk := file.read(8)) == 8:
        name, n_bytes = struct.unpack(layout, chunk)
        n_left = size - file.tell()
        if name != b"data":
            file.seek(n_bytes + n_bytes % 2, os.SEEK_CUR)  # chunks have an even length
        elif n_bytes == 0 and n_left > 0:
            return (
                "its header says that it holds no samples but more follows: the recording was "
                "not finished properly; repair it, for example with ffmpeg"
            )
        elif n_bytes < _UNKNOWN_SIZE and n_left < _ENOUGH * n_bytes:
            return (
                f"it is truncated: only {n_left / n_bytes:.0%} of the audio that its header "
                "announces is there; download or copy it again"
            )
        else:
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
    return AudioReadError(f"Could not read '{name}': {reason}", ((0, name, reason),))
