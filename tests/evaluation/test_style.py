"""Colors of the page, in both color schemes and in print."""

import re
from pathlib import Path

import numpy as np
import pytest

import ser_estimators.evaluation

TEMPLATES = Path(ser_estimators.evaluation.__file__).parent / "templates"
STYLE = (TEMPLATES / "style.css.j2").read_text(encoding="utf-8")
DARK = "@media screen and (prefers-color-scheme: dark)"
COLOR = r"#[0-9a-fA-F]{3,8}\b|\b(?:rgba?|hsla?|oklch|lab)\("


def variables(text):
    """Return the colors in a ``:root`` block."""
    (block,) = re.findall(r":root \{(.*?)\}", text, flags=re.DOTALL)[:1]
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
    assert len(found) == block.count("--")
    return {
        name: np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        for name, color in found.items()
    }


LIGHT = variables(STYLE)
SCHEMES = {"light": LIGHT, "dark": variables(STYLE[STYLE.index(DARK) :])}


def contrast(first, second):
    """Compute the ratio of https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio."""
    light = sorted(
        np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]
        for c in (np.asarray(first), np.asarray(second))
    )
    return (light[1] + 0.05) / (light[0] + 0.05)


def test_contrast_of_known_colors():
    assert contrast([1, 1, 1], [0, 0, 0]) == pytest.approx(21)
    assert contrast(np.full(3, 0x76 / 255), [1, 1, 1]) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_texts_have_enough_contrast(scheme):
    colors = SCHEMES[scheme]
    for ink, paper in (
        *(("text", name) for name in ("page", "panel", "warning")),
        *(("soft", name) for name in ("page", "panel")),
    ):
        assert contrast(colors[ink], colors[paper]) >= 4.5, (ink, paper)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_cells_of_the_confusion_matrix_have_enough_contrast_and_differ(scheme):
    colors = SCHEMES[scheme]
    cells = [
        shade * colors["cell"] + (1 - shade) * colors["page"] for shade in np.linspace(0, 1, 101)
    ]
    assert min(contrast(colors["text"], cell) for cell in cells) >= 4.5
    assert contrast(cells[0], cells[-1]) > 2.5


@pytest.mark.parametrize("scheme", SCHEMES)
def test_lines_and_bars_have_enough_contrast(scheme):
    colors = SCHEMES[scheme]
    for name in ("main", "other", "axis", "warning-edge"):
        assert contrast(colors[name], colors["page"]) >= 3, name
    assert contrast(colors["main"], colors["panel"]) >= 3  # a bar on its track


def test_both_schemes_have_all_colors_and_print_has_the_light_ones():
    assert SCHEMES["light"].keys() == SCHEMES["dark"].keys()
    assert "color-scheme: light dark" in STYLE
    # Paper is white: the dark colors are for screens only.
    assert STYLE.count("prefers-color-scheme") == STYLE.count(DARK) == 1
    assert LIGHT["page"].tolist() == [1, 1, 1]


def test_colors_are_in_the_variables_only():
    rest = re.sub(r":root \{.*?\}", "", STYLE, flags=re.DOTALL)
    assert re.findall(COLOR, rest) == []
    used = set(re.findall(r"var\(--([\w-]+)\)", STYLE))
    assert used - {"shade", "chance"} == set(LIGHT)
    for path in TEMPLATES.glob("*.html.j2"):
        colors = set(re.findall(COLOR, path.read_text(encoding="utf-8")))
        # The chart of a notebook, which has no style sheet.
        assert colors == ({"#0072b2", "#d55e00"} if path.stem == "drawings.html" else set())


# White, and the backgrounds of dark themes of JupyterLab, VS Code and of this documentation.
@pytest.mark.parametrize("paper", ["#ffffff", "#111111", "#1e1e1e", "#14181e"])
def test_the_chart_of_a_notebook_is_visible_in_light_and_dark_themes(paper):
    for color in ("#0072b2", "#d55e00"):
        first, second = (
            np.array([int(c[i : i + 2], 16) for i in (1, 3, 5)]) / 255 for c in (color, paper)
        )
        assert contrast(first, second) >= 3
