"""Colors and markers of points, by their label."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from ..datasets._bunch import VOCABULARY
from ._plotting import COLORS

__all__ = ["EMOTION_COLORS", "Look", "looks_of", "style_of"]

# Markers that remain distinct at the size of a point, filled for the first 12 labels and hollow for
# the next 12, so that 24 labels, as many as RAVDESS has speakers, are distinct without color. The
# numbers of colors (7) and markers (12) are coprime, so styles repeat only after MAX_LABELS labels.
_MARKERS = ("o", "s", "^", "X", "D", "v", "P", "*", "<", "p", ">", "h")
# These markers cover a smaller area, so they are drawn larger.
_THIN_MARKERS = ("X", "P", "*")

# Emotions have the same color and marker in every plot: VOCABULARY has nine, more than COLORS, so
# black and a gray that color-blind readers can tell from the other colors are added.
EMOTION_COLORS = dict(
    zip(
        VOCABULARY,
        (
            "#D55E00",  # anger
            "#009E73",  # disgust
            "#CC79A7",  # fear
            "#F0E442",  # happiness
            "#666666",  # neutral
            "#0072B2",  # sadness
            "#E69F00",  # surprise
            "#56B4E9",  # calm
            "#000000",  # boredom
        ),
        strict=True,
    )
)


class Look(NamedTuple):
    """How the points of a label look.

    Parameters
    ----------
    color, marker : str
        As in matplotlib.
    is_hollow : bool, default=False
        Whether only the edge is drawn.
    """

    color: str
    marker: str
    is_hollow: bool = False


def looks_of(labels: Sequence[Any]) -> list[Look]:
    """Return a distinct look for each label; that of an emotion depends on its name only."""
    fixed = {
        name: Look(color, _MARKERS[place])
        for place, (name, color) in enumerate(EMOTION_COLORS.items())
        if name in labels
    }
    if not fixed:
        return [_numbered_look(index) for index in range(len(labels))]
    # Other labels are hollow, in the colors that are left and then in those of the numbered looks.
    used = set(fixed.values())
    free_colors = iter(EMOTION_COLORS[name] for name in EMOTION_COLORS if name not in fixed)
    numbered = map(_numbered_look, count(len(_MARKERS)))
    looks = []
    for label in labels:
        look = fixed.get(label)
        if look is None:
            look = next(numbered)
            if color := next(free_colors, None):
                look = look._replace(color=color)
            while look in used:
                look = next(numbered)
            used.add(look)
        looks.append(look)
    return looks


def _numbered_look(index: int) -> Look:
    """Return one of 168 looks, of which 24 neighbors are distinct without color."""
    return Look(
        COLORS[index % len(COLORS)],
        _MARKERS[index % len(_MARKERS)],
        is_hollow=bool(index // len(_MARKERS) % 2),
    )


def style_of(look: Look, n_points: int) -> dict[str, Any]:
    """Return the keyword arguments for ``Axes.scatter``, with smaller points if there are many."""
    style = {
        "marker": look.marker,
        # Few points are larger. Markers are distinct even in the smallest size.
        "s": float(np.clip(9000 / n_points, 16, 42))
        * (1.5 if look.marker in _THIN_MARKERS else 1.0),
        "linewidths": 0.5,
    }
    if look.is_hollow:
        from matplotlib.colors import to_rgb

        # Darker, because thin light lines are hard to see on white.
        edge = tuple(0.7 * np.asarray(to_rgb(look.color)))
        return {**style, "facecolors": "none", "edgecolors": [edge], "linewidths": 1.3}
    # The dark edge shows the marker if the color is light.
    return {**style, "facecolors": look.color, "edgecolors": "#303030", "alpha": 0.85}
