"""Progress of slow work on clips: a bar in a terminal, about ten lines elsewhere."""

from __future__ import annotations

import math
import sys
import time
from types import TracebackType
from typing import Any

__all__ = ["ClipProgress"]

_N_LINES = 10


class ClipProgress:
    """Show how many clips have been processed, as networks show their epochs.

    Parameters
    ----------
    total : int >= 0
        Number of clips.
    name : str or None
        What processes them, such as "EncoderEmbedder"; None shows nothing.
    label : str, default=""
        Part of a larger work, such as "fold 2/6".
    n_steps : int > 0, default=1
        Number of steps for each clip.
    """

    def __init__(self, total: int, name: str | None, *, label: str = "", n_steps: int = 1) -> None:
        self.total = total
        self.name = name
        self.label = label
        self.n_steps = n_steps

    def __enter__(self) -> ClipProgress:
        self.n_done_ = self.shown_ = 0
        self.start_ = time.monotonic()
        self.bar_: Any = None
        if self.name is not None and self.total and sys.stderr.isatty():
            from tqdm.auto import tqdm

            description = " ".join([self.name, self.label]).strip()
            self.bar_ = tqdm(total=self.total, desc=description, unit="clip")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.bar_ is not None:
            self.bar_.close()

    def skip(self, n_clips: int) -> None:
        """Advance by clips that need no work."""
        self.advance(n_clips * self.n_steps)

    def advance(self, n_steps: int = 1) -> None:
        """Advance by steps, and show it if it is due."""
        self.n_done_ += n_steps
        n_clips = self.n_done_ // self.n_steps
        if self.bar_ is not None:
            self.bar_.update(n_clips - self.shown_)
            self.shown_ = n_clips
        elif self.name is not None:
            every = math.ceil(self.total / _N_LINES)
            is_due = n_clips // every > self.shown_ // every or self.shown_ == 0
            if n_clips > self.shown_ and (is_due or n_clips == self.total):
                self.shown_ = n_clips
                self._print_line()

    def _print_line(self) -> None:
        count = f"{self.shown_:>{len(str(self.total))}}/{self.total}"
        label = f"{self.label}, " if self.label else ""
        seconds = time.monotonic() - self.start_
        print(f"[{self.name}] {label}clip {count}  {seconds:.0f} s", flush=True)
