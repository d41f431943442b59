"""From a path to a mono float32 waveform at the rate asked for; every failure names the file."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .exceptions import AudioReadError

__all__ = ["diagnose_file", "read_audio", "resample"]

# A WAV written to a pipe cannot know its length; writers put one of these into the header.
_UNKNOWN_SIZES = frozenset({0, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FFFF000, 0xFFFFFFFF - 36})

_CONVERT = "convert it, for example with: ffmpeg -i {name} {stem}.wav"


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
        If the file is missing, empty, truncated, not audio, holds no samples, or holds NaN or
        infinity. The message names the file, what is wrong and what to do.

    Examples
    --------
    >>> import numpy as np, soundfile
    >>> soundfile.write("tone.wav", np.sin(np.arange(8000) / 10), 8000)
    >>> read_audio("tone.wav", sr=16000).shape
    (16000,)
    """
    import soundfile

    path = Path(path)
    _check_before_opening(path)
    try:
        with soundfile.SoundFile(path) as file:
            n_declared, rate, file_format = file.frames, file.samplerate, file.format
            samples = file.read(dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError, RuntimeError) as error:
        raise _error(path, diagnose_file(path) or f"{error}; {_remedy_convert(path)}") from error

    if n_declared == 0 or samples.shape[0] == 0:
        raise _error(
            path, "it holds no samples, only a header; record or download it again, or leave it out"
        )
    if file_format == "FLAC" and samples.shape[0] < n_declared:
        raise _error(path, _truncated(samples.shape[0] / n_declared))
    waveform = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)
    n_bad = waveform.size - int(np.count_nonzero(np.isfinite(waveform)))
    if n_bad:
        raise _error(
            path,
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


def diagnose_file(path: Path) -> str | None:
    """Say what a file that no decoder reads really is, with the remedy; None if unknown."""
    with path.open("rb") as file:
        head = file.read(512)
    if head.startswith(b"version https://git-lfs"):
        return "it is a git-lfs pointer, not audio; run 'git lfs pull' in its repository"
    if head[4:8] == b"ftyp":
        return (
            f"it is MPEG-4 audio (m4a, mp4), which libsndfile cannot read; {_remedy_convert(path)}"
        )
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "it is a web page, not audio: the download went wrong; download it again"
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"fLaC", b"OggS"):
        return (
            f"it begins like {head[:4].decode()} audio but cannot be decoded, so it is damaged "
            "or cut off; download or copy it again"
        )
    if head and all(byte in b"\t\n\r\f" or byte >= 32 for byte in head) and _is_text(head):
        return "it is text, not audio; check how it was made or downloaded, or leave it out"
    return None


def _check_before_opening(path: Path) -> None:
    """Raise for what the file system alone can tell, and for a WAV cut short."""
    try:
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise _error(
            path,
            f"there is no such file; check the path (relative paths start at {str(Path.cwd())!r})",
        ) from error
    except OSError as error:
        raise _error(path, f"{error.strerror or error}; check the path") from error
    if path.is_dir():
        raise _error(
            path,
            'it is a folder; pass the files in it, for example sorted(Path(...).rglob("*.wav"))',
        )
    if size == 0:
        raise _error(path, "the file is empty (0 bytes); download or copy it again")
    try:
        with path.open("rb") as file:
            share = _wav_share_present(file.read(1 << 16), size)
    except OSError as error:
        raise _error(path, f"{error.strerror or error}; check its permissions") from error
    if share is not None and share < 1:
        raise _error(path, _truncated(share))


def _wav_share_present(head: bytes, size: int) -> float | None:
    """Share of a WAV's declared samples that the file holds; None if not known.

    libsndfile silently reads what there is, so a broken download would pass for a short clip.
    """
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return None
    position = 12
    while position + 8 <= len(head):
        name, n_bytes = struct.unpack_from("<4sI", head, position)
        position += 8
        if name == b"data":
            return None if n_bytes in _UNKNOWN_SIZES else min(1.0, (size - position) / n_bytes)
        position += n_bytes + n_bytes % 2  # chunks are padded to an even length
    return None


def _is_text(head: bytes) -> bool:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character cut in half by the end of what was read is still text.
        return error.start >= len(head) - 3
    return True


def _truncated(share: float) -> str:
    return (
        f"it is truncated: only {share:.0%} of the audio that its header announces is there; "
        "download or copy it again"
    )


def _remedy_convert(path: Path) -> str:
    return _CONVERT.format(name=path.name, stem=path.stem)


def _error(path: Path, reason: str) -> AudioReadError:
    return AudioReadError(f"Could not read '{path}': {reason}", ((0, str(path), reason),))
