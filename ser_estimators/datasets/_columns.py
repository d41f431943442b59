"""The columns of a table: those that the user names, and those with a usual name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ._search import join

__all__ = ["AUTO", "USUAL", "explain_missing", "find_columns", "fold"]

AUTO = "auto"

# Names that tables often use, the best first. Spaces and hyphens count as underscores.
USUAL: Mapping[str, tuple[str, ...]] = {
    "path": (
        *("path", "file", "filename", "file_name", "filepath", "file_path", "audio"),
        *("audio_path", "audio_file", "wav", "wav_path", "recording", "clip"),
    ),
    "emotion": ("emotion", "label", "emotion_label", "class", "target"),
    "speaker": (
        *("speaker", "speaker_id", "speaker_name", "spk", "spk_id", "actor", "actor_id"),
        *("subject", "subject_id", "participant", "participant_id"),
    ),
    "start": ("start", "start_time", "start_s", "begin", "begin_time", "onset", "tmin"),
    "end": ("end", "end_time", "end_s", "stop", "stop_time", "tmax"),
    "duration": ("duration", "duration_s", "dur"),
    "sex": ("sex", "gender"),
    "intensity": ("intensity",),
}


def find_columns(
    columns: Sequence[str], wanted: Mapping[str, str | None]
) -> tuple[dict[str, str], list[str]]:
    """Return which column has each role.

    Parameters
    ----------
    columns : sequence of str
        The columns of a table.
    wanted : dict of {str: str or None}
        The name of the column of each role; "auto" looks for a usual name, and None for nothing.

    Returns
    -------
    found : dict of {str: str}
        The column of each role that has one.
    missing : list of str
        Roles whose column is named, but does not exist or exists more than once.

    Examples
    --------
    >>> find_columns(["File", "Label", "who"], {"path": "auto", "emotion": "label", "speaker": "x"})
    ({'path': 'File', 'emotion': 'Label'}, ['speaker'])
    """
    found, missing = {}, []
    for role, name in wanted.items():
        if name is None:
            continue
        for candidate in USUAL.get(role, ()) if name == AUTO else (name,):
            # Exactly this name, or else a single one that differs in upper and lower case.
            alike = [column for column in columns if column == candidate]
            alike = alike or [one for one in columns if fold(one) == fold(candidate)]
            if len(alike) == 1:
                found[role] = alike[0]
                break
        else:
            if name != AUTO:
                missing.append(role)
    return found, missing


def explain_missing(role: str, name: str, columns: Sequence[str]) -> str:
    """Return that a table lacks a column, and what to do."""
    found = join([f"{column!r:.40}" for column in columns])
    # With "auto", a usual name was not found only if several columns have it.
    usual = [column for column in columns if fold(column) in USUAL.get(role, ())]
    name = usual[0] if name == AUTO and usual else name
    if name == AUTO:
        what = f"no column of {role}s, such as {' or '.join(map(repr, USUAL[role][:3]))}"
    else:
        what = f"{'more than one' if name in columns else 'no'} column {name!r:.80}"
    remedy = f"Pass the name of the one to use as {role}=..."
    if columns.count(name) > 1:
        remedy = "Rename all but one of them"
    return f"it has {what}; its columns are {found}. {remedy}"


def fold(name: str) -> str:
    """Return a name of a column without what differs between spellings of it."""
    return re.sub(r"[\s_-]+", "_", name.strip()).casefold()
