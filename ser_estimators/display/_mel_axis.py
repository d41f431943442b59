"""A vertical axis in Hz on librosa's mel scale."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["row_edges", "set_mel_scale"]


def row_edges(n_rows: int, *, n_mels: int, limits: tuple[float, float], htk: bool) -> NDArray[Any]:
    """Return where the rows of a mel spectrogram begin and end.

    Parameters
    ----------
    n_rows : int > 0
        Rows, which divide the range among them.
    n_mels : int > 0
        Mel bands in the analysis, as many as rows or more.
    limits : (float, float)
        Lowest and highest frequency of the analysis in Hz.
    htk : bool
        HTK's mel scale instead of Slaney's.

    Returns
    -------
    ndarray of shape (n_rows + 1,)
        In Hz.
    """
    from librosa import hz_to_mel, mel_to_hz

    lowest, highest = hz_to_mel(list(limits), htk=htk)
    # The centres of the bands divide this range into n_mels + 1 equal steps; a band is drawn from
    # half a step under its centre to half a step above, and the outermost to the ends.
    half = (highest - lowest) / (n_mels + 1) / 2
    edges = mel_to_hz(np.linspace(lowest + half, highest - half, n_rows + 1), htk=htk)
    edges[[0, -1]] = limits
    return edges


def set_mel_scale(ax: Axes, limits: tuple[float, float], *, htk: bool) -> None:
    """Scale the vertical axis by mel, with ticks at round frequencies in Hz."""
    from librosa import hz_to_mel, mel_to_hz
    from matplotlib.ticker import NullLocator

    ax.set_yscale("function", functions=(partial(hz_to_mel, htk=htk), partial(mel_to_hz, htk=htk)))
    ticks = _round_frequencies(*limits)
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set(ylabel="Frequency (Hz)", ylim=limits)


def _round_frequencies(lowest: float, highest: float) -> NDArray[Any]:
    """Return octaves within a range in Hz, or even steps where it has fewer than three."""
    from matplotlib.ticker import MaxNLocator

    octaves = 250 * 2.0 ** np.arange(9)
    octaves = octaves[(octaves >= lowest) & (octaves <= highest)]
    if len(octaves) >= 3:
        return octaves
    ticks = np.asarray(MaxNLocator(6).tick_values(lowest, highest))
    return ticks[(ticks >= lowest) & (ticks <= highest)]
