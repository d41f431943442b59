"""The warning about clips that are unlike the training audio, and who wants to know of them."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from .._utils.stack_level import find_stack_level, is_called_by
from .._utils.text import printable
from ..exceptions import UnlikeAudioWarning

__all__ = [
    "Difference",
    "UnlikeClip",
    "describe_unlike",
    "is_notable",
    "is_unlike_wanted",
    "report_unlike",
    "unlike_collected",
    "unlike_ignored",
]

# Its name is private. If it changes, there are more warnings than are useful, and a test fails.
_CROSS_VALIDATION = "sklearn.model_selection._validation"
_MAX_NAMED, _MAX_KINDS = 5, 6
_MAX_NAME = 80  # characters
_SIGNIFICANCE = 0.05  # probability of as many unlike clips by chance


class Difference(NamedTuple):
    """In what a clip is unlike the training audio.

    Parameters
    ----------
    kind : str
        What the clip is, such as "noisier".
    found, expected : str
        The measure of the clip, and the range in training, such as "-12" and "-80 to -40 dB".
    """

    kind: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.kind} ({self.found} instead of {self.expected})"


class UnlikeClip(NamedTuple):
    """A clip that is unlike the training audio.

    Parameters
    ----------
    position : int
        Position in the call, from 0.
    name : str
        Its path; empty for a clip in memory.
    differences : tuple of Difference
        The largest one first.
    is_far : bool, default=True
        Whether it is so far outside of a range that hardly a clip is by chance.
    chance : float in [0, 1], default=0.0
        Fraction of the clips that are like the training audio, but found to be unlike.
    """

    position: int
    name: str
    differences: tuple[Difference, ...]
    is_far: bool = True
    chance: float = 0.0

    def __str__(self) -> str:
        return ", ".join(map(str, self.differences))


# What `unlike_collected` and `unlike_ignored` set, in this thread only: a server predicts in many.
_collected: ContextVar[list[UnlikeClip] | None] = ContextVar("unlike clips", default=None)
_is_ignored: ContextVar[bool] = ContextVar("unlike clips are ignored", default=False)


@contextmanager
def unlike_collected() -> Iterator[list[UnlikeClip]]:
    """Return the clips that are reported in a ``with`` statement, instead of a warning."""
    found: list[UnlikeClip] = []
    token = _collected.set(found)
    try:
        yield found
    finally:
        _collected.reset(token)


@contextmanager
def unlike_ignored() -> Iterator[None]:
    """Neither look for unlike clips in a ``with`` statement nor warn of them."""
    token = _is_ignored.set(True)
    try:
        yield
    finally:
        _is_ignored.reset(token)


def is_unlike_wanted() -> bool:
    """Return whether anybody wants to know of clips that are unlike the training audio.

    Cross-validation and searches do not: they would warn in each fold.
    """
    # Not all of sklearn.model_selection: a fitted search predicts as its best estimator does.
    return not _is_ignored.get() and not is_called_by(_CROSS_VALIDATION)


def report_unlike(unlike: Sequence[UnlikeClip], n_clips: int) -> None:
    """Collect clips that are unlike the training audio, or warn of them once.

    A warning is issued only if more clips are unlike than expected by chance, or if one is far
    outside a range.

    Parameters
    ----------
    unlike : sequence of UnlikeClip
    n_clips : int
        Number of clips in the call.
    """
    if (collected := _collected.get()) is not None:
        collected += unlike
    elif unlike and is_notable(unlike, n_clips):
        warnings.warn(
            UnlikeAudioWarning(
                describe_unlike(unlike, n_clips),
                tuple((one.position, one.name, str(one)) for one in unlike),
            ),
            stacklevel=find_stack_level(),
        )


def is_notable(unlike: Sequence[UnlikeClip], n_clips: int) -> bool:
    """Return whether more clips are unlike than by chance, or one is far outside of a range."""
    if any(one.is_far for one in unlike):
        return True
    # Imported here, because it takes as long as the whole package.
    from scipy.stats import binom

    return bool(binom.sf(len(unlike) - 1, n_clips, unlike[0].chance) < _SIGNIFICANCE)


def describe_unlike(
    unlike: Sequence[UnlikeClip],
    n_clips: int,
    *,
    noun: str = "clip",
    label: Callable[[UnlikeClip], str] | None = None,
    is_list: bool = False,
) -> str:
    """Return a message of bounded length: how many clips are unlike, in what, and which.

    Parameters
    ----------
    unlike : sequence of UnlikeClip
        At least one.
    n_clips : int
    noun : str, default="clip"
    label : callable or None, default=None
        Returns the name of a clip; None names it by its position and its path.
    is_list : bool, default=False
        Whether each difference has a line of its own, for a terminal.
    """

    def counted(n: int) -> str:
        return noun if n == 1 else f"{noun}s"

    by_kind: dict[str, list[Difference]] = defaultdict(list)
    for one in unlike:
        for difference in one.differences:
            by_kind[difference.kind].append(difference)
    kinds = sorted(by_kind.values(), key=lambda found: -len(found))
    parts = []
    for found in kinds[:_MAX_KINDS]:
        such = f"such as {found[0].found}" if len(found) > 1 else found[0].found
        count = "" if len(unlike) == 1 else f"{len(found)} {counted(len(found))}, "
        parts.append(f"{found[0].kind} ({count}{such} instead of {found[0].expected})")
    if n_more := len(kinds) - len(parts):
        parts.append(f"and {n_more} more difference{'s' * (n_more > 1)}")
    are, its, them = (
        ("is", "its label is", "it") if len(unlike) == 1 else ("are", "their labels are", "them")
    )
    named = ", ".join(map(label or _label, unlike[:_MAX_NAMED]))
    more = f" and {len(unlike) - _MAX_NAMED} more" if len(unlike) > _MAX_NAMED else ""
    first = (
        f"{len(unlike)} of {n_clips} {counted(n_clips)} {are} unlike the training audio, so {its} "
        "less reliable:"
    )
    last = f"Listen to {them}, or train on such recordings too: {named}{more}"
    if is_list:
        return "\n".join([first, *(f"  {part}" for part in parts), last])
    return f"{first} {', '.join(parts)}. {last}"


def _label(one: UnlikeClip) -> str:
    shown = f" '{printable(one.name, _MAX_NAME)}'" if one.name else ""
    return f"clip {one.position + 1}{shown}"
