"""TrainingHistoryDisplay: loss and accuracy over the epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._utils.checks import check_choice, is_missing
from .._utils.pipelines import iter_steps
from ._plotting import COLORS, hide_frame, merge_style, new_axes, require_matplotlib, set_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from numpy.typing import NDArray

__all__ = ["TrainingHistoryDisplay"]

# Keys of a history, those of this library first and then those of skorch.
_KEYS = {
    ("loss", "training"): ("train_loss",),
    ("loss", "validation"): ("valid_loss",),
    ("accuracy", "training"): ("train_accuracy", "train_acc"),
    ("accuracy", "validation"): ("valid_accuracy", "valid_acc"),
}
_METRICS = ("loss", "accuracy")
# Dashes and markers differ, so that the lines can be distinguished without color.
_STYLES: dict[str, dict[str, Any]] = {
    "training": {"color": COLORS[0], "linestyle": "-", "marker": "o"},
    "validation": {"color": COLORS[4], "linestyle": "--", "marker": "s"},
}
# More markers would overlap.
_MAX_MARKERS = 20


class TrainingHistoryDisplay:
    """Loss and accuracy over the epochs, on training and validation clips.

    Use `from_estimator` or `from_history` to create a display. It has one panel for the loss and
    one for the accuracy, with the curves for which the history contains values.

    Parameters
    ----------
    history : sequence of dict, or DataFrame
        One entry per epoch, with some of ``train_loss``, ``valid_loss``, ``train_accuracy`` (or
        ``train_acc``) and ``valid_accuracy`` (or ``valid_acc``). ``epoch`` is the number of the
        epoch; without it, epochs are counted from 1.
    name : str or None, default=None
        Title of the plot.

    Attributes
    ----------
    lines_ : dict of {(str, str): matplotlib.lines.Line2D}
        Curves by metric (``"loss"`` or ``"accuracy"``) and clips (``"training"`` or
        ``"validation"``).
    axes_ : ndarray of matplotlib.axes.Axes
        Axes of all panels.
    ax_ : matplotlib.axes.Axes
        Axes of the first panel.
    figure_ : matplotlib.figure.Figure
        Figure that contains the axes.

    See Also
    --------
    CNNEmbedder : Estimator with a ``history_``.

    Notes
    -----
    The training loss of a `CNNEmbedder` is computed on augmented clips with smoothed labels. It is
    therefore higher than the loss of the same network on the original clips.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from ser_estimators.display import TrainingHistoryDisplay
    >>> history = [
    ...     {"epoch": 1, "train_loss": 1.2, "valid_loss": 1.3, "valid_acc": 0.4},
    ...     {"epoch": 2, "train_loss": 0.7, "valid_loss": 0.9, "valid_acc": 0.6},
    ... ]
    >>> display = TrainingHistoryDisplay.from_history(history)
    >>> list(display.lines_)
    [('loss', 'training'), ('loss', 'validation'), ('accuracy', 'validation')]
    >>> display.figure_.savefig("training.png")
    >>> plt.close(display.figure_)
    """

    lines_: dict[tuple[str, str], Line2D]
    axes_: NDArray[Any]
    ax_: Axes
    figure_: Figure

    def __init__(self, history: Sequence[Mapping[str, Any]], *, name: str | None = None) -> None:
        self.history = history
        self.name = name

    def plot(
        self,
        ax: Axes | Sequence[Axes] | None = None,
        *,
        metrics: Sequence[str] | None = None,
        line_kwargs: dict[str, Any] | None = None,
    ) -> TrainingHistoryDisplay:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, sequence of them, or None, default=None
            One axes per metric; None creates a figure.
        metrics : sequence of {"loss", "accuracy"} or None, default=None
            Panels to draw, in this order; None means all metrics in the history.
        line_kwargs : dict or None, default=None
            Keyword arguments for ``Axes.plot`` that override the defaults.

        Returns
        -------
        TrainingHistoryDisplay
            This display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError, ValueError
            If the history is not a list of dicts or contains nothing to draw, or if the number of
            axes is not the number of metrics.
        """
        require_matplotlib(f"{type(self).__name__}.plot")
        curves = _curves(self.history)
        available = [metric for metric in _METRICS if any(metric == key[0] for key in curves)]
        shown = _check_metrics(metrics, available)
        if ax is None:
            n = len(shown)
            ax = new_axes(ncols=n, figsize=(4.8 * n, 3.4), squeeze=False)
        axes = np.array(ax, dtype=object).ravel()
        if len(axes) != len(shown):
            raise ValueError(
                f"ax contains {len(axes)} axes for {len(shown)} metrics, {' and '.join(shown)}; "
                f"expected one per metric: pass {len(shown)} axes, or choose metrics with "
                "metrics=..."
            )

        self.lines_ = {}
        for panel, metric in zip(axes, shown, strict=True):
            self._draw(panel, metric, curves, line_kwargs)
        self.axes_ = axes
        self.ax_ = axes[0]
        self.figure_ = axes[0].figure
        return self

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        metrics: Sequence[str] | None = None,
        name: str | None = None,
        ax: Axes | Sequence[Axes] | None = None,
        line_kwargs: dict[str, Any] | None = None,
    ) -> TrainingHistoryDisplay:
        """Draw the training history of an estimator.

        Parameters
        ----------
        estimator : estimator instance
            A fitted `CNNEmbedder`, a pipeline that contains one, or a fitted search over such a
            pipeline. Other estimators with a ``history_``, such as those of skorch, are accepted
            too.
        metrics : sequence of {"loss", "accuracy"} or None, default=None
            Panels to draw, in this order; None means all metrics in the history.
        name : str or None, default=None
            Title of the plot.
        ax : matplotlib.axes.Axes, sequence of them, or None, default=None
            One axes per metric; None creates a figure.
        line_kwargs : dict or None, default=None
            Keyword arguments for ``Axes.plot`` that override the defaults.

        Returns
        -------
        TrainingHistoryDisplay
            The display, drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        sklearn.exceptions.NotFittedError
            If the network has not been fitted.
        TypeError, ValueError
            If no estimator has a history, the history contains nothing to draw, or the number of
            axes is not the number of metrics.
        """
        require_matplotlib(f"{cls.__name__}.from_estimator")
        # Imported here because it loads torch.
        from .._estimators.cnn_embedder import CNNEmbedder

        for _, step in iter_steps(estimator):
            if isinstance(step, CNNEmbedder):
                check_is_fitted(step, "history_")
            if hasattr(step, "history_"):
                return cls.from_history(
                    step.history_, metrics=metrics, name=name, ax=ax, line_kwargs=line_kwargs
                )
        raise TypeError(
            f"The {type(estimator).__name__} contains no CNNEmbedder, and no other estimator with "
            "a history_; expected one, a pipeline with one, or a fitted search over it"
        )

    @classmethod
    def from_history(
        cls,
        history: Sequence[Mapping[str, Any]],
        *,
        metrics: Sequence[str] | None = None,
        name: str | None = None,
        ax: Axes | Sequence[Axes] | None = None,
        line_kwargs: dict[str, Any] | None = None,
    ) -> TrainingHistoryDisplay:
        """Draw a training history, such as one that was saved to a file.

        Parameters
        ----------
        history : sequence of dict, or DataFrame
            One entry per epoch, see `TrainingHistoryDisplay`. Values that are missing, NaN or
            infinite are left out.
        metrics : sequence of {"loss", "accuracy"} or None, default=None
            Panels to draw, in this order; None means all metrics in the history.
        name : str or None, default=None
            Title of the plot.
        ax : matplotlib.axes.Axes, sequence of them, or None, default=None
            One axes per metric; None creates a figure.
        line_kwargs : dict or None, default=None
            Keyword arguments for ``Axes.plot`` that override the defaults.

        Returns
        -------
        TrainingHistoryDisplay
            The display, drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError, ValueError
            If the history is not a list of dicts or contains nothing to draw, or if the number of
            axes is not the number of metrics.
        """
        return cls(history, name=name).plot(ax, metrics=metrics, line_kwargs=line_kwargs)

    def _draw(
        self,
        ax: Axes,
        metric: str,
        curves: dict[tuple[str, str], tuple[list[float], list[float]]],
        line_kwargs: dict[str, Any] | None,
    ) -> None:
        from matplotlib.lines import Line2D
        from matplotlib.ticker import MaxNLocator

        for (of, clips), (epochs, values) in curves.items():
            if of != metric:
                continue
            every = -(-len(epochs) // _MAX_MARKERS)
            style = {"markersize": 4, "markevery": every, **_STYLES[clips]}
            style = merge_style(style, line_kwargs, Line2D)
            (self.lines_[of, clips],) = ax.plot(epochs, values, label=clips, **style)
        ax.set(xlabel="Epoch", ylabel=metric.capitalize())
        if metric == "accuracy":
            ax.set_ylim(0, 1.02)  # the same in all plots, with room for a line at 1
        # Fit all lines, including earlier ones on the same axes, and leave out epoch 0.
        first, last = ax.dataLim.intervalx
        ax.set_xlim(first - 0.5, last + 0.5)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
        hide_frame(ax)
        ax.legend(frameon=False)
        set_title(ax, self.name)


def _curves(
    history: Sequence[Mapping[str, Any]],
) -> dict[tuple[str, str], tuple[list[float], list[float]]]:
    """Return epochs and values by metric and clips, in the order of drawing."""
    to_dict = getattr(history, "to_dict", None)  # a DataFrame's
    rows = to_dict("records") if to_dict else history
    if not isinstance(rows, Sequence) or not all(isinstance(row, Mapping) for row in rows):
        raise TypeError(
            f"history is a {type(history).__name__}; expected a list with one dict per epoch, such "
            "as the history_ of a fitted CNNEmbedder"
        )
    curves = {}
    for key, names in _KEYS.items():
        points = [
            (row.get("epoch", index + 1), row[name])
            for index, row in enumerate(rows)
            for name in names
            if name in row and not is_missing(row[name]) and np.isfinite(row[name])
        ]
        if points:
            epochs, values = zip(*points, strict=True)
            curves[key] = (list(epochs), list(values))
    if not curves:
        keys = sorted({name for row in rows for name in row})
        known = ", ".join(name for names in _KEYS.values() for name in names)
        raise ValueError(
            f"history of length {len(rows)} with the keys {keys} contains nothing to draw; "
            f"expected finite numbers for some of {known}"
        )
    return curves


def _check_metrics(metrics: Sequence[str] | None, available: list[str]) -> list[str]:
    if metrics is None:
        return available
    if isinstance(metrics, str):
        metrics = [metrics]
    for metric in metrics:
        check_choice(metric, "metrics", _METRICS)
        if metric not in available:
            raise ValueError(
                f"metrics contains {metric!r:.200}, but history only has values for "
                f"{' and '.join(available)}"
            )
    if not metrics:
        raise ValueError("metrics is empty; expected 'loss', 'accuracy' or both")
    return list(metrics)
