"""Reading of audio files as mono float32 waveforms; every error names the file."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from .._utils.hosts import on_host
from .chunks import inspect_au, inspect_chunks, inspect_nist, is_chunked
from .containers import HEAD_BYTES, skip_id3
from .diagnosis import check_path, diagnose, diagnose_foreign
from .failures import FaultError, failure
from .flac import inspect_flac
from .kinds import HIGHEST_RATE, LOWEST_RATE, EncodedClip, name_of
from .mpeg import inspect_mpeg
from .ogg import inspect_ogg
from .parts import channel_of, frames_of
from .segment import Segment
from .streams import ENOUGH, Stream, percent

__all__ = ["RES_TYPES", "length_of", "read_audio", "read_native", "resample"]

# librosa's names for the qualities of soxr.
RES_TYPES = {f"soxr_{quality.lower()}": quality for quality in ("VHQ", "HQ", "MQ", "LQ", "QQ")}

# Frames decoded at once. The frame count of the header does not determine the allocation.
_BLOCK = 1 << 20
# NumPy types in which soundfile reads PCM, and the factors that rescale them to [-1, 1].
_INTEGERS = {"PCM_16": "int16", "PCM_24": "int32", "PCM_32": "int32"}
_SCALES = {"int16": 2.0**-15, "int32": 2.0**-31}
# Codecs in which libsndfile finds any position. In Vorbis it misses some by a block; in GSM and
# G.72x it cannot seek; in MP3 and Opus, the samples after seeking differ a little, and it may print
# errors to the terminal, which is accepted far into a file only.
_SEEKABLE = {"PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"}
_SEEKABLE |= {"ALAC_16", "ALAC_20", "ALAC_24", "ALAC_32"}
_NEARLY_SEEKABLE = {"MPEG_LAYER_III", "OPUS"}
_MAX_SKIPPED_SECONDS = 60  # that are decoded without use
# Samples per channel; more than any file has, and what libsndfile says of a FLAC file from a pipe.
_UNKNOWN_LENGTH = 1 << 60


class _Memory(io.BytesIO):
    """A file in memory, in which seeking before the start fails without an exception.

    libsndfile does so in damaged files, and cannot pass on an exception.
    """

    def seek(self, position: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a position, or stay where it is if there is none."""
        try:
            return super().seek(position, whence)
        except (OSError, OverflowError, ValueError):
            return self.tell()


def read_audio(
    clip: str | os.PathLike[str] | Segment | EncodedClip,
    sr: int,
    *,
    offset: float = 0.0,
    duration: float | None = None,
    res_type: str = "soxr_hq",
) -> NDArray[np.float32]:
    """Read an audio file as one channel at a given sampling rate.

    Integer PCM is rescaled to [-1, 1], channels are averaged, and files at another rate are
    resampled by soxr, as in ``librosa.load``. Only the requested part is decoded. `offset` and
    `duration` of a segment are relative to its start.

    The format is recognized by the content of the file, whatever its name. A file is read to its
    end even if its header does not state its length, or it causes an error.

    Parameters
    ----------
    clip : path-like, Segment or EncodedClip
        A WAV, RF64, W64, AIFF, AU, CAF, NIST SPHERE, FLAC, Ogg Vorbis, Ogg Opus or MP3 file, or
        a part of it, or its content.
    sr : int > 0
        Sampling rate of the result in Hz.
    offset : float >= 0, default=0.0
        Seconds that are skipped at the start.
    duration : float > 0 or None, default=None
        Maximum number of seconds to read; None reads to the end.
    res_type : {"soxr_vhq", "soxr_hq", "soxr_mq", "soxr_lq", "soxr_qq"}, default="soxr_hq"
        Resampling quality.

    Returns
    -------
    ndarray of shape (n_samples,), float32
        At least one sample.

    Raises
    ------
    AudioReadError
        If the file is missing, empty, not audio, damaged or truncated, if it has no samples (after
        `offset`), or if samples are NaN or infinity. The message names the file, the fault and the
        remedy. A truncated AU file of unknown length, MP3 without a header that states its length,
        or Ogg file that ends between two pages cannot be distinguished from a short one.

    Examples
    --------
    >>> import numpy as np, soundfile
    >>> soundfile.write("tone.wav", np.sin(np.arange(8000) / 10), 8000)
    >>> read_audio("tone.wav", sr=16000).shape
    (16000,)
    """
    waveform, rate = read_native(clip, offset=offset, duration=duration)
    return resample(waveform, rate, sr, res_type=res_type)


def read_native(
    clip: str | os.PathLike[str] | Segment | EncodedClip,
    *,
    offset: float = 0.0,
    duration: float | None = None,
) -> tuple[NDArray[np.float32], int]:
    """Read an audio file as one channel at its own sampling rate, see `read_audio`.

    Returns
    -------
    waveform : ndarray of shape (n_samples,), float32
    sr : int
        In Hz.
    """
    name = name_of(clip)
    try:
        samples, rate = _read(clip, offset, duration)
        samples = channel_of(samples, clip)
    except FaultError as fault:
        raise failure(str(fault), name) from fault.__cause__
    with np.errstate(over="ignore", invalid="ignore"):  # NaN and infinity are reported below
        waveform = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)
    n_bad = waveform.size - int(np.count_nonzero(np.isfinite(waveform)))
    if n_bad:
        raise failure(
            f"{n_bad} of its {waveform.size} samples are NaN or infinity; "
            "write it again from the source, or leave it out",
            name,
        )
    return np.ascontiguousarray(waveform), rate


def length_of(clip: str | os.PathLike[str] | EncodedClip) -> float | None:
    """Return the duration of an audio file in seconds, without decoding it.

    As for `read_audio`, a header that is wrong about the length is corrected first.

    Parameters
    ----------
    clip : path-like or EncodedClip

    Returns
    -------
    float or None
        None for a file that `read_audio` raises for, or whose length only decoding can tell.
    """
    try:
        with _opened(clip) as (file, stream):
            n_frames = _count_frames(file, stream)
            return None if n_frames >= _UNKNOWN_LENGTH else n_frames / file.samplerate
    except FaultError:
        return None


def _read(
    clip: str | os.PathLike[str] | EncodedClip, offset: float, duration: float | None
) -> tuple[NDArray[np.float32], int]:
    """Return the samples of the requested part, (n_frames, n_channels), and their rate in Hz."""
    with _opened(clip) as (file, stream):
        segment = clip if isinstance(clip, Segment) else None
        return _decode_part(file, stream, segment, offset, duration), file.samplerate


@contextmanager
def _opened(clip: str | os.PathLike[str] | EncodedClip) -> Iterator[tuple[Any, Stream]]:
    """Open an audio file. FaultError is raised for it, and for errors of the decoder."""
    import soundfile

    source: Any
    # Commands in messages name files only, not what a clip in memory was read from.
    name = "" if isinstance(clip, EncodedClip) else os.fspath(clip)
    if isinstance(clip, EncodedClip):
        source = _Memory(clip.content)
        head, stream = _inspect(source, len(clip.content), name)
        source.seek(0)
    else:
        size = check_path(name)
        # As bytes on POSIX, where not all file names are valid text.
        source = os.fsencode(name) if os.name == "posix" else name
        try:
            with open(name, "rb") as file:
                head, stream = _inspect(file, size, name)
                if name.lower().endswith(".raw") and stream.content is None:
                    # soundfile would take it for samples without a header.
                    file.seek(0)
                    stream = stream._replace(content=file.read())
        except OSError as error:
            raise FaultError(
                f"{error.strerror or error}{on_host()}; check the path and its permissions"
            ) from error
    if stream.content is not None:
        source = _Memory(stream.content)
    try:
        with soundfile.SoundFile(source) as file:
            yield file, stream
    except MemoryError as error:
        raise FaultError(
            "it is too long for the memory; read it in parts, with offset and duration, or check "
            "its header"
        ) from error
    except (soundfile.SoundFileError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise FaultError(
            diagnose(head, name, getattr(error, "error_string", str(error)))
        ) from error


def _inspect(file: BinaryIO, size: int, name: str) -> tuple[bytes, Stream]:
    """Return the first bytes of a file, after ID3 tags, and what is decoded of it."""
    head = file.read(HEAD_BYTES)
    if not head:
        raise FaultError("the file is empty (0 bytes); download or copy it again")
    if length := skip_id3(head):
        # libsndfile reads FLAC and MP3 after one tag, but no other format and no second tag.
        file.seek(length)
        rest = file.read()
        head, stream = _inspect(_Memory(rest), len(rest), name)
        return head, stream if stream.content is not None else stream._replace(content=rest)
    if reason := diagnose_foreign(head, name):
        raise FaultError(reason)
    magic = head[:4]
    if magic == b"fLaC":
        return head, inspect_flac(file, size)
    if is_chunked(head):
        return head, inspect_chunks(file, size, head)
    if magic in (b".snd", b"dns.") and len(head) >= 24:
        return head, inspect_au(file, size, head)
    if head[:7] == b"NIST_1A":
        return head, inspect_nist(file, size)
    if magic == b"OggS":
        return head, inspect_ogg(file, size)
    file.seek(0)
    mpeg = inspect_mpeg(file.read())
    if mpeg is None:
        raise FaultError(diagnose(head, name))
    return head, mpeg


def _decode_part(
    file: Any, stream: Stream, segment: Segment | None, offset: float, duration: float | None
) -> NDArray[np.float32]:
    """Read the requested part of an open file, (n_frames, n_channels)."""
    rate, n_frames = file.samplerate, _count_frames(file, stream)
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise FaultError(
            f"its header says {rate} Hz; expected {LOWEST_RATE} to {HIGHEST_RATE} Hz: write it "
            "again with the correct rate, or read it with numpy.fromfile"
        )
    if n_frames < ENOUGH * stream.n_least:
        raise FaultError(
            f"only {percent(n_frames, stream.n_least)} of it can be decoded: it is damaged or "
            "truncated; download or copy it again, or convert it to WAV, for example with ffmpeg"
        )
    if n_frames == 0:
        raise FaultError(
            "it contains no samples, only a header; download it again, or leave it out"
        )
    wanted = frames_of(segment, n_frames, rate, offset, duration)
    n_wanted = wanted.stop - wanted.start
    samples = _decode(file, wanted)
    if len(samples) < ENOUGH * n_wanted:
        raise FaultError(
            f"only {percent(len(samples), n_wanted)} of the audio that its header announces can "
            "be decoded: it is damaged or truncated; download or copy it again"
        )
    return samples


def _count_frames(file: Any, stream: Stream) -> int:
    """Return the number of samples per channel."""
    return file.frames if stream.n_frames is None else min(file.frames, stream.n_frames)


def _decode(file: Any, wanted: slice) -> NDArray[np.float32]:
    """Read some frames of an open file as float32, shape (n_frames, n_channels)."""
    if file.subtype not in _SEEKABLE:
        # In one call, because soundfile seeks after each.
        n_skipped = wanted.start
        is_far = n_skipped > _MAX_SKIPPED_SECONDS * file.samplerate
        if is_far and file.subtype in _NEARLY_SEEKABLE:
            file.seek(n_skipped)
            n_skipped = 0
        n_decoded = n_skipped + wanted.stop - wanted.start
        return file.read(n_decoded, dtype="float32", always_2d=True)[n_skipped:]
    if wanted.start:
        file.seek(wanted.start)
    # NumPy converts integers to floats four times as fast as libsndfile.
    dtype = _INTEGERS.get(file.subtype, "float32")
    blocks: list[NDArray[Any]] = []
    n_left = wanted.stop - wanted.start
    while n_left > 0:
        block = file.read(min(_BLOCK, n_left), dtype=dtype, always_2d=True)
        if len(block) == 0:
            break
        if dtype != "float32":
            block = block.astype(np.float32)
            block *= _SCALES[dtype]
        blocks.append(block)
        n_left -= len(block)
    if not blocks:
        return np.empty((0, file.channels), dtype=np.float32)
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
