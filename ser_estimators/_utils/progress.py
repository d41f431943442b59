"""Progress of nested work: labels that tell the output of several fits apart."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

__all__ = ["current_progress", "labeled_progress"]


class _Progress(NamedTuple):
    label: str
    verbose: int


_NONE = _Progress("", 0)
_current: ContextVar[_Progress] = ContextVar("progress", default=_NONE)


@contextmanager
def labeled_progress(label: str, *, verbose: int = 0) -> Iterator[None]:
    """Label the progress of everything that is fitted in the body of the ``with`` statement.

    Parameters
    ----------
    label : str
        For example "fold 2/6".
    verbose : int, default=0
        Estimators show at least as much progress as with this value of their own parameter.
    """
    token = _current.set(_Progress(label, verbose))
    try:
        yield
    finally:
        _current.reset(token)


def current_progress() -> _Progress:
    """Return the label and the least verbosity of the current work.

    Without a label, the work of a child process is labeled with the number of that process, since
    several of them may write to one terminal.
    """
    progress = _current.get()
    if not progress.label and multiprocessing.parent_process() is not None:
        return progress._replace(label=f"process {os.getpid()}")
    return progress
