"""Several corpora as one, with the speakers kept distinct."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from .._utils.checks import is_missing
from ._bunch import UNKNOWN, make_bunch

__all__ = ["concatenate_corpora"]

_NEEDED = ("data", "target", "speakers")


def concatenate_corpora(
    corpora: Mapping[str, Bunch], *, shared_only: bool = False, as_frame: bool = False
) -> Bunch:
    """Concatenate several corpora, keeping their speakers distinct.

    Parameters
    ----------
    corpora : dict of {str: Bunch}
        Results of the loaders, by name of the corpus. The name becomes the value of ``corpus`` and
        the prefix of ``speakers``. A custom Bunch needs ``data``, ``target`` and ``speakers``.
    shared_only : bool, default=False
        Whether to keep only the emotions that occur in all corpora. Otherwise a classifier may
        learn to recognize the corpus instead of the emotion: only EmoDB contains boredom.
    as_frame : bool, default=False
        If True, ``frame`` is a pandas DataFrame; this requires pandas.

    Returns
    -------
    sklearn.utils.Bunch
        Dictionary-like object with the following attributes.

        ``data`` : list of length n_clips
            Paths, in the order of the corpora.
        ``target`` : ndarray of shape (n_clips,)
            Names of the emotions.
        ``speakers`` : ndarray of shape (n_clips,)
            Names of the corpus and the speaker, such as "ravdess/01".
        ``corpus`` : ndarray of shape (n_clips,)
            Names of the corpora.
        ``sex`` : ndarray of shape (n_clips,)
            "female", "male" or "unknown".
        ``intensity`` : ndarray of shape (n_clips,), or None
            "unknown" for corpora without intensities; None if no corpus has intensities.
        ``frame`` : pandas.DataFrame or None
            With ``as_frame=True``, a table with the columns path, emotion, speaker, sex, intensity
            (unless it is None) and corpus.
        ``target_names`` : ndarray of shape (n_emotions,)
            Names of the emotions, sorted.
        ``DESCR`` : str
            Descriptions of the corpora, one after the other.

    Raises
    ------
    TypeError
        If `corpora` is not a dict of strings to Bunches.
    ValueError
        If `corpora` is empty, a name is empty or contains a slash, a corpus lacks an attribute, its
        arrays differ in length, a clip has no emotion or speaker, a file belongs to two corpora, or
        the corpora have no emotion in common.
    ImportError
        If ``as_frame=True`` and pandas is not installed.

    See Also
    --------
    load_ravdess, load_crema_d, load_tess, load_savee, load_emodb, load_nemo : Load a corpus.

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
                f"shared_only=True leaves no clip: no emotion is in all corpora ({listed}); "
                "expected at least one. Rename emotions with the loaders' emotions=..., or leave "
                "a corpus out"
            )
    columns: dict[str, list[Any]] = {
        name: [] for name in ("data", "target", "speakers", "sex", "intensity", "corpus")
    }
    for name, bunch in corpora.items():
        # Lists, because a Series would be read by its index instead of by position.
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
    """Raise if the corpora cannot be concatenated, or if a clip belongs to two of them."""
    if not isinstance(corpora, Mapping) or isinstance(corpora, Bunch):
        what = "a single corpus" if isinstance(corpora, Bunch) else f"a {type(corpora).__name__}"
        raise TypeError(
            f"corpora is {what}; expected a dict of names and corpora, such as "
            '{"ravdess": load_ravdess(...), "savee": load_savee(...)}'
        )
    if not corpora:
        raise ValueError(
            'corpora is empty; expected at least one, such as {"ravdess": load_ravdess(...)}'
        )
    homes: dict[str, str] = {}
    for name, bunch in corpora.items():
        if not isinstance(name, str):
            raise TypeError(f"corpora has the name {name!r}; expected a string, such as 'ravdess'")
        if not name or "/" in name:
            raise ValueError(
                f"corpora has the name {name!r}; expected one that is not empty and contains no "
                "slash, because speakers are named 'corpus/speaker'"
            )
        _check_bunch(name, bunch)
        for clip in bunch.data:
            if isinstance(clip, (str, os.PathLike)):
                path = os.path.realpath(clip)
                # One voice with two names could appear in both training and test.
                if homes.setdefault(path, name) != name:
                    raise ValueError(
                        f"'{os.fspath(clip)}' is in the corpora {homes[path]!r} and {name!r}; "
                        "expected each file in one corpus: load each corpus from its own folder"
                    )


def _check_bunch(name: str, bunch: Any) -> None:
    if not isinstance(bunch, Bunch):
        raise TypeError(
            f"corpora[{name!r}] is a {type(bunch).__name__}; expected the Bunch that a loader "
            "returns, or a custom one with data, target and speakers"
        )
    if missing := [key for key in _NEEDED if bunch.get(key) is None]:
        raise ValueError(
            f"corpora[{name!r}] has no {' and no '.join(missing)}; expected a Bunch with data, "
            "target and speakers"
        )
    optional = [key for key in ("sex", "intensity") if bunch.get(key) is not None]
    lengths = {key: len(bunch[key]) for key in (*_NEEDED, *optional)}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{length} {key}" for key, length in lengths.items())
        raise ValueError(f"corpora[{name!r}] has {listed}; expected one value of each per clip")
    for key in ("target", "speakers"):
        missing_at = [row + 1 for row, value in enumerate(bunch[key]) if is_missing(value)]
        if missing_at:
            raise ValueError(
                f"corpora[{name!r}] has no value in {key} for {len(missing_at)} of "
                f"{len(bunch[key])} clips, for example clip {missing_at[0]}; leave these clips out"
            )
