"""Evaluation that keeps speakers apart, its report, and the comparison of systems."""

from __future__ import annotations

from ._compare import Comparison, compare
from ._evaluate import evaluate
from ._report import EvaluationReport

__all__ = ["Comparison", "EvaluationReport", "compare", "evaluate"]
