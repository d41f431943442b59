"""Loaders of emotional speech corpora, and one made of synthetic voices."""

from __future__ import annotations

from ._ravdess import load_ravdess
from ._synthetic import make_emotional_speech

__all__ = ["load_ravdess", "make_emotional_speech"]
