"""Compiled inner loops, each optional: without them everything works, only slower.

`mel` and `norm` are the compiled modules, or None where there is none. All other modules look here
and import no kernel themselves. The environment variable ``SER_ESTIMATORS_KERNELS=0``, set before
the package is imported, switches the kernels off.
"""

from __future__ import annotations

import os
from importlib import import_module
from types import ModuleType

__all__ = ["VARIABLE", "mel", "norm", "status"]

VARIABLE = "SER_ESTIMATORS_KERNELS"

_status: dict[str, str] = {}


def status() -> dict[str, str]:
    """Return whether each kernel is in use, and if not, why.

    Returns
    -------
    dict of str to str
        By the name of the kernel: ``"in use"``, ``"switched off by SER_ESTIMATORS_KERNELS=0"``,
        ``"not compiled"``, or ``"failed to import: "`` and the error.
    """
    return dict(_status)


def _load(name: str) -> ModuleType | None:
    if os.environ.get(VARIABLE) == "0":
        _status[name] = f"switched off by {VARIABLE}=0"
        return None
    full_name = f"{__name__}._{name}"
    module = None
    try:
        module = import_module(full_name)
    except ModuleNotFoundError as error:
        _status[name] = "not compiled" if error.name == full_name else _failure(error)
    except Exception as error:
        # A file that cannot be loaded, such as one for another platform, makes nothing unusable,
        # but it must not pass for a missing compiler either.
        _status[name] = _failure(error)
    else:
        _status[name] = "in use"
    return module


def _failure(error: Exception) -> str:
    return f"failed to import: {type(error).__name__}: {error}"


mel = _load("mel")
norm = _load("norm")
