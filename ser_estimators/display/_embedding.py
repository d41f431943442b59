"""EmbeddingDisplay: clips as points in two dimensions, colored by emotion or speaker."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .._audio.clips import check_clips
from .._estimators.embedding_array import blocks_of
from .._utils.checks import check_choice
from ._looks import looks_of, style_of
from ._plotting import hide_frame, merge_style, new_axes, require_matplotlib
from ._projection import METHODS, check_embedding, check_labels, project

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

__all__ = ["EmbeddingDisplay"]

_MAX_LEGEND_ROWS = 16


class EmbeddingDisplay:
    """Embedding of clips in two dimensions, with one point per clip.

    Use `from_estimator` to draw the embedding that a fitted estimator computes, and
    `from_embedding` for precomputed vectors. Color and marker of a point show its label: the
    emotion, the speaker, or any other attribute of a clip.

    Parameters
    ----------
    coordinates : array-like of shape (n_clips, 2)
        Positions of the clips.
    labels : array-like of shape (n_clips,)
        Emotion or speaker of each clip.
    axis_names : tuple of (str, str), default=('Dimension 1', 'Dimension 2')
        Names of the two coordinates.
    label_name : str or None, default=None
        Title of the legend, such as "emotion".

    Attributes
    ----------
    scatters_ : dict of {label: matplotlib.collections.PathCollection}
        Points of each label, in the order of the legend.
    legend_ : matplotlib.legend.Legend
        Legend to the right of the axes.
    ax_ : matplotlib.axes.Axes
        Axes of the plot.
    figure_ : matplotlib.figure.Figure
        Figure that contains the axes.

    See Also
    --------
    CNNEmbedder : Its ``transform`` returns the embedding.

    Notes
    -----
    The colors are those of Okabe and Ito [1]_ for color-blind readers, and a gray. Each emotion of
    the loaders, such as "anger", has the same color and marker in every plot, and labels beside
    them are hollow. Without emotions, colors repeat after seven labels; markers differ as well, and
    are hollow from the 13th label on.

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
            Axes to draw on; None creates a figure. The legend is to the right of the axes: pass
            ``layout="constrained"`` when you create the figure yourself to reserve space for it.
        scatter_kwargs : dict or None, default=None
            Keyword arguments for ``Axes.scatter`` that override the defaults.

        Returns
        -------
        EmbeddingDisplay
            This display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError, ValueError
            If the coordinates are not two finite numbers per clip, or labels are missing.
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
        for index, (label, look) in enumerate(zip(labels, looks_of(labels), strict=True)):
            style = merge_style(style_of(look, len(points)), scatter_kwargs, PathCollection)
            self.scatters_[label] = ax.scatter(*points[which == index].T, **style)
        ax.set(xlabel=self.axis_names[0], ylabel=self.axis_names[1])
        ax.set_aspect("equal", adjustable="datalim")  # distances are comparable
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
        """Embed clips with a fitted estimator, and draw the embedding.

        Parameters
        ----------
        estimator : estimator instance
            A fitted `CNNEmbedder`, another transformer, a pipeline, or a fitted search over one.
            The last step of a pipeline is left out if it has no ``transform``, as in the case of
            ``LogisticRegression``. So are statistics that follow the embedding.
        X : list of path-like, or array-like of shape (n_clips, ...)
            Input of the estimator.
        labels : array-like of shape (n_clips,)
            Emotion or speaker of each clip.
        method : {"pca", "tsne", "lda"} or None, default="pca"
            Projection to two dimensions, see `from_embedding`.
        random_state : int, RandomState instance or None, default=None
            Seed of t-SNE; the other methods are deterministic.
        label_name : str or None, default=None
            Title of the legend, such as "emotion".
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None creates a figure.
        scatter_kwargs : dict or None, default=None
            Keyword arguments for ``Axes.scatter`` that override the defaults.

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
            If the estimator does not return one vector per clip, or `labels` or `method` are
            invalid.
        """
        require_matplotlib(f"{cls.__name__}.from_estimator")
        check_choice(method, "method", METHODS)
        transformer = _transformer_of(estimator)
        if isinstance(X, (str, bytes, os.PathLike)) or not hasattr(X, "__len__"):
            check_clips(X)  # raises for a single path and for an iterator
        check_labels(labels, len(X))  # before all files are read
        return cls.from_embedding(
            _without_statistics(transformer.transform(X)),
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
        """Project an embedding to two dimensions, and draw it.

        Parameters
        ----------
        embedding : array-like of shape (n_clips, n_dimensions)
            One vector per clip.
        labels : array-like of shape (n_clips,)
            Emotion or speaker of each clip.
        method : {"pca", "tsne", "lda"} or None, default="pca"
            Projection to two dimensions:

            - ``"pca"``: the two directions of largest variance, independent of the labels.
            - ``"tsne"``: preserves neighborhoods; distances between groups mean little.
            - ``"lda"``: the two directions that best separate the labels, with shrinkage. Because
              it uses the labels, it shows which of them can be separated, not how well new clips
              would be.
            - None: the embedding has two dimensions already.
        random_state : int, RandomState instance or None, default=None
            Seed of t-SNE; the other methods are deterministic.
        label_name : str or None, default=None
            Title of the legend, such as "emotion".
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None creates a figure.
        scatter_kwargs : dict or None, default=None
            Keyword arguments for ``Axes.scatter`` that override the defaults.

        Returns
        -------
        EmbeddingDisplay
            The display, drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError, ValueError
            If the embedding is not a 2-D array of finite numbers, if all of its rows are equal, or
            if `labels` or `method` are invalid.
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
            display.ax_.set(xticks=[], yticks=[])  # the coordinates have no meaning
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
        # matplotlib ignores labels that begin with "_" and parses "$" as a formula, unless the text
        # is set afterwards.
        for text, label in zip(legend.get_texts(), self.scatters_, strict=True):
            text.set_parse_math(False)
            text.set_text(str(label))
        return legend


def _transformer_of(estimator: Any) -> Any:
    """Return the estimator, or the steps of a pipeline before a final classifier."""
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


def _without_statistics(embedding: Any) -> Any:
    """Return what a network has learned, without statistics of its input."""
    n_statistics = blocks_of(embedding).n_statistics
    return np.asarray(embedding)[:, :-n_statistics] if n_statistics else embedding
