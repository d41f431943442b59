"""The Makefile: what it announces, where PyTorch comes from, and the kernels."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ser_estimators

ROOT = Path(ser_estimators.__file__).parent.parent

pytestmark = pytest.mark.skipif(
    shutil.which("make") is None or not (ROOT / "Makefile").exists(),
    reason="needs make, and the source code of the project",
)


@pytest.fixture
def copy():
    """Copy what an installation needs, so that the real environment and kernels stay unchanged."""
    files = ("Makefile", "setup.py", "pyproject.toml", "constraints.txt", "README.md", "LICENSE")
    for name in files:
        shutil.copy(ROOT / name, name)
    left_out = shutil.ignore_patterns("*.so", "__pycache__")
    shutil.copytree(ROOT / "ser_estimators", "ser_estimators", ignore=left_out)


def make(*arguments, **variables):
    """Run make in the working folder, without the settings of the process that runs the tests."""
    inherited = ("CC", "DATA", "MAKEFLAGS", "MAKELEVEL", "PYTHON", "TORCH", "VENV")
    clean = {name: value for name, value in os.environ.items() if name not in inherited}
    return subprocess.run(
        ["make", *arguments],
        env=clean | variables,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
    )


def test_help_names_every_target_and_the_build_of_pytorch(copy):
    printed = make("help").stdout
    targets = re.search(r"^\.PHONY: ((?:.*\\\n)*.*)$", Path("Makefile").read_text(), re.MULTILINE)
    for target in set(targets[1].replace("\\", "").split()) - {"help", "clean", "lint", "format"}:
        assert f"make {target} " in printed, target
    assert "TORCH=cpu" in printed


@pytest.mark.parametrize(
    ("torch", "index"),
    [
        ("cpu", "https://download.pytorch.org/whl/cpu"),
        ("cu130", "https://download.pytorch.org/whl/cu130"),
        ("https://mirror.test/simple", "https://mirror.test/simple"),
    ],
)
def test_pytorch_alone_comes_from_the_chosen_index(torch, index, copy):
    printed = make("--dry-run", "install", "VENV=new", f"TORCH={torch}").stdout
    torch_alone = printed.index(f'--no-deps --index-url "{index}" torch ')
    everything = printed.index("--editable '.[encoder,fetch,onnx,plot,test]'")
    assert torch_alone < everything
    assert "--index-url" not in printed[everything - 200 :]


def test_index_that_cannot_be_reached(copy):
    index = "http://127.0.0.1:9/simple"  # the port of a service that no machine runs today
    no_settings = {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": "", "PIP_RETRIES": "0"}
    done = make("demo", "VENV=new", f"PYTHON={sys.executable}", f"TORCH={index}", **no_settings)
    assert done.returncode == 2
    announced = "Installing into new. pip downloads what it has neither there nor in its cache:"
    assert announced in done.stdout
    assert f"PyTorch: 200 MB without CUDA, 3 GB with it, from {index}" in done.stdout
    assert f"PyTorch could not be installed from {index}, see above." in done.stderr
    assert "leave TORCH out: PyTorch then comes from pip's default index" in done.stderr
    assert not Path("new/.installed").exists()


def test_python_that_is_missing_is_reported_before_anything_is_installed(copy):
    done = make("demo", "VENV=new", "PYTHON=no-such-python")
    assert done.returncode == 2
    assert "needs Python 3.11 or newer, but 'no-such-python' is older, or missing" in done.stderr
    assert "make demo PYTHON=python3.12" in done.stderr
    assert not Path("new").exists()


def test_kernels_are_compiled_in_place(copy):
    pytest.importorskip("setuptools")
    if shutil.which("cc") is None:
        pytest.skip("needs a C compiler")
    # The environment of the tests counts as installed, however it was made.
    here = (f"VENV={sys.prefix}", f"--assume-old={sys.prefix}/.installed")
    done = make("kernels", *here)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["The kernels are compiled."]
    compiled = {path: path.read_bytes() for path in Path("ser_estimators/_kernels").glob("*.so")}
    assert len(compiled) == 2

    done = make("kernels", *here, CC="no-such-compiler")
    assert done.returncode == 2
    assert "The kernels were not compiled: see above." in done.stderr
    assert "install a C compiler and Python's headers" in done.stderr
    assert {path: path.read_bytes() for path in compiled} == compiled  # the old ones still work
