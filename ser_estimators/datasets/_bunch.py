"""The vocabulary of emotions, and the Bunch that every corpus comes in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.utils import Bunch

__all__ = ["UNKNOWN", "VOCABULARY", "make_bunch"]

# The names that emotions have in every corpus: the seven of most studies, then two that few have.
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

# What stands for a sex or an intensity that no table or file name gives.
UNKNOWN = "unknown"


def make_bunch(
    *,
    data: list[str],
    target: Sequence[str],
    speakers: Sequence[str],
    sex: Sequence[str],
    intensity: Sequence[str] | None,
    descr: str,
    as_frame: bool,
    corpus: Sequence[str] | None = None,
) -> Bunch:
    """Put a corpus in the Bunch that all of them come in.

    Parameters
    ----------
    data : list of path of length n_clips
    target, speakers, sex : sequence of str of length n_clips
    intensity : sequence of str of length n_clips, or None
        None where the corpus has no such thing.
    descr : str
    as_frame : bool
        Whether ``frame`` is a table, which needs pandas.
    corpus : sequence of str of length n_clips, default=None
        The name of each clip's corpus, where there are several.

    Returns
    -------
    sklearn.utils.Bunch
    """
    columns: dict[str, Any] = {
        "target": np.asarray(target),
        "speakers": np.asarray(speakers),
        "sex": np.asarray(sex),
        "intensity": None if intensity is None else np.asarray(intensity),
    }
    if corpus is not None:
        columns["corpus"] = np.asarray(corpus)
    return Bunch(
        data=data,
        **columns,
        frame=_make_frame(data, columns) if as_frame else None,
        target_names=np.unique(columns["target"]),
        DESCR=descr,
    )


def _make_frame(data: list[str], columns: Mapping[str, Any]) -> Any:
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            "as_frame=True makes a pandas DataFrame, and pandas is not installed; install it with "
            "'pip install pandas', or leave as_frame out"
        ) from error
    singular = {"target": "emotion", "speakers": "speaker"}
    return pandas.DataFrame(
        {"path": data}
        | {
            singular.get(name, name): column
            for name, column in columns.items()
            if column is not None
        }
    )
