"""The report as one page: no script, no network, every picture and sound inside it."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._audio.reading import Reading
from .._audio.workers import map_waveforms
from ..exceptions import AudioLevelWarning, AudioReadError
from ._report import about_intervals, interval, number, percent, warnings_of

if TYPE_CHECKING:
    from ._report import EvaluationReport, Protocol

__all__ = ["render"]

_SR = 16000  # Hz, of the players of files
_MIN_SECONDS = 0.1  # a shorter waveform is a row of a table, and no sound

_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1b1f24; background: #fff;
  max-width: 66rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.7rem; margin: .5rem 0; } h2 { font-size: 1.25rem; margin: 2.2rem 0 .5rem; }
h3 { font-size: 1.05rem; margin: 1.2rem 0 .3rem; }
p { margin: .4rem 0; } small, .soft { color: #57606a; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .6rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid #d8dee4;
  white-space: nowrap; }
th:first-child, tbody th { text-align: left; font-weight: 600; }
thead th { color: #57606a; font-weight: 600; }
.matrix td { min-width: 3.6rem; text-align: center; border: 1px solid #fff; }
.warn { border-left: 4px solid #b35900; background: #fff4e5; padding: .5rem .8rem;
  margin: .6rem 0; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: 1rem; }
.card { border: 1px solid #d8dee4; border-radius: 6px; padding: .7rem; min-width: 0; }
.card audio { width: 100%; height: 36px; } .card svg, .chart { width: 100%; height: auto; }
.card p { overflow-wrap: anywhere; }
pre { background: #f6f8fa; padding: .7rem; overflow-x: auto; font-size: .85rem; }
.chart { max-width: 44rem; }
.charts { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); }
.bar { max-width: 44rem; display: grid; grid-template-columns: 5.5rem 1fr 3.4rem; gap: .6rem;
  align-items: center; }
td small { display: block; }
@media (max-width: 40rem) {
  th, td { padding: .3rem .35rem; font-size: .85rem; }
  thead th, tbody th { white-space: normal; }
  .matrix td { min-width: 0; padding: .3rem .15rem; font-size: .72rem; }
  .matrix thead th { writing-mode: vertical-rl; transform: rotate(180deg); padding: .2rem 0; }
}
.bar i { display: block; height: .8rem; background: #0072b2; }
"""


def render(report: EvaluationReport, n_mistakes: int) -> str:
    """Return the page as text."""
    main = report.main
    sections = [
        f"<h1>{escape(report.name)}</h1>",
        f"<p class='soft'>Speech emotion recognition, evaluated on {len(main.y_true)} clips of "
        f"{_speakers(len(np.unique(main.speakers)))}.</p>",
        _protocols(report),
        _summary(report),
    ]
    for protocol in report.protocols.values():
        sections.append(f"<h2>By emotion: {escape(protocol.name)}</h2>{_by_class(protocol)}")
        sections.append(f"<h3>Confusion matrix</h3>{_confusion(protocol)}")
    sections.append(f"<h2>By speaker</h2>{_by_speaker(main)}")
    if any(fold.history for fold in main.folds):
        sections.append(f"<h2>Learning curves</h2>{_learning_curves(main)}")
    if mistakes := main.mistakes(n_mistakes):
        sections.append(f"<h2>Most confidently mistaken</h2>{_mistakes(main, mistakes, report.sr)}")
    sections.append(_model_card(report))
    return (
        "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        # The browser itself refuses whatever is not inside the page.
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; "
        "style-src 'unsafe-inline'; img-src data:; media-src data:\">"
        # Without an icon of its own a browser would ask the network for one.
        "<link rel='icon' href='data:,'>"
        f"<title>{escape(report.name)}: evaluation</title><style>{_STYLE}</style></head>"
        f"<body>{''.join(sections)}</body></html>\n"
    )


def _protocols(report: EvaluationReport) -> str:
    parts = ["<h2>Protocol</h2>"]
    for protocol in report.protocols.values():
        parts.append(f"<h3>{escape(protocol.name)}</h3><p>{escape(protocol.description)}</p>")
        parts += [f"<p class='warn'>{escape(text)}</p>" for text in warnings_of(protocol)]
        if not protocol.shared_speakers:
            rows = []
            offset = 0
            for number, fold in enumerate(protocol.folds, start=1):
                who = np.unique(protocol.speakers[offset : offset + len(fold.test)])
                offset += len(fold.test)
                best = ""
                if fold.best_params:
                    best = ", ".join(f"{key}={value!r}" for key, value in fold.best_params.items())
                rows.append(
                    f"<tr><th>{number}</th><td>{len(fold.train)}</td><td>{len(fold.test)}</td>"
                    f"<td style='text-align:left;white-space:normal'>"
                    f"{escape(', '.join(map(str, who)))}</td>"
                    f"<td>{fold.fit_seconds:.0f} s</td><td>{escape(best)}</td></tr>"
                )
            parts.append(
                "<div class='wide'><table><thead><tr><th>Fold</th><th>Trained on</th>"
                "<th>Tested on</th><th style='text-align:left'>Speakers tested</th><th>Fit</th>"
                f"<th></th></tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
            )
    return "".join(parts)


def _summary(report: EvaluationReport) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in report.protocols)
    rows = []
    for position, (title, *_) in enumerate(report.main.summary()):
        cells = "".join(
            _cell(*protocol.summary()[position][1:]) for protocol in report.protocols.values()
        )
        rows.append(f"<tr><th>{escape(title)}</th>{cells}</tr>")
    return (
        "<h2>Scores</h2><div class='wide'><table><thead><tr><th></th>"
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
        f"<p class='soft'>Small: {percent(report.confidence)} intervals. "
        f"{about_intervals(report)}</p>"
    )


def _by_class(protocol: Protocol) -> str:
    rows = []
    for name, cells, n_clips in protocol.by_class():
        columns = "".join(_cell(*cells[score]) for score in ("precision", "recall", "f1"))
        rows.append(f"<tr><th>{escape(name)}</th>{columns}<td>{n_clips}</td></tr>")
    head = "".join(f"<th>{name}</th>" for name in ("Precision", "Recall", "F1"))
    return (
        f"<div class='wide'><table><thead><tr><th></th>{head}<th>Clips</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _confusion(protocol: Protocol) -> str:
    shares, low, high = (
        scores.confusion
        for scores in (protocol.scores.value, protocol.scores.low, protocol.scores.high)
    )
    names = [escape(str(name)) for name in protocol.classes]
    rows = []
    for i, name in enumerate(names):
        cells = []
        for j, share in enumerate(shares[i]):
            value = 0.0 if np.isnan(share) else float(share)
            tip = escape(f"{number(share)}, interval {interval(low[i, j], high[i, j])}")
            # From white to dark blue; text turns white where the ground is dark.
            red, green, blue = (round(255 - value * (255 - end)) for end in (8, 81, 156))
            ink = "#fff" if value > 0.6 else "#1b1f24"
            cells.append(
                f"<td title='{tip}' style='background:rgb({red},{green},{blue});color:{ink}'>"
                f"{number(share, 2)}</td>"
            )
        rows.append(f"<tr><th>{name}</th>{''.join(cells)}</tr>")
    head = "".join(f"<th style='text-align:center'>{name}</th>" for name in names)
    return (
        "<p class='soft'>Rows: the true emotion. Columns: what it was taken for, as a share of the "
        "row.</p><div class='wide'><table class='matrix'><thead><tr><th></th>"
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _by_speaker(protocol: Protocol) -> str:
    bars = "".join(
        f"<div class='bar'><span>{escape(speaker)}</span>"
        f"<i style='width:{100 * value:.1f}%' title='{n_clips} clips'></i>"
        f"<span>{value:.3f}</span></div>"
        for speaker, value, n_clips in protocol.by_speaker()
    )
    return f"<p class='soft'>Balanced accuracy, the hardest speaker first.</p>{bars}"


def _learning_curves(protocol: Protocol) -> str:
    charts = []
    for keys, title in (
        (("train_loss", "valid_loss"), "Loss"),
        (("train_accuracy", "valid_accuracy"), "Accuracy"),
    ):
        lines = [
            ([row.get(key, np.nan) for row in fold.history], key.startswith("valid"))
            for key in keys
            for fold in protocol.folds
            if fold.history and any(key in row for row in fold.history)
        ]
        if lines:
            charts.append(f"<div>{_line_chart(lines, title)}</div>")
    return (
        "<p class='soft'>One line a fold; training solid, validation dashed. Training clips are "
        f"augmented.</p><div class='charts'>{''.join(charts)}</div>"
    )


def _line_chart(lines: Sequence[tuple[list[float], bool]], title: str) -> str:
    """Draw lines over epochs as SVG."""
    width, height, left, bottom, top = 440, 230, 44, 34, 12
    n = max(len(values) for values, _ in lines)
    # Where a loss diverged it is NaN or infinite, and no point of a line.
    highest = max((v for values, _ in lines for v in values if np.isfinite(v)), default=1.0)
    step = _round_step(highest)
    largest = step * np.ceil(highest / step) if highest > 0 else step

    def at(epoch: int, value: float) -> tuple[float, float]:
        x = left + (width - left - 10) * epoch / max(n - 1, 1)
        return x, height - bottom - (height - bottom - top) * value / largest

    parts = []
    for value in np.arange(0, largest + step / 2, step):
        _, y = at(0, value)
        parts.append(
            f"<line x1='{left}' x2='{width - 10}' y1='{y:.1f}' y2='{y:.1f}' stroke='#e4e8ec'/>"
            f"<text x='{left - 6}' y='{y + 4:.1f}' text-anchor='end'>{value:.2g}</text>"
        )
    for values, is_validation in lines:
        points = " ".join(
            f"{x:.1f},{y:.1f}"
            for x, y in (at(i, v) for i, v in enumerate(values) if np.isfinite(v))
        )
        dash = "stroke='#d55e00' stroke-dasharray='5 3'" if is_validation else "stroke='#0072b2'"
        parts.append(f"<polyline points='{points}' fill='none' {dash} stroke-width='1.6'/>")
    parts.append(
        f"<text x='{left}' y='{height - 18}'>1</text>"
        f"<text x='{width - 10}' y='{height - 18}' text-anchor='end'>{n}</text>"
        f"<text x='{(left + width) / 2}' y='{height - 4}' text-anchor='middle'>Epoch</text>"
    )
    return (
        f"<h3>{title}</h3><svg class='chart' viewBox='0 0 {width} {height}' role='img' "
        f"aria-label='{title} over epochs' font-size='11' fill='#57606a'>{''.join(parts)}</svg>"
    )


def _round_step(largest: float) -> float:
    """Return 1, 2 or 5 times a power of ten, of which three to seven make up a number."""
    power = 10 ** np.floor(np.log10(max(largest, 1e-9)))
    return float(next(m * power for m in (0.2, 0.5, 1.0, 2.0) if largest / (m * power) <= 6))


def _mistakes(protocol: Protocol, positions: list[int], sr: int) -> str:
    assert protocol.confidence is not None
    chosen = [protocol.clips[i] for i in positions]
    rate = sr if isinstance(chosen[0], np.ndarray) else _SR
    is_sound = [
        not isinstance(clip, np.ndarray) or clip.size >= _MIN_SECONDS * sr for clip in chosen
    ]
    cards = []
    for position, clip, sounds in zip(positions, chosen, is_sound, strict=True):
        # The end of the path is enough to find it, and tells nothing of the author's machine.
        name = (
            f"clip {protocol.tested[position] + 1}"
            if isinstance(clip, np.ndarray)
            else _short(clip)
        )
        player, length = _player(clip, rate) if sounds else ("", "")
        cards.append(
            f"<div class='card'>{player}"
            f"<p><b>{escape(str(protocol.y_true[position]))}</b>, taken for "
            f"<b>{escape(str(protocol.y_pred[position]))}</b> "
            f"({protocol.confidence[position]:.0%})</p>"
            f"<p><small>speaker {escape(str(protocol.speakers[position]))}{length}"
            f"<br>{escape(name)}</small></p></div>"
        )
    return f"<div class='cards'>{''.join(cards)}</div>"


def _player(clip: Any, rate: int) -> tuple[str, str]:
    """Return the picture and the sound of a clip, and its length as text."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AudioLevelWarning)  # the evaluation has warned
            (waveform,) = map_waveforms(lambda waveform: waveform, [clip], Reading(rate))
    except AudioReadError:  # the rest of the page is worth having all the same
        return "<p class='warn'>Its file can no longer be read.</p>", ""
    sound = f"<audio controls preload='metadata' src='{_sound(waveform, rate)}'></audio>"
    return _waveform(waveform) + sound, f", {waveform.size / rate:.1f} s"


def _speakers(n: int) -> str:
    return "1 speaker" if n == 1 else f"{n} speakers"


def _short(clip: Any) -> str:
    return "/".join(Path(clip).parts[-2:])


def _waveform(waveform: NDArray[np.float32]) -> str:
    """Draw a waveform as the range of its samples in each of 240 columns."""
    width, height = 240, 60
    edges = np.linspace(0, waveform.size, width + 1).astype(int)
    peak = float(np.abs(waveform).max()) or 1.0
    top, bottom = [], []
    for x, (start, stop) in enumerate(
        zip(edges[:-1], np.maximum(edges[1:], edges[:-1] + 1), strict=True)
    ):
        part = waveform[start:stop] if start < waveform.size else waveform[-1:]
        top.append(f"{x},{height / 2 * (1 - part.max() / peak):.1f}")
        bottom.append(f"{x},{height / 2 * (1 - part.min() / peak) + 0.5:.1f}")
    points = " ".join(top + bottom[::-1])
    return (
        f"<svg viewBox='0 0 {width} {height}' role='img' aria-label='waveform'>"
        f"<polygon points='{points}' fill='#0072b2'/></svg>"
    )


def _sound(waveform: NDArray[np.float32], sr: int) -> str:
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, np.clip(waveform, -1, 1), sr, format="WAV", subtype="PCM_16")
    return "data:audio/wav;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def _model_card(report: EvaluationReport) -> str:
    main = report.main
    untested = [
        "recordings of other microphones, rooms and line qualities than those of the test clips",
        "spontaneous speech, unless the test clips are: acted emotions are stronger and purer",
        "other languages, ages and cultures than those of the test speakers",
        f"any feeling outside these labels: {', '.join(str(name) for name in main.classes)}",
    ]
    if "other corpus" not in report.protocols:
        untested.insert(0, "another corpus than the one that it was trained on")
    if main.shared_speakers:
        untested.insert(0, "speakers that it has not heard")
    items = "".join(f"<li>{escape(text)}</li>" for text in untested)
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    return (
        "<h2>Model card</h2><h3>What it was not tested on</h3>"
        f"<ul>{items}</ul><p>Do not decide about people by it: a predicted emotion is what a voice "
        "sounds like to a model, and not what somebody feels.</p>"
        f"<h3>The system</h3><pre>{escape(report.estimator)}</pre>"
        f"<p class='soft'>{escape(versions)}</p>"
    )


def _cell(value: float, low: float, high: float) -> str:
    return f"<td>{number(value)}<small>{interval(low, high)}</small></td>"
