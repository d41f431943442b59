"""The report as one page: no script, no network, every drawing and sound inside it."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import soundfile
from jinja2 import Environment, PackageLoader, StrictUndefined
from numpy.typing import NDArray

from .._audio.reading import Reading
from .._audio.workers import map_waveforms
from ..exceptions import AudioLevelWarning, AudioReadError
from ._charts import learning_curves, waveform_outline
from ._text import (
    counted,
    explain_intervals,
    format_interval,
    format_percent,
    format_score,
    warnings_about,
)

if TYPE_CHECKING:
    from ._report import EvaluationReport, Fold, Protocol

__all__ = ["render_page", "render_summary"]

_SR = 16000  # Hz, of the players of files
_MIN_SECONDS = 0.1  # a shorter waveform is a row of a table, not a sound

# A cell of the confusion matrix goes from white, for 0, to this blue, for 1.
_DARKEST = (8, 81, 156)
_MAX_LIGHT = 0.6  # above it, text is white


def render_page(report: EvaluationReport, n_mistakes: int) -> str:
    """Return the whole page.

    Parameters
    ----------
    report : EvaluationReport
    n_mistakes : int >= 0
        Number of clips with a player.
    """
    main = report.main
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            protocols=list(report.protocols.values()),
            main=main,
            n_speakers=len(np.unique(main.speakers)),
            summary=_summary_of(report),
            about_intervals=explain_intervals(report),
            charts=learning_curves(main),
            mistakes=list(_mistakes_of(main, n_mistakes, report.sr)),
            untested=_list_untested(report),
            folds_of=_folds_of,
            confusion_of=_confusion_of,
            warnings_about=warnings_about,
            counted=counted,
        )
    )


def render_summary(report: EvaluationReport) -> str:
    """Return a table of the scores that are single numbers."""
    template = _environment().get_template("summary.html.j2")
    return template.render(report=report, summary=_summary_of(report))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ser_estimators.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"score": format_score, "percent": format_percent, "repr": repr}
    environment.globals |= {"interval": format_interval}
    return environment


def _summary_of(
    report: EvaluationReport,
) -> list[tuple[str, list[tuple[float, float, float]]]]:
    """Return (score, [(value, low, high) of each protocol]) for each score."""
    rows = zip(*(protocol.summary() for protocol in report.protocols.values()), strict=True)
    return [(row[0][0], [cell[1:] for cell in row]) for row in rows]


def _folds_of(protocol: Protocol) -> Iterator[tuple[Fold, NDArray[Any]]]:
    """Yield each fold with its test speakers."""
    offset = 0
    for fold in protocol.folds:
        yield fold, np.unique(protocol.speakers[offset : offset + len(fold.test)])
        offset += len(fold.test)


class _Cell(NamedTuple):
    value: float
    low: float
    high: float
    color: tuple[int, ...]
    is_dark: bool


def _confusion_of(protocol: Protocol) -> Iterator[tuple[Any, list[_Cell]]]:
    """Yield each class with its row of the confusion matrix."""
    scores = protocol.scores
    for name, *rows in zip(
        protocol.classes,
        scores.value.confusion,
        scores.low.confusion,
        scores.high.confusion,
        strict=True,
    ):
        cells = []
        for value, low, high in zip(*rows, strict=True):
            shade = 0.0 if np.isnan(value) else float(value)
            color = tuple(round(255 - shade * (255 - end)) for end in _DARKEST)
            cells.append(_Cell(value, low, high, color, shade > _MAX_LIGHT))
        yield name, cells


@dataclass(frozen=True)
class _Mistake:
    truth: str
    predicted: str
    confidence: str
    speaker: str
    name: str
    sound: str = ""
    outline: str = ""
    seconds: float = 0.0
    is_missing: bool = False


def _mistakes_of(protocol: Protocol, n: int, sr: int) -> Iterator[_Mistake]:
    """Yield the most confident mistakes, with what is needed to hear and see them."""
    for position in protocol.mistakes(n):
        assert protocol.confidence is not None
        clip = protocol.clips[position]
        yield _Mistake(
            truth=str(protocol.y_true[position]),
            predicted=str(protocol.y_pred[position]),
            confidence=f"{protocol.confidence[position]:.0%}",
            speaker=str(protocol.speakers[position]),
            # The end of a path identifies the file, and does not reveal where the author keeps it.
            name=(
                f"clip {protocol.tested[position] + 1}"
                if isinstance(clip, np.ndarray)
                else "/".join(Path(clip).parts[-2:])
            ),
            **_sound_of(clip, sr),
        )


def _sound_of(clip: Any, sr: int) -> dict[str, Any]:
    """Return the fields of a mistake that depend on its sound."""
    if isinstance(clip, np.ndarray) and clip.size < _MIN_SECONDS * sr:
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


def _list_untested(report: EvaluationReport) -> list[str]:
    main = report.main
    untested = [
        "recordings from other microphones, rooms or transmission lines than the test clips",
        "spontaneous speech, unless the test clips are spontaneous: acted emotions are stronger "
        "and easier to tell apart",
        "languages, ages and cultures other than those of the test speakers",
        f"emotions other than {', '.join(str(name) for name in main.classes)}",
    ]
    if "other corpus" not in report.protocols:
        untested.insert(0, "a corpus other than the one it was trained on")
    if main.shared_speakers:
        untested.insert(0, "speakers that it was not trained on")
    return untested
