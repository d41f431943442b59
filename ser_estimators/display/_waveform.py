"""WaveformDisplay: the samples of a clip over time."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_scalar

from .._audio.reading import Reading
from .._audio.workers import map_waveforms
from ._plotting import (
    COLORS,
    check_clip,
    column_starts,
    hide_frame,
    merge_style,
    name_of,
    new_axes,
    require_matplotlib,
    set_title,
)

if TYPE_CHECKING:
    import os

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

__all__ = ["WaveformDisplay"]


class WaveformDisplay:
    """Waveform of a clip: samples over time in seconds.

    Use `from_clip` to create a display. A long clip is drawn as its envelope: a vertical line from
    the lowest to the highest sample of each column. This keeps all peaks and is fast.

    Parameters
    ----------
    waveform : array-like of shape (n_samples,)
        Samples of one channel, on the scale [-1, 1].
    sr : int > 0, default=16000
        Sampling rate in Hz.
    name : str or None, default=None
        Title of the plot.

    Attributes
    ----------
    line_ : matplotlib.lines.Line2D
        The samples, or the envelope.
    ax_ : matplotlib.axes.Axes
        Axes of the plot.
    figure_ : matplotlib.figure.Figure
        Figure that contains the axes.

    See Also
    --------
    SpectrogramDisplay : The frequencies of a clip over time.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import numpy as np
    >>> from ser_estimators.display import WaveformDisplay
    >>> tone = np.sin(2 * np.pi * 220 * np.arange(16000) / 16000)
    >>> display = WaveformDisplay.from_clip(tone, name="220 Hz")
    >>> display.figure_.savefig("waveform.png")
    >>> plt.close(display.figure_)
    """

    line_: Line2D
    ax_: Axes
    figure_: Figure

    def __init__(self, waveform: ArrayLike, *, sr: int = 16000, name: str | None = None) -> None:
        self.waveform = waveform
        self.sr = sr
        self.name = name

    def plot(
        self,
        ax: Axes | None = None,
        *,
        max_columns: int = 2000,
        line_kwargs: dict[str, Any] | None = None,
    ) -> WaveformDisplay:
        """Draw the waveform.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None creates a figure.
        max_columns : int > 0, default=2000
            Maximum number of columns of the envelope. A clip with at most two samples per column is
            drawn sample by sample.
        line_kwargs : dict or None, default=None
            Keyword arguments for ``Axes.plot`` that override the defaults.

        Returns
        -------
        WaveformDisplay
            This display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError, TypeError
            If the waveform is not a 1-D array of finite samples, or a parameter has a wrong type or
            value.
        """
        require_matplotlib(f"{type(self).__name__}.plot")
        from matplotlib.lines import Line2D

        check_scalar(max_columns, "max_columns", Integral, min_val=1)
        check_scalar(self.sr, "sr", Real, min_val=0, include_boundaries="neither")
        waveform = np.asarray(self.waveform)
        if waveform.ndim != 1 or not waveform.size or waveform.dtype.kind not in "biuf":
            raise ValueError(
                f"waveform has the shape {waveform.shape} and the dtype {waveform.dtype}; expected "
                "at least one number, shape (n_samples,). Use from_clip for a file"
            )
        if not np.isfinite(waveform).all():
            n_bad = np.count_nonzero(~np.isfinite(waveform))
            raise ValueError(
                f"waveform contains NaN or infinity at {n_bad} of {waveform.size} samples; "
                "expected finite samples"
            )
        if ax is None:
            ax = new_axes(figsize=(6.4, 2.6))
        time, samples = _envelope(waveform, self.sr, max_columns)
        style = merge_style({"color": COLORS[0], "linewidth": 0.7}, line_kwargs, Line2D)
        (self.line_,) = ax.plot(time, samples, **style)

        peak = float(np.abs(samples).max()) or 1.0  # silence: any scale
        ax.set(
            xlim=(0, len(waveform) / self.sr),
            ylim=(-1.05 * peak, 1.05 * peak),
            xlabel="Time (s)",
            ylabel="Amplitude",
        )
        hide_frame(ax)
        set_title(ax, self.name)
        self.ax_ = ax
        self.figure_ = ax.figure  # type: ignore[assignment]
        return self

    @classmethod
    def from_clip(
        cls,
        clip: str | os.PathLike[str] | ArrayLike,
        *,
        sr: int = 16000,
        name: str | None = None,
        ax: Axes | None = None,
        max_columns: int = 2000,
        line_kwargs: dict[str, Any] | None = None,
    ) -> WaveformDisplay:
        """Read a clip as the estimators do, and draw its waveform.

        Parameters
        ----------
        clip : path-like, or array-like of shape (n_samples,)
            One audio file, or one waveform at `sr`. Files at another rate are resampled, channels
            are mixed down and integer PCM is scaled to [-1, 1].
        sr : int > 0, default=16000
            Sampling rate in Hz.
        name : str or None, default=None
            Title of the plot; None means the file name, or no title for a waveform.
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None creates a figure.
        max_columns : int > 0, default=2000
            Maximum number of columns of the envelope, see `plot`.
        line_kwargs : dict or None, default=None
            Keyword arguments for ``Axes.plot`` that override the defaults.

        Returns
        -------
        WaveformDisplay
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
        check_scalar(sr, "sr", Integral, min_val=1)
        clips = check_clip(clip)
        (waveform,) = map_waveforms(np.asarray, clips, Reading(sr))
        display = cls(waveform, sr=sr, name=name_of(clips[0]) if name is None else name)
        return display.plot(ax, max_columns=max_columns, line_kwargs=line_kwargs)


def _envelope(
    waveform: NDArray[Any], sr: int, max_columns: int
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Return times (s) and samples of a line: all samples, or minimum and maximum per column."""
    n = len(waveform)
    if n <= 2 * max_columns:
        return np.arange(n) / sr, waveform
    starts = column_starts(n, max_columns)
    middles = (starts + np.append(starts[1:], n)) / 2 / sr
    low, high = np.minimum.reduceat(waveform, starts), np.maximum.reduceat(waveform, starts)
    return np.repeat(middles, 2), np.column_stack([low, high]).ravel()
