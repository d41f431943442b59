"""What can be heard in the clips of a corpus, each of which is read once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .._audio.files import resample
from .._audio.kinds import Clip
from .._audio.reading import load_native
from .._audio.workers import map_clips
from .._features.quality import Quality, measure_quality
from .._features.recordings import (
    FINGERPRINT_SR,
    Fingerprint,
    fingerprint,
    group,
    pairs_of_same,
)
from ..exceptions import AudioReadError

__all__ = ["Heard", "hear", "same_recordings"]


@dataclass(frozen=True)
class Heard:
    """What is known of a clip.

    Parameters
    ----------
    reason : str, default=""
        Why it cannot be read; empty if it can.
    seconds : float, default=0.0
    sr : int, default=0
        In Hz.
    quality : Quality or None, default=None
    print : Fingerprint or None, default=None
    digest : bytes, default=b""
        Of the samples, if there is no fingerprint.
    """

    reason: str = ""
    seconds: float = 0.0
    sr: int = 0
    quality: Quality | None = None
    print: Fingerprint | None = None
    digest: bytes = b""


def hear(
    clips: Sequence[Clip], *, sr: int, n_jobs: int | None, progress: str | None
) -> list[Heard]:
    """Read all clips, in threads.

    Parameters
    ----------
    clips : sequence
        As returned by `check_clips`.
    sr : int > 0
        Sampling rate of waveforms that come without one, in Hz.
    n_jobs : int or None
        Number of threads, as in joblib.
    progress : str or None
        Label of the progress bar; None shows no bar.

    Returns
    -------
    list of Heard
    """

    def listen(clip: Clip) -> Heard:
        try:
            waveform, rate = load_native(clip, sr)
        except AudioReadError as error:
            return Heard(error.failures[0][2])
        seconds, quality = waveform.size / rate, measure_quality(waveform, rate)
        found = fingerprint(resample(waveform, rate, FINGERPRINT_SR))
        digest = b"" if found else hashlib.sha256(b"%d\0" % rate + waveform.tobytes()).digest()
        return Heard("", seconds, rate, quality, found, digest)

    return list(map_clips(listen, clips, n_jobs=n_jobs, progress=progress))


def same_recordings(heard: Sequence[Heard], is_used: Callable[[int], Any]) -> list[list[int]]:
    """Return the positions of the clips of each recording that occurs more than once.

    Parameters
    ----------
    heard : sequence of Heard
    is_used : callable
        Whether the clip at a position is compared.
    """
    used = [index for index in range(len(heard)) if is_used(index)]
    pairs = pairs_of_same([heard[i].print for i in used], lambda index: heard[used[index]].digest)
    found = group(pairs, len(used)) if used else []
    return sorted(sorted(used[index] for index in members) for members in found)
