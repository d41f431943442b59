"""The structure of the package: layers, import cycles, file sizes, and used libraries."""

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

import ser_estimators

ROOT = Path(ser_estimators.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

# Subpackages by layer, the lowest first. A file imports only from lower layers and from its own
# subpackage.
LAYERS = (
    {"_kernels", "exceptions"},
    {"_utils"},
    {"_audio"},
    {"_features", "conditions"},
    {"_network", "_encoders", "datasets"},
    {"_training"},
    {"_estimators"},
    {"pipeline", "models", "segments", "evaluation", "display", "cluster"},
    {"__init__"},
    {"cli"},
    {"__main__"},
)
# The package itself provides its public names, which only the command line may import.
LAYER_OF = {
    subpackage: number for number, subpackages in enumerate(LAYERS) for subpackage in subpackages
}

# Libraries that a subpackage may import, at any level, besides the standard library and NumPy.
LIBRARIES = {
    "exceptions": set(),
    "_utils": {"pandas"},
    "_kernels": set(),
    "_audio": {"joblib", "scipy", "sklearn", "soundfile", "soxr", "tqdm"},
    "conditions": {"scipy", "sklearn", "soundfile"},
    "datasets": {"filelock", "lazy_loader", "pandas", "pooch", "requests", "scipy", "sklearn"}
    | {"soundfile"},
    "_features": {"filelock", "librosa", "scipy"},
    "_network": {"torch"},
    "_encoders": {"huggingface_hub", "safetensors", "torch", "transformers"},
    "_training": {"skorch", "sklearn", "torch", "tqdm"},
    "_estimators": {"filelock", "joblib", "scipy", "sklearn", "skorch", "soundfile", "soxr"}
    | {"threadpoolctl", "torch"},
    "pipeline": {"sklearn"},
    "models": {
        "joblib",
        "lazy_loader",
        "onnx",
        "onnxruntime",
        "pandas",
        "safetensors",
        "scipy",
        "sklearn",
        "tqdm",
    },
    "evaluation": {"jinja2", "joblib", "markupsafe", "scipy", "sklearn", "soundfile"},
    "cluster": {"dask", "distributed", "joblib"},
    "display": {"librosa", "matplotlib", "scipy", "sklearn"},
    "__init__": {"lazy_loader", "sklearn"},
    "cli": {"click", "joblib", "pandas", "sklearn", "soundfile", "tqdm"},
    "__main__": set(),
}
MAX_LINES = 400


def subpackage_of(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def module_of(path):
    """Return the dotted name of a file, without the name of the package."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


@cache
def imports_of(path):
    """Return every import as (whether it is for type checking only, absolute name)."""
    found = []
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    package = ["ser_estimators", *path.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(id(node) in for_types, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base += node.module.split(".") if node.module else []
            for alias in node.names:
                full = ".".join([*base, alias.name])
                name = full if is_module(full) else ".".join(base)
                found.append((id(node) in for_types, name))
    return found


def is_module(name):
    path = ROOT.parent / name.replace(".", "/")
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def own_imports(path):
    """Return the modules of this package that a file imports at run time."""
    return {
        name.removeprefix("ser_estimators").lstrip(".") or "__init__"
        for is_type, name in imports_of(path)
        if not is_type and name.split(".")[0] == "ser_estimators"
    }


def test_every_subpackage_has_a_layer():
    subpackages = {subpackage_of(path) for path in FILES}
    assert subpackages <= set(LAYER_OF)
    assert subpackages == set(LIBRARIES)


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_are_from_lower_layers(path):
    subpackage = subpackage_of(path)
    for name in own_imports(path):
        target = name.split(".")[0]
        if target != subpackage:
            assert LAYER_OF[target] < LAYER_OF[subpackage], f"{module_of(path)} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_libraries_are_imported_only_where_allowed(path):
    import sys

    subpackage = subpackage_of(path)
    for is_type, name in imports_of(path):
        library = name.split(".")[0]
        if is_type or library in {"numpy", "ser_estimators"} | sys.stdlib_module_names:
            continue
        assert library in LIBRARIES[subpackage], f"{module_of(path)} imports {library}"


def nodes_in_cycles(edges):
    """Return the nodes of a directed graph that can be reached from themselves."""
    found = set()
    for start in edges:
        seen, waiting = set(), list(edges[start])
        while waiting:
            node = waiting.pop()
            if node not in seen:
                seen.add(node)
                waiting += edges.get(node, ())
        if start in seen:
            found.add(start)
    return found


def test_cycles_are_found():
    assert nodes_in_cycles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == {"b", "c"}


def test_imports_have_no_cycles():
    """Imports inside functions are included, because they can only hide a cycle."""
    edges = defaultdict(set)
    for path in FILES:
        edges[module_of(path)] |= own_imports(path) - {module_of(path)}
    # The package and the public subpackages load their names lazily, by string.
    assert nodes_in_cycles(edges) == set()


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_files_are_short(path):
    n_lines = len(path.read_text(encoding="utf-8").splitlines())
    assert n_lines <= MAX_LINES


@pytest.mark.parametrize(
    "path", sorted(Path(__file__).parent.rglob("*.py")), ids=lambda path: path.name
)
def test_test_files_are_short(path):
    n_lines = len(path.read_text(encoding="utf-8").splitlines())
    assert n_lines <= 500


def test_there_are_no_private_modules_in_the_root():
    files = {path.name for path in ROOT.glob("*.py")}
    assert files == {"__init__.py", "__main__.py", "exceptions.py", "pipeline.py"}


def test_one_public_class_per_estimator_file():
    for path in (ROOT / "_estimators").glob("*.py"):
        classes = [
            node.name
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        ]
        assert len(classes) <= 1, path.name
