"""Own recordings in folders that are named like the emotions."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from sklearn.utils import Bunch

from ._bunch import make_bunch
from ._labels import EMOTIONS, describe_corpus, describe_speakers
from ._own import OwnFiles, rename_emotions
from ._search import AUDIO_SUFFIXES, count, examples, find_audio, join

__all__ = ["load_folder"]

_LAYOUTS = {2: "<emotion>/<file>", 3: "<speaker>/<emotion>/<file>"}
_EXPECTED = " or ".join(_LAYOUTS.values())


def load_folder(
    root: str | os.PathLike[str],
    *,
    emotions: Mapping[str, str | None] | None = None,
    as_frame: bool = False,
) -> Bunch:
    """Load recordings from folders that are named like the emotions.

    The layout is ``<emotion>/<file>`` or ``<speaker>/<emotion>/<file>``, whichever the depth of the
    files shows. No audio is decoded. Hidden files, and files that are not audio, are ignored.

    Folders that seem to be speakers, such as ``Actor_01``, are refused, because a model would learn
    voices rather than emotions. Labels of such names need `emotions` or `load_table`.

    Parameters
    ----------
    root : path-like
        The folder that contains those of the emotions, or of the speakers.
    emotions : dict of {str: str or None} or None, default=None
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

    Raises
    ------
    FileNotFoundError
        If the folder does not exist or contains no audio file.
    AudioReadError
        If every file is a broken link, an empty file, a git-lfs pointer, a web page, or in a format
        that has to be converted first.
    TypeError, ValueError
        If the layout is another one, if the folders are those of a corpus or seem to be speakers,
        or if `emotions` is not a dict, contains an unknown name or leaves no clip.
    ImportError
        If ``as_frame=True`` and pandas is not installed.

    Warns
    -----
    UserWarning
        If files are left out because they cannot be audio or lie in no folder of an emotion, or if
        names of emotions differ only in upper and lower case.

    See Also
    --------
    load_table : Load recordings that a CSV file lists.
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
    root = Path(root).expanduser()
    files = OwnFiles(str(root))
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
    # Before the layout, because that of a corpus may be any.
    folders = {part for path in files.readable for part in path.relative_to(root).parts[:-1]}
    if reason := describe_corpus(files.readable, folders, root):
        raise ValueError(f"{files.start} {reason}")
    depth = _depth_of_clips(files, root)
    clips = [path for path in files.readable if _depth(path, root) == depth]
    targets = [path.parent.name for path in clips]
    renamed = emotions if isinstance(emotions, Mapping) else {}
    if reason := describe_speakers(set(targets).difference(renamed)):
        raise ValueError(f"{files.start} {reason}")
    files.warn(targets)
    names = rename_emotions(targets, emotions)
    kept = [(path, name) for path, name in zip(clips, names, strict=True) if name is not None]
    return make_bunch(
        data=[str(path) for path, _ in kept],
        target=[name for _, name in kept],
        speakers=[path.parent.parent.name for path, _ in kept] if depth == 3 else None,
        sex=None,
        intensity=None,
        descr=(
            f"Recordings in the folder {root.absolute().name}\n\n"
            f"{count(kept, 'clip')} in {_LAYOUTS[depth]}, loaded by load_folder of ser_estimators."
        ),
        as_frame=as_frame,
    )


def _depth(path: Path, root: Path) -> int:
    return len(path.relative_to(root).parts)


def _depth_of_clips(files: OwnFiles, root: Path) -> int:
    """Return 2 for <emotion>/<file>, 3 for <speaker>/<emotion>/<file>, or raise ValueError."""
    by_depth: dict[int, list[Path]] = defaultdict(list)
    for path in files.readable:
        by_depth[_depth(path, root)].append(path)
    loose = by_depth.pop(1, [])
    otherwise = "or list the files with their emotions in a CSV file, for load_table"
    if not by_depth:
        raise ValueError(
            f"{files.start} its files are in no folder of an emotion ({examples(loose)}); expected "
            f"{_EXPECTED}: move them, {otherwise}"
        )
    if loose:
        files.remarks.append(f"left out: {examples(loose)}, in no folder of an emotion")
    if len(by_depth) > 1 or not set(by_depth) <= set(_LAYOUTS):
        found = " and ".join(f"'{by_depth[depth][0]}'" for depth in sorted(by_depth)[:2])
        where = "different depths" if len(by_depth) > 1 else "another depth"
        raise ValueError(
            f"{files.start} it contains files at {where}, such as {found}; expected {_EXPECTED} "
            f"for all of them: pass one of its subfolders, move the files, {otherwise}"
        )
    (depth,) = by_depth
    if depth == 3:
        _check_order(files, root)
    return depth


def _check_order(files: OwnFiles, root: Path) -> None:
    """Raise for <emotion>/<speaker>/<file>, which would train on speakers as emotions."""
    folders = {path.relative_to(root).parts[:2] for path in files.readable}
    outer, inner = ({parts[level].casefold() for parts in folders} for level in (0, 1))
    if outer <= EMOTIONS and not inner & EMOTIONS:
        raise ValueError(
            f"{files.start} its layout seems to be <emotion>/<speaker>/<file>: its folders are "
            f"named like emotions ({join(sorted(outer))}), and theirs are not "
            f"({join(sorted(inner))}); expected {_LAYOUTS[3]}: move the files, or list them in a "
            "CSV file, for load_table"
        )
