"""``python -m ser_estimators`` is the command ``ser``."""

from __future__ import annotations

from .cli import main

if __name__ == "__main__":
    main()
