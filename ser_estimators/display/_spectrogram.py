"""SpectrogramDisplay: log-mel spectrograms and MFCCs over time."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.utils import check_scalar

from .._estimators.mfcc_transformer import MFCCTransformer
from .._utils.checks import check_choice
from .._utils.pipelines import iter_steps
from ._plotting import check_clip, merge_style, name_of, new_axes, require_matplotlib, set_title
from ._spectrogram_axes import (
    add_colorbar,
    mel_edges,
    set_coefficient_axis,
    set_mel_axis,
    set_time_axis,
)
from ._spectrogram_data import KINDS, analyze_clip, average_columns, check_values, color_limits

if TYPE_CHECKING:
    import os

    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.colorbar import Colorbar
    from matplotlib.figure import Figure

__all__ = ["SpectrogramDisplay"]

_COLORBAR_LABELS = {
    "mel": "Power (dB)",
    "mfcc": "MFCC (dB)",
    "mel_from_mfcc": "Smoothed power (dB)",
}


class SpectrogramDisplay:
    """Spectrogram of a clip: a log-mel spectrogram or MFCCs over time in seconds.

    Use `from_clip` to draw a clip, and `from_estimator` to draw what the network of a pipeline sees
    of it.

    Parameters
    ----------
    values : array-like of shape (n_rows, n_frames)
        Power of the mel bands in dB, or MFCCs.
    kind : {"mel", "mfcc", "mel_from_mfcc"}, default="mel"
        Meaning of the values:

        - ``"mel"``: the log-mel spectrogram from which MFCCs are computed.
        - ``"mfcc"``: the MFCCs.
        - ``"mel_from_mfcc"``: the log-mel spectrogram that the network sees, recovered from the
          MFCCs.
    sr : int > 0, default=16000
        Sampling rate in Hz.
    hop_length : int > 0, default=256
        Samples between frames.
    n_mels : int > 0, default=64
        Number of mel bands of the analysis.
    fmin : float >= 0, default=0.0
        Lowest frequency in Hz.
    fmax : float or None, default=None
        Highest frequency in Hz; None means ``sr / 2``.
    htk : bool, default=False
        Whether to use HTK's mel scale instead of Slaney's.
    start : float, default=0.0
        Time of the center of the first frame in seconds.
    name : str or None, default=None
        Title of the plot.

    Attributes
    ----------
    mesh_ : matplotlib.collections.QuadMesh
        The spectrogram.
    colorbar_ : matplotlib.colorbar.Colorbar or None
        The color bar, unless ``colorbar=False``.
    ax_ : matplotlib.axes.Axes
        Axes of the plot. Unless the values are MFCCs, the vertical axis is in Hz on librosa's mel
        scale, so that pitch or formants in Hz can be drawn on the same axes.
    figure_ : matplotlib.figure.Figure
        Figure that contains the axes.

    See Also
    --------
    WaveformDisplay : The samples of a clip over time.
    MFCCTransformer : The analysis and its parameters.

    Notes
    -----
    ``kind="mel_from_mfcc"`` is the inverse DCT of the MFCCs, with as many rows as coefficients: the
    log-mel spectrogram without the detail along frequency that the coefficients leave out.
    `CNNEmbedder` recovers it from its input, and standardizes each row by its mean and its
    standard deviation over the training clips.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import numpy as np
    >>> from ser_estimators import MFCCTransformer
    >>> from ser_estimators.display import SpectrogramDisplay
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    >>> _, (left, right) = plt.subplots(1, 2, layout="constrained")
    >>> display = SpectrogramDisplay.from_clip(tone, ax=left)
    >>> display = SpectrogramDisplay.from_estimator(MFCCTransformer(n_mfcc=20), tone, ax=right)
    >>> display.values.shape
    (20, 63)
    >>> display.figure_.savefig("spectrograms.png")
    >>> plt.close(display.figure_)
    """

    mesh_: QuadMesh
    colorbar_: Colorbar | None
    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        values: ArrayLike,
        *,
        kind: str = "mel",
        sr: int = 16000,
        hop_length: int = 256,
        n_mels: int = 64,
        fmin: float = 0.0,
        fmax: float | None = None,
        htk: bool = False,
        start: float = 0.0,
        name: str | None = None,
    ) -> None:
        self.values = values
        self.kind = kind
        self.sr = sr
        self.hop_length = hop_length
        self.n_mels = n_mels
        self.fmin = fmin
        self.fmax = fmax
        self.htk = htk
        self.start = start
        self.name = name

    def plot(
        self,
        ax: Axes | None = None,
        *,
        cmap: Any = "magma",
        colorbar: bool = True,
        max_columns: int = 2000,
        mesh_kwargs: dict[str, Any] | None = None,
    ) -> SpectrogramDisplay:
        """Draw the spectrogram.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None creates a figure.
        cmap : str or matplotlib.colors.Colormap, default="magma"
            Color map. The lightness of the default increases evenly, so that it remains legible in
            gray.
        colorbar : bool, default=True
            Whether to draw a color bar beside the axes.
        max_columns : int > 0, default=2000
            Maximum number of columns to draw. If there are more frames, neighbors are averaged.
        mesh_kwargs : dict or None, default=None
            Keyword arguments for ``Axes.pcolormesh`` that override the defaults.

        Returns
        -------
        SpectrogramDisplay
            This display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError, TypeError
            If a parameter has a wrong type or value.

        Notes
        -----
        The first MFCC, which carries the level of the clip, is many times larger than all others.
        The colors of MFCCs therefore span the 2nd to the 98th percentile of the other coefficients.
        Pointed ends of the color bar indicate that there are values outside this range.
        """
        require_matplotlib(f"{type(self).__name__}.plot")
        from matplotlib.collections import QuadMesh

        check_choice(self.kind, "kind", KINDS)
        check_scalar(max_columns, "max_columns", Integral, min_val=1)
        values = check_values(self.values)
        lowest, highest = self._limits
        if self.kind != "mfcc" and not 0 <= lowest < highest:
            raise ValueError(
                f"fmin == {lowest} Hz, must be at least 0 and below fmax, which is {highest} Hz"
            )
        if ax is None:
            ax = new_axes(figsize=(6.4, 3.6))

        columns, edges = average_columns(values, max_columns)
        # A frame is centered on its time, so its column begins half a hop earlier.
        time = self.start + (edges - 0.5) * self.hop_length / self.sr
        default: dict[str, Any] = {"cmap": cmap, "rasterized": True}
        if self.kind == "mfcc" and "norm" not in (mesh_kwargs or {}):  # a norm has its own limits
            default["vmin"], default["vmax"] = color_limits(columns)
        style = merge_style(default, mesh_kwargs, QuadMesh)
        self.mesh_ = ax.pcolormesh(time, self._row_edges(len(values)), columns, **style)

        set_time_axis(ax, time, self.start)
        if self.kind == "mfcc":
            set_coefficient_axis(ax)
        else:
            set_mel_axis(ax, self._limits, htk=self.htk)
        set_title(ax, self.name)
        label = _COLORBAR_LABELS[self.kind]
        self.colorbar_ = add_colorbar(ax, self.mesh_, label) if colorbar else None
        self.ax_ = ax
        self.figure_ = ax.figure  # type: ignore[assignment]
        return self

    @classmethod
    def from_clip(
        cls,
        clip: str | os.PathLike[str] | ArrayLike,
        *,
        kind: str = "mel",
        transformer: MFCCTransformer | None = None,
        name: str | None = None,
        ax: Axes | None = None,
        cmap: Any = "magma",
        colorbar: bool = True,
        max_columns: int = 2000,
        mesh_kwargs: dict[str, Any] | None = None,
    ) -> SpectrogramDisplay:
        """Read and analyze a clip as `MFCCTransformer` does, and draw it.

        Parameters
        ----------
        clip : path-like, or array-like of shape (n_samples,)
            One audio file, or one waveform at the transformer's `sr`.
        kind : {"mel", "mfcc", "mel_from_mfcc"}, default="mel"
            What to draw: the log-mel spectrogram, the MFCCs, or the log-mel spectrogram that the
            network sees, recovered from the MFCCs.
        transformer : MFCCTransformer or None, default=None
            Parameters of the analysis; None means the default parameters.
        name : str or None, default=None
            Title of the plot; None means the file name, or no title for a waveform.
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None creates a figure.
        cmap : str or matplotlib.colors.Colormap, default="magma"
            Color map.
        colorbar : bool, default=True
            Whether to draw a color bar beside the axes.
        max_columns : int > 0, default=2000
            Maximum number of columns to draw. If there are more frames, neighbors are averaged.
        mesh_kwargs : dict or None, default=None
            Keyword arguments for ``Axes.pcolormesh`` that override the defaults.

        Returns
        -------
        SpectrogramDisplay
            The display, drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        AudioReadError
            If the clip cannot be read.
        TypeError, ValueError
            If `clip` is not one clip, or a parameter has a wrong type or value.

        Warns
        -----
        AudioLevelWarning
            If the clip is silent or far beyond full scale.
        """
        require_matplotlib(f"{cls.__name__}.from_clip")
        check_choice(kind, "kind", KINDS)
        if transformer is None:
            transformer = MFCCTransformer()
        if not isinstance(transformer, MFCCTransformer):
            raise TypeError(
                f"transformer is a {type(transformer).__name__}; expected an MFCCTransformer. "
                "Pass a pipeline to from_estimator"
            )
        clips = check_clip(clip)
        # Fitting checks the parameters. It is done on a copy, because it changes the estimator.
        mfcc = clone(transformer).fit(clips)
        values = analyze_clip(mfcc, clips, kind)
        names = ("sr", "hop_length", "n_mels", "fmin", "fmax", "htk")
        display = cls(
            values,
            kind=kind,
            **{name: getattr(mfcc, name) for name in names},
            start=mfcc.offset + (0 if mfcc.center else mfcc.n_fft / 2 / mfcc.sr),
            name=name_of(clips[0]) if name is None else name,
        )
        return display.plot(
            ax, cmap=cmap, colorbar=colorbar, max_columns=max_columns, mesh_kwargs=mesh_kwargs
        )

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        clip: str | os.PathLike[str] | ArrayLike,
        *,
        kind: str = "mel_from_mfcc",
        name: str | None = None,
        ax: Axes | None = None,
        cmap: Any = "magma",
        colorbar: bool = True,
        max_columns: int = 2000,
        mesh_kwargs: dict[str, Any] | None = None,
    ) -> SpectrogramDisplay:
        """Draw a clip with the parameters of a pipeline's `MFCCTransformer`.

        Parameters
        ----------
        estimator : estimator instance
            An `MFCCTransformer`, a pipeline that contains one, or a search over such a pipeline. Of
            a fitted search, the best estimator is used.
        clip : path-like, or array-like of shape (n_samples,)
            One audio file, or one waveform at the transformer's `sr`.
        kind : {"mel", "mfcc", "mel_from_mfcc"}, default="mel_from_mfcc"
            What to draw: the log-mel spectrogram, the MFCCs, or the log-mel spectrogram that the
            network sees, recovered from the MFCCs.
        name : str or None, default=None
            Title of the plot; None means the file name, or no title for a waveform.
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None creates a figure.
        cmap : str or matplotlib.colors.Colormap, default="magma"
            Color map.
        colorbar : bool, default=True
            Whether to draw a color bar beside the axes.
        max_columns : int > 0, default=2000
            Maximum number of columns to draw. If there are more frames, neighbors are averaged.
        mesh_kwargs : dict or None, default=None
            Keyword arguments for ``Axes.pcolormesh`` that override the defaults.

        Returns
        -------
        SpectrogramDisplay
            The display, drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        AudioReadError
            If the clip cannot be read.
        TypeError, ValueError
            If the estimator contains no `MFCCTransformer`, `clip` is not one clip, or a parameter
            has a wrong type or value.

        Warns
        -----
        AudioLevelWarning
            If the clip is silent or far beyond full scale.
        """
        require_matplotlib(f"{cls.__name__}.from_estimator")
        found = (step for _, step in iter_steps(estimator) if isinstance(step, MFCCTransformer))
        transformer = next(found, None)
        if transformer is None:
            raise TypeError(
                f"The {type(estimator).__name__} contains no MFCCTransformer; expected one, a "
                "pipeline with one, as returned by make_ser_pipeline, or a search over it"
            )
        return cls.from_clip(
            clip,
            kind=kind,
            transformer=transformer,
            name=name,
            ax=ax,
            cmap=cmap,
            colorbar=colorbar,
            max_columns=max_columns,
            mesh_kwargs=mesh_kwargs,
        )

    def _row_edges(self, n_rows: int) -> NDArray[Any]:
        """Return the edges of the rows, in coefficients or in Hz."""
        if self.kind == "mfcc":
            return np.arange(n_rows + 1) - 0.5
        return mel_edges(n_rows, n_mels=self.n_mels, limits=self._limits, htk=self.htk)

    @property
    def _limits(self) -> tuple[float, float]:
        return self.fmin, self.sr / 2 if self.fmax is None else self.fmax
