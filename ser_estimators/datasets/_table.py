"""Own recordings that a table lists."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sklearn.utils import Bunch

from .._audio.segment import Segment
from ._bounds import BOUNDS, bounds_of, columns_of, with_bounds
from ._bunch import UNKNOWN, make_bunch
from ._cells import name_in, text_of
from ._columns import AUTO
from ._listing import Listing
from ._own import rename_emotions
from ._search import count
from ._sources import read_listing

__all__ = ["load_table"]


def load_table(
    table: Any,
    *,
    path: str = "auto",
    emotion: str = "auto",
    speaker: str | None = "auto",
    start: str | None = "auto",
    end: str | None = "auto",
    duration: str | None = "auto",
    channel: str | None = None,
    root: str | os.PathLike[str] | None = None,
    emotions: Mapping[Any, str | None] | None = None,
    as_frame: bool = False,
) -> Bunch:
    r"""Load recordings, or segments of them, that a table lists with their emotions and speakers.

    The table is a CSV file, a DataFrame, or an object of audformat or Hugging Face. Columns may
    have any order, and columns without a meaning here are ignored. No audio is decoded.

    In a CSV file, the first line names the columns, which are separated by commas, semicolons or
    tabs. Cells such as "NA" or "null" are empty.

    Parameters
    ----------
    table : path-like, DataFrame, dict, or an object of audformat, datasets or pyarrow
        A CSV file in UTF-8; a DataFrame of pandas or Polars, a PyArrow table, or a dict of
        columns; a table of audformat, or a database in which one table has emotions; a dataset of
        Hugging Face, whose audio stays undecoded: paths if it has files, and otherwise bytes, in
        memory.
    path, emotion : str, default="auto"
        Columns of the paths, which may be segments, and of the emotions. "auto" looks for usual
        names, in any case, the best first: "path", "file", "filename" or "audio", and "emotion" or
        "label", for example.
    speaker : str or None, default="auto"
        Column of the speakers. With "auto", a table without a usual name such as "speaker" or
        "actor" has no speakers; None ignores such a column.
    start, end, duration : str or None, default="auto"
        Columns of the start, the end and the duration of segments. "auto" looks for usual names,
        such as "start" or "begin", and "end" or "stop"; a duration matters only if there is a start
        and no end. A cell is a number of seconds, a clock time such as "01:02.5", or a duration of
        pandas; empty means the start or the end of the file. None ignores such a column.
    channel : str or None, default=None
        Column of the channels, from 0; an empty cell averages all channels.
    root : path-like or None, default=None
        Folder that paths are relative to. None is the folder of a CSV file or of an audformat
        database, and otherwise the current folder.
    emotions : dict of {object: str or None} or None, default=None
        New names for some of the emotions; None as a name leaves out its clips.
    as_frame : bool, default=False
        If True, ``frame`` is a pandas DataFrame; this requires pandas.

    Returns
    -------
    sklearn.utils.Bunch
        Dictionary-like object with the following attributes.

        ``data`` : list of length n_clips
            In the order of the table: paths, and a `Segment` in rows with a start, an end or a
            channel; or the clips in memory of a dataset.
        ``target`` : ndarray of shape (n_clips,)
            Names of the emotions.
        ``speakers`` : ndarray of shape (n_clips,), or None
            Names of the speakers; None without such a column.
        ``sex``, ``intensity`` : ndarray of shape (n_clips,), or None
            The columns of these names, with "unknown" for empty cells; None without such a column.
        ``frame`` : pandas.DataFrame or None
            With ``as_frame=True``, a table with the columns path and emotion, and start, end,
            channel, speaker, sex and intensity as far as they are known. `load_table` reads it,
            with ``channel="channel"`` if it has channels.
        ``target_names`` : ndarray of shape (n_emotions,)
            Names of the emotions, sorted.
        ``DESCR`` : str
            Name of the table, and the columns that were used.
        ``left_out`` : list of (str, str)
            Files that are left out, with the reason; only if there are any.
        ``unused_columns`` : list of str
            Columns that were not read; only if there are any.

    Raises
    ------
    FileNotFoundError
        If the table does not exist, or if none of its files does.
    AudioReadError
        If no file can be audio.
    TypeError, ValueError
        If the table is of another kind or not a CSV file in UTF-8, has no rows, lacks a column or a
        value, has a start or an end that is not a time, or gives a clip two emotions or speakers;
        if both `end` and `duration` are names of columns; or if `emotions` is not a dict, contains
        an unknown name or leaves no clip. All bad rows are in one message.
    ImportError
        If ``as_frame=True`` and pandas is not installed.

    Warns
    -----
    UserWarning
        If files are left out because they do not exist or cannot be audio, if clips are listed more
        than once, or if names of emotions differ only in upper and lower case.

    See Also
    --------
    load_folder : Load recordings from folders that are named like the emotions.
    ser_estimators.Segment : A part of a file as a clip.

    Examples
    --------
    >>> from pathlib import Path
    >>> from ser_estimators.datasets import load_table, make_emotional_speech
    >>> _ = make_emotional_speech(1, 1, emotions=["anger", "sadness"], out_dir="voices")
    >>> _ = Path("recordings.csv").write_text(
    ...     "file,emotion,speaker,start,end\n"
    ...     "voices/speaker_01/anger_01.wav,anger,anna,0,0.7\n"
    ...     "voices/speaker_01/anger_01.wav,anger,anna,0.7,\n"
    ...     "voices/speaker_01/sadness_01.wav,sadness,anna,,\n"
    ... )
    >>> corpus = load_table("recordings.csv")
    >>> corpus
    Recordings in the table recordings.csv
      3 clips of 1 speaker
      emotions: anger 2, sadness 1
      attributes: data, target, speakers, target_names, DESCR
    >>> [(clip.start, clip.end) for clip in corpus.data[:2]]
    [(0.0, 0.7), (0.7, None)]
    """
    wanted = {
        "path": path,
        "emotion": emotion,
        "speaker": speaker,
        "start": start,
        "end": end,
        "duration": duration,
        "channel": channel,
        "sex": AUTO,
        "intensity": AUTO,
    }
    _check_names(wanted)
    listing = read_listing(table, root, wanted)
    files = listing.files
    found = columns_of(listing, wanted, ("path", "emotion"))
    texts = {
        role: [name_in(value) for value in listing.column(name)]
        for role, name in found.items()
        if role not in ("path", *BOUNDS)
    }
    paths = [_clip_of(value) for value in listing.column(found["path"])]
    for role, values in {"path": paths, **texts}.items():
        empty = [
            place
            for place, value in zip(listing.places, values, strict=True)
            if isinstance(value, str) and not value
        ]
        if empty and role in ("path", "emotion", "speaker"):
            raise ValueError(
                f"{files.start} {count(empty, 'row')} without a value in column "
                f"{found[role]!r:.80}, for example {empty[0]}; fill them in, or leave these rows "
                "out"
            )
    bounds = bounds_of(listing, found)
    clips = [
        with_bounds(clip, listing.folder, {name: bounds[name][row] for name in bounds})
        for row, clip in enumerate(paths)
    ]
    names = rename_emotions(texts["emotion"], emotions)
    rows = _choose(listing, clips, names, texts.get("speaker"))
    targets = [str(names[row]) for row in rows]
    files.warn(targets)

    def of_clips(role: str) -> list[str] | None:
        return [texts[role][row] or UNKNOWN for row in rows] if role in found else None

    used = ", ".join(f"{role} in {name!r:.80}" for role, name in found.items())
    return make_bunch(
        data=[clips[row] for row in rows],
        target=targets,
        speakers=of_clips("speaker"),
        sex=of_clips("sex"),
        intensity=of_clips("intensity"),
        descr=(
            f"Recordings in {listing.title}\n\n"
            f"{count(rows, 'clip')}, loaded by load_table of ser_estimators from the columns: "
            f"{used}."
        ),
        as_frame=as_frame,
        left_out=files.left_out,
        unused_columns=[name for name in listing.names if name not in found.values()],
    )


def _check_names(wanted: Mapping[str, Any]) -> None:
    for role, name in wanted.items():
        may_be_none = role not in ("path", "emotion")
        if not (isinstance(name, str) or (name is None and may_be_none)):
            raise TypeError(
                f"{role}={name!r:.80} is a {type(name).__name__}; expected the name of a column, "
                f"{AUTO!r}{' or None' if may_be_none else ''}"
            )


def _clip_of(value: Any) -> Any:
    """Return a path as text, and leave segments and clips in memory as they are."""
    if isinstance(value, Segment):
        return value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        path = value.get("path")
        return path if value.get("bytes", "array" in value or None) is None and path else value
    is_clip = isinstance(value, (bytes, tuple)) or hasattr(value, "__array__")
    return value if is_clip and not isinstance(value, str) else text_of(value)


def _choose(
    listing: Listing,
    clips: Sequence[Any],
    emotions: Sequence[str | None],
    speakers: Sequence[str] | None,
) -> list[int]:
    """Return the row of each clip that has an emotion and may be audio, once."""
    files, places = listing.files, listing.places
    rows: dict[Any, int] = {}
    is_readable: dict[str, bool] = {}
    chosen, repeated, missing = [], [], []
    for row, clip in enumerate(clips):
        if emotions[row] is None:
            continue
        if not isinstance(clip, (str, os.PathLike)):
            chosen.append(row)
            continue
        path = Path(clip)
        key = (
            os.path.normpath(path),
            *(
                (clip.start, clip.end, clip.channel)
                if isinstance(clip, Segment)
                else (0.0, None, None)
            ),
        )
        if key in rows:
            first = rows[key]
            for role, values in (("emotion", emotions), ("speaker", speakers)):
                if values is not None and values[row] != values[first]:
                    raise ValueError(
                        f"{files.start} '{clip}' has two {role}s: {values[first]!r:.80} in "
                        f"{places[first]} and {values[row]!r:.80} in {places[row]}; leave one of "
                        "the rows out" + (", or rename one with emotions=..." * (role == "emotion"))
                    )
            repeated.append(clip)
            continue
        rows[key] = row
        if key[0] not in is_readable:
            try:
                size = path.stat().st_size
            except (OSError, ValueError):  # no such file, or a null character
                size = None
                missing.append(path)
            is_readable[key[0]] = files.add(path, size, is_listed=True)
        if is_readable[key[0]]:
            chosen.append(row)
    if missing and len(missing) == len(is_readable) and not chosen:
        raise FileNotFoundError(
            f"{files.start} none of its {count(missing, 'file')} exists, for example "
            f"'{missing[0]}'; paths are relative to '{listing.folder.absolute()}', or to root=..."
        )
    if not chosen:
        files.check()
    if repeated:
        files.remarks.append(
            f"{count(repeated, 'row')} with clips that are listed before, for example "
            f"'{repeated[0]}', each loaded once"
        )
    return chosen
