"""What the displays share: one clip from the user, axes to draw on, colours and texts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._audio.clips import Clip, validate_clips
from .._estimators.mfcc_transformer import MFCCTransformer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "COLOURS",
    "check_clip",
    "column_starts",
    "hide_frame",
    "merge_style",
    "name_of",
    "new_axes",
    "require_matplotlib",
    "set_title",
    "steps_of",
]

# Okabe and Ito's palette, https://jfly.uni-koeln.de/color/, without its black, and in an order in
# which neighbours differ in lightness too.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#F0E442", "#D55E00", "#56B4E9", "#CC79A7")

# A longer title would leave the picture; file names of corpora say most at both ends.
_MAX_TITLE = 52


def require_matplotlib(caller: str) -> None:
    """Raise an ImportError with the remedy if matplotlib is missing, before any work is done."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"{caller} needs matplotlib, which is not installed; "
            "run: pip install 'ser_estimators[plot]'"
        ) from error


def new_axes(**layout: Any) -> Any:
    """Make a figure whose layout keeps labels, colour bars and legends inside it."""
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained", **layout)[1]


def hide_frame(ax: Axes) -> None:
    """Take away the two sides of the frame that hold no scale."""
    ax.spines[["top", "right"]].set_visible(False)


def merge_style(default: dict[str, Any], given: dict[str, Any] | None, artist: Any) -> Any:
    """Overrule the default style by the user's, whatever alias (``lw``, ``c``) either uses."""
    from matplotlib.cbook import normalize_kwargs

    return {**normalize_kwargs(default, artist), **normalize_kwargs(given or {}, artist)}


def set_title(ax: Axes, name: str | None) -> None:
    """Put a name above the axes, shortened in its middle, and no ``$`` taken for a formula."""
    if name is None:
        return
    # Bytes of a file name that are no UTF-8 arrive as surrogates, which no font can draw.
    name = name.encode("utf-8", "replace").decode()
    if len(name) > _MAX_TITLE:
        half = _MAX_TITLE // 2
        name = f"{name[: half - 1]}…{name[-half:]}"
    ax.set_title(name, parse_math=False)


def name_of(clip: Clip) -> str | None:
    """Return the file name of a path, and None for a waveform."""
    return Path(clip).name if isinstance(clip, (str, os.PathLike)) else None


def check_clip(clip: Any) -> list[Clip]:
    """Return a single clip as the list of one that `map_waveforms` and the estimators take.

    Parameters
    ----------
    clip : path-like or array-like of shape (n_samples,)

    Returns
    -------
    list of one path or of one ndarray

    Raises
    ------
    TypeError, ValueError
        If it is neither a path nor a 1-D waveform of finite samples.
    """
    one = [clip] if isinstance(clip, (str, os.PathLike)) else [_as_waveform(clip)]
    # The estimator is there to hold the number of samples per clip, and is thrown away.
    return list(validate_clips(MFCCTransformer(), one, reset=True))


def _as_waveform(clip: Any) -> NDArray[Any]:
    expected = "expected one audio path or one 1-D waveform"
    try:
        waveform = np.asarray(clip)
    except ValueError as error:  # a list of lists of unequal lengths
        raise ValueError(f"clip is a list of several clips; {expected}: pass clip[0]") from error
    if waveform.ndim and waveform.dtype.kind in "OUS":
        raise TypeError(
            f"clip is a list of {len(waveform)} that begins with {waveform.flat[:1].tolist()}; "
            f"{expected}: pass one at a time, such as clip[0]"
        )
    if waveform.ndim == 0:
        raise TypeError(f"clip is {clip!r} ({type(clip).__name__}); {expected}")
    if waveform.ndim > 1:
        raise ValueError(
            f"clip is an array of shape {waveform.shape}; {expected}: pass a row, or mix the "
            "channels down first, for example with y.mean(axis=...)"
        )
    return waveform


def column_starts(n: int, max_columns: int) -> NDArray[np.intp]:
    """Return where each of at most `max_columns` nearly equal parts of n values begins."""
    n_columns = min(n, max_columns)
    return np.arange(n_columns) * n // n_columns


def steps_of(estimator: Any) -> Iterator[Any]:
    """Yield an estimator, or the steps of a pipeline, also of the best one of a fitted search."""
    estimator = getattr(estimator, "best_estimator_", estimator)
    if hasattr(estimator, "steps"):
        for _, step in estimator.steps:
            yield from steps_of(step)
    else:
        yield estimator
