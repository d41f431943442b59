"""The report as one page: no script, no network, every drawing and sound inside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .._utils.text import readable
from ._charts import learning_curves, score_chart
from ._environment import environment
from ._mistakes import mistakes_of
from ._reliability_chart import reliability_chart
from ._stress_html import stress_section

if TYPE_CHECKING:
    from ._report import EvaluationReport, Protocol

__all__ = ["render_page", "render_summary"]

# Longer tables are folded up, and longer descriptions of an estimator.
_MAX_FOLDS, _MAX_SPEAKERS, _MAX_CHARACTERS = 12, 24, 600


def render_page(report: EvaluationReport, n_mistakes: int) -> str:
    """Return the whole page.

    Parameters
    ----------
    report : EvaluationReport
    n_mistakes : int >= 0
        Number of clips with a player.
    """
    main, *others = report.protocols.values()
    text = (
        environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            main=main,
            others=others,
            summary=_summary_of(report),
            guesses=main.guessing(),
            score_chart=score_chart(report),
            charts=learning_curves(main),
            reliability=reliability_chart(main),
            mistakes=list(mistakes_of(main, n_mistakes, report.sr)),
            stress=None if report.stress is None else stress_section(report.stress),
            confusion_of=_confusion_of,
            max_folds=_MAX_FOLDS,
            max_speakers=_MAX_SPEAKERS,
            max_characters=_MAX_CHARACTERS,
        )
    )
    return readable(text)


def render_summary(report: EvaluationReport) -> str:
    """Return the headline and a table of the scores that are single numbers, for a notebook."""
    template = environment().get_template("summary.html.j2")
    text = template.render(
        report=report,
        main=report.main,
        summary=_summary_of(report),
        guesses=report.main.guessing(),
        score_chart=score_chart(report),
    )
    return readable(text)


def _summary_of(
    report: EvaluationReport,
) -> list[tuple[str, list[tuple[float, float, float]]]]:
    """Return (score, [(value, low, high) of each protocol]) for each score."""
    rows = zip(*(protocol.summary() for protocol in report.protocols.values()), strict=True)
    return [(row[0][0], [cell[1:] for cell in row]) for row in rows]


class _Cell(NamedTuple):
    value: float
    low: float
    high: float
    shade: float


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
        yield (
            name,
            [
                _Cell(value, low, high, 0.0 if np.isnan(value) else round(float(value), 3))
                for value, low, high in zip(*rows, strict=True)
            ],
        )
