"""Reading of audio files as mono float32 waveforms; every error names the file."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..exceptions import AudioReadError
from .diagnosis import check_before_opening, diagnose
from .failures import failure

__all__ = ["RES_TYPES", "read_audio", "resample"]

# librosa's names for the qualities of soxr.
RES_TYPES = {f"soxr_{quality.lower()}": quality for quality in ("VHQ", "HQ", "MQ", "LQ", "QQ")}

# Rates outside this range are implausible: 5 s of samples "at 1 Hz" would become hours.
_LOWEST_RATE, _HIGHEST_RATE = 500, 1_000_000
# Frames decoded at once. The frame count of the header does not determine the allocation.
_BLOCK = 1 << 20
# NumPy types in which soundfile reads PCM, and the factors that rescale them to [-1, 1].
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

    Integer PCM is rescaled to [-1, 1], channels are averaged, and files at another rate are
    resampled by soxr, as in ``librosa.load``. Only the requested part is decoded.

    Parameters
    ----------
    path : path-like
        Any file that libsndfile reads: WAV, FLAC, OGG, Opus, MP3, AIFF and more.
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
        If the file is missing, empty, not audio or damaged, if it has no samples (after `offset`),
        if samples are NaN or infinity, or if a WAV or AIFF file is truncated. The message names the
        file, the fault and the remedy. A truncated MP3, OGG, W64 or AU file cannot be distinguished
        from a short one.

    Examples
    --------
    >>> import numpy as np, soundfile
    >>> soundfile.write("tone.wav", np.sin(np.arange(8000) / 10), 8000)
    >>> read_audio("tone.wav", sr=16000).shape
    (16000,)
    """
    import soundfile

    name = os.fspath(path)
    check_before_opening(name)
    # As bytes on POSIX, where not all file names are valid text.
    file_name = os.fsencode(name) if os.name == "posix" else name
    try:
        with soundfile.SoundFile(file_name) as file:
            rate, n_frames = file.samplerate, file.frames
            if not _LOWEST_RATE <= rate <= _HIGHEST_RATE:
                raise failure(
                    f"its header says {rate} Hz; expected {_LOWEST_RATE} to {_HIGHEST_RATE} Hz: "
                    "write it again with the correct rate, or read it with numpy.fromfile",
                    name,
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
        reason = diagnose(name, getattr(error, "error_string", str(error)))
        raise failure(reason, name) from error

    if len(samples) == 0 and n_frames > 0 and offset:
        raise failure(
            f"offset={offset} s is beyond its end at {n_frames / rate:.3f} s; lower offset, or "
            "leave it out",
            name,
        )
    if len(samples) == 0:
        raise failure(
            "it contains no samples, only a header; download it again, or leave it out", name
        )
    waveform = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)
    n_bad = waveform.size - int(np.count_nonzero(np.isfinite(waveform)))
    if n_bad:
        raise failure(
            f"{n_bad} of its {waveform.size} samples are NaN or infinity; "
            "write it again from the source, or leave it out",
            name,
        )
    return resample(np.ascontiguousarray(waveform), rate, sr, res_type=res_type)


def _decode(file: Any, n_frames: int) -> NDArray[np.float32]:
    """Read up to `n_frames` frames (-1: all) as float32, shape (n_frames, n_channels)."""
    # NumPy converts integers to floats four times as fast as libsndfile.
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
