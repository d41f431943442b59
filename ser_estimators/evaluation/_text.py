"""Text of reports: numbers and sentences, and the report for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ._report import EvaluationReport, Protocol

__all__ = [
    "counted",
    "explain_intervals",
    "format_interval",
    "format_percent",
    "format_score",
    "render_text",
    "warnings_about",
]

_WIDTH = 79  # characters of a line
_NAME_WIDTH = 14  # characters of the column of classes


def render_text(report: EvaluationReport) -> str:
    """Return the report as tables of at most 79 characters per line."""
    lines = [*textwrap.wrap(f"Evaluation of {report.name}", _WIDTH), ""]
    for protocol in report.protocols.values():
        lines += _render_protocol(protocol, report.confidence)
        lines.append("")
    lines += textwrap.wrap(explain_intervals(report), _WIDTH)
    return "\n".join(lines)


def _render_protocol(protocol: Protocol, confidence: float) -> Iterator[str]:
    yield from (protocol.name, "-" * len(protocol.name))
    yield from textwrap.wrap(protocol.description, _WIDTH)
    for warning in warnings_about(protocol):
        yield from textwrap.wrap(warning, _WIDTH, initial_indent="! ", subsequent_indent="  ")
    yield from ("", f"{'':<26}{'value':>8}   {format_percent(confidence)} interval")
    for title, value, low, high in protocol.summary():
        yield f"{title:<26}{format_score(value):>8}   {format_interval(low, high)}"
    yield from (
        "",
        f"{'':<{_NAME_WIDTH}}{'precision':>10}{'recall':>9}   {'':<15}{'F1':>7}{'clips':>8}",
    )
    for name, cells, n_clips in protocol.by_class():
        recall, low, high = cells["recall"]
        yield (
            f"{_shorten(name, _NAME_WIDTH):<{_NAME_WIDTH}}"
            f"{format_score(cells['precision'][0]):>10}{format_score(recall):>9}   "
            f"{format_interval(low, high):<15}{format_score(cells['f1'][0]):>7}{n_clips:>8}"
        )


def warnings_about(protocol: Protocol) -> list[str]:
    """Return reasons to doubt the scores of a protocol, one sentence each."""
    found = []
    if n_shared := len(protocol.shared_speakers):
        found.append(
            f"{counted(n_shared, 'speaker')} {'appears' if n_shared == 1 else 'appear'} in both "
            "training and test: these scores do not apply to new speakers."
        )
    if protocol.leaks is None:
        found.append(
            "Recordings that appear in both training and test were not searched for "
            "(check_leaks=False)."
        )
    elif protocol.leaks:
        pairs = "1 pair" if len(protocol.leaks) == 1 else f"{len(protocol.leaks)} pairs"
        found.append(f"The same recording appears in both training and test, in {pairs} of clips.")
    return found


def explain_intervals(report: EvaluationReport) -> str:
    """Return a sentence that says what the intervals mean, or why there are none."""
    n_speakers = report.main.scores.n_speakers
    if n_speakers == 1:
        return "No intervals: one speaker does not show how much speakers differ."
    return (
        f"Intervals come from leaving out each of the {n_speakers} speakers in turn: they show how "
        "much a score would vary with the choice of speakers."
    )


def counted(n: int, thing: str) -> str:
    """Return a number with its noun: "1 clip", "3 clips"."""
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"


def format_percent(proportion: float) -> str:
    """Return a proportion as a percentage with no more digits than it has: 95%, 99.5%."""
    return f"{100 * proportion:g}%"


def format_score(value: float, digits: int = 3) -> str:
    """Return a score with a fixed number of decimals, or n/a for NaN."""
    return "n/a" if np.isnan(value) else f"{value:.{digits}f}"


def format_interval(low: float, high: float) -> str:
    """Return the ends of an interval, or n/a for NaN."""
    return "n/a" if np.isnan(low) else f"{low:.3f} to {high:.3f}"


def _shorten(name: str, width: int) -> str:
    return name if len(name) <= width else f"{name[: width - 3].rstrip()}..."
