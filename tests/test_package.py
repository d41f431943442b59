"""The package as a whole: import time, public names and docstrings."""

import doctest
import inspect
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import ser_estimators
from ser_estimators import conditions, datasets, display, evaluation, models
from ser_estimators._utils.public import documentation_url

ROOT = Path(ser_estimators.__file__).parent
HEAVY = ["torch", "skorch", "librosa", "numba", "sklearn", "scipy", "soundfile", "soxr", "pandas"]


def loaded_after(code):
    """Return the top-level modules that some code loads in a fresh interpreter."""
    code += "\nimport sys, json; print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT.parent
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_import_loads_no_large_dependency():
    loaded = loaded_after("import ser_estimators; dir(ser_estimators)")
    assert "ser_estimators" in loaded
    assert not set(HEAVY) & set(loaded)


def test_names_load_only_what_they_need():
    loaded = loaded_after("from ser_estimators import MFCCTransformer; MFCCTransformer()")
    assert "sklearn" in loaded
    assert not {"torch", "skorch", "librosa", "numba", "matplotlib"} & set(loaded)
    loaded = loaded_after("from ser_estimators.datasets import load_ravdess")
    assert not {"torch", "librosa", "numba", "soundfile"} & set(loaded)
    assert "torch" in loaded_after("from ser_estimators import CNNEmbedder")


def test_prediction_loads_no_training_code(tmp_path):
    """A fitted network predicts in a fresh process without skorch."""
    import joblib
    import numpy as np

    from ser_estimators import CNNEmbedder

    frames = np.random.default_rng(0).normal(size=(8, 5, 9)).astype(np.float32)
    cnn = CNNEmbedder(6, max_epochs=1, batch_size=8, random_state=0).fit(frames, [0, 1] * 4)
    joblib.dump((cnn, frames), tmp_path / "cnn.joblib")
    code = (
        f"import joblib; cnn, frames = joblib.load({str(tmp_path / 'cnn.joblib')!r})\n"
        "assert cnn.predict_proba(frames).shape == (8, 2)"
    )
    loaded = loaded_after(code)
    assert "torch" in loaded
    assert "skorch" not in loaded


def test_features_use_no_compiler_at_run_time():
    # librosa's filter bank imports numba, whose compilation takes seconds in every process.
    code = (
        "import numpy; from numba.core import event; from ser_estimators import MFCCTransformer\n"
        "with event.install_recorder('numba:compile') as record:\n"
        "    MFCCTransformer().transform([numpy.ones(9)])\n"
        "assert not record.buffer, record.buffer"
    )
    assert "torch" not in loaded_after(code)


def test_every_public_name_exists():
    for name in ser_estimators.__all__:
        assert getattr(ser_estimators, name) is not None
        assert name in dir(ser_estimators)
    with pytest.raises(AttributeError, match="No ser_estimators attribute CNN"):
        _ = ser_estimators.CNN


def public_objects():
    for module in (ser_estimators, conditions, datasets, display, evaluation, models):
        for name in module.__all__:
            thing = getattr(module, name)
            if not inspect.ismodule(thing) and thing.__module__.startswith("ser_estimators"):
                yield thing


@pytest.mark.parametrize("thing", list(public_objects()), ids=lambda thing: thing.__name__)
def test_docstrings_are_complete(thing):
    """Docstrings list every parameter with its default, in the order of the signature."""
    doc = inspect.getdoc(thing)
    assert "Examples\n-----" in doc
    parameters = inspect.signature(thing).parameters
    if not parameters:
        assert "Parameters\n---" not in doc
        return
    documented = {}
    section = re.split(r"\n\n[A-Z][A-Za-z ]+\n---", doc.split("Parameters\n----------\n")[1])[0]
    for line in section.splitlines():
        if line and not line.startswith(" "):
            names, _, kind = line.partition(" : ")
            documented |= dict.fromkeys(names.split(", "), kind)
    assert list(documented) == list(parameters)
    for name, parameter in parameters.items():
        if parameter.default is not inspect.Parameter.empty:
            assert "default=" in documented[name], name
            if repr(parameter.default) == "<factory>":  # of a dataclass
                continue
            shown = documented[name].split("default=")[1]
            if not shown.startswith("all "):
                expected = (
                    json.dumps(parameter.default)
                    if isinstance(parameter.default, str)
                    else repr(parameter.default)
                )
                assert shown == expected, name


@pytest.mark.parametrize(
    "thing",
    [thing for thing in public_objects() if thing.__module__ == "ser_estimators"],
    ids=lambda thing: thing.__name__,
)
def test_examples_run(thing):
    """Doctest skips classes whose module is set to the package, see `_utils.public`."""
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    runner = doctest.DocTestRunner(optionflags=flags)
    tests = doctest.DocTestFinder().find(thing, thing.__name__, module=False, globs={})
    assert sum(len(test.examples) for test in tests) > 0
    for test in tests:
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0


def test_package_is_typed():
    assert (ROOT / "py.typed").exists()


def project():
    """Return the tables of pyproject.toml that describe the package."""
    path = Path(__file__).parent.parent / "pyproject.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))["project"]


def test_documentation_is_where_pyproject_says():
    """An installation from before a change of pyproject.toml fails: run `make install`."""
    declared = project().get("urls", {}).get("Documentation", "")
    assert documentation_url() == declared.rstrip("/")


def test_extras_agree_on_their_floors():
    extras = project()["optional-dependencies"]
    floors = {}
    for requirement in (requirement for extra in extras.values() for requirement in extra):
        package, _, floor = requirement.partition(">=")
        assert floors.setdefault(package, floor) == floor, package


def test_lowest_versions_are_those_of_pyproject():
    """`make test-lowest` tests what pyproject.toml admits."""
    root = Path(__file__).parent.parent
    extras = project()["optional-dependencies"]
    declared = {}
    users = (*extras["fetch"], *extras["frame"], *extras["onnx"], *extras["plot"])
    for requirement in (*project()["dependencies"], *users):
        name, _, version = requirement.partition(">=")
        declared[name.lower().replace("_", "-")] = version
    lines = (root / "constraints-lowest.txt").read_text(encoding="utf-8").splitlines()
    tested = dict(line.lower().split("==") for line in lines if not line.startswith("#"))
    del declared["torch"]
    for name, version in declared.items():
        assert tested[name].startswith(version), name
