"""StressTestDisplay: what is left of the accuracy under conditions outside the studio."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .._utils.checks import check_choice
from .._utils.text import represent, type_name
from ._plotting import COLORS, hide_frame, merge_style, new_axes, require_matplotlib, set_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import ErrorbarContainer
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from ..evaluation import ConditionScore, StressTest

__all__ = ["StressTestDisplay"]

# Label of the axis of each score, and where it is for the clips as recorded.
_SCORES: dict[str, tuple[str, float | None]] = {
    "balanced_accuracy": ("Balanced accuracy", None),
    "difference": ("Change of balanced accuracy", 0.0),
    "accuracy_kept": ("Balanced accuracy kept", 1.0),
    "labels_kept": ("Labels kept", 1.0),
}
_MARKERS = ("o", "s", "^", "D", "v", "X", "P")
_ROW = 0.23  # inches
_SPREAD = 0.6  # of a row, over which the points of several systems are spread


class StressTestDisplay:
    """Scores under each condition of a stress test, with their intervals.

    Use `from_results` to create a display. There is a row for each condition, and a dashed line at
    the score of the clips as recorded. Several systems are drawn beside each other.

    Parameters
    ----------
    scores : dict of str to list of ConditionScore
        Result of ``StressTest.summary()`` by name of the system. All have the same conditions.
    chance : float or None, default=None
        Balanced accuracy of guessing, which is drawn as a dotted line.

    Attributes
    ----------
    points_ : dict of str to matplotlib.container.ErrorbarContainer
        Points and intervals by name of the system.
    ax_ : matplotlib.axes.Axes
        Axes of the plot.
    figure_ : matplotlib.figure.Figure
        Figure that contains the axes.

    See Also
    --------
    ser_estimators.evaluation.stress_test : Test a fitted model under conditions.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import numpy as np
    >>> from ser_estimators.display import StressTestDisplay
    >>> from ser_estimators.evaluation import StressTest
    >>> emotions = np.array(["anger", "fear"] * 4)
    >>> noisy = np.array(["anger", "anger", "anger", "fear"] * 2)
    >>> stress = StressTest(
    ...     "CNN", {"as recorded": emotions, "white noise 20 dB": noisy}, emotions,
    ...     np.repeat(["a", "b"], 4), [None] * 8,
    ... )
    >>> display = StressTestDisplay.from_results(stress)
    >>> display.figure_.savefig("stress.png")
    >>> plt.close(display.figure_)
    """

    points_: dict[str, ErrorbarContainer]
    ax_: Axes
    figure_: Figure

    def __init__(
        self, scores: Mapping[str, list[ConditionScore]], *, chance: float | None = None
    ) -> None:
        self.scores = scores
        self.chance = chance

    def plot(
        self,
        ax: Axes | None = None,
        *,
        score: str = "balanced_accuracy",
        name: str | None = None,
        errorbar_kwargs: dict[str, Any] | None = None,
    ) -> StressTestDisplay:
        """Draw the scores.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None creates a figure that is as high as the conditions need.
        score : {"balanced_accuracy", "difference", "accuracy_kept", "labels_kept"}, \
                default="balanced_accuracy"
            What to draw, see `ConditionScore`. The clips as recorded have a row of their own with
            the balanced accuracy only.
        name : str or None, default=None
            Title of the plot.
        errorbar_kwargs : dict or None, default=None
            Keyword arguments for ``Axes.errorbar`` that override the defaults.

        Returns
        -------
        StressTestDisplay
            This display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `score` is unknown, or if the systems were tested under different conditions.
        """
        require_matplotlib(f"{type(self).__name__}.plot")
        check_choice(score, "score", _SCORES)
        rows = self._check_scores()
        title, reference = _SCORES[score]
        if reference is not None:
            rows = {system: scores[1:] for system, scores in rows.items()}
        names = [row.condition for row in next(iter(rows.values()))]
        if ax is None:
            height = 1.1 + _ROW * len(names) * max(1.0, 0.6 * len(rows))
            # Beside several systems, there is a legend.
            ax = new_axes(figsize=(6.4 if len(rows) == 1 else 8.0, height))
        self.points_ = {}
        places = np.arange(len(names))
        for number, (system, scores) in enumerate(rows.items()):
            offset = _SPREAD * ((number + 0.5) / len(rows) - 0.5)
            values = np.array([getattr(row, score) for row in scores])  # (n_conditions, 3)
            self._draw(ax, system, number, values, places + offset, errorbar_kwargs)
            at = values[0, 0] if reference is None else reference
            if reference is None or number == 0:
                color = COLORS[number % len(COLORS)] if reference is None else "0.4"
                ax.axvline(at, color=color, linestyle="--", linewidth=1, zorder=0)
        if self.chance is not None and score == "balanced_accuracy":
            title += " (dotted: chance)"
            ax.axvline(self.chance, color="0.4", linestyle=":", linewidth=1.2, zorder=0)
        ax.set_yticks(places, names, parse_math=False)
        # The first condition is at the top.
        ax.set_ylim(len(names) - 0.4, -0.6)
        ax.set_xlabel(title)
        ax.grid(axis="y", color="0.9", linewidth=0.6)
        ax.set_axisbelow(True)
        hide_frame(ax)
        if len(rows) > 1:
            ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1))
        set_title(ax, name)
        self.ax_ = ax
        self.figure_ = ax.figure  # type: ignore[assignment]
        return self

    @classmethod
    def from_results(
        cls,
        results: StressTest | Mapping[str, StressTest],
        *,
        score: str = "balanced_accuracy",
        name: str | None = None,
        ax: Axes | None = None,
        errorbar_kwargs: dict[str, Any] | None = None,
    ) -> StressTestDisplay:
        """Draw the result of a stress test, or compare those of several systems.

        Parameters
        ----------
        results : StressTest, or dict of str to StressTest
            Result of `stress_test` or ``report.stress``, or several by name. Conditions that were
            not tested in all of them are left out.
        score : {"balanced_accuracy", "difference", "accuracy_kept", "labels_kept"}, \
                default="balanced_accuracy"
            What to draw, see `ConditionScore`.
        name : str or None, default=None
            Title of the plot.
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None creates a figure.
        errorbar_kwargs : dict or None, default=None
            Keyword arguments for ``Axes.errorbar`` that override the defaults.

        Returns
        -------
        StressTestDisplay
            The display, drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError
            If `results` is something else.
        ValueError
            If `score` is unknown, or if the systems have no condition in common.
        """
        several = results if isinstance(results, Mapping) else {"": results}
        expected = 'expected the result of stress_test, or a dict such as {"CNN": stress}'
        if not several:
            raise ValueError(f"results is empty; {expected}")
        for key, one in several.items():
            if not (hasattr(one, "summary") and hasattr(one, "conditions")):
                where = f"results[{key!r}]" if isinstance(results, Mapping) else "results"
                raise TypeError(f"{where} is {represent(one)} ({type_name(one)}); {expected}")
        first, *others = several.values()
        common = [c for c in first.conditions if all(c in one.conditions for one in others)]
        if not common:
            raise ValueError(
                f"results has {len(several)} stress tests without a condition that was tested in "
                "all of them; expected tests of the same conditions"
            )
        scores = {key: _in_order(one.summary(), common) for key, one in several.items()}
        chances = {one.chance for one in several.values()}
        display = cls(scores, chance=chances.pop() if len(chances) == 1 else None)
        return display.plot(ax, score=score, name=name, errorbar_kwargs=errorbar_kwargs)

    def _draw(
        self,
        ax: Axes,
        system: str,
        number: int,
        values: NDArray[np.float64],
        places: NDArray[Any],
        errorbar_kwargs: dict[str, Any] | None,
    ) -> None:
        from matplotlib.lines import Line2D

        at, low, high = values.T
        style = {
            "color": COLORS[number % len(COLORS)],
            "marker": _MARKERS[number % len(_MARKERS)],
            "markersize": 5,
            "linestyle": "none",
        }
        style = merge_style(style, errorbar_kwargs, Line2D)
        # Without an interval, there is only the point.
        ends = np.nan_to_num(np.array([at - low, high - at]))
        self.points_[system] = ax.errorbar(at, places, xerr=ends, label=system or None, **style)

    def _check_scores(self) -> dict[str, list[ConditionScore]]:
        rows = {str(system): list(scores) for system, scores in self.scores.items()}
        if not rows or min(map(len, rows.values())) < 2:
            raise ValueError(
                "scores contains no condition; expected, by name of a system, the scores of clips "
                "as recorded and under at least one condition"
            )
        names = {tuple(row.condition for row in scores) for scores in rows.values()}
        if len(names) > 1:
            raise ValueError(
                "scores has different conditions for different systems; expected the same ones in "
                "the same order"
            )
        return rows


def _in_order(scores: list[ConditionScore], conditions: list[str]) -> list[ConditionScore]:
    """Return the scores as recorded, and those under some conditions in their order."""
    by_name = {score.condition: score for score in scores}
    return [scores[0], *(by_name[condition] for condition in conditions)]
