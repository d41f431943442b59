"""SpectrogramDisplay: mel spectrogram, MFCCs, and the picture that the network makes of them."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.utils import check_scalar

from .._audio.clips import Clip
from .._audio.workers import map_waveforms
from .._estimators.mfcc_transformer import MFCCTransformer
from .._features.mel import mel_power_spectrogram, power_to_db
from .._utils.checks import check_choice
from ._mel_axis import row_edges, set_mel_scale
from ._plotting import (
    check_clip,
    column_starts,
    merge_style,
    name_of,
    new_axes,
    require_matplotlib,
    set_title,
    steps_of,
)

if TYPE_CHECKING:
    import os

    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.colorbar import Colorbar
    from matplotlib.figure import Figure

__all__ = ["SpectrogramDisplay"]

_KINDS = ("mel", "mfcc", "picture")
_SCALES = {
    "mel": "Power (dB)",
    "mfcc": "MFCC (dB)",
    "picture": "Smoothed power (dB)",
}


class SpectrogramDisplay:
    """Spectrogram of a clip: mel bands or MFCCs over time in seconds.

    Use `from_clip` to see a clip, and `from_estimator` to see it as a pipeline's network does.

    Parameters
    ----------
    values : array-like of shape (n_rows, n_frames)
        Decibels of every mel band, or coefficients.
    kind : {"mel", "mfcc", "picture"}, default="mel"
        What the rows are: mel bands, MFCCs, or the mel bands that remain in MFCCs.
    sr : int > 0, default=16000
        Sampling rate in Hz.
    hop_length : int > 0, default=256
        Samples between frames.
    n_mels : int > 0, default=64
        Number of mel bands in the analysis.
    fmin : float >= 0, default=0.0
        Lowest frequency in Hz.
    fmax : float or None, default=None
        Highest frequency in Hz; None means ``sr / 2``.
    htk : bool, default=False
        Whether mel is HTK's scale instead of Slaney's.
    start : float, default=0.0
        Time of the middle of the first frame in seconds.
    name : str or None, default=None
        Title of the picture.

    Attributes
    ----------
    mesh_ : matplotlib.collections.QuadMesh
        The spectrogram.
    colorbar_ : matplotlib.colorbar.Colorbar or None
        Its scale.
    ax_ : matplotlib.axes.Axes
        The axes drawn on. Except with MFCCs, their vertical axis is in Hz on librosa's mel scale,
        so that a pitch or a formant in Hz can be drawn over it.
    figure_ : matplotlib.figure.Figure
        The figure that holds them.

    See Also
    --------
    WaveformDisplay : The samples of a clip over time.
    MFCCTransformer : The analysis, and its parameters.

    Notes
    -----
    ``kind="picture"`` is the inverse cosine transform of the MFCCs with as many rows as there are
    coefficients: the mel spectrogram without the detail that they leave out. `CNNEmbedder` makes
    this picture of its input, then brings its rows to mean 0 and variance 1 over the training.

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
            Axes to draw on; None makes a figure.
        cmap : str or matplotlib.colors.Colormap, default="magma"
            Colour map. The default grows lighter evenly, so that it reads in grey too.
        colorbar : bool, default=True
            Whether to draw the scale of the colours beside the axes.
        max_columns : int > 0, default=2000
            Of more frames than this, neighbours are averaged for the picture.
        mesh_kwargs : dict or None, default=None
            Passed to ``Axes.pcolormesh``, over the defaults.

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
        The first MFCCs are many times larger than all others, the clip's level above all. The
        colours of MFCCs span the middle 96 % of those after the first, and the scale shows by its
        pointed ends that there is more.
        """
        require_matplotlib(f"{type(self).__name__}.plot")
        from matplotlib.collections import QuadMesh

        check_choice(self.kind, "kind", _KINDS)
        check_scalar(max_columns, "max_columns", Integral, min_val=1)
        values = np.asarray(self.values)
        if values.ndim != 2 or 0 in values.shape:
            raise ValueError(
                f"values has the shape {values.shape}; expected (n_rows, n_frames) of one clip"
            )
        if not np.isfinite(values).all():
            raise ValueError(
                f"values holds NaN or infinity, {np.count_nonzero(~np.isfinite(values))} of "
                f"{values.size}; expected decibels or coefficients"
            )
        lowest, highest = self._limits
        if self.kind != "mfcc" and not 0 <= lowest < highest:
            raise ValueError(
                f"fmin == {lowest} Hz, must be from 0 to below fmax, which is {highest} Hz"
            )
        if ax is None:
            ax = new_axes(figsize=(6.4, 3.6))

        starts = column_starts(values.shape[1], max_columns)
        ends = np.append(starts, values.shape[1])
        columns = np.add.reduceat(values, starts, axis=1) / np.diff(ends)
        # A frame is centred on its time, so its column begins half a step before.
        time = self.start + (ends - 0.5) * self.hop_length / self.sr
        default: dict[str, Any] = {"cmap": cmap, "rasterized": True}
        if self.kind == "mfcc" and "norm" not in (mesh_kwargs or {}):  # it has limits of its own
            low, high = np.percentile(columns[min(1, len(columns) - 1) :], [2, 98])
            default |= {"vmin": low, "vmax": high}
        style = merge_style(default, mesh_kwargs, QuadMesh)
        self.mesh_ = ax.pcolormesh(time, self._row_edges(len(values)), columns, **style)

        self._label_axes(ax, time)
        set_title(ax, self.name)
        self.colorbar_ = None
        if colorbar:
            low, high = self.mesh_.get_clim()
            self.colorbar_ = ax.figure.colorbar(
                self.mesh_,
                ax=ax,
                label=_SCALES[self.kind],
                extend=_extend(columns.min() < low, columns.max() > high),
            )
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
        """Read and analyse a clip as `MFCCTransformer` does, and draw it.

        Parameters
        ----------
        clip : path-like, or array-like of shape (n_samples,)
            One audio file, or one waveform at the transformer's `sr`.
        kind : {"mel", "mfcc", "picture"}, default="mel"
            The mel spectrogram of which MFCCs are made, the MFCCs, or what is left of the mel
            spectrogram in the MFCCs, which is what the network sees.
        transformer : MFCCTransformer or None, default=None
            Parameters of the analysis; None means its defaults.
        name : str or None, default=None
            Title of the picture; None means the file's name, and none for a waveform.
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None makes a figure.
        cmap : str or matplotlib.colors.Colormap, default="magma"
            Colour map.
        colorbar : bool, default=True
            Whether to draw the scale of the colours beside the axes.
        max_columns : int > 0, default=2000
            Of more frames than this, neighbours are averaged for the picture.
        mesh_kwargs : dict or None, default=None
            Passed to ``Axes.pcolormesh``, over the defaults.

        Returns
        -------
        SpectrogramDisplay
            The display, drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        AudioReadError
            If the clip cannot be used.
        TypeError, ValueError
            If `clip` is not one clip, or a parameter has a wrong type or value.

        Warns
        -----
        AudioLevelWarning
            If the clip is silent or far beyond full scale.
        """
        require_matplotlib(f"{cls.__name__}.from_clip")
        check_choice(kind, "kind", _KINDS)
        if transformer is None:
            transformer = MFCCTransformer()
        if not isinstance(transformer, MFCCTransformer):
            raise TypeError(
                f"transformer is a {type(transformer).__name__}; expected an MFCCTransformer. "
                "Pass a pipeline to from_estimator"
            )
        clips = check_clip(clip)
        # Its fit checks the parameters; of a copy, because it changes what an estimator remembers.
        mfcc = clone(transformer).fit(clips)
        values = _mel_spectrogram(mfcc, clips) if kind == "mel" else mfcc.transform(clips)[0]
        if kind == "picture":
            # Without derivatives, which are pictures of their own. An orthonormal transform of
            # fewer rows makes them smaller by this factor.
            shrunk = np.float32(np.sqrt(mfcc.n_mels / mfcc.n_mfcc))
            values = scipy.fft.idct(values[: mfcc.n_mfcc], axis=0, type=2, norm="ortho") / shrunk
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
        kind: str = "picture",
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
            An `MFCCTransformer`, a pipeline with one, or a fitted search over such a pipeline.
        clip : path-like, or array-like of shape (n_samples,)
            One audio file, or one waveform at the transformer's `sr`.
        kind : {"mel", "mfcc", "picture"}, default="picture"
            The picture that the network sees, the MFCCs that describe it, or the mel spectrogram
            of which these are made.
        name : str or None, default=None
            Title of the picture; None means the file's name, and none for a waveform.
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None makes a figure.
        cmap : str or matplotlib.colors.Colormap, default="magma"
            Colour map.
        colorbar : bool, default=True
            Whether to draw the scale of the colours beside the axes.
        max_columns : int > 0, default=2000
            Of more frames than this, neighbours are averaged for the picture.
        mesh_kwargs : dict or None, default=None
            Passed to ``Axes.pcolormesh``, over the defaults.

        Returns
        -------
        SpectrogramDisplay
            The display, drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        AudioReadError
            If the clip cannot be used.
        TypeError, ValueError
            If there is no `MFCCTransformer`, `clip` is not one clip, or a parameter has a wrong
            type or value.
        """
        require_matplotlib(f"{cls.__name__}.from_estimator")
        found = (step for step in steps_of(estimator) if isinstance(step, MFCCTransformer))
        transformer = next(found, None)
        if transformer is None:
            raise TypeError(
                f"The {type(estimator).__name__} holds no MFCCTransformer; expected one, a "
                "pipeline with one such as make_ser_pipeline makes, or a fitted search over it"
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
        """Return where rows begin and end, in coefficients or in Hz."""
        if self.kind == "mfcc":
            return np.arange(n_rows + 1) - 0.5
        return row_edges(n_rows, n_mels=self.n_mels, limits=self._limits, htk=self.htk)

    @property
    def _limits(self) -> tuple[float, float]:
        return self.fmin, self.sr / 2 if self.fmax is None else self.fmax

    def _label_axes(self, ax: Axes, time: NDArray[Any]) -> None:
        # Half of the first frame lies before the clip; it is left out unless it is all there is.
        ax.set(xlabel="Time (s)", xlim=(self.start if len(time) > 2 else time[0], time[-1]))
        if self.kind == "mfcc":
            from matplotlib.ticker import MaxNLocator

            ax.yaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
            ax.set_ylabel("Coefficient")
            return
        set_mel_scale(ax, self._limits, htk=self.htk)


def _mel_spectrogram(mfcc: MFCCTransformer, clips: list[Clip]) -> NDArray[np.float32]:
    """Return the decibels of which a transformer makes MFCCs, of a single clip."""
    options = mfcc._mel_options()

    def analyze(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
        return power_to_db(mel_power_spectrogram(waveform, options))

    (values,) = map_waveforms(analyze, clips, mfcc._reading())
    return values


def _extend(below: bool, above: bool) -> str:
    return {(True, True): "both", (True, False): "min", (False, True): "max"}.get(
        (bool(below), bool(above)), "neither"
    )
