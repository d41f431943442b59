"""The documentation lists all public names, and names only what exists."""

import importlib.util
import inspect
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ser_estimators

ROOT = Path(ser_estimators.__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.glob("*.md"), ROOT / "README.md"])


def documented_names():
    """Yield the qualified names that the reference lists, as autosummary reads them."""
    module, in_list = None, False
    for line in (DOCS / "api.rst").read_text().splitlines():
        if found := re.fullmatch(r"\.\. currentmodule:: (\S+)", line):
            module = found[1]
        elif line.startswith(".. "):
            in_list = line == ".. autosummary::"
        elif in_list and (found := re.fullmatch(r" {3}(\w+)", line)):
            yield f"{module}.{found[1]}"
        elif line and not line.startswith(" "):
            in_list = False


def public_names():
    """Yield the qualified public names of the package and of its public modules.

    What the package itself has too, such as `save_model`, is documented there.
    """
    modules, seen = [ser_estimators], set()
    for module in modules:
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.ismodule(thing):
                modules.append(thing)
            elif thing.__module__.startswith("ser_estimators") and thing not in seen:
                seen.add(thing)
                yield f"{module.__name__}.{name}"


def test_reference_lists_every_public_name_once():
    documented = list(documented_names())
    assert sorted(documented) == sorted(public_names())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_names_in_pages_exist(page):
    text = page.read_text()
    for script in re.findall(r"\b(?:benchmarks|examples)/\w+\.py\b", text):
        assert (ROOT / script).exists(), script
    for name in re.findall(r"\bser_estimators(?:\.\w+)+", text):
        if (ROOT / name).exists():
            continue  # a file, such as ser_estimators.egg-info
        thing = ser_estimators
        for part in name.split(".")[1:]:
            assert hasattr(thing, part), name
            thing = getattr(thing, part)


def test_quick_start_compiles():
    for code in quick_start():
        compile(code, "index.md", "exec")


def quick_start():
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "index.md").read_text(), re.DOTALL)
    assert blocks
    return blocks


@pytest.mark.slow
def test_quick_start_runs():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(quick_start())],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] in {"anger", "neutral", "sadness"}
    assert len(done.stdout.splitlines()) == 4


@pytest.mark.slow
def test_documentation_builds_without_warnings():
    needed = ("myst_parser", "numpydoc", "pydata_sphinx_theme", "sphinx_copybutton")
    needed += ("sphinx_design", "sphinx_gallery", "onnx", "onnxruntime")
    for name in ("sphinx", *needed):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed: pip install -e '.[docs]'")
    pytest.importorskip("ser_estimators_acted", reason="an example needs the trained model")
    # In a copy, because the build writes examples and reference next to the pages.
    generated = shutil.ignore_patterns("_build", "auto_examples", "generated")
    shutil.copytree(DOCS, "docs", ignore=generated)
    shutil.copytree(ROOT / "examples", "examples")
    card = Path("packages/ser-estimators-acted/README.md")  # part of a page
    if not (ROOT / card).exists():
        pytest.skip("the card of the trained model is not in source distributions")
    card.parent.mkdir(parents=True)
    shutil.copy(ROOT / card, card)
    for page in ROOT.glob("*.md"):
        shutil.copy(page, page.name)
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "docs", "html"],
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert done.returncode == 0, done.stderr
    quick_start_page = Path("html/auto_examples/plot_quick_start.html").read_text()
    assert "predicted: " in quick_start_page  # the example was executed
    for page in Path("html").rglob("*.html"):
        loaded = re.findall(r"<(?:script|link|img)\b[^>]*https?://[^>]*>", page.read_text())
        assert not loaded, f"{page} loads from the network: {loaded}"


def test_version_in_the_citation_file():
    version = re.search(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert version[1] == ser_estimators.__version__


@pytest.mark.parametrize(
    ("package", "repository"), [("ruff", "ruff-pre-commit"), ("codespell", "codespell")]
)
def test_versions_of_hooks_are_those_of_the_constraints(package, repository):
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    revision = re.search(rf"/{repository}\n +rev: v(\S+)", hooks)[1]
    assert f"{package}=={revision}" in (ROOT / "constraints.txt").read_text().splitlines()
