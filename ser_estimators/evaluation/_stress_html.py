"""Stress tests as a page, as a section of the report, and as a table in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .._utils.text import readable
from ._environment import environment
from ._stress_scores import ConditionScore
from ._stress_text import (
    explain_stress,
    explain_stress_intervals,
    format_change,
    most_affected,
    stress_subtitle,
)

if TYPE_CHECKING:
    from ._stress_results import StressTest

__all__ = ["StressSection", "render_stress_page", "render_stress_summary", "stress_section"]

# A change of a recall by this much has the darkest background.
_DARKEST = 0.5


class ConditionRow(NamedTuple):
    """A condition in the table of a page.

    Parameters
    ----------
    score : ConditionScore
    is_reference : bool
        Whether these are the clips as recorded.
    affected : str
        The emotion whose recall falls most, with the change.
    """

    score: ConditionScore
    is_reference: bool
    affected: str


class ChangeCell(NamedTuple):
    """The score of a group of clips under a condition, with the color of its change.

    Parameters
    ----------
    value, change : str
    title : str
        Text of the tooltip.
    loss, gain : float in [0, 1]
        How dark the background is.
    """

    value: str
    change: str
    title: str
    loss: float
    gain: float


class StressSection(NamedTuple):
    """What a page shows of a stress test.

    Parameters
    ----------
    rows : list of ConditionRow
        The clips as recorded first.
    tables : list of (str, list of str, list of (str, list of ChangeCell))
        Title, names of the columns, and rows with their names.
    reference : float
        Balanced accuracy as recorded.
    chance : float
    failures : dict of str to str
    notes : list of str
        Sentences below the table.
    """

    rows: list[ConditionRow]
    tables: list[tuple[str, list[str], list[tuple[str, list[ChangeCell]]]]]
    reference: float
    chance: float
    failures: dict[str, str]
    notes: list[str]


def stress_section(stress: StressTest) -> StressSection:
    """Return the rows and tables of a stress test."""
    by_class = stress.by_class()
    rows = [
        ConditionRow(score, place == 0, most_affected(by_class, place) if place else "")
        for place, score in enumerate(stress.summary())
    ]
    tables = [_table_of("Recall by emotion", by_class)]
    tables += [
        _table_of(f"Balanced accuracy by {column}", groups)
        for column, groups in stress.by_metadata().items()
    ]
    return StressSection(
        rows,
        tables,
        reference=rows[0].score.balanced_accuracy[0],
        chance=stress.chance,
        failures=stress.failures,
        notes=[explain_stress(stress), explain_stress_intervals(stress)],
    )


def _table_of(
    title: str, groups: dict[str, list[ConditionScore]]
) -> tuple[str, list[str], list[tuple[str, list[ChangeCell]]]]:
    rows = []
    for scores in zip(*groups.values(), strict=True):
        is_reference = scores[0].condition == next(iter(groups.values()))[0].condition
        rows.append((scores[0].condition, [_cell_of(score, is_reference) for score in scores]))
    return title, list(groups), rows


def _cell_of(score: ConditionScore, is_reference: bool) -> ChangeCell:
    value, (change, low, high) = score.balanced_accuracy[0], score.difference
    shade = 0.0 if np.isnan(change) else min(abs(change) / _DARKEST, 1.0)
    interval = "" if np.isnan(low) else f", interval {low:+.3f} to {high:+.3f}"
    title = f"change {format_change(change)}{interval}; {score.n_clips} clips"
    return ChangeCell(
        f"{value:.2f}",
        "" if is_reference else format_change(change, 2),
        "" if is_reference else title,
        loss=round(shade, 3) if change < 0 else 0.0,
        gain=round(shade, 3) if change > 0 else 0.0,
    )


def render_stress_page(stress: StressTest) -> str:
    """Return the whole page of a stress test."""
    return _render("stress_page.html.j2", stress)


def render_stress_summary(stress: StressTest) -> str:
    """Return the table of conditions, for a notebook."""
    return _render("stress_summary.html.j2", stress)


def _render(template: str, stress: StressTest) -> str:
    values: dict[str, Any] = {"stress": stress, "section": stress_section(stress)}
    values["subtitle"] = stress_subtitle(stress)
    return readable(environment().get_template(template).render(**values))
