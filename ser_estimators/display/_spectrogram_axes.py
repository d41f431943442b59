"""Axes of a spectrogram: time, coefficients, Hz on librosa's mel scale, and the color bar."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.colorbar import Colorbar

__all__ = ["add_colorbar", "mel_edges", "set_coefficient_axis", "set_mel_axis", "set_time_axis"]


def mel_edges(n_rows: int, *, n_mels: int, limits: tuple[float, float], htk: bool) -> NDArray[Any]:
    """Return the frequencies at which the rows of a mel spectrogram begin and end.

    Parameters
    ----------
    n_rows : int > 0
        Number of rows, which divide the frequency range evenly on the mel scale.
    n_mels : int >= n_rows
        Number of mel bands of the analysis.
    limits : tuple of (float, float)
        Lowest and highest frequency of the analysis in Hz.
    htk : bool
        Whether to use HTK's mel scale instead of Slaney's.

    Returns
    -------
    ndarray of shape (n_rows + 1,)
        Edges in Hz.
    """
    from librosa import hz_to_mel, mel_to_hz

    lowest, highest = hz_to_mel(list(limits), htk=htk)
    # The centers of the bands divide this range into n_mels + 1 equal steps. A band is drawn from
    # half a step below its center to half a step above; the outermost ones extend to the limits.
    half = (highest - lowest) / (n_mels + 1) / 2
    edges = mel_to_hz(np.linspace(lowest + half, highest - half, n_rows + 1), htk=htk)
    edges[[0, -1]] = limits
    return edges


def set_time_axis(ax: Axes, edges: NDArray[Any], start: float) -> None:
    """Scale the horizontal axis in seconds.

    Half of the first frame lies before the clip, and is hidden unless it is the only frame.
    """
    ax.set(xlabel="Time (s)", xlim=(start if len(edges) > 2 else edges[0], edges[-1]))


def set_coefficient_axis(ax: Axes) -> None:
    """Scale the vertical axis by the index of the coefficients."""
    from matplotlib.ticker import MaxNLocator

    ax.yaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.set_ylabel("Coefficient")


def set_mel_axis(ax: Axes, limits: tuple[float, float], *, htk: bool) -> None:
    """Scale the vertical axis by mel, with ticks at round frequencies in Hz."""
    from librosa import hz_to_mel, mel_to_hz
    from matplotlib.ticker import NullLocator

    ax.set_yscale("function", functions=(partial(hz_to_mel, htk=htk), partial(mel_to_hz, htk=htk)))
    ticks = _round_frequencies(*limits)
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set(ylabel="Frequency (Hz)", ylim=limits)


def _round_frequencies(lowest: float, highest: float) -> NDArray[Any]:
    """Return the octaves of 250 Hz in a range, or even steps if there are fewer than three."""
    from matplotlib.ticker import MaxNLocator

    octaves = 250 * 2.0 ** np.arange(9)
    octaves = octaves[(octaves >= lowest) & (octaves <= highest)]
    if len(octaves) >= 3:
        return octaves
    ticks = np.asarray(MaxNLocator(6).tick_values(lowest, highest))
    return ticks[(ticks >= lowest) & (ticks <= highest)]


def add_colorbar(ax: Axes, mesh: QuadMesh, label: str) -> Colorbar:
    """Draw a color bar, with pointed ends for values beyond the limits of the colors."""
    values = np.asarray(mesh.get_array())
    low, high = mesh.get_clim()
    is_below, is_above = values.min() < low, values.max() > high
    extend = ("both" if is_above else "min") if is_below else ("max" if is_above else "neither")
    return ax.figure.colorbar(mesh, ax=ax, label=label, extend=extend)
