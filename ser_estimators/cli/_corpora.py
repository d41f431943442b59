"""Training data: a folder, a table, or a corpus with its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .. import datasets
from ..datasets._search import AUDIO_SUFFIXES, OTHER_SUFFIXES
from ._command import Refused
from ._console import Console, counted
from ._inputs import TABLES
from ._text import plain

__all__ = ["DATA_HELP", "describe", "is_corpus", "labels_of", "load_data", "name_of"]

DATA_HELP = """\
DATA is a folder with <emotion>/<file> or <speaker>/<emotion>/<file>, a CSV file with the columns
path, emotion and speaker, or a corpus with its folder, such as ravdess:/data/ravdess. The paths in
a CSV file are relative to it; with the columns start and end, in seconds, a row is a part of a
file."""

_OWN = ("load_folder", "load_table")


def load_data(data: str, *, layout: str = "auto", **columns: Any) -> Any:
    """Load training data with the loader that fits.

    Parameters
    ----------
    data : str
        See `DATA_HELP`.
    layout : str, default="auto"
        Of a folder, see `load_folder`.
    **columns : str or None
        Columns of a table, see `load_table`.

    Returns
    -------
    sklearn.utils.Bunch
    """
    if not data:
        # Such as an unset variable of a shell, not the current folder.
        raise Refused("DATA is empty; pass a folder, a CSV file, or a corpus with its folder")
    name, colon, folder = data.partition(":")
    key = _key_of(name)
    if _names_corpus(data):
        return getattr(datasets, f"load_{key}")(folder)
    path = Path(data).expanduser()
    if path.is_dir():
        return datasets.load_folder(path, layout=layout)
    if path.suffix.lower() in AUDIO_SUFFIXES + OTHER_SUFFIXES and path.is_file():
        raise Refused(
            f"'{plain(data)}' is a recording without a label; pass the folder of the recordings, "
            "or a CSV file with the columns path and emotion"
        )
    if path.exists():
        return datasets.load_table(path, **columns)
    if key in _corpora():
        raise Refused(f"the corpus {key} needs its folder: pass {key}:/path/to/{key}")
    # A single letter before the colon is a drive of Windows.
    is_name = colon and len(name) > 1
    known = f"corpora are {', '.join(_corpora())}" if is_name else "check the path"
    raise Refused(f"there is no {'corpus' if is_name else 'data'} '{plain(data)}'; {known}")


def labels_of(corpus: Any, model: Any) -> Any:
    """Return the labels as the model has them: numbers, for example, are strings in a corpus."""
    import numpy as np

    from ..datasets._cells import text_of

    known: dict[str, Any] = {}
    for label in np.asarray(getattr(model, "classes_", [])).tolist():
        known |= {str(label): label, text_of(label): label}
    found = [known.get(label, label) for label in corpus.target.tolist()]
    return np.array(found) if set(found) <= set(known.values()) else corpus.target


def is_corpus(data: str) -> bool:
    """Return whether this is a corpus with its folder or a table, rather than recordings."""
    return _names_corpus(data) or Path(data).suffix.lower() in TABLES


def name_of(data: str) -> str:
    """Return the name of a corpus, of a folder, or of a table without its suffix."""
    if _names_corpus(data):
        return data.partition(":")[0]
    path = Path(data).expanduser().resolve()
    return plain(path.stem if path.is_file() else path.name)


def _names_corpus(data: str) -> bool:
    name, colon, _ = data.partition(":")
    return bool(colon) and _key_of(name) in _corpora() and not Path(data).exists()


def _key_of(name: str) -> str:
    return name.lower().replace("-", "_")


def _corpora() -> list[str]:
    """Return the names of all corpora that have a loader."""
    loaders = [name for name in datasets.__all__ if name.startswith("load_")]
    return [name.removeprefix("load_") for name in loaders if name not in _OWN]


def describe(corpus: Any, console: Console) -> None:
    """Say what was loaded."""
    speakers = corpus.speakers
    parts = (
        counted(len(corpus.data), "clip"),
        "unknown speakers" if speakers is None else counted(len(set(speakers)), "speaker"),
        counted(len(corpus.target_names), "emotion"),
    )
    console.note(f"{', '.join(parts)}: {plain(', '.join(map(str, corpus.target_names)))}")
