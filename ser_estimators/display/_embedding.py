"""EmbeddingDisplay: clips as points in two dimensions, coloured by emotion or speaker."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .._audio.clips import check_clips
from .._utils.checks import check_choice
from ._plotting import COLOURS, hide_frame, merge_style, new_axes, require_matplotlib
from ._projection import METHODS, check_embedding, check_labels, project

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

__all__ = ["EmbeddingDisplay"]

# Shapes that differ at the size of a point. Each is used filled and, for the next dozen labels,
# hollow: 24 labels, the speakers of RAVDESS, are told apart without any colour. 7 colours and 12
# shapes have no common factor, so MAX_LABELS pass before a style comes again.
_MARKERS = ("o", "s", "^", "X", "D", "v", "P", "*", "<", "p", ">", "h")
# These cover less of their square, so they are drawn larger.
_THIN_MARKERS = ("X", "P", "*")
_MAX_LEGEND_ROWS = 16


class EmbeddingDisplay:
    """Embedding of clips in two dimensions, one point a clip, one colour and shape a label.

    Use `from_estimator` to see what a network makes of clips, and `from_embedding` for numbers of
    one's own. Labels may be emotions, speakers, or anything else that clips may share.

    Parameters
    ----------
    coordinates : array-like of shape (n_clips, 2)
        Where the clips lie.
    labels : array-like of shape (n_clips,)
        Emotion or speaker of each clip.
    axis_names : (str, str), default=('Dimension 1', 'Dimension 2')
        What the two coordinates are.
    label_name : str or None, default=None
        Title of the legend, such as "emotion".

    Attributes
    ----------
    scatters_ : dict of label to matplotlib.collections.PathCollection
        The points of each label, in the order of the legend.
    legend_ : matplotlib.legend.Legend
        The legend, to the right of the axes.
    ax_ : matplotlib.axes.Axes
        The axes drawn on.
    figure_ : matplotlib.figure.Figure
        The figure that holds them.

    See Also
    --------
    CNNEmbedder : Its ``transform`` gives the embedding.

    Notes
    -----
    The colours are those of Okabe and Ito [1]_, which the colour-blind can tell apart. Shapes
    differ as well, and from the 13th label on they are hollow.

    References
    ----------
    .. [1] M. Okabe and K. Ito, "Color universal design: how to make figures and presentations that
       are friendly to colorblind people", 2002. https://jfly.uni-koeln.de/color/

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import numpy as np
    >>> from ser_estimators.display import EmbeddingDisplay
    >>> emotions = np.repeat(["anger", "neutral", "sadness"], 20)
    >>> rng = np.random.default_rng(0)
    >>> embedding = rng.normal(size=(60, 64)) + 3 * (emotions == "anger")[:, None]
    >>> display = EmbeddingDisplay.from_embedding(embedding, emotions, label_name="emotion")
    >>> display.ax_.get_xlabel()
    'Principal component 1 (68 % of variance)'
    >>> display.figure_.savefig("embedding.png")
    >>> plt.close(display.figure_)
    """

    scatters_: dict[Any, PathCollection]
    legend_: Legend
    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        coordinates: ArrayLike,
        labels: ArrayLike,
        *,
        axis_names: tuple[str, str] = ("Dimension 1", "Dimension 2"),
        label_name: str | None = None,
    ) -> None:
        self.coordinates = coordinates
        self.labels = labels
        self.axis_names = axis_names
        self.label_name = label_name

    def plot(
        self, ax: Axes | None = None, *, scatter_kwargs: dict[str, Any] | None = None
    ) -> EmbeddingDisplay:
        """Draw the points.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None makes a figure. The legend stands to the right of the axes: in a
            figure of your own, ``layout="constrained"`` makes room for it.
        scatter_kwargs : dict or None, default=None
            Passed to ``Axes.scatter``, over the defaults.

        Returns
        -------
        EmbeddingDisplay
            This display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError, ValueError
            If the coordinates are not two finite numbers a clip, or labels are missing.
        """
        require_matplotlib(f"{type(self).__name__}.plot")
        from matplotlib.collections import PathCollection

        points = check_embedding(self.coordinates, "coordinates")
        if points.shape[1] != 2:
            raise ValueError(f"coordinates has the shape {points.shape}; expected (n_clips, 2)")
        labels, which = check_labels(self.labels, len(points))
        n_columns = -(-len(labels) // _MAX_LEGEND_ROWS)
        if ax is None:
            ax = new_axes(figsize=(5.6 + 0.9 * n_columns, 4.6))

        self.scatters_ = {}
        for index, label in enumerate(labels):
            style = merge_style(_style(index, len(points)), scatter_kwargs, PathCollection)
            self.scatters_[label] = ax.scatter(*points[which == index].T, **style)
        ax.set(xlabel=self.axis_names[0], ylabel=self.axis_names[1])
        ax.set_aspect("equal", adjustable="datalim")  # distances mean something
        hide_frame(ax)
        self.legend_ = self._draw_legend(ax, n_columns)
        self.ax_ = ax
        self.figure_ = ax.figure  # type: ignore[assignment]
        return self

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        labels: ArrayLike,
        *,
        method: str | None = "pca",
        random_state: int | np.random.RandomState | None = None,
        label_name: str | None = None,
        ax: Axes | None = None,
        scatter_kwargs: dict[str, Any] | None = None,
    ) -> EmbeddingDisplay:
        """Embed clips with a fitted estimator, and draw them.

        Parameters
        ----------
        estimator : estimator instance
            A fitted `CNNEmbedder`, another transformer, a pipeline, or a fitted search over one.
            The last step of a pipeline is left out if it cannot transform, as a
            ``LogisticRegression``.
        X : list of path-like, or ndarray of shape (n_clips, ...)
            What the estimator takes.
        labels : array-like of shape (n_clips,)
            Emotion or speaker of each clip.
        method : {"pca", "tsne", "lda"} or None, default="pca"
            The way to two dimensions, see `from_embedding`.
        random_state : int, RandomState instance or None, default=None
            Seeds t-SNE; the others draw nothing.
        label_name : str or None, default=None
            Title of the legend, such as "emotion".
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None makes a figure.
        scatter_kwargs : dict or None, default=None
            Passed to ``Axes.scatter``, over the defaults.

        Returns
        -------
        EmbeddingDisplay
            The display, drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        sklearn.exceptions.NotFittedError
            If the estimator has not been fitted.
        TypeError, ValueError
            If the estimator does not turn clips into vectors, or labels or `method` do not fit.
        """
        require_matplotlib(f"{cls.__name__}.from_estimator")
        check_choice(method, "method", METHODS)
        transformer = _transformer_of(estimator)
        if isinstance(X, (str, bytes, os.PathLike)) or not hasattr(X, "__len__"):
            check_clips(X)  # has the words for a single path, and for an iterator
        check_labels(labels, len(X))  # now rather than when all files have been read
        return cls.from_embedding(
            transformer.transform(X),
            labels,
            method=method,
            random_state=random_state,
            label_name=label_name,
            ax=ax,
            scatter_kwargs=scatter_kwargs,
        )

    @classmethod
    def from_embedding(
        cls,
        embedding: ArrayLike,
        labels: ArrayLike,
        *,
        method: str | None = "pca",
        random_state: int | np.random.RandomState | None = None,
        label_name: str | None = None,
        ax: Axes | None = None,
        scatter_kwargs: dict[str, Any] | None = None,
    ) -> EmbeddingDisplay:
        """Bring vectors to two dimensions, and draw them.

        Parameters
        ----------
        embedding : array-like of shape (n_clips, n_dimensions)
            One vector a clip.
        labels : array-like of shape (n_clips,)
            Emotion or speaker of each clip.
        method : {"pca", "tsne", "lda"} or None, default="pca"
            ``"pca"``: the two directions of most variance, which know nothing of the labels.
            ``"tsne"``: keeps neighbours together; distances between groups mean little.
            ``"lda"``: the two directions that separate these labels best, with shrinkage. It sees
            the labels, and so shows what can be separated, not how well new clips would be.
            None: the embedding has two dimensions, and is drawn as it is.
        random_state : int, RandomState instance or None, default=None
            Seeds t-SNE; the others draw nothing.
        label_name : str or None, default=None
            Title of the legend, such as "emotion".
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None makes a figure.
        scatter_kwargs : dict or None, default=None
            Passed to ``Axes.scatter``, over the defaults.

        Returns
        -------
        EmbeddingDisplay
            The display, drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError, ValueError
            If the embedding is not a table of finite numbers that differ, or labels or `method` do
            not fit.
        """
        require_matplotlib(f"{cls.__name__}.from_embedding")
        check_choice(method, "method", METHODS)
        vectors = check_embedding(embedding, "embedding")
        _, which = check_labels(labels, len(vectors))
        if method is None:
            coordinates, axis_names = vectors, ("Dimension 1", "Dimension 2")
        else:
            coordinates, axis_names = project(vectors, which, method, random_state)
        display = cls(coordinates, labels, axis_names=axis_names, label_name=label_name)
        display.plot(ax, scatter_kwargs=scatter_kwargs)
        if method == "tsne":
            display.ax_.set(xticks=[], yticks=[])  # its coordinates have no unit
        return display

    def _draw_legend(self, ax: Axes, n_columns: int) -> Legend:
        legend = ax.legend(
            list(self.scatters_.values()),
            ["label"] * len(self.scatters_),
            loc="upper left",
            bbox_to_anchor=(1.01, 1.0),
            borderaxespad=0.0,
            ncols=n_columns,
            columnspacing=1.0,
            handletextpad=0.2,
            frameon=False,
            title=self.label_name,
            alignment="left",
        )
        # matplotlib leaves out labels that begin with "_" and reads a "$" as a formula, unless the
        # text comes afterwards.
        for text, label in zip(legend.get_texts(), self.scatters_, strict=True):
            text.set_parse_math(False)
            text.set_text(str(label))
        return legend


def _style(index: int, n_points: int) -> dict[str, Any]:
    colour = COLOURS[index % len(COLOURS)]
    marker = _MARKERS[index % len(_MARKERS)]
    style = {
        "marker": marker,
        # Fewer points are larger; a thousand of the smallest still show their shapes.
        "s": float(np.clip(9000 / n_points, 16, 42)) * (1.5 if marker in _THIN_MARKERS else 1.0),
        "linewidths": 0.5,
    }
    if index // len(_MARKERS) % 2:
        from matplotlib.colors import to_rgb

        # Darker, because a thin light line is lost on white.
        edge = tuple(0.7 * np.asarray(to_rgb(colour)))
        return {**style, "facecolors": "none", "edgecolors": [edge], "linewidths": 1.3}
    # The dark edge carries the shape where the colour is light.
    return {**style, "facecolors": colour, "edgecolors": "#303030", "alpha": 0.85}


def _transformer_of(estimator: Any) -> Any:
    """Return what turns X into vectors: the estimator, or its steps up to the last classifier."""
    estimator = getattr(estimator, "best_estimator_", estimator)
    if hasattr(estimator, "steps") and not hasattr(estimator, "transform"):
        # A pipeline has no transform if its last step has none.
        estimator = estimator[:-1] if len(estimator.steps) > 1 else estimator.steps[0][1]
    if not hasattr(estimator, "transform"):
        raise TypeError(
            f"The {type(estimator).__name__} has no transform; expected a fitted CNNEmbedder, a "
            "pipeline with one, or a fitted search over it"
        )
    return estimator
