"""Which kernels are in use, and why others are not."""

import os
import subprocess
import sys

import pytest

from ser_estimators import _kernels

MEL = "ser_estimators._kernels._mel"


def test_status_of_this_process():
    status = _kernels.status()
    assert list(status) == ["mel", "norm"]
    for name, text in status.items():
        assert (getattr(_kernels, name) is not None) == (text == "in use")
    status["mel"] = "changed"
    assert _kernels.status()["mel"] != "changed"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ModuleNotFoundError("no", name=MEL), "not compiled"),
        (ModuleNotFoundError("no", name="other"), "failed to import: ModuleNotFoundError: no"),
        (ImportError("undefined symbol: f"), "failed to import: ImportError: undefined symbol: f"),
        (SystemError("no init"), "failed to import: SystemError: no init"),
    ],
)
def test_a_kernel_that_cannot_be_imported(monkeypatch, error, text):
    def refuse(name):
        assert name == MEL
        raise error

    monkeypatch.delenv(_kernels.VARIABLE, raising=False)
    monkeypatch.setattr(_kernels, "_status", {})
    monkeypatch.setattr(_kernels, "import_module", refuse)
    assert _kernels._load("mel") is None
    assert _kernels.status() == {"mel": text}


def test_a_damaged_file_is_reported(monkeypatch, tmp_path):
    (tmp_path / "_mel.abi3.so").write_bytes(b"not a module")
    monkeypatch.delenv(_kernels.VARIABLE, raising=False)
    monkeypatch.delitem(sys.modules, MEL, raising=False)
    monkeypatch.setattr(_kernels, "__path__", [str(tmp_path)])
    monkeypatch.setattr(_kernels, "_status", {})
    assert _kernels._load("mel") is None
    if sys.platform == "linux":
        assert _kernels.status()["mel"].startswith("failed to import: ImportError: ")


@pytest.mark.parametrize("value", ["0", "False", "off"])
def test_the_variable_switches_kernels_off(value):
    code = "from ser_estimators import _kernels as k; print(k.mel, k.norm, *k.status().values())"
    off = f"switched off by SER_ESTIMATORS_KERNELS={value}"
    environment = os.environ | {_kernels.VARIABLE: value}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == f"None None {off} {off}"


def test_another_value_leaves_kernels_on():
    code = "from ser_estimators import _kernels as k; print(*k.status().values())"
    environment = os.environ | {_kernels.VARIABLE: "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert "switched off" not in done.stdout
