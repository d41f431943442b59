"""Loaders of emotional speech corpora, and a corpus of synthetic voices.

Public names are loaded on first use: they need scikit-learn, which imports pandas if it is
installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from ._check import CorpusCheck, check_corpus
    from ._concatenate import concatenate_corpora
    from ._crema_d import load_crema_d
    from ._emodb import load_emodb
    from ._emovo import load_emovo
    from ._fetch import fetch_emodb, fetch_ravdess, fetch_tess
    from ._folder import load_folder
    from ._nemo import load_nemo
    from ._ravdess import load_ravdess
    from ._savee import load_savee
    from ._synthetic import make_emotional_speech
    from ._table import load_table
    from ._tess import load_tess

__all__ = [
    "CorpusCheck",
    "check_corpus",
    "concatenate_corpora",
    "fetch_emodb",
    "fetch_ravdess",
    "fetch_tess",
    "load_crema_d",
    "load_emodb",
    "load_emovo",
    "load_folder",
    "load_nemo",
    "load_ravdess",
    "load_savee",
    "load_table",
    "load_tess",
    "make_emotional_speech",
]

__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        # Not a public name, but one that pickled corpora refer to.
        "_bunch": ["CorpusBunch"],
        "_check": ["CorpusCheck", "check_corpus"],
        "_concatenate": ["concatenate_corpora"],
        "_crema_d": ["load_crema_d"],
        "_emodb": ["load_emodb"],
        "_emovo": ["load_emovo"],
        "_fetch": ["fetch_emodb", "fetch_ravdess", "fetch_tess"],
        "_folder": ["load_folder"],
        "_nemo": ["load_nemo"],
        "_ravdess": ["load_ravdess"],
        "_savee": ["load_savee"],
        "_synthetic": ["make_emotional_speech"],
        "_table": ["load_table"],
        "_tess": ["load_tess"],
    },
)
