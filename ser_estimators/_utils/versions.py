"""The versions of Python, the package and its dependencies."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from .. import _kernels
from .version import __version__

__all__ = ["show_versions"]

_DEPENDENCIES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "joblib",
    "torch",
    "skorch",
    "librosa",
    "soundfile",
    "soxr",
    "safetensors",
    "click",
    "filelock",
    "lazy_loader",
    "jinja2",
    "tqdm",
)
_OPTIONAL = (
    *("dask", "distributed", "huggingface_hub", "matplotlib", "onnx", "onnxruntime", "pandas"),
    *("pooch", "pyarrow", "transformers"),
)


def show_versions() -> None:
    """Print the versions of Python and of the dependencies, and which kernels are in use.

    Include the output in bug reports.

    Examples
    --------
    >>> import ser_estimators
    >>> ser_estimators.show_versions()  # doctest: +ELLIPSIS
    System:
        python: 3...
    """
    sections = {
        "System": {
            "python": sys.version.replace("\n", " "),
            "executable": sys.executable,
            "machine": platform.platform(),
        },
        "ser_estimators": {
            "version": __version__,
            **{f"kernel {name}": text for name, text in _kernels.status().items()},
        },
        "Dependencies": {name: _version_of(name) for name in _DEPENDENCIES},
        "Optional dependencies": {name: _version_of(name) for name in _OPTIONAL},
    }
    for title, rows in sections.items():
        print(f"{title}:")
        width = max(map(len, rows))
        for name, text in rows.items():
            print(f"    {name:>{width}}: {text}")
        print()


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
