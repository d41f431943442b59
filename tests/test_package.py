"""The package as a whole: what importing it loads, and what its public names promise."""

import ast
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

import ser_estimators
from ser_estimators import datasets, display, evaluation

ROOT = Path(ser_estimators.__file__).parent
HEAVY = ["torch", "skorch", "librosa", "numba", "sklearn", "scipy", "soundfile", "soxr", "pandas"]


def loaded_after(code):
    """Names of the top-level modules that some code loads in a fresh interpreter."""
    code += "\nimport sys, json; print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT.parent
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_import_loads_nothing_heavy():
    loaded = loaded_after("import ser_estimators; dir(ser_estimators)")
    assert "ser_estimators" in loaded
    assert not set(HEAVY) & set(loaded)


def test_names_load_what_they_need_and_no_more():
    loaded = loaded_after("from ser_estimators import MFCCTransformer; MFCCTransformer()")
    assert "sklearn" in loaded
    assert not {"torch", "skorch", "librosa", "numba", "matplotlib"} & set(loaded)
    loaded = loaded_after("from ser_estimators.datasets import load_ravdess")
    assert not {"torch", "librosa", "numba", "soundfile"} & set(loaded)
    assert "torch" in loaded_after("from ser_estimators import CNNEmbedder")


def test_features_use_no_compiler_at_run_time():
    # librosa's filter bank imports numba; compiling with it would cost seconds in every process.
    code = (
        "import numpy; from numba.core import event; from ser_estimators import MFCCTransformer\n"
        "with event.install_recorder('numba:compile') as record:\n"
        "    MFCCTransformer().transform([numpy.ones(9)])\n"
        "assert not record.buffer, record.buffer"
    )
    assert "torch" not in loaded_after(code)


def test_every_public_name_is_there():
    for name in ser_estimators.__all__:
        assert getattr(ser_estimators, name) is not None
        assert name in dir(ser_estimators)
    with pytest.raises(AttributeError, match="module 'ser_estimators' has no attribute 'CNN'"):
        _ = ser_estimators.CNN


def public_objects():
    for module in (ser_estimators, datasets, display, evaluation):
        for name in module.__all__:
            thing = getattr(module, name)
            if not inspect.ismodule(thing) and thing.__module__.startswith("ser_estimators"):
                yield thing


@pytest.mark.parametrize("thing", list(public_objects()), ids=lambda thing: thing.__name__)
def test_docstrings_are_whole(thing):
    """Every parameter stands in the docstring with its default, in the order of the signature."""
    doc = inspect.getdoc(thing)
    assert "Examples\n-----" in doc
    documented = {}
    section = doc.split("Parameters\n----------\n")[1].split("\n\n")[0]
    for line in section.splitlines():
        if line and not line.startswith(" "):
            names, _, kind = line.partition(" : ")
            documented |= dict.fromkeys(names.split(", "), kind)
    parameters = inspect.signature(thing).parameters
    assert list(documented) == list(parameters)
    for name, parameter in parameters.items():
        if parameter.default is not inspect.Parameter.empty:
            assert "default=" in documented[name], name
            shown = documented[name].split("default=")[1]
            if not shown.startswith("all "):
                expected = (
                    json.dumps(parameter.default)
                    if isinstance(parameter.default, str)
                    else repr(parameter.default)
                )
                assert shown == expected, name


FLOORS = {
    "__version__": 0,
    "exceptions": 0,
    "_checks": 0,
    "_stack_level": 0,
    "_mel_kernel": 0,
    "_norm_kernel": 0,
    "_audio": 1,
    "_cleaning": 1,
    "_spectrum": 1,
    "_features": 1,
    "_pitch": 1,
    "_descriptors": 1,
    "_statistics": 1,
    "_frames": 1,
    "_feature_cache": 1,
    "_threads": 1,
    "_normalisation": 1,
    "_layers": 1,
    "_networks": 1,
    "_augmentation": 1,
    "_views": 1,
    "_training_set": 1,
    "_devices": 1,
    "_clips": 2,
    "_batches": 1,
    "_callbacks": 1,
    "_training": 2,
    "_extraction": 3,
    "_clip_transformer": 3,
    "_coefficients": 3,
    "_cnn_parameters": 3,
    "_cnn_training": 3,
    "_mfcc_transformer": 4,
    "_acoustic_features": 4,
    "_cnn_embedder": 4,
    "datasets": 4,
    "pipeline": 5,
    "evaluation": 5,
    "display": 5,
    "__init__": 6,
}
NETWORKS = ("torch", "skorch")
NUMBERS_ALONE = ("sklearn", *NETWORKS, "librosa")
NOT_HERE = {  # packages that a file may not import, so that each library has its own rooms
    **dict.fromkeys(("exceptions", "_checks", "_stack_level"), HEAVY),
    **dict.fromkeys(
        ("_audio", "_cleaning", "_spectrum", "_features", "_pitch", "_descriptors", "_statistics"),
        NUMBERS_ALONE,
    ),
    **dict.fromkeys(("_frames", "_feature_cache", "_extraction"), NUMBERS_ALONE),
    **dict.fromkeys(
        (
            "_threads",
            "_normalisation",
            "_layers",
            "_networks",
            "_augmentation",
            "_views",
            "_devices",
        ),
        ("sklearn", "skorch", "librosa"),
    ),
    **dict.fromkeys(
        ("_training_set", "_clips", "_clip_transformer", "_coefficients", "_cnn_parameters"),
        (*NETWORKS, "librosa"),
    ),
    **dict.fromkeys(("_batches", "_callbacks", "_training"), ("sklearn", "librosa")),
    "_mfcc_transformer": NETWORKS,
    "_acoustic_features": (*NETWORKS, "librosa"),
    **dict.fromkeys(("_cnn_training", "_cnn_embedder"), ("librosa",)),
    **dict.fromkeys(("datasets", "pipeline", "evaluation"), (*NETWORKS, "librosa")),
    "display": NETWORKS,
    "__init__": (),
}


def imports_of(path):
    """Yield what a file imports: absolute names, and others with as many dots as they have."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            dots = "." * node.level
            yield from (dots + (node.module or alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path):
    room = path.parent.name if path.parent != ROOT else path.stem
    for name in imports_of(path):
        if not name.startswith("."):
            assert name.split(".")[0] not in NOT_HERE[room], name
        # One dot within a room, as two dots in the package itself.
        elif path.parent == ROOT or name.startswith(".."):
            target = name.lstrip(".").split(".")[0]
            allowed = FLOORS[target] < FLOORS[room] or FLOORS[target] == FLOORS[room] == 1
            assert allowed, f"{room} imports {target}"


def test_typed():
    assert (ROOT / "py.typed").exists()
