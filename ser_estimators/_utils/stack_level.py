"""Warnings that point at the line of the user, whatever the number of library calls below it."""

from __future__ import annotations

import sys
import types

__all__ = ["find_stack_level", "is_called_by"]

_LIBRARIES = ("ser_estimators", "sklearn", "joblib")


def find_stack_level() -> int:
    """Return the `stacklevel` at which ``warnings.warn`` points at the code of the user."""
    frame = sys._getframe(1)
    level = 1
    while frame.f_back is not None and _is_library(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
        level += 1
    return level


def is_called_by(*packages: str) -> bool:
    """Return whether the calling function runs inside one of some packages or modules.

    Parameters
    ----------
    *packages : str
        Such as "sklearn.model_selection".
    """
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if any(module == package or module.startswith(f"{package}.") for package in packages):
            return True
        frame = frame.f_back
    return False


def _is_library(module: str) -> bool:
    return module.split(".")[0] in _LIBRARIES
