"""Searches and evaluations on several computers."""

from __future__ import annotations

from ._dask import use_dask

__all__ = ["use_dask"]
