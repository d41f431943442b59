"""The most confident mistakes, with what is needed to hear and see them."""

from __future__ import annotations

import base64
import io
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from .._audio.kinds import name_of
from .._audio.reading import Reading
from .._audio.workers import map_waveforms
from ..exceptions import AudioLevelWarning, AudioReadError
from ._charts import waveform_outline

if TYPE_CHECKING:
    from ._report import Protocol

__all__ = ["Mistake", "mistakes_of"]

_SR = 16000  # Hz, of the players of files
_MIN_SECONDS = 0.1  # a shorter waveform is a row of a table, not a sound


@dataclass(frozen=True)
class Mistake:
    """A clip with a wrong prediction.

    Parameters
    ----------
    truth, predicted : str
    confidence : str
        Probability of the predicted class, as a percentage.
    speaker : str
        Empty if unknown.
    name : str
        End of the path, or number of the clip.
    sound : str, default=""
        Address of the audio; empty without sound.
    outline : str, default=""
        See `waveform_outline`.
    seconds : float, default=0.0
        Duration.
    is_missing : bool, default=False
        Whether the file can no longer be read.
    """

    truth: str
    predicted: str
    confidence: str
    speaker: str
    name: str
    sound: str = field(default="", repr=False)
    outline: str = field(default="", repr=False)
    seconds: float = 0.0
    is_missing: bool = False

    @property
    def details(self) -> str:
        """Speaker and duration, as far as they are known."""
        speaker = f"speaker {self.speaker}" if self.speaker else ""
        seconds = f"{self.seconds:.1f} s" if self.sound else ""
        return ", ".join(part for part in (speaker, seconds) if part)


def mistakes_of(protocol: Protocol, n: int, sr: int) -> Iterator[Mistake]:
    """Yield the most confident mistakes.

    Parameters
    ----------
    protocol : Protocol
    n : int >= 0
        Largest number of mistakes.
    sr : int > 0
        Sampling rate of clips that are waveforms, in Hz.
    """
    for position in protocol.mistakes(n):
        assert protocol.confidence is not None
        clip = protocol.clips[position]
        yield Mistake(
            truth=str(protocol.y_true[position]),
            predicted=str(protocol.y_pred[position]),
            confidence=f"{protocol.confidence[position]:.0%}",
            speaker="" if protocol.speakers is None else str(protocol.speakers[position]),
            # The end of a path identifies the file, and does not reveal where the author keeps it.
            name=(
                "/".join(Path(name_of(clip)).parts[-2:])
                if isinstance(clip, (str, os.PathLike))
                else f"clip {protocol.tested[position] + 1}"
            ),
            **_sound_of(clip, sr),
        )


def _sound_of(clip: Any, sr: int) -> dict[str, Any]:
    """Return the fields of a mistake that depend on its sound."""
    # None stands for a waveform in a report that was saved.
    if clip is None or (isinstance(clip, np.ndarray) and clip.size < _MIN_SECONDS * sr):
        return {}
    rate = sr if isinstance(clip, np.ndarray) else _SR
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AudioLevelWarning)  # `evaluate` has warned
            (waveform,) = map_waveforms(lambda waveform: waveform, [clip], Reading(rate))
    except AudioReadError:  # the rest of the page is still useful
        return {"is_missing": True}
    return {
        "sound": _encode(waveform, rate),
        "outline": waveform_outline(waveform),
        "seconds": waveform.size / rate,
    }


def _encode(waveform: NDArray[np.float32], sr: int) -> str:
    """Return a waveform as the address of an audio element that contains it."""
    file = io.BytesIO()
    soundfile.write(file, np.clip(waveform, -1, 1), sr, format="WAV", subtype="PCM_16")
    return "data:audio/wav;base64," + base64.b64encode(file.getvalue()).decode("ascii")
