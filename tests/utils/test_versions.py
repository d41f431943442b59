"""show_versions: the versions for a bug report."""

import numpy as np

import ser_estimators
from ser_estimators._utils import versions


def test_versions_are_printed(capsys):
    ser_estimators.show_versions()
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert f"version: {ser_estimators.__version__}" in lines
    assert f"numpy: {np.__version__}" in lines
    kernels = [line for line in lines if line.startswith("kernel")]
    assert [line.split(":")[0] for line in kernels] == ["kernel mel", "kernel norm"]


def test_optional_packages_are_listed(capsys):
    ser_estimators.show_versions()
    names = {line.split(":")[0].strip() for line in capsys.readouterr().out.splitlines()}
    assert {"dask", "distributed", "onnx", "onnxruntime", "pandas", "pyarrow"} <= names


def test_missing_package_is_reported(capsys, monkeypatch):
    monkeypatch.setattr(versions, "_OPTIONAL", ("no-such-package",))
    ser_estimators.show_versions()
    assert "no-such-package: not installed" in capsys.readouterr().out
