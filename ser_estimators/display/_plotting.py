"""Shared by the displays: checks of a single clip, axes, colors and titles."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._audio.clips import Clip, validate_clips
from .._audio.kinds import name_of as clip_name
from .._estimators.mfcc_transformer import MFCCTransformer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "COLORS",
    "check_clip",
    "column_starts",
    "hide_frame",
    "merge_style",
    "name_of",
    "new_axes",
    "require_matplotlib",
    "set_title",
]

# Okabe and Ito's palette, https://jfly.uni-koeln.de/color/, without black, and in an order in which
# neighbors also differ in lightness.
COLORS = ("#0072B2", "#E69F00", "#009E73", "#F0E442", "#D55E00", "#56B4E9", "#CC79A7")

# Characters. Longer titles would not fit; the ends of file names carry most of the information.
_MAX_TITLE = 52


def require_matplotlib(caller: str) -> None:
    """Raise an ImportError that says how to install matplotlib if it is missing."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"{caller} needs matplotlib, which is not installed; "
            "run: pip install 'ser_estimators[plot]'"
        ) from error


def new_axes(**layout: Any) -> Any:
    """Return the axes of a new figure whose layout keeps labels and legends inside it."""
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained", **layout)[1]


def hide_frame(ax: Axes) -> None:
    """Hide the two sides of the frame that have no ticks."""
    ax.spines[["top", "right"]].set_visible(False)


def merge_style(default: dict[str, Any], given: dict[str, Any] | None, artist: Any) -> Any:
    """Override the default style with the user's, including aliases such as ``lw`` and ``c``."""
    from matplotlib.cbook import normalize_kwargs

    return {**normalize_kwargs(default, artist), **normalize_kwargs(given or {}, artist)}


def set_title(ax: Axes, name: str | None) -> None:
    """Set the title of the axes, shortened in the middle, without parsing ``$`` as a formula."""
    if name is None:
        return
    # Bytes of a file name that are not UTF-8 become surrogates, which fonts cannot draw.
    name = name.encode("utf-8", "replace").decode()
    if len(name) > _MAX_TITLE:
        half = _MAX_TITLE // 2
        name = f"{name[: half - 1]}…{name[-half:]}"
    ax.set_title(name, parse_math=False)


def name_of(clip: Clip) -> str | None:
    """Return the file name of a path, and None for a waveform."""
    return Path(clip_name(clip)).name if isinstance(clip, (str, os.PathLike)) else None


def check_clip(clip: Any) -> list[Clip]:
    """Return a single clip as a list of one clip, which the estimators expect.

    Parameters
    ----------
    clip : path-like or array-like of shape (n_samples,)

    Returns
    -------
    list of one path or one ndarray

    Raises
    ------
    TypeError, ValueError
        If it is not a path or a 1-D waveform of finite samples.
    """
    one = [clip] if isinstance(clip, (str, os.PathLike)) else [_as_waveform(clip)]
    # validate_clips stores the number of samples in the estimator, which is discarded.
    return list(validate_clips(MFCCTransformer(), one, reset=True))


def _as_waveform(clip: Any) -> NDArray[Any]:
    expected = "expected one audio path or one 1-D waveform"
    try:
        waveform = np.asarray(clip)
    except ValueError as error:  # a list of lists of unequal lengths
        raise ValueError(f"clip is a list of several clips; {expected}: pass clip[0]") from error
    if waveform.ndim and waveform.dtype.kind in "OUS":
        raise TypeError(
            f"clip is a list of {len(waveform)} items that begins with "
            f"{waveform.flat[:1].tolist()}; {expected}: pass one at a time, such as clip[0]"
        )
    if waveform.ndim == 0:
        raise TypeError(f"clip is {clip!r:.200} ({type(clip).__name__}); {expected}")
    if waveform.ndim > 1:
        raise ValueError(
            f"clip is an array of shape {waveform.shape}; {expected}: pass a row, or mix the "
            "channels down first, for example with y.mean(axis=...)"
        )
    return waveform


def column_starts(n: int, max_columns: int) -> NDArray[np.intp]:
    """Return the start of each of at most `max_columns` parts of n values, of nearly equal size."""
    n_columns = min(n, max_columns)
    return np.arange(n_columns) * n // n_columns
