"""Compiled inner loops, each optional: without them everything works, only slower.

`mel` and `norm` are the compiled modules, or None if they are not available. This is the only place
that imports them. The environment variable ``SER_ESTIMATORS_KERNELS=0``, set before the package is
imported, switches them off, as do ``false``, ``no`` and ``off``.
"""

from __future__ import annotations

import os
from importlib import import_module
from types import ModuleType

__all__ = ["VARIABLE", "mel", "norm", "status"]

VARIABLE = "SER_ESTIMATORS_KERNELS"

_status: dict[str, str] = {}


def status() -> dict[str, str]:
    """Return which kernels are in use, and why others are not.

    Returns
    -------
    dict of str to str
        For each kernel ``"in use"``, ``"switched off by SER_ESTIMATORS_KERNELS=0"``,
        ``"not compiled"``, or ``"failed to import: "`` followed by the error.
    """
    return dict(_status)


def _load(name: str) -> ModuleType | None:
    switch = os.environ.get(VARIABLE, "").strip()
    if switch.lower() in ("0", "false", "no", "off"):
        _status[name] = f"switched off by {VARIABLE}={switch}"
        return None
    full_name = f"{__name__}._{name}"
    try:
        module = import_module(full_name)
    except ModuleNotFoundError as error:
        _status[name] = "not compiled" if error.name == full_name else _failure(error)
    except Exception as error:
        # A file that cannot be loaded, for example because it was compiled for another platform,
        # must not be mistaken for a missing one. The package works without it all the same.
        _status[name] = _failure(error)
    else:
        _status[name] = "in use"
        return module
    return None


def _failure(error: Exception) -> str:
    return f"failed to import: {type(error).__name__}: {error}"


mel = _load("mel")
norm = _load("norm")
