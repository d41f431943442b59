"""Names of speakers that may be those of one person."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

__all__ = ["similar_names"]

# "S01" and "1" may be one speaker; "F01" and "M01" are two.
_NO_NAMES = {"", "s", "spk", "spkr", "speaker", "actor", "subject", "participant", "person", "id"}
_NUMBERED = re.compile(r"([^\W\d_]*)0*(\d+)")


def similar_names(names: Iterable[str]) -> list[list[str]]:
    """Return groups of different names that may be those of one speaker.

    These differ in case, spaces, punctuation, leading zeros, or in a word such as "speaker" before
    a number.

    Parameters
    ----------
    names : iterable of str

    Returns
    -------
    list of list of str
        Sorted.

    Examples
    --------
    >>> similar_names(["1", "01", "S01", "F01", "M01", "Anna", "anna ", "Ann"])
    [['01', '1', 'S01'], ['Anna', 'anna ']]
    """
    groups = defaultdict(set)
    for name in names:
        groups[_essence(name)].add(name)
    return sorted(sorted(group) for group in groups.values() if len(group) > 1)


def _essence(name: str) -> str:
    # Names of corpora, which concatenate_corpora puts before those of speakers, do count.
    corpus, slash, name = name.rpartition("/")
    text = re.sub(r"[\W_]+", "", name).casefold() or name
    if match := _NUMBERED.fullmatch(text):
        prefix = "" if match[1] in _NO_NAMES else match[1]
        text = f"{prefix}{match[2]}"
    return f"{corpus}{slash}{text}"
