"""Checks that `load_folder` and `load_table` share: readable files, and names of emotions."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from .._utils.stack_level import find_stack_level
from ._cells import name_in
from ._search import (
    OTHER_SUFFIXES,
    count,
    describe_unreadable,
    fault_of,
    join,
    unreadable_error,
)

__all__ = ["OwnFiles", "rename_emotions"]

_OTHER_FORMAT = "in a format that libsndfile cannot read; convert it to .wav or .flac"
_MISSING = "missing; check the path"


class OwnFiles:
    """Files that may be audio, and those that are left out.

    Parameters
    ----------
    source : str
        The folder or the table, for messages.
    is_path : bool, default=True
        Whether `source` is a path, rather than a description.
    """

    def __init__(self, source: str, *, is_path: bool = True) -> None:
        self.source = f"'{source}'" if is_path else source
        self.start = f"Could not load recordings from {self.source}:"
        self.readable: list[Path] = []
        self.unreadable: dict[str, list[Path]] = defaultdict(list)
        self.remarks: list[str] = []

    def add(self, path: Path, size: int | None, *, is_listed: bool = False) -> bool:
        """Add a file, and return whether it may be audio.

        Parameters
        ----------
        path : pathlib.Path
        size : int or None
            In bytes; None if there is no such file.
        is_listed : bool, default=False
            Whether a table names the file; otherwise, it was found.
        """
        if size is None and is_listed and not path.is_symlink():
            fault: str | None = _MISSING
        elif path.suffix.casefold() in OTHER_SUFFIXES:
            fault = _OTHER_FORMAT
        else:
            fault = fault_of(path, size)
        if fault:
            self.unreadable[fault].append(path)
        else:
            self.readable.append(path)
        return fault is None

    def leave_out(self, paths: Sequence[Path], fault: str) -> None:
        """Leave out files that may be audio, for a reason as a noun phrase."""
        self.readable = [path for path in self.readable if path not in set(paths)]
        self.unreadable[fault] += paths

    @property
    def left_out(self) -> list[tuple[str, str]] | None:
        """Return the path of each file that is left out and the reason, None without any."""
        found = [
            (str(path), f"it is {fault}")
            for fault, paths in self.unreadable.items()
            for path in paths
        ]
        return found or None

    def check(self) -> None:
        """Raise AudioReadError if no file may be audio."""
        if not self.readable and self.unreadable:
            raise unreadable_error(self.start, self.unreadable)

    def warn(self, targets: Sequence[str]) -> None:
        """Warn once of everything that is left out or looks wrong.

        Parameters
        ----------
        targets : sequence of str
            Names of the emotions of all clips.

        Warns
        -----
        UserWarning
            If there is a remark.
        """
        left_out = [f"left out: {text}" for text in describe_unreadable(self.unreadable)]
        remarks = [*self.remarks, *left_out]
        spellings = defaultdict(set)
        for name in targets:
            spellings[name.casefold()].add(name)
        remarks += [
            f"the emotions {join([repr(name) for name in sorted(names)])} differ only in upper and "
            "lower case"
            for names in spellings.values()
            if len(names) > 1
        ]
        if remarks:
            warnings.warn(
                f"Recordings in {self.source}: {'; '.join(remarks)}",
                stacklevel=find_stack_level(),
            )


def rename_emotions(
    targets: Sequence[str], emotions: Mapping[Any, str | None] | None, known: Collection[str] = ()
) -> list[str | None]:
    """Return the new name of the emotion of each clip, None for clips to leave out.

    Parameters
    ----------
    targets : sequence of str
    emotions : dict of {object: str or None} or None
        As passed to the loader.
    known : collection of str, default=()
        Emotions of files that are left out, which may be renamed as well.

    Raises
    ------
    TypeError, ValueError
        If `emotions` is not a dict, contains an unknown name or leaves no clip.
    """
    if emotions is None:
        return list(targets)
    found = join([repr(name) for name in sorted(set(targets))])
    if not isinstance(emotions, Mapping):
        raise TypeError(
            f"emotions={emotions!r:.200} is a {type(emotions).__name__}; expected a dict that maps "
            f"names of emotions to other names. The names are {found}"
        )
    # Numbers are labels of tables as text.
    emotions = {name_in(old): new for old, new in emotions.items()}
    if unknown := [f"{old!r:.80}" for old in emotions if old not in {*targets, *known}]:
        which = "which does" if len(unknown) == 1 else "which do"
        raise ValueError(
            f"emotions contains {join(unknown)}, {which} not occur; expected some of {found}"
        )
    for old, new in emotions.items():
        if new is not None and not (isinstance(new, str) and new):
            raise ValueError(
                f"emotions maps {old!r:.80} to {new!r:.80}; expected the name of an emotion, or "
                "None to leave out its clips"
            )
    names = [emotions.get(target, target) for target in targets]
    if all(name is None for name in names):
        raise ValueError(
            f"emotions={emotions!r:.200} leaves out all {count(targets, 'clip')}; expected a "
            "name for at least one emotion"
        )
    return names
