"""The names of emotions, and the Bunch that all loaders return."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from .._audio.segment import columns_of
from ._summary import summarize

__all__ = ["UNKNOWN", "VOCABULARY", "CorpusBunch", "make_bunch"]

# Names of emotions, the same in every corpus: the seven of most studies, then two rarer ones.
VOCABULARY = (
    "anger",
    "disgust",
    "fear",
    "happiness",
    "neutral",
    "sadness",
    "surprise",
    "calm",
    "boredom",
)

# Placeholder for a sex or an intensity that neither a table nor the file name gives.
UNKNOWN = "unknown"


class CorpusBunch(Bunch):
    """A Bunch that is shown as a summary of the corpus, without its paths and labels."""

    # The path in pickles, which stays the same if the class moves to another file.
    __module__ = "ser_estimators.datasets"

    def __repr__(self) -> str:
        return summarize(self).to_text()

    def _repr_html_(self) -> str:
        return summarize(self).to_html()


def make_bunch(
    *,
    data: list[Any],
    target: Sequence[str],
    speakers: Sequence[str] | None,
    sex: Sequence[str] | None,
    intensity: Sequence[str] | None,
    descr: str,
    as_frame: bool,
    corpus: Sequence[str] | None = None,
    left_out: list[tuple[str, str]] | None = None,
    unused_columns: Sequence[str] = (),
) -> CorpusBunch:
    """Return a corpus as the Bunch that all loaders return.

    Parameters
    ----------
    data : list of clips of length n_clips
    target : sequence of str of length n_clips
    speakers, sex, intensity : sequence of str of length n_clips, or None
        None if nothing is known about any clip.
    descr : str
    as_frame : bool
        If True, ``frame`` is a pandas DataFrame; this requires pandas.
    corpus : sequence of str of length n_clips or None, default=None
        Name of the corpus that each clip comes from, if there are several corpora.
    left_out : list of (str, str) or None, default=None
        Files that are not in `data`, with the reason.
    unused_columns : sequence of str, default=()
        Columns of a table that were not read.

    Returns
    -------
    CorpusBunch
    """
    columns: dict[str, Any] = {
        "target": np.asarray(target),
        "speakers": None if speakers is None else np.asarray(speakers),
        "sex": None if sex is None else np.asarray(sex),
        "intensity": None if intensity is None else np.asarray(intensity),
    }
    if corpus is not None:
        columns["corpus"] = np.asarray(corpus)
    more: dict[str, Any] = {} if left_out is None else {"left_out": left_out}
    if unused_columns:
        more["unused_columns"] = list(unused_columns)
    return CorpusBunch(
        data=data,
        **columns,
        **more,
        frame=_make_frame(data, columns) if as_frame else None,
        target_names=np.unique(columns["target"]),
        DESCR=descr,
    )


def _make_frame(data: list[Any], columns: Mapping[str, Any]) -> Any:
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            "as_frame=True needs pandas, which is not installed; run "
            "\"pip install 'ser_estimators[frame]'\", or leave as_frame out"
        ) from error
    singular = {"target": "emotion", "speakers": "speaker"}
    # Bounds in columns of their own, which load_table reads.
    return pandas.DataFrame(
        {"path": list(map(_path_of, data)), **columns_of(data)}
        | {
            singular.get(name, name): column
            for name, column in columns.items()
            if column is not None
        }
    )


def _path_of(clip: Any) -> str | None:
    if isinstance(clip, Mapping):  # bytes or a waveform with the name of their file
        return clip.get("path")
    return os.fspath(clip) if isinstance(clip, (str, os.PathLike)) else None
