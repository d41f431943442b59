"""Configuration of the documentation; ``make docs`` builds it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import ser_estimators

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "ser_estimators"
author = "the ser_estimators developers"
copyright = f"2026, {author}"
version = release = ser_estimators.__version__

extensions = [
    "docstrings",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
# Nothing is downloaded while the documentation is built, unless links to the documentation of other
# projects are asked for with SER_ESTIMATORS_DOCS_INTERSPHINX=1.
if os.environ.get("SER_ESTIMATORS_DOCS_INTERSPHINX") == "1":
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "matplotlib": ("https://matplotlib.org/stable", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "pandas": ("https://pandas.pydata.org/docs", None),
        "python": ("https://docs.python.org/3", None),
        "scipy": ("https://docs.scipy.org/doc/scipy", None),
        "sklearn": ("https://scikit-learn.org/stable", None),
        "skorch": ("https://skorch.readthedocs.io/en/stable", None),
        "torch": ("https://docs.pytorch.org/docs/stable", None),
    }

exclude_patterns = ["_build", "auto_examples/**/*.ipynb", "auto_examples/**/*.py"]
templates_path = ["_templates"]
# Single backquotes in docstrings mark parameters, as in scikit-learn.
default_role = "literal"
nitpicky = True
# What other projects document is a link only where intersphinx is on.
nitpick_ignore_regex = [
    (r"py:.*", r"(joblib|matplotlib|numpy|pandas|scipy|sklearn|skorch|torch)(\..*)?"),
]

autosummary_generate = True
autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

copybutton_exclude = ".linenos, .gp, .go"

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    # Examples that need recordings are shown, but not executed.
    "filename_pattern": r"[\\/]plot_",
    "within_subsection_order": "example_order.ExecutedFirst",
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("ser_estimators",),
    "default_thumb_file": str(Path(__file__).parent / "_static" / "script.svg"),
    "download_all_examples": False,
    "write_computation_times": False,
    # HTML of estimators and reports, but no text of objects that a line happens to return.
    "capture_repr": ("_repr_html_",),
    "show_memory": False,
    "show_signature": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "ser_estimators"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_favicon = "_static/logo.svg"
html_show_sourcelink = False
html_theme_options = {
    "logo": {
        "text": "ser_estimators",
        "image_light": "_static/logo.svg",
        "image_dark": "_static/logo.svg",
    },
    "header_links_before_dropdown": 6,
    "show_prev_next": False,
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {
    "index": [],
    "installation": [],
    "changelog": [],
    "contributing": [],
}
