"""ReliabilityDisplay: how often predictions of about the same probability are right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_consistent_length, column_or_1d

from .._estimators.reliability import ReliabilityBin, calibration_error, reliability_bins
from .._utils.text import represent, type_name
from ._plotting import COLORS, hide_frame, merge_style, new_axes, require_matplotlib, set_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import ErrorbarContainer
    from matplotlib.figure import Figure

    from ..evaluation import EvaluationReport

__all__ = ["ReliabilityDisplay"]

_MARKERS = ("o", "s", "^", "D", "v", "X", "P")
_LINE = 18  # points, of the legend


class ReliabilityDisplay:
    """Share of right predictions by their probability, with intervals over speakers.

    Use `from_predictions` or `from_report` to create a display. Points on the diagonal are
    predictions that are as often right as they claim; below it, the system is too sure. The
    calibration error is the mean distance from the diagonal, over clips [1]_. Bars are the numbers
    of predictions.

    Parameters
    ----------
    bins : dict of str to list of ReliabilityBin
        Result of ``Protocol.reliability()`` by name of the system.

    Attributes
    ----------
    points_ : dict of str to matplotlib.container.ErrorbarContainer
        Points and intervals by name of the system.
    ax_ : matplotlib.axes.Axes
        Axes of the points.
    counts_ax_ : matplotlib.axes.Axes or None
        Axes of the numbers of predictions; None if axes were passed.
    figure_ : matplotlib.figure.Figure
        Figure that contains the axes.

    See Also
    --------
    ser_estimators.SelectiveClassifier : Calibrates probabilities on speakers that are held out.
    sklearn.calibration.CalibrationDisplay : For two classes, without speakers.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural
       networks", ICML 2017.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import numpy as np
    >>> from ser_estimators.display import ReliabilityDisplay
    >>> rng = np.random.default_rng(0)
    >>> probabilities = rng.dirichlet([1, 1, 1], size=200)
    >>> emotions = np.array(["anger", "fear", "joy"])
    >>> truth = [rng.choice(emotions, p=row) for row in probabilities]
    >>> display = ReliabilityDisplay.from_predictions(
    ...     truth, probabilities, classes=emotions, speakers=np.arange(200) % 8
    ... )
    >>> display.figure_.savefig("reliability.png")
    >>> plt.close(display.figure_)
    """

    points_: dict[str, ErrorbarContainer]
    ax_: Axes
    counts_ax_: Axes | None
    figure_: Figure

    def __init__(self, bins: Mapping[str, Sequence[ReliabilityBin]]) -> None:
        self.bins = bins

    def plot(
        self,
        ax: Axes | None = None,
        *,
        name: str | None = None,
        errorbar_kwargs: dict[str, Any] | None = None,
    ) -> ReliabilityDisplay:
        """Draw the reliability.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on, without the numbers of predictions; None creates a figure with them.
        name : str or None, default=None
            Title of the plot.
        errorbar_kwargs : dict or None, default=None
            Keyword arguments for ``Axes.errorbar`` that override the defaults.

        Returns
        -------
        ReliabilityDisplay
            This display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If there are no bins with clips.
        """
        require_matplotlib(f"{type(self).__name__}.plot")
        systems = {str(system): list(bins) for system, bins in self.bins.items()}
        if not systems or not all(any(one.n_clips for one in bins) for bins in systems.values()):
            raise ValueError("bins contains no clips; expected some for each system")
        counts: Any = None
        if ax is None:
            size = (4.8, 5.6 + 0.25 * len(systems))
            ax, counts = new_axes(nrows=2, sharex=True, height_ratios=(5, 1), figsize=size)
            ax.tick_params(labelbottom=False)
        ax.plot([0, 1], [0, 1], color="0.4", linestyle="--", linewidth=1, zorder=0)
        self.points_ = {}
        for number, (system, bins) in enumerate(systems.items()):
            found = [one for one in bins if one.n_clips]
            style = {
                "color": COLORS[number % len(COLORS)],
                "marker": _MARKERS[number % len(_MARKERS)],
                "markersize": 5,
                "linewidth": 1.2,
                "elinewidth": 1.2,
                "capsize": 2.5,
            }
            self.points_[system] = self._draw(ax, system, found, style, errorbar_kwargs)
            if counts is None:
                continue
            share = 1 / (len(bins) * len(systems))
            counts.bar(
                [one.start + share * number for one in found],
                [one.n_clips for one in found],
                share,
                align="edge",
                color=style["color"],
                edgecolor="white",
                linewidth=0.6,
            )
        ax.set(xlim=(0, 1), ylim=(0, 1), ylabel="Share of right predictions")
        hide_frame(ax)
        if counts is not None:
            counts.set_ylabel("Clips")
            hide_frame(counts)
        (ax if counts is None else counts).set_xlabel("Probability of the predicted label")
        # Above the axes, because intervals may be anywhere in them.
        ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(-0.02, 1.0), borderaxespad=0.2)
        set_title(ax, name)
        ax.set_title(ax.get_title(), pad=8 + _LINE * len(systems), parse_math=False)
        self.ax_, self.counts_ax_ = ax, counts
        self.figure_ = ax.figure  # type: ignore[assignment]
        return self

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        probabilities: Any,
        *,
        classes: Any = None,
        speakers: Any = None,
        n_bins: int = 10,
        confidence: float = 0.95,
        name: str | None = None,
        ax: Axes | None = None,
        errorbar_kwargs: dict[str, Any] | None = None,
    ) -> ReliabilityDisplay:
        """Draw the reliability of the probabilities of some clips.

        Parameters
        ----------
        y_true : array-like of shape (n_clips,)
            True labels.
        probabilities : array-like of shape (n_clips, n_classes)
            Result of ``predict_proba``.
        classes : array-like of shape (n_classes,) or None, default=None
            Labels of the columns, such as ``model.classes_``. None takes the sorted labels of
            `y_true`, of which there must be as many as columns.
        speakers : array-like of shape (n_clips,) or None, default=None
            Speakers of the clips. Without them, there are no intervals.
        n_bins : int > 0, default=10
            Number of bins of equal width.
        confidence : float in (0, 1), default=0.95
            Confidence level of the intervals, which come from leaving out each speaker in turn.
        name : str or None, default=None
            Title of the plot.
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None creates a figure.
        errorbar_kwargs : dict or None, default=None
            Keyword arguments for ``Axes.errorbar`` that override the defaults.

        Returns
        -------
        ReliabilityDisplay
            The display, drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError, ValueError
            If arrays have wrong shapes, or a parameter a wrong type or value.
        """
        check_scalar(n_bins, "n_bins", Integral, min_val=1)
        check_scalar(
            confidence, "confidence", Real, min_val=0, max_val=1, include_boundaries="neither"
        )
        y_true, found = column_or_1d(y_true), np.asarray(probabilities, dtype=float)
        labels = np.unique(y_true) if classes is None else column_or_1d(classes)
        if found.ndim != 2 or found.shape[1] != len(labels):
            raise ValueError(
                f"probabilities has the shape {found.shape}; expected (n_clips, {len(labels)}), a "
                "column for each label: pass classes=model.classes_"
            )
        if not (found >= 0).all() or not (found <= 1 + 1e-6).all():
            raise ValueError("probabilities has values outside 0 to 1, or NaN")
        people = None if speakers is None else column_or_1d(speakers)
        check_consistent_length(y_true, found, people)
        bins = reliability_bins(
            found.max(axis=1),
            labels[found.argmax(axis=1)] == y_true,
            people,
            n_bins=int(n_bins),
            level=float(confidence),
        )
        return cls({"": bins}).plot(ax, name=name, errorbar_kwargs=errorbar_kwargs)

    @classmethod
    def from_report(
        cls,
        report: EvaluationReport | Mapping[str, EvaluationReport],
        *,
        n_bins: int = 10,
        name: str | None = None,
        ax: Axes | None = None,
        errorbar_kwargs: dict[str, Any] | None = None,
    ) -> ReliabilityDisplay:
        """Draw the reliability of an evaluated system, or compare several.

        Parameters
        ----------
        report : EvaluationReport, or dict of str to EvaluationReport
            Result of `evaluate`, of which the first protocol is drawn, or several by name.
        n_bins : int > 0, default=10
            Number of bins of equal width.
        name : str or None, default=None
            Title of the plot.
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None creates a figure.
        errorbar_kwargs : dict or None, default=None
            Keyword arguments for ``Axes.errorbar`` that override the defaults.

        Returns
        -------
        ReliabilityDisplay
            The display, drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError
            If `report` is something else.
        ValueError
            If a system has no probabilities.
        """
        several = report if isinstance(report, Mapping) else {"": report}
        bins = {}
        for key, one in several.items():
            where = f"report[{key!r}]" if isinstance(report, Mapping) else "report"
            if not hasattr(one, "main") or not hasattr(one.main, "reliability"):
                raise TypeError(
                    f"{where} is {represent(one)} ({type_name(one)}); expected the result of "
                    'evaluate, or a dict such as {"CNN": report}'
                )
            bins[key] = one.main.reliability(n_bins)
            if not bins[key]:
                raise ValueError(
                    f"{where} has no probabilities; evaluate a classifier with predict_proba"
                )
        return cls(bins).plot(ax, name=name, errorbar_kwargs=errorbar_kwargs)

    def _draw(
        self,
        ax: Axes,
        system: str,
        bins: Sequence[ReliabilityBin],
        style: dict[str, Any],
        errorbar_kwargs: dict[str, Any] | None,
    ) -> ErrorbarContainer:
        from matplotlib.lines import Line2D

        at, low, high = np.array([(one.accuracy, one.low, one.high) for one in bins]).T
        # Without an interval, there is only the point.
        ends = np.nan_to_num(np.array([at - low, high - at]))
        label = f"{system}: " if system else ""
        label += f"calibration error {calibration_error(list(bins)):.3f}"
        extra = {key: style.pop(key) for key in ("elinewidth", "capsize")}
        merged = extra | merge_style(style, errorbar_kwargs, Line2D)
        places = [one.confidence for one in bins]
        return ax.errorbar(places, at, yerr=ends, label=label, clip_on=False, **merged)
