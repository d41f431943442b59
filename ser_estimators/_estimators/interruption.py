"""Training that was interrupted, and must not count as finished."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..exceptions import TrainingInterruptedWarning

__all__ = ["interruptible"]


@contextmanager
def interruptible(consequence: str) -> Iterator[None]:
    """Raise KeyboardInterrupt where an estimator warns that its training was interrupted.

    CNNEmbedder then returns what it has trained, which must not count as a result. An error, which
    a filter of warnings would raise, could be caught by a search as a failed fit.

    Parameters
    ----------
    consequence : str
        What happens then, for the message.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("always", TrainingInterruptedWarning)
        show = warnings.showwarning
        # If folds run in threads, another one may restore this function later.
        is_active = True

        def interrupt(message: Any, category: type[Warning], *arguments: Any, **named: Any) -> None:
            if is_active and issubclass(category, TrainingInterruptedWarning):
                raise KeyboardInterrupt(f"training was interrupted, so {consequence}")
            show(message, category, *arguments, **named)

        warnings.showwarning = interrupt
        try:
            yield
        finally:
            is_active = False
