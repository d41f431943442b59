"""Text of reports: numbers and sentences, and the report for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from .._utils.text import readable

if TYPE_CHECKING:
    from ._report import EvaluationReport, Protocol

__all__ = [
    "counted",
    "explain_answers",
    "explain_few",
    "explain_guessing",
    "explain_intervals",
    "format_date",
    "format_interval",
    "format_percent",
    "format_score",
    "list_untested",
    "render_text",
    "shorten",
    "subtitle",
    "warnings_about",
]

_WIDTH = 79  # characters of a line
_NAME_WIDTH = 26  # characters of the first column
_GUESS = "chance"
_FEW_SPEAKERS = 5


def render_text(report: EvaluationReport) -> str:
    """Return the report as tables of at most 79 characters per line."""
    lines = [
        *textwrap.wrap(report.name, _WIDTH),
        *textwrap.wrap(subtitle(report), _WIDTH),
        "",
        *textwrap.wrap(_render_headline(report), _WIDTH),
        "",
    ]
    for protocol in report.protocols.values():
        lines += _render_protocol(protocol, report.confidence)
        if protocol is report.main:
            lines += _render_groups(protocol)
        lines.append("")
    lines += textwrap.wrap(explain_intervals(report), _WIDTH)
    lines += textwrap.wrap(explain_guessing(report.main), _WIDTH)
    lines += textwrap.wrap(explain_answers(report.main), _WIDTH)
    return readable("\n".join(lines))


def subtitle(report: EvaluationReport) -> str:
    """Return the corpus, the number of clips and speakers, and the date."""
    main = report.main
    parts = [report.corpus, counted(main.n_clips, "clip"), main.describe_speakers()]
    return ", ".join(part for part in [*parts, format_date(report.date)] if part)


def _render_headline(report: EvaluationReport) -> str:
    """Return the score that matters most beside what guessing and a random split would give."""
    main, others = report.main, list(report.protocols.values())[1:]
    scores = main.scores
    interval = format_interval(
        float(scores.low.balanced_accuracy), float(scores.high.balanced_accuracy)
    )
    text = (
        f"balanced accuracy {scores.value.balanced_accuracy:.3f} ("
        f"{'no interval' if interval == 'n/a' else interval}), {_GUESS} {main.chance:.3f}"
    )
    return text + "".join(
        f"; {other.name} {other.scores.value.balanced_accuracy:.3f}" for other in others
    )


def _render_protocol(protocol: Protocol, confidence: float) -> Iterator[str]:
    yield from (protocol.name, "-" * len(protocol.name))
    yield from textwrap.wrap(protocol.description, _WIDTH)
    for warning in warnings_about(protocol):
        yield from textwrap.wrap(warning, _WIDTH, initial_indent="! ", subsequent_indent="  ")
    yield from (
        "",
        f"{'':<{_NAME_WIDTH}}{'value':>8}   {format_percent(confidence) + ' interval':<16}"
        f"{_GUESS:>8}",
    )
    guesses = protocol.guessing()
    for title, value, low, high in protocol.summary():
        guess = format_score(guesses[title]) if title in guesses else ""
        yield (
            f"{title:<{_NAME_WIDTH}}{format_score(value):>8}   "
            f"{format_interval(low, high):<16}{guess:>8}"
        ).rstrip()
    yield from (
        "",
        f"{'by emotion':<{_NAME_WIDTH}}{'precision':>10}{'recall':>9}   {'interval':<15}{'F1':>7}"
        f"{'clips':>8}",
    )
    for name, cells, n_clips in protocol.by_class():
        recall, low, high = cells["recall"]
        yield (
            f"{_in_column(name)}"
            f"{format_score(cells['precision'][0]):>10}{format_score(recall):>9}   "
            f"{format_interval(low, high):<15}{format_score(cells['f1'][0]):>7}{n_clips:>8}"
        )


def _render_groups(protocol: Protocol) -> Iterator[str]:
    """Yield the scores by column of the metadata, and the range of those of speakers."""
    for name, groups in protocol.by_metadata().items():
        yield from (
            "",
            f"{_in_column('UAR by ' + name)}{'value':>8}   {'interval':<16}{_GUESS:>8}{'clips':>8}",
        )
        for group in groups:
            yield (
                f"{_in_column(group.value)}"
                f"{format_score(group.balanced_accuracy):>8}   "
                f"{format_interval(group.low, group.high):<16}{format_score(group.chance):>8}"
                f"{group.n_clips:>8}"
            )
    if hidden := explain_hidden(protocol):
        yield from ("", *textwrap.wrap(hidden, _WIDTH))
    speakers = protocol.by_speaker()
    if len(speakers) > 1:
        (lowest, low, _), (highest, high, _) = speakers[0], speakers[-1]
        yield ""
        yield from textwrap.wrap(
            f"UAR by speaker: from {format_score(low)} ({_in_column(lowest).rstrip()}) to "
            f"{format_score(high)} ({_in_column(highest).rstrip()})",
            _WIDTH,
        )


def warnings_about(protocol: Protocol) -> list[str]:
    """Return reasons to doubt the scores of a protocol, one sentence each."""
    found = []
    if not protocol.knows_speakers:
        found.append(
            "The speakers are unknown and may appear in both training and test: these scores "
            "probably do not apply to new speakers."
        )
    elif protocol.has_clip_numbers:
        found.append(
            "Each clip is named as a speaker of its own: if a person speaks in several clips, "
            "these scores do not apply to new speakers."
        )
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
    if report.main.speakers is None:
        return "No intervals: they show how much speakers differ, and the speakers are unknown."
    n_speakers = report.main.scores.n_speakers
    if n_speakers == 1:
        return "No intervals: one speaker does not show how much speakers differ."
    return (
        f"Intervals come from leaving out each of the {n_speakers} speakers in turn: they show how "
        "much a score would vary with the choice of speakers."
        f"{explain_few(n_speakers)}"
    )


def explain_few(n_speakers: int) -> str:
    """Return a sentence that follows others, about intervals over few speakers; "" if many."""
    if n_speakers >= _FEW_SPEAKERS:
        return ""
    return (
        f" Those of {counted(n_speakers, 'speaker')} are unreliable, even if they are narrow: "
        "other speakers may differ by more."
    )


def explain_hidden(protocol: Protocol) -> str:
    """Return a sentence about columns of the metadata without scores, or "" if there are none."""
    hidden = [shorten(name, 40) for name in protocol.hidden_metadata()]
    if not hidden:
        return ""
    more = f" and {len(hidden) - 10} more" if len(hidden) > 10 else ""
    return (
        f"Metadata without scores, because of a single value or too many: {', '.join(hidden[:10])}"
        f"{more}. They are columns of clips_frame()."
    )


def explain_guessing(protocol: Protocol) -> str:
    """Return sentences that say what the chance level of each score is."""
    text = (
        f"Chance is what guessing gives: a balanced accuracy of {protocol.chance:.3f} with "
        f"{counted(len(np.unique(protocol.y_true)), 'emotion')}, and the accuracy of always "
        "predicting the most frequent one."
    )
    if protocol.probabilities is not None:
        text += (
            " The log loss is that of predicting the frequency of each emotion as its probability."
        )
    return text


def explain_answers(protocol: Protocol) -> str:
    """Return a sentence about a system that may be unsure, or "" about others."""
    if protocol.answered is None:
        return ""
    return (
        "Where the system is unsure, its most probable emotion is scored. The accuracy of answers "
        "is that of the clips that are answered."
    )


def list_untested(report: EvaluationReport) -> list[str]:
    """Return what the scores do not apply to, each as part of a sentence."""
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
    elif not main.knows_speakers:
        untested.insert(
            0, "speakers that it was not trained on: who speaks in each clip is unknown"
        )
    return untested


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


def shorten(text: str, width: int) -> str:
    """Return a text of at most `width` characters, with dots in the place of the rest."""
    return text if len(text) <= width else f"{text[: width - 3].rstrip()}..."


def _in_column(text: str) -> str:
    """Return a name, in one line, as wide as the first column."""
    return f"{shorten(' '.join(readable(text).split()), _NAME_WIDTH):<{_NAME_WIDTH}}"


def format_date(date: str) -> str:
    """Return a time in ISO 8601 format, with its offset, without seconds; leave other texts."""
    try:
        moment = datetime.fromisoformat(date)
    except ValueError:
        return date
    if moment.tzinfo is None:
        return date
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
