"""Evaluation that keeps speakers apart, its report, stress tests, and comparison of systems."""

from __future__ import annotations

from .._estimators.reliability import ReliabilityBin
from ._compare import Comparison, compare
from ._cross_corpus import cross_corpus
from ._cross_results import CrossCorpus, CrossScore
from ._evaluate import evaluate
from ._report import EvaluationReport, Fold, GroupScore, Protocol
from ._stress import stress_test
from ._stress_results import StressTest
from ._stress_scores import ConditionScore

__all__ = [
    "Comparison",
    "ConditionScore",
    "CrossCorpus",
    "CrossScore",
    "EvaluationReport",
    "Fold",
    "GroupScore",
    "Protocol",
    "ReliabilityBin",
    "StressTest",
    "compare",
    "cross_corpus",
    "evaluate",
    "stress_test",
]
