"""Templates of the pages, with the functions that they call."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from ._stress_text import format_change
from ._text import (
    counted,
    explain_answers,
    explain_guessing,
    explain_hidden,
    explain_intervals,
    format_interval,
    format_percent,
    format_score,
    list_untested,
    shorten,
    subtitle,
    warnings_about,
)

__all__ = ["environment"]


@cache
def environment() -> Environment:
    """Return the environment that all templates are rendered in."""
    made = Environment(
        loader=PackageLoader("ser_estimators.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "change": format_change,
        "score": format_score,
        "percent": format_percent,
        "repr": repr,
        "shorten": shorten,
    }
    made.globals |= {
        "counted": counted,
        "explain_answers": explain_answers,
        "explain_guessing": explain_guessing,
        "explain_hidden": explain_hidden,
        "explain_intervals": explain_intervals,
        "interval": format_interval,
        "list_untested": list_untested,
        "subtitle": subtitle,
        "warnings_about": warnings_about,
    }
    return made
