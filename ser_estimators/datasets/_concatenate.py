"""Several corpora as one, with speakers kept apart."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from .._clips import is_missing
from ._bunch import UNKNOWN, make_bunch

__all__ = ["concatenate_corpora"]

_NEEDED = ("data", "target", "speakers")


def concatenate_corpora(
    corpora: Mapping[str, Bunch], *, shared_only: bool = False, as_frame: bool = False
) -> Bunch:
    """Join corpora into one, and keep their speakers apart.

    Parameters
    ----------
    corpora : dict of str to Bunch
        What the loaders returned, each under the name that it has in ``corpus`` and before its
        speakers. A Bunch of your own needs ``data``, ``target`` and ``speakers``.
    shared_only : bool, default=False
        Whether only clips of the emotions that all corpora have are kept. Without it a classifier
        may tell the corpora apart instead of the emotions: boredom is only ever in EmoDB.
    as_frame : bool, default=False
        Whether ``frame`` is a table; it needs pandas.

    Returns
    -------
    sklearn.utils.Bunch
        ``data`` : list of length n_clips
            Paths, corpus by corpus.
        ``target`` : ndarray of shape (n_clips,)
            Names of the emotions.
        ``speakers`` : ndarray of shape (n_clips,)
            Name of the corpus and the speaker in it, such as "ravdess/01".
        ``corpus`` : ndarray of shape (n_clips,)
            Name of the corpus.
        ``sex`` : ndarray of shape (n_clips,)
            "female", "male" or "unknown".
        ``intensity`` : ndarray of shape (n_clips,), or None
            "unknown" for corpora without; None if no corpus has it.
        ``frame`` : pandas.DataFrame or None
            With `as_frame`, the columns path, emotion, speaker, sex, intensity (if there is one)
            and corpus.
        ``target_names`` : ndarray of shape (n_emotions,)
            Names of the emotions, sorted.
        ``DESCR`` : str
            The corpora's own, one after the other.

    Raises
    ------
    TypeError
        If `corpora` is no dict, or its names are no strings.
    ValueError
        If there is no corpus, a name is empty or holds a slash, a corpus lacks something, its
        arrays differ in length, a clip has no emotion or speaker, a file is in two corpora, or no
        emotion is shared by all.
    ImportError
        If `as_frame` is true and pandas is not installed.

    See Also
    --------
    load_ravdess, load_crema_d, load_tess, load_savee, load_emodb : Corpora to join.

    Examples
    --------
    >>> from ser_estimators.datasets import concatenate_corpora, make_emotional_speech
    >>> sad = make_emotional_speech(1, 2, emotions=["anger", "sadness"], out_dir="a")
    >>> calm = make_emotional_speech(1, 2, emotions=["anger", "calm"], out_dir="b")
    >>> both = concatenate_corpora({"a": sad, "b": calm}, shared_only=True)
    >>> both.target_names.tolist(), both.speakers.tolist()
    (['anger'], ['a/01', 'a/01', 'b/01', 'b/01'])
    """
    _check(corpora)
    keep = None
    if shared_only:
        emotions = {name: set(np.unique(bunch.target)) for name, bunch in corpora.items()}
        keep = set.intersection(*emotions.values())
        if not keep:
            listed = "; ".join(
                f"{name}: {', '.join(sorted(map(str, found)))}" for name, found in emotions.items()
            )
            raise ValueError(
                f"shared_only=True leaves nothing, as no emotion is in all corpora ({listed}); "
                "expected one at least. Rename with the loaders' emotions=, or leave a corpus out"
            )
    columns: dict[str, list[Any]] = {
        name: [] for name in ("data", "target", "speakers", "sex", "intensity", "corpus")
    }
    for name, bunch in corpora.items():
        # As lists, because a column of a table would be read by its index and not by position.
        clips, targets, speakers = (list(bunch[key]) for key in _NEEDED)
        kept = [row for row, target in enumerate(targets) if keep is None or target in keep]
        columns["data"] += [clips[row] for row in kept]
        columns["target"] += [targets[row] for row in kept]
        columns["speakers"] += [f"{name}/{speakers[row]}" for row in kept]
        columns["corpus"] += [name] * len(kept)
        for optional in ("sex", "intensity"):
            values = bunch.get(optional)
            of_clips = [UNKNOWN] * len(clips) if values is None else list(values)
            columns[optional] += [of_clips[row] for row in kept]
    has_intensity = any(bunch.get("intensity") is not None for bunch in corpora.values())
    return make_bunch(
        data=columns["data"],
        target=columns["target"],
        speakers=columns["speakers"],
        sex=columns["sex"],
        intensity=columns["intensity"] if has_intensity else None,
        corpus=columns["corpus"],
        descr="\n\n".join(
            f"{name}\n{'=' * len(name)}\n{bunch.get('DESCR', '')}"
            for name, bunch in corpora.items()
        ),
        as_frame=as_frame,
    )


def _check(corpora: Mapping[str, Bunch]) -> None:
    """Raise for what cannot be joined, and for clips that would stand under two names."""
    if not isinstance(corpora, Mapping) or isinstance(corpora, Bunch):
        what = "one corpus" if isinstance(corpora, Bunch) else f"a {type(corpora).__name__}"
        raise TypeError(
            f"corpora is {what}; expected a dict of names to corpora, such as "
            '{"ravdess": load_ravdess(...), "savee": load_savee(...)}'
        )
    if not corpora:
        raise ValueError(
            'corpora is empty; expected one at least, such as {"ravdess": load_ravdess(...)}'
        )
    homes: dict[str, str] = {}
    for name, bunch in corpora.items():
        if not isinstance(name, str):
            raise TypeError(f"corpora has the name {name!r}; expected a string, such as 'ravdess'")
        if not name or "/" in name:
            raise ValueError(
                f"corpora has the name {name!r}; expected one that is not empty and holds no "
                "slash, as speakers are called 'name/speaker'"
            )
        _check_bunch(name, bunch)
        for clip in bunch.data:
            if isinstance(clip, (str, os.PathLike)):
                path = os.path.realpath(clip)
                # The same voice under two names would be in training and test at once.
                if homes.setdefault(path, name) != name:
                    raise ValueError(
                        f"'{os.fspath(clip)}' is in corpora {homes[path]!r} and {name!r}; expected "
                        "each file in one corpus: load each from a folder of its own"
                    )


def _check_bunch(name: str, bunch: Any) -> None:
    if not isinstance(bunch, Bunch):
        raise TypeError(
            f"corpora[{name!r}] is a {type(bunch).__name__}; expected the Bunch that a loader "
            "returns, or a Bunch with data, target and speakers"
        )
    if missing := [key for key in _NEEDED if bunch.get(key) is None]:
        raise ValueError(
            f"corpora[{name!r}] has no {' and no '.join(missing)}; expected a Bunch with "
            f"{', '.join(_NEEDED)}"
        )
    optional = [key for key in ("sex", "intensity") if bunch.get(key) is not None]
    lengths = {key: len(bunch[key]) for key in (*_NEEDED, *optional)}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{length} {key}" for key, length in lengths.items())
        raise ValueError(f"corpora[{name!r}] has {listed}; expected one of each for every clip")
    for key in ("target", "speakers"):
        missing_at = [row + 1 for row, value in enumerate(bunch[key]) if is_missing(value)]
        if missing_at:
            raise ValueError(
                f"corpora[{name!r}] has no value in {key} for {len(missing_at)} of "
                f"{len(bunch[key])} clips, such as clip {missing_at[0]}; leave such clips out"
            )
