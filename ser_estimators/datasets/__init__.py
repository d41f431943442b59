"""Loaders of emotional speech corpora, and one made of synthetic voices.

Public names are loaded when they are first used, as in the package above: scikit-learn, which they
need, imports pandas wherever it is installed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._concatenate import concatenate_corpora
    from ._crema_d import load_crema_d
    from ._emodb import load_emodb
    from ._fetch import fetch_emodb, fetch_ravdess, fetch_tess
    from ._ravdess import load_ravdess
    from ._savee import load_savee
    from ._synthetic import make_emotional_speech
    from ._tess import load_tess

__all__ = [
    "concatenate_corpora",
    "fetch_emodb",
    "fetch_ravdess",
    "fetch_tess",
    "load_crema_d",
    "load_emodb",
    "load_ravdess",
    "load_savee",
    "load_tess",
    "make_emotional_speech",
]

_HOMES = {
    "concatenate_corpora": "_concatenate",
    "fetch_emodb": "_fetch",
    "fetch_ravdess": "_fetch",
    "fetch_tess": "_fetch",
    "load_crema_d": "_crema_d",
    "load_emodb": "_emodb",
    "load_ravdess": "_ravdess",
    "load_savee": "_savee",
    "load_tess": "_tess",
    "make_emotional_speech": "_synthetic",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value  # the next access finds it without coming here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
