"""Clips other than paths and plain waveforms: encoded audio, and waveforms with their own rate."""

from __future__ import annotations

import hashlib
import inspect
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .._utils.text import represent, type_name
from .segment import Segment

__all__ = ["HIGHEST_RATE", "LOWEST_RATE", "Clip", "EncodedClip", "Rows", "SampledClip"]
__all__ += ["as_encoded", "as_sampled", "as_waveform", "digest_of", "is_file", "is_scalar"]
__all__ += ["looks_like_path", "name_of"]

# Rates outside this range are implausible: 5 s of samples "at 1 Hz" would become hours.
LOWEST_RATE, HIGHEST_RATE = 500, 1_000_000  # Hz
_MAX_PATH = 4096  # bytes

# The first bytes of files, by which an array of bytes is recognized as a file, not a waveform.
_FILES = (b"RIFF", b"RF64", b"fLaC", b"OggS", b"FORM", b"caff", b"ID3\x02", b"ID3\x03", b"ID3\x04")


@dataclass(frozen=True, eq=False)
class EncodedClip:
    """The content of an audio file in memory.

    Parameters
    ----------
    content : bytes
    name : str, default=""
        Name of the file, for messages.
    """

    content: bytes
    name: str = ""

    def __repr__(self) -> str:
        return f"EncodedClip({len(self.content)} bytes, name={represent(self.name)})"


@dataclass(frozen=True, eq=False)
class SampledClip:
    """A waveform with its own sampling rate.

    Parameters
    ----------
    samples : ndarray of shape (n_samples,)
    sr : int, 500 to 1,000,000
        Sampling rate in Hz.
    name : str, default=""
        Name of the file that it was read from, for messages.
    """

    samples: NDArray[Any]
    sr: int
    name: str = ""

    def __repr__(self) -> str:
        return (
            f"SampledClip({self.samples.size} samples, sr={self.sr}, name={represent(self.name)})"
        )


Clip: TypeAlias = "str | os.PathLike[str] | NDArray[Any] | EncodedClip | SampledClip"


class Rows(list[NDArray[Any]]):
    """Waveforms that were passed as nested lists of equal length, which may be rows of a table."""


def name_of(clip: object) -> str:
    """Return the path of a clip, with a part of it, or its name; empty if it has none."""
    if isinstance(clip, (EncodedClip, SampledClip)):
        return clip.name
    if isinstance(clip, Segment):
        return str(clip)
    return os.fspath(clip) if isinstance(clip, (str, os.PathLike)) else ""


def digest_of(clip: Clip) -> bytes:
    """Return the SHA-256 of the samples of a waveform, or of the content of a file."""
    if isinstance(clip, SampledClip):
        return hashlib.sha256(b"%d\0" % clip.sr + clip.samples.tobytes()).digest()
    if isinstance(clip, EncodedClip):
        return hashlib.sha256(clip.content).digest()
    if isinstance(clip, np.ndarray):
        return hashlib.sha256(np.ascontiguousarray(clip).tobytes()).digest()
    with open(clip, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def is_scalar(value: Any) -> bool:
    """Return whether a value is a single number or another object that holds no samples."""
    return not hasattr(value, "__len__") or isinstance(value, str) or _ndim(value) == 0


def _ndim(value: Any) -> int:
    return getattr(value, "ndim", 1)


def is_file(item: Any) -> bool:
    """Return whether an object is an open file, or an upload of a web framework."""
    return callable(getattr(item, "read", None)) and not isinstance(item, os.PathLike)


def as_encoded(item: Any) -> EncodedClip | str:
    """Return bytes, an open file or an undecoded clip of Hugging Face as encoded audio.

    Parameters
    ----------
    item : bytes-like, binary file, or dict with "bytes" and "path"

    Returns
    -------
    EncodedClip or str
        A path if a dict has no bytes.

    Raises
    ------
    TypeError, ValueError
        With the end of a sentence that begins with "Clip 1 of 1 is".
    """
    if isinstance(item, EncodedClip):
        return item
    if isinstance(item, Mapping):
        return _from_mapping(item)
    if is_file(item):
        name = getattr(item, "filename", None) or getattr(item, "name", None)
        return EncodedClip(_content_of(item), name if isinstance(name, str) else "")
    content = bytes(item)
    if looks_like_path(content):
        raise TypeError(
            f"{represent(content)}, which looks like a path in bytes; pass it as a str, for "
            "example with os.fsdecode, or pass the content of the file"
        )
    return EncodedClip(content)


def _from_mapping(item: Mapping[Any, Any]) -> EncodedClip | str:
    content, path = item.get("bytes"), item.get("path")
    if content is None and isinstance(path, (str, os.PathLike)):
        return os.fspath(path)
    if not isinstance(content, (bytes, bytearray, memoryview)):
        raise TypeError(
            f'a dict whose "bytes" are {represent(content)} and whose "path" is {represent(path)}; '
            "expected the content of a file in bytes, or a path"
        )
    return EncodedClip(bytes(content), path if isinstance(path, str) else "")


def _content_of(file: Any) -> bytes:
    """Read a file from its start if it can seek, and return to its position."""
    if isinstance(file, io.TextIOBase):
        raise TypeError('a file opened as text; expected a binary file: open(path, "rb")')
    if inspect.iscoroutinefunction(file.read):
        raise TypeError(
            f"a {type_name(file)}, whose read() is asynchronous; pass its attribute `file`, or "
            "its content: await clip.read()"
        )
    try:
        # The same file can then be passed to predict and to predict_proba.
        can_seek = file.seekable() if hasattr(file, "seekable") else hasattr(file, "seek")
        position = file.tell() if can_seek else None
        if can_seek:
            file.seek(0)
        content = file.read()
        if can_seek:
            file.seek(position)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"a {type_name(file)} that cannot be read: {represent(str(error))}; pass an open "
            "file, or its content in bytes"
        ) from error
    if not isinstance(content, (bytes, bytearray, memoryview)):
        raise TypeError(
            f"a {type_name(file)} whose read() returns a {type_name(content)}; expected bytes"
        )
    return bytes(content)


def looks_like_path(content: bytes | bytearray) -> bool:
    """Return whether bytes are probably the path of a file rather than its content."""
    if len(content) > _MAX_PATH:
        return False
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return text.isprintable() and ("/" in text or 0 < len(Path(text).suffix) <= 6)


def as_sampled(item: Any) -> SampledClip:
    """Return ``(waveform, sr)`` or a decoded clip of Hugging Face as a waveform with its rate.

    Parameters
    ----------
    item : tuple of (array-like, int), or dict with "array" and "sampling_rate"

    Raises
    ------
    TypeError, ValueError
        With the end of a sentence that begins with "Clip 1 of 1 is".
    """
    if isinstance(item, SampledClip):
        return item
    if isinstance(item, Mapping):
        samples, sr, path = item["array"], item.get("sampling_rate"), item.get("path")
        where = 'a dict whose "sampling_rate" is'
    else:
        (samples, sr), path = item, None
        where = "a pair of a waveform and the sampling rate"
        if is_scalar(samples):
            raise ValueError(
                f"a pair of {represent(samples)} and a waveform; expected (waveform, sr): pass "
                "(clip[1], clip[0]) if the sampling rate comes first, as in Gradio"
            )
    rate: Any = sr
    if hasattr(sr, "item") and _ndim(sr) == 0:  # a number of NumPy or PyTorch
        rate = rate.item()
    if isinstance(rate, bool) or not isinstance(rate, int):
        raise TypeError(
            f"{where} {represent(sr)} ({type_name(sr)}); expected the rate in Hz as an int"
        )
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise ValueError(
            f"{where} {represent(sr)}; expected {LOWEST_RATE} to {HIGHEST_RATE} Hz, the rate at "
            "which the waveform was recorded"
        )
    return SampledClip(as_waveform(samples), rate, path if isinstance(path, str) else "")


def as_waveform(item: Any) -> NDArray[Any]:
    """Return an array-like as a 1-D array of samples.

    Raises
    ------
    TypeError, ValueError
        With the end of a sentence that begins with "Clip 1 of 1 is".
    """
    try:
        waveform = np.asarray(item)
    except (TypeError, ValueError) as error:  # lists of unequal lengths, a tensor of a GPU
        raise ValueError(
            f"a {type_name(item)} that is not an array: {represent(str(error))}; expected a 1-D "
            "waveform"
        ) from error
    if waveform.dtype.kind not in "biuf":
        raise TypeError(
            f"an array of the type {represent(str(waveform.dtype))}; expected a 1-D waveform"
        )
    if waveform.ndim != 1:
        shape = represent(waveform.shape)
        axis = int(np.argmin(waveform.shape)) if waveform.ndim == 2 else "..."
        raise ValueError(
            f"an array of shape {shape}; expected a 1-D waveform. Mix the channels down first, "
            f"for example with y.mean(axis={axis})"
        )
    if waveform.dtype == np.uint8 and waveform[:4].tobytes().startswith(_FILES):
        raise TypeError(
            "an array with the bytes of an audio file; pass it as bytes: clip.tobytes()"
        )
    # 16-bit samples in a list of numbers, which NumPy turns into 64-bit integers: a quiet clip
    # would pass for a loud one, since nothing says what their full scale is.
    if waveform.dtype.kind in "iu" and waveform.dtype.itemsize == 8 and waveform.size:
        peak = max(abs(int(waveform.max())), abs(int(waveform.min())))
        if peak > 1:
            raise ValueError(
                f"a waveform of 64-bit integers up to {peak}, whose full scale is unknown; pass "
                "16-bit samples as np.asarray(y, dtype=np.int16), or divide them by full scale"
            )
    return waveform
