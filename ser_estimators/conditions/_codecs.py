"""Lossy coding, without the delay of the codec."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from .._audio.files import resample
from .._utils.arrays import Floats
from ._checks import check_number, check_waveform

__all__ = ["code_mp3", "code_opus"]

# Hz at which all clips are coded, so that a bit rate means the same for all of them.
_RATE = 16000
# Lowest and highest rate of MP3 at 16 kHz and of Opus in libsndfile, in kbit/s. Its level of
# compression, from 0 to 1, is proportional to the rate between them.
_MP3_RATES, _OPUS_RATES = (8, 160), (6, 256)
_MAX_LEVEL = 0.999  # libsndfile refuses 1 for MP3
# Samples that the encoder (LAME, 576) and a decoder (529) add at the start. libsndfile removes them
# unless the frames are too small to say so, as at low rates; the clip is longer then.
_MP3_DELAY = 576 + 529


def code_mp3(waveform: Any, sr: int, *, kbps: float = 24) -> Floats:
    """Encode a waveform as MP3 and decode it.

    Parameters
    ----------
    waveform : array-like of shape (n_samples,)
        Floats on the scale [-1, 1].
    sr : int > 0
        Sampling rate in Hz. Clips with another rate than 16 kHz are coded at 16 kHz.
    kbps : float, 8 to 160, default=24
        Bit rate in kbit/s, rounded to one that MP3 has. At 24, the encoder leaves out what is
        above 6 kHz.

    Returns
    -------
    ndarray of shape (n_samples,), float32
        Aligned with the input: the delay of the codec is removed.

    Raises
    ------
    RuntimeError
        If the installed libsndfile cannot write MP3, which version 1.1 introduced.

    Examples
    --------
    >>> import numpy as np
    >>> from ser_estimators.conditions import code_mp3
    >>> tone = np.sin(np.arange(16000) / 10)
    >>> bool(np.corrcoef(tone, code_mp3(tone, 16000))[0, 1] > 0.9)
    True
    """
    samples = check_waveform(waveform, sr)
    return _code(samples, sr, kbps, _MP3_RATES, ("MP3", "MPEG_LAYER_III"))


def code_opus(waveform: Any, sr: int, *, kbps: float = 12) -> Floats:
    """Encode a waveform as Opus, the codec of internet calls, and decode it.

    Parameters
    ----------
    waveform : array-like of shape (n_samples,)
        Floats on the scale [-1, 1].
    sr : int > 0
        Sampling rate in Hz. Clips with another rate than 16 kHz are coded at 16 kHz.
    kbps : float, 6 to 256, default=12
        Bit rate in kbit/s.

    Returns
    -------
    ndarray of shape (n_samples,), float32
        Aligned with the input.

    Raises
    ------
    RuntimeError
        If the installed libsndfile cannot write Opus.

    Examples
    --------
    >>> import numpy as np
    >>> from ser_estimators.conditions import code_opus
    >>> tone = np.sin(np.arange(16000) / 10)
    >>> bool(np.corrcoef(tone, code_opus(tone, 16000))[0, 1] > 0.9)
    True
    """
    samples = check_waveform(waveform, sr)
    return _code(samples, sr, kbps, _OPUS_RATES, ("OGG", "OPUS"))


def _code(
    samples: Floats, sr: int, kbps: float, rates: tuple[int, int], codec: tuple[str, str]
) -> Floats:
    import soundfile

    lowest, highest = rates
    check_number(kbps, "kbps", low=np.nextafter(lowest, 0), high=np.nextafter(highest, 1e9))
    name, subtype = codec
    if not soundfile.check_format(name, subtype):
        raise RuntimeError(
            f"libsndfile {soundfile.__libsndfile_version__} cannot write "
            f"{'MP3' if name == 'MP3' else 'Opus'}; install a newer one: pip install -U soundfile"
        )
    level = (highest - kbps) / (highest - lowest)
    file = io.BytesIO()
    soundfile.write(
        file,
        resample(samples, sr, _RATE),
        _RATE,
        format=name,
        subtype=subtype,
        compression_level=min(level, _MAX_LEVEL),
        bitrate_mode="CONSTANT" if name == "MP3" else None,
    )
    file.seek(0)
    decoded, _ = soundfile.read(file, dtype="float32")
    n_coded = -(-samples.size * _RATE // sr)
    if name == "MP3" and decoded.size > n_coded:
        decoded = decoded[_MP3_DELAY:]
    fixed = np.zeros(samples.size, dtype=np.float32)
    found = resample(decoded, _RATE, sr)[: samples.size]
    fixed[: found.size] = found
    return fixed
