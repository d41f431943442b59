"""Text of stress tests: the table for a terminal, and sentences of the page."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from .._utils.text import readable
from ._stress_scores import ConditionScore
from ._text import counted, explain_few, format_date, format_interval, format_score, shorten

if TYPE_CHECKING:
    from ._stress_results import StressTest

__all__ = [
    "explain_stress",
    "explain_stress_intervals",
    "format_change",
    "most_affected",
    "render_section",
    "render_stress",
    "stress_subtitle",
]

_WIDTH = 79  # characters of a line
_NAME_WIDTH = 22  # characters of the first column
_GROUP_WIDTH = 16
_MAX_GROUPS = 4  # in a line


def render_stress(stress: StressTest) -> str:
    """Return the result as tables of at most 79 characters per line."""
    lines = [
        *textwrap.wrap(stress.name, _WIDTH),
        *textwrap.wrap(stress_subtitle(stress), _WIDTH),
        *textwrap.wrap(stress.description, _WIDTH),
        "",
        *_tables(stress),
    ]
    return readable("\n".join(lines))


def render_section(stress: StressTest) -> str:
    """Return the tables below a heading, as a part of the text of a report."""
    title = "outside the studio"
    return readable("\n".join([title, "-" * len(title), "", *_tables(stress)]))


def _tables(stress: StressTest) -> Iterator[str]:
    """Yield the lines of the tables, with what they mean."""
    by_class = stress.by_class()
    yield (
        f"{'':<{_NAME_WIDTH}}{'UAR':>5}  {'interval':<14} {'change':>6} {'kept':>4} {'labels':>6}"
        "  most affected"
    )
    for place, row in enumerate(stress.summary()):
        value, low, high = row.balanced_accuracy
        cells = [f"{format_score(value):>5} ", f"{format_interval(low, high):<14}"]
        if place:
            cells += [
                f"{format_change(row.difference[0]):>6}",
                f"{format_score(row.accuracy_kept[0], 2):>4}",
                f"{format_score(row.labels_kept[0], 2):>6} ",
                most_affected(by_class, place),
            ]
        yield f"{_cell(row.condition, _NAME_WIDTH)}{' '.join(cells)}".rstrip()
    for name, reason in stress.failures.items():
        yield from textwrap.wrap(
            f"{name} could not be tested: {reason}",
            _WIDTH,
            initial_indent="! ",
            subsequent_indent="  ",
        )
    for column, groups in stress.by_metadata().items():
        yield from _render_groups(column, groups)
    yield ""
    yield from textwrap.wrap(explain_stress(stress), _WIDTH)
    yield from textwrap.wrap(explain_stress_intervals(stress), _WIDTH)


def _render_groups(column: str, groups: dict[str, list[ConditionScore]]) -> Iterator[str]:
    """Yield the balanced accuracy, and its change, of each group under each condition."""
    names = list(groups)
    for first in range(0, len(names), _MAX_GROUPS - 1):
        shown = names[first : first + _MAX_GROUPS - 1]
        yield ""
        head = "".join(f"{shorten(name, _GROUP_WIDTH - 1):>{_GROUP_WIDTH}}" for name in shown)
        yield f"{_cell(f'UAR by {column}', _NAME_WIDTH)}{head}"
        for place, row in enumerate(groups[shown[0]]):
            cells = []
            for name in shown:
                score = groups[name][place]
                change = f" {format_change(score.difference[0])}" if place else ""
                cells.append(f"{format_score(score.balanced_accuracy[0])}{change}")
            body = "".join(f"{cell:>{_GROUP_WIDTH}}" for cell in cells)
            yield f"{_cell(row.condition, _NAME_WIDTH)}{body}".rstrip()


def most_affected(by_class: dict[str, list[ConditionScore]], place: int) -> str:
    """Return the emotion whose recall falls most under a condition, with the change.

    Parameters
    ----------
    by_class : dict of str to list of ConditionScore
    place : int > 0
        Position of the condition in the lists.
    """
    changes = {name: rows[place].difference[0] for name, rows in by_class.items()}
    name = min(changes, key=lambda key: changes[key])
    if not changes[name] < 0:
        return ""
    return f"{shorten(name, 9)} {format_change(changes[name], 2)}"


def stress_subtitle(stress: StressTest) -> str:
    """Return the corpus, the number of clips and speakers, and the date."""
    speakers = counted(stress.n_speakers, "speaker") if stress.n_speakers else "unknown speakers"
    parts = [stress.corpus, counted(len(stress.y_true), "clip"), speakers, format_date(stress.date)]
    return ", ".join(part for part in parts if part)


def explain_stress(stress: StressTest) -> str:
    """Return sentences that say what the columns are."""
    return (
        "UAR is the balanced accuracy on the changed clips; change and kept are its difference "
        "from that as recorded, and its ratio. Labels is the fraction of clips that are predicted "
        "as they are as recorded, right or wrong. Most affected is the emotion whose recall falls "
        f"most. Guessing gives a UAR of {stress.chance:.3f}."
    )


def explain_stress_intervals(stress: StressTest) -> str:
    """Return a sentence that says what the intervals mean, or why there are none."""
    if stress.speakers is None:
        return "No intervals: they show how much speakers differ, and the speakers are unknown."
    if stress.n_speakers == 1:
        return "No intervals: one speaker does not show how much speakers differ."
    return (
        f"Intervals at level {stress.confidence:g} come from leaving out each of the "
        f"{stress.n_speakers} speakers in turn; those of changes are paired."
        f"{explain_few(stress.n_speakers)}"
    )


def format_change(value: float, digits: int = 3) -> str:
    """Return a difference with its sign, or n/a for NaN."""
    return "n/a" if np.isnan(value) else f"{value + 0.0:+.{digits}f}"


def _cell(text: str, width: int) -> str:
    """Return a name, in one line, as wide as a column."""
    return f"{shorten(' '.join(readable(text).split()), width - 1):<{width}}"
