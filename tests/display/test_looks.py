"""Colors and markers of labels."""

from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest

from ser_estimators.datasets._bunch import VOCABULARY
from ser_estimators.display._looks import EMOTION_COLORS, Look, looks_of

OKABE_ITO = ["#0072B2", "#E69F00", "#009E73", "#F0E442", "#D55E00", "#56B4E9", "#CC79A7"]

# From linear RGB to that which people with each kind of color blindness perceive: G. M. Machado et
# al., "A physiologically-based model for simulation of color vision deficiency", IEEE Transactions
# on Visualization and Computer Graphics 15(6), 2009, severity 1.
VISION = {
    "full": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def to_lab(color, vision):
    """Return the coordinates of a color in CIELAB, in which 2 is a difference just visible."""
    rgb = np.array(mpl.colors.to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = XYZ @ np.clip(np.array(VISION[vision]) @ linear, 0, 1) / XYZ.sum(axis=1)
    x, y, z = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", VISION)
def test_colors_of_emotions_are_distinct_for_color_blind_readers(vision):
    colors = [to_lab(color, vision) for color in EMOTION_COLORS.values()]
    assert min(np.linalg.norm(a - b) for a, b in combinations(colors, 2)) > 15


def test_red_and_green_would_be_the_same_for_many():
    """Show that the test above can fail."""
    distance = [np.linalg.norm(np.subtract(*(to_lab(c, v) for c in ("#8B3A2B", "#5A5A16"))))
                for v in ("full", "deuteranopia")]  # fmt: skip
    assert distance[0] > 40
    assert distance[1] < 15


def test_emotions_have_nine_colors_and_nine_markers():
    looks = looks_of(list(VOCABULARY))
    assert len({look.color for look in looks}) == len({look.marker for look in looks}) == 9
    assert not any(look.is_hollow for look in looks)
    assert {look.color for look in looks} == {*OKABE_ITO, "#000000", "#666666"}
    assert [looks_of([name])[0] for name in VOCABULARY] == looks


def test_other_labels_are_hollow_in_the_colors_that_emotions_leave():
    labels = ["anger", "excitement", "frustration", "neutral"]
    anger, excitement, frustration, neutral = looks_of(labels)
    assert looks_of(["anger", "neutral"]) == [anger, neutral]
    assert excitement.is_hollow
    assert frustration.is_hollow
    assert len({look.color for look in looks_of(labels)}) == 4
    assert excitement.marker != frustration.marker


def test_labels_without_emotions_begin_with_okabe_and_itos_colors():
    assert [look.color for look in looks_of(list(range(8)))] == [*OKABE_ITO, OKABE_ITO[0]]
    assert looks_of(["b"]) == [Look("#0072B2", "o")]


@pytest.mark.parametrize("n_emotions", [0, 1, 5, 9])
def test_as_many_labels_as_are_allowed_are_distinct(n_emotions):
    labels = [*VOCABULARY[:n_emotions], *range(168 - n_emotions)]
    assert len(set(looks_of(labels))) == 168
    # Without color, too, as many as RAVDESS has speakers.
    assert len({look[1:] for look in looks_of(labels[n_emotions:][:24])}) == 24
