"""Evaluation that keeps speakers apart, its report, stress tests, and comparison of systems."""

from __future__ import annotations

from .._estimators.reliability import ReliabilityBin
from ._compare import Comparison, compare
from ._evaluate import evaluate
from ._report import EvaluationReport, Fold, GroupScore, Protocol
from ._stress import stress_test
from ._stress_results import StressTest
from ._stress_scores import ConditionScore

__all__ = [
    "Comparison",
    "ConditionScore",
    "EvaluationReport",
    "Fold",
    "GroupScore",
    "Protocol",
    "ReliabilityBin",
    "StressTest",
    "compare",
    "evaluate",
    "stress_test",
]
