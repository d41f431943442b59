"""TrainingHistoryDisplay: loss and accuracy over the epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._utils.checks import check_choice, is_missing
from ._plotting import (
    COLOURS,
    hide_frame,
    merge_style,
    new_axes,
    require_matplotlib,
    set_title,
    steps_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from numpy.typing import NDArray

__all__ = ["TrainingHistoryDisplay"]

# Names in a history: this library's, and skorch's.
_KEYS = {
    ("loss", "training"): ("train_loss",),
    ("loss", "validation"): ("valid_loss",),
    ("accuracy", "training"): ("train_accuracy", "train_acc"),
    ("accuracy", "validation"): ("valid_accuracy", "valid_acc"),
}
_METRICS = ("loss", "accuracy")
# Told apart by dashes and markers, and so in grey.
_STYLES: dict[str, dict[str, Any]] = {
    "training": {"color": COLOURS[0], "linestyle": "-", "marker": "o"},
    "validation": {"color": COLOURS[4], "linestyle": "--", "marker": "s"},
}
# More markers on a line than this would run into a band.
_MAX_MARKERS = 20


class TrainingHistoryDisplay:
    """Loss and accuracy over the epochs of a training, on training and validation clips.

    Use `from_estimator` or `from_history` to make one. Only what the history holds is drawn: one
    panel for the loss and one for the accuracy.

    Parameters
    ----------
    history : sequence of dict, or DataFrame
        One entry an epoch, with some of ``train_loss``, ``valid_loss``, ``train_accuracy`` (or
        ``train_acc``) and ``valid_accuracy`` (or ``valid_acc``). ``epoch`` is its number, without
        which they are counted from 1.
    name : str or None, default=None
        Title of the picture.

    Attributes
    ----------
    lines_ : dict of (str, str) to matplotlib.lines.Line2D
        The curves, by metric (``"loss"``, ``"accuracy"``) and by the clips that it is of
        (``"training"``, ``"validation"``).
    axes_ : ndarray of matplotlib.axes.Axes
        All panels.
    ax_ : matplotlib.axes.Axes
        The first panel.
    figure_ : matplotlib.figure.Figure
        The figure that holds them.

    See Also
    --------
    CNNEmbedder : Its ``history_`` is drawn.

    Notes
    -----
    The training loss of a `CNNEmbedder` is taken on augmented clips with smoothed labels, so it is
    higher than the loss of the same network on the clips as they are.

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
            One axes for every metric; None makes a figure.
        metrics : sequence of {"loss", "accuracy"} or None, default=None
            Panels to draw, in this order; None means those that the history has values for.
        line_kwargs : dict or None, default=None
            Passed to ``Axes.plot``, over the defaults.

        Returns
        -------
        TrainingHistoryDisplay
            This display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError, ValueError
            If the history is not a list of dicts or holds nothing to draw, or if there is not one
            axes for every metric.
        """
        require_matplotlib(f"{type(self).__name__}.plot")
        curves = _curves(self.history)
        there = [metric for metric in _METRICS if any(metric == key[0] for key in curves)]
        shown = _check_metrics(metrics, there)
        if ax is None:
            n = len(shown)
            ax = new_axes(ncols=n, figsize=(4.8 * n, 3.4), squeeze=False)
        axes = np.array(ax, dtype=object).ravel()
        if len(axes) != len(shown):
            raise ValueError(
                f"ax holds {len(axes)} axes for {len(shown)} metrics, {' and '.join(shown)}; "
                f"expected one for each: pass {len(shown)} axes, or choose with metrics=..."
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
        """Draw how an estimator's network was trained.

        Parameters
        ----------
        estimator : estimator instance
            A fitted `CNNEmbedder`, a pipeline with one, or a fitted search over such a pipeline.
            Any other estimator with a ``history_``, such as skorch's, does as well.
        metrics : sequence of {"loss", "accuracy"} or None, default=None
            Panels to draw, in this order; None means those that the history has values for.
        name : str or None, default=None
            Title of the picture.
        ax : matplotlib.axes.Axes, sequence of them, or None, default=None
            One axes for every metric; None makes a figure.
        line_kwargs : dict or None, default=None
            Passed to ``Axes.plot``, over the defaults.

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
            If there is no network, its history holds nothing to draw, or there is not one axes for
            every metric.
        """
        require_matplotlib(f"{cls.__name__}.from_estimator")
        # Late, because it loads torch.
        from .._estimators.cnn_embedder import CNNEmbedder

        for step in steps_of(estimator):
            if isinstance(step, CNNEmbedder):
                check_is_fitted(step, "history_")
            if hasattr(step, "history_"):
                return cls.from_history(
                    step.history_, metrics=metrics, name=name, ax=ax, line_kwargs=line_kwargs
                )
        raise TypeError(
            f"The {type(estimator).__name__} holds no CNNEmbedder, and nothing else with a "
            "history_; expected one, a pipeline with one, or a fitted search over it"
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
        """Draw a history, such as one that was kept in a file.

        Parameters
        ----------
        history : sequence of dict, or DataFrame
            One entry an epoch, as the class describes. Values that are missing, NaN or infinite
            are left out.
        metrics : sequence of {"loss", "accuracy"} or None, default=None
            Panels to draw, in this order; None means those that the history has values for.
        name : str or None, default=None
            Title of the picture.
        ax : matplotlib.axes.Axes, sequence of them, or None, default=None
            One axes for every metric; None makes a figure.
        line_kwargs : dict or None, default=None
            Passed to ``Axes.plot``, over the defaults.

        Returns
        -------
        TrainingHistoryDisplay
            The display, drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError, ValueError
            If the history is not a list of dicts or holds nothing to draw, or if there is not one
            axes for every metric.
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
            ax.set_ylim(0, 1.02)  # one scale for all pictures, and room for a line at 1
        # All lines on these axes, of which some may have been there, and no epoch 0.
        first, last = ax.dataLim.intervalx
        ax.set_xlim(first - 0.5, last + 0.5)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
        hide_frame(ax)
        ax.legend(frameon=False)
        set_title(ax, self.name)


def _curves(
    history: Sequence[Mapping[str, Any]],
) -> dict[tuple[str, str], tuple[list[float], list[float]]]:
    """Return epochs and values by metric and clips, in the order in which they are drawn."""
    to_dict = getattr(history, "to_dict", None)  # a DataFrame's
    rows = to_dict("records") if to_dict else history
    if not isinstance(rows, Sequence) or not all(isinstance(row, Mapping) for row in rows):
        raise TypeError(
            f"history is a {type(history).__name__}; expected a list of one dict an epoch, such "
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
        held = sorted({name for row in rows for name in row})
        known = ", ".join(name for names in _KEYS.values() for name in names)
        raise ValueError(
            f"history holds nothing to draw: {len(rows)} epochs with {', '.join(held) or 'no keys'}"
            f"; expected finite numbers under some of {known}"
        )
    return curves


def _check_metrics(metrics: Sequence[str] | None, there: list[str]) -> list[str]:
    if metrics is None:
        return there
    if isinstance(metrics, str):
        metrics = [metrics]
    for metric in metrics:
        check_choice(metric, "metrics", _METRICS)
        if metric not in there:
            raise ValueError(
                f"history holds no {metric}, which metrics asks for; it has {' and '.join(there)}"
            )
    if not metrics:
        raise ValueError("metrics is empty; expected 'loss', 'accuracy' or both")
    return list(metrics)
