"""Warnings that point at the line of the user, whatever the number of library calls below it."""

from __future__ import annotations

import sys

__all__ = ["find_stack_level"]

_LIBRARIES = ("ser_estimators", "sklearn", "joblib")


def find_stack_level() -> int:
    """Return the `stacklevel` at which ``warnings.warn`` points at the code of the user."""
    frame = sys._getframe(1)
    level = 1
    while frame.f_back is not None and _is_library(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
        level += 1
    return level


def _is_library(module: str) -> bool:
    return module.split(".")[0] in _LIBRARIES
