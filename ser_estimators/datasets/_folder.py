"""Own recordings in folders that are named like the emotions."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from sklearn.utils import Bunch

from ._bunch import make_bunch
from ._cells import name_in
from ._labels import EMOTIONS, describe_corpus, describe_sets, describe_speakers
from ._own import OwnFiles, rename_emotions
from ._search import AUDIO_SUFFIXES, count, examples, find_audio, join

__all__ = ["load_folder"]

_AUTO = "auto"
# What the parts of a path are, for each value of `layout`.
_LAYOUTS = {
    "emotion/file": ("emotion", "file"),
    "speaker/emotion/file": ("speaker", "emotion", "file"),
    "emotion/speaker/file": ("emotion", "speaker", "file"),
}
_EXPECTED = "<emotion>/<file>, <speaker>/<emotion>/<file> or <emotion>/<speaker>/<file>"


def load_folder(
    root: str | os.PathLike[str],
    *,
    layout: str = "auto",
    emotions: Mapping[Any, str | None] | None = None,
    as_frame: bool = False,
) -> Bunch:
    """Load recordings from folders that are named like the emotions.

    The layout is ``<emotion>/<file>``, ``<speaker>/<emotion>/<file>`` or
    ``<emotion>/<speaker>/<file>``, whichever the depth of the files and the names of the folders
    show. No audio is decoded. Hidden files, and files that are not audio, are ignored.

    Folders that seem to be speakers, such as ``Actor_01``, are refused, because a model would learn
    voices rather than emotions, and so are sets of clips, such as ``train`` and ``test``, because
    they do not say who speaks. Labels of such names need `layout` or `emotions`.

    Parameters
    ----------
    root : path-like
        The folder that contains those of the emotions, or of the speakers.
    layout : {"auto", "emotion/file", "speaker/emotion/file", "emotion/speaker/file"}, \
            default="auto"
        What the folders stand for. "auto" finds out. Otherwise, folders may have any names, and
        files at another depth are left out.
    emotions : dict of {object: str or None} or None, default=None
        New names for some of the emotions; None as a name leaves out its clips. Folders that are
        renamed may have any name, such as a number.
    as_frame : bool, default=False
        If True, ``frame`` is a pandas DataFrame; this requires pandas.

    Returns
    -------
    sklearn.utils.Bunch
        Dictionary-like object with the following attributes.

        ``data`` : list of str of length n_clips
            Paths, sorted.
        ``target`` : ndarray of shape (n_clips,)
            Names of the emotions.
        ``speakers`` : ndarray of shape (n_clips,), or None
            Names of the folders of the speakers; None without such folders.
        ``sex``, ``intensity`` : None
            Present because the loaders of corpora return them.
        ``frame`` : pandas.DataFrame or None
            With ``as_frame=True``, a table with the columns path, emotion and speaker.
        ``target_names`` : ndarray of shape (n_emotions,)
            Names of the emotions, sorted.
        ``DESCR`` : str
            The folder and its layout.
        ``left_out`` : list of (str, str)
            Files that are left out, with the reason; only if there are any.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist or contains no audio file.
    AudioReadError
        If every file is a broken link, an empty file, a git-lfs pointer, a web page, or in a format
        that has to be converted first.
    TypeError, ValueError
        If the layout is another one, unknown or unclear, if the folders are those of a corpus or
        seem to be speakers or sets such as "train" and "test", or if `emotions` is not a dict,
        contains an unknown name or leaves no clip.
    ImportError
        If ``as_frame=True`` and pandas is not installed.

    Warns
    -----
    UserWarning
        If files are left out because they cannot be audio or lie at another depth, or if names of
        emotions differ only in upper and lower case.

    See Also
    --------
    load_table : Load recordings that a CSV file lists.
    check_corpus : Check the recordings before training.
    load_ravdess, load_crema_d, load_tess, load_savee, load_emodb : Load a corpus.

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np, soundfile
    >>> from ser_estimators.datasets import load_folder
    >>> for emotion in ("anger", "sadness"):
    ...     folder = Path("recordings", "anna", emotion)
    ...     folder.mkdir(parents=True)
    ...     soundfile.write(folder / "1.wav", np.zeros(800), 16000)
    >>> load_folder("recordings")
    Recordings in the folder recordings
      2 clips of 1 speaker
      emotions: anger 1, sadness 1
      attributes: data, target, speakers, target_names, DESCR
    """
    if layout != _AUTO and layout not in _LAYOUTS:
        raise ValueError(
            f"layout={layout!r:.80}; expected {_AUTO!r} or one of {join(list(map(repr, _LAYOUTS)))}"
        )
    root = Path(root).expanduser()
    files = OwnFiles(str(root))
    renamed = set(map(name_in, emotions)) if isinstance(emotions, Mapping) else set()
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        where = "" if root.is_absolute() or root.exists() else f" in '{Path.cwd()}'"
        raise FileNotFoundError(
            f"{files.start} it {what}{where}; expected a folder with {_EXPECTED}"
        )
    for path, size in find_audio(root):
        files.add(path, size)
    files.check()
    if not files.readable:
        raise FileNotFoundError(
            f"{files.start} neither it nor its subfolders contain an audio file "
            f"({', '.join(AUDIO_SUFFIXES)}); expected {_EXPECTED}"
        )
    if layout == _AUTO:
        # Before the layout, because that of a corpus may be any.
        folders = {part for path in files.readable for part in path.relative_to(root).parts[:-1]}
        if reason := describe_corpus(files.readable, folders, root):
            raise ValueError(f"{files.start} {reason}")
        parts = _find_layout(files, root, renamed)
    else:
        parts = _LAYOUTS[layout]
    clips = _at_depth(files, root, parts)

    def names_of(role: str, paths: Sequence[Path]) -> list[str]:
        position = parts.index(role)
        return [name_in(path.relative_to(root).parts[position]) for path in paths]

    targets = names_of("emotion", clips)
    speakers = names_of("speaker", clips) if "speaker" in parts else None
    if layout == _AUTO:
        names = set(targets) - renamed
        layouts = [] if speakers is None else [one for one in _LAYOUTS if "speaker" in one]
        if reason := describe_sets(speakers or names) or describe_speakers(names, layouts):
            raise ValueError(f"{files.start} {reason}")
    left_out = [path for paths in files.unreadable.values() for path in paths]
    at_depth = [path for path in left_out if len(path.relative_to(root).parts) == len(parts)]
    renamings = rename_emotions(targets, emotions, names_of("emotion", at_depth))
    kept = [index for index, name in enumerate(renamings) if name is not None]
    files.warn([str(renamings[index]) for index in kept])
    text = "/".join(f"<{part}>" for part in parts)
    return make_bunch(
        data=[str(clips[index]) for index in kept],
        target=[str(renamings[index]) for index in kept],
        speakers=None if speakers is None else [speakers[index] for index in kept],
        sex=None,
        intensity=None,
        descr=(
            f"Recordings in the folder {root.absolute().name}\n\n"
            f"{count(kept, 'clip')} in {text}, loaded by load_folder of ser_estimators."
        ),
        as_frame=as_frame,
        left_out=files.left_out,
    )


def _at_depth(files: OwnFiles, root: Path, parts: Sequence[str]) -> list[Path]:
    """Return the files at the depth of the layout, and note the others."""
    clips: list[Path] = []
    others: list[Path] = []
    for path in files.readable:
        (clips if len(path.relative_to(root).parts) == len(parts) else others).append(path)
    text = "/".join(f"<{part}>" for part in parts)
    if not clips:
        raise ValueError(
            f"{files.start} no file is at the depth of layout {text} ({examples(others)}); pass "
            "another layout, or another folder"
        )
    if others:
        files.leave_out(others, f"not at the depth of {text}; move it")
    return clips


def _find_layout(files: OwnFiles, root: Path, renamed: Collection[str]) -> tuple[str, ...]:
    """Return what the parts of the paths are, or raise ValueError."""
    by_depth: dict[int, list[Path]] = defaultdict(list)
    for path in files.readable:
        by_depth[len(path.relative_to(root).parts)].append(path)
    loose = by_depth.pop(1, [])
    otherwise = "or list the files with their emotions in a CSV file, for load_table"
    if not by_depth:
        raise ValueError(
            f"{files.start} its files are in no folder of an emotion ({examples(loose)}); expected "
            f"{_EXPECTED}: move them, {otherwise}"
        )
    if len(by_depth) > 1 or not set(by_depth) <= {2, 3}:
        found = " and ".join(f"'{by_depth[depth][0]}'" for depth in sorted(by_depth)[:2])
        where = "different depths" if len(by_depth) > 1 else "another depth"
        raise ValueError(
            f"{files.start} it contains files at {where}, such as {found}; expected {_EXPECTED} "
            "for all of them: pass one of its subfolders, or layout=... to leave out the others, "
            f"move the files, {otherwise}"
        )
    (depth,) = by_depth
    if depth == 2:
        return _LAYOUTS["emotion/file"]
    paths = [path.relative_to(root).parts for path in by_depth[3]]
    outer, inner = ({name_in(parts[level]) for parts in paths} for level in (0, 1))

    def emotions_in(names: set[str]) -> set[str]:
        return {name for name in names if name.casefold() in EMOTIONS or name in renamed}

    # Speakers may have names such as Joy, but most speakers do not.
    is_swapped = not emotions_in(inner) and 2 * len(emotions_in(outer)) >= len(outer)
    if not is_swapped and not emotions_in(inner) and emotions_in(outer):
        raise ValueError(
            f"{files.start} it is unclear which folders are emotions: "
            f"{join(sorted(outer))}, or those in them, {join(sorted(inner))}. Pass "
            'layout="emotion/speaker/file" or layout="speaker/emotion/file"'
        )
    return _LAYOUTS["emotion/speaker/file" if is_swapped else "speaker/emotion/file"]
