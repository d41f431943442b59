"""Evaluation that keeps speakers apart, its report, and the comparison of systems."""

from __future__ import annotations

from ._compare import Comparison, compare
from ._evaluate import evaluate
from ._report import EvaluationReport, Fold, GroupScore, Protocol

__all__ = [
    "Comparison",
    "EvaluationReport",
    "Fold",
    "GroupScore",
    "Protocol",
    "compare",
    "evaluate",
]
