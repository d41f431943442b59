"""The command ``ser``: a thin layer over the public functions, see docs/command_line.md."""

from __future__ import annotations

from ._main import main

__all__ = ["main"]
