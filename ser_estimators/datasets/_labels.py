"""Names of folders that are those of speakers or of a corpus, rather than emotions."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from ._bunch import VOCABULARY
from ._corpus import Corpus
from ._crema_d import _CREMA_D
from ._emodb import _EMODB
from ._emovo import _EMOVO
from ._nemo import _NEMO
from ._ravdess import _RAVDESS
from ._savee import _SAVEE
from ._search import join
from ._tess import _TESS

__all__ = ["EMOTIONS", "describe_corpus", "describe_sets", "describe_speakers"]

# Words that name an emotion rather than a speaker or a set of recordings.
EMOTIONS = {
    *VOCABULARY,
    *("afraid", "angry", "bored", "calmness", "contempt", "disgusted", "excited", "excitement"),
    *("fearful", "frustration", "happy", "joy", "joyful", "neutrality", "sad", "scared"),
    *("surprised", "surprise_pleasant", "pleasant_surprise"),
}

_LOADERS = {
    "load_ravdess": _RAVDESS,
    "load_crema_d": _CREMA_D,
    "load_tess": _TESS,
    "load_savee": _SAVEE,
    "load_emodb": _EMODB,
    "load_emovo": _EMOVO,
    "load_nemo": _NEMO,
}
# A name that is a number, or ends in one: 03, Actor_01, spk7, S01b.
_NUMBERED = re.compile(r"([^\W\d_]*)[\W_]*\d+[a-z]?")
_SETS = {
    *("dev", "development", "eval", "evaluation", "test", "testing", "train", "training"),
    *("val", "valid", "validation"),
}
_SPEAKERS = {"actor", "f", "female", "id", "m", "male", "p", "s", "speaker", "spk", "subject"}


def describe_corpus(paths: Sequence[Path], folders: Collection[str], root: Path) -> str | None:
    """Return which corpus recordings are, None if they are sorted by emotion or of no corpus.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        The recordings.
    folders : collection of str
        Names of all folders between `root` and these recordings.
    root : pathlib.Path
        The folder that was passed, for the remedy.

    Returns
    -------
    str or None
        What was found, and the remedy.

    Examples
    --------
    >>> from pathlib import Path
    >>> path = Path("rav/Actor_12/03-01-05-01-02-01-12.wav")
    >>> describe_corpus([path], ["Actor_12"], Path("rav"))[:41]
    'its files are named like those of RAVDESS'
    >>> describe_corpus([path], ["anger"], Path("rav"))
    """
    if {name.casefold() for name in folders} & EMOTIONS:
        return None
    for loader, corpus in _LOADERS.items():
        similar = [path for path in paths if _belongs(path, corpus)]
        if 2 * len(similar) > len(paths):
            found = f", and no folder like an emotion ({join(sorted(folders))})" if folders else ""
            return (
                f"its files are named like those of {corpus.title} ('{similar[0]}'){found}; use "
                f"{loader}('{root}'). {_otherwise()}"
            )
    return None


def describe_speakers(names: Collection[str], layouts: Sequence[str] = ()) -> str | None:
    """Return why names of folders seem to be those of speakers, None if they may be emotions.

    Parameters
    ----------
    names : collection of str
        Names of the folders of recordings, without those that the caller has renamed.
    layouts : sequence of str, default=()
        What the folders may stand for, for the remedy; empty means "emotion/file".

    Returns
    -------
    str or None
        What was found, what was expected and the remedy.

    Examples
    --------
    >>> describe_speakers(["Actor_01", "Actor_02"])[:56]
    'its folders seem to be speakers, not emotions (Actor_01,'
    >>> describe_speakers(["anger", "class_1"])
    """
    folded = {name.casefold() for name in names}
    matches = [_NUMBERED.fullmatch(name) for name in folded]
    prefixes = {match[1] for match in matches if match}
    if not (folded and all(matches)) or folded & EMOTIONS:
        return None
    if len(prefixes) > 1 and not prefixes <= _SPEAKERS:
        return None
    return (
        f"its folders seem to be speakers, not emotions ({join(sorted(names))}); expected "
        "<emotion>/<file>, <speaker>/<emotion>/<file> or <emotion>/<speaker>/<file>: move the "
        f"files. {_otherwise(*layouts)}"
    )


def describe_sets(names: Collection[str]) -> str | None:
    """Return that folders are sets of clips, such as "train" and "test", None if they are not.

    Parameters
    ----------
    names : collection of str
        Names of the folders that would be those of speakers or of emotions.

    Returns
    -------
    str or None
        What was found, and the remedy.

    Examples
    --------
    >>> describe_sets(["Test", "train"])[:61]
    'its folders seem to be sets of clips (Test, train), not speak'
    >>> describe_sets(["anna", "test"])
    """
    if not names or not {name.casefold() for name in names} <= _SETS:
        return None
    return (
        f"its folders seem to be sets of clips ({join(sorted(names))}), not speakers or emotions. "
        "Pass one of them instead, or list all files with their emotions, and with their speakers "
        "if possible, in a CSV file, for load_table"
    )


def _otherwise(*layouts: str) -> str:
    """Return the remedy for labels that look like something else."""
    told = " or ".join(f'layout="{layout}"' for layout in layouts or ("emotion/file",))
    return (
        f"If its folders are labels, pass {told}, or list the files with their labels in a CSV "
        "file, for load_table"
    )


def _belongs(path: Path, corpus: Corpus) -> bool:
    """Return whether a corpus has files of this name."""
    folder = path.parent.name or path.parent.absolute().name
    match = corpus.name.fullmatch(f"{folder}/{path.stem}".casefold())
    if match is None:
        return False
    codes = {code.casefold() for code in (*corpus.emotions, *corpus.aliases)}
    return match["emotion"] in codes
