"""The steps of a pipeline that follow the networks, as nodes of an ONNX graph."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from ..._estimators.speaker_normalizer import SpeakerNormalizer
from ..._estimators.temperature import MIN_PROBABILITY
from ..._estimators.view_voting import ViewVotingClassifier
from .graph import Graph, Operand

__all__ = [
    "CALIBRATIONS",
    "CLASSIFIERS",
    "SCALERS",
    "add_classifier",
    "add_scaler",
    "add_temperature",
    "calibrated_estimators",
]

# Steps that may stand between the networks and the classifier.
SCALERS = (StandardScaler, SpeakerNormalizer)

# Classifiers with a linear decision function, and a softmax of it as probabilities.
CLASSIFIERS = (LogisticRegression, LinearDiscriminantAnalysis)
CALIBRATIONS = ("sigmoid", "temperature")


def add_scaler(graph: Graph, x: Operand, scaler: StandardScaler | SpeakerNormalizer) -> str:
    """Add standardized columns, as of the only clip of its speaker."""
    if isinstance(scaler, SpeakerNormalizer):
        x = graph.add("Sub", x, scaler.mean_.astype(np.float32))
        return graph.add("Mul", x, (_rest_of(scaler) / scaler.scale_).astype(np.float32))
    if scaler.with_mean:
        x = graph.add("Sub", x, scaler.mean_.astype(np.float32))
    if scaler.with_std:
        x = graph.add("Div", x, scaler.scale_.astype(np.float32))
    return str(x)


def add_classifier(graph: Graph, x: Operand, classifier: Any) -> str:
    """Add the probabilities of a classifier, (n, n_classes)."""
    if isinstance(classifier, ViewVotingClassifier):
        return graph.add("Softmax", graph.affine(x, *_voting_logits(classifier)), axis=1)
    if not isinstance(classifier, CalibratedClassifierCV):
        return graph.add("Softmax", _add_logits(graph, x, classifier), axis=1)
    probabilities = [
        _add_calibrated(graph, x, calibrated) for calibrated in classifier.calibrated_classifiers_
    ]
    return graph.add("Mean", *probabilities)


def add_temperature(graph: Graph, probabilities: Operand, temperature: float) -> str:
    """Add probabilities whose logarithms are divided by a temperature."""
    logits = graph.add("Log", graph.add("Max", probabilities, np.float32(MIN_PROBABILITY)))
    return graph.add("Softmax", graph.add("Div", logits, np.float32(temperature)), axis=1)


def calibrated_estimators(classifier: CalibratedClassifierCV) -> list[Any]:
    """Return the fitted classifiers whose decisions are calibrated."""
    found = [calibrated.estimator for calibrated in classifier.calibrated_classifiers_]
    return [each.estimator if isinstance(each, FrozenEstimator) else each for each in found]


def _add_calibrated(graph: Graph, x: Operand, calibrated: Any) -> str:
    estimator = calibrated.estimator
    if isinstance(estimator, FrozenEstimator):
        estimator = estimator.estimator
    decision = graph.affine(x, *_linear(estimator))
    is_binary = len(estimator.coef_) == 1
    if calibrated.method == "temperature":
        if is_binary:
            decision = graph.add("MatMul", decision, np.array([[-1, 1]], dtype=np.float32))
        beta = float(calibrated.calibrators[0].beta_)
        return graph.add("Softmax", graph.add("Mul", decision, beta), axis=1)
    slopes = np.array([[-each.a_ for each in calibrated.calibrators]], dtype=np.float32)
    offsets = np.array([[-each.b_ for each in calibrated.calibrators]], dtype=np.float32)
    logits = graph.add("Add", graph.add("Mul", decision, slopes), offsets)
    probabilities = graph.add("Sigmoid", logits)
    if is_binary:
        return graph.add("Concat", graph.add("Sub", 1.0, probabilities), probabilities, axis=1)
    return graph.add("Div", probabilities, graph.sum(probabilities, 1))


def _voting_logits(voting: ViewVotingClassifier) -> tuple[Any, Any]:
    """Return the coefficients of single clips with one view.

    A mean of log-probabilities is one of linear functions, up to what all classes have in common.
    """
    normalizer = voting.normalizer_
    tables = {"estimators_": (np.float64(0), np.float64(1))}
    if normalizer is not None:
        factor = 1 / normalizer.scale_
        tables = {
            "estimators_": (normalizer.mean_, factor * _rest_of(normalizer)),
            "plain_estimators_": (normalizer.mean_, factor),
        }
    n_columns = voting.n_features_in_
    coefs, intercepts = [], []
    for name, (mean, factor) in tables.items():
        members = [_linear_of(estimator) for estimator in getattr(voting, name)]
        weights = voting._blocks.weights(voting.statistics_weight_)
        coef = np.hstack(
            [share * coef for (coef, _), share in zip(members, weights, strict=True)]
        ) * np.broadcast_to(factor, n_columns)
        coefs.append(coef)
        intercepts.append(
            sum(share * intercept for (_, intercept), share in zip(members, weights, strict=True))
            - coef @ np.broadcast_to(mean, n_columns)
        )
    coef = np.mean(coefs, axis=0) / voting.temperature_
    intercept = np.mean(intercepts, axis=0) / voting.temperature_
    return coef.astype(np.float32), intercept.astype(np.float32)


def _linear_of(estimator: Any) -> tuple[Any, Any]:
    """Return the coefficients of a softmax, in double precision, before a StandardScaler."""
    if not isinstance(estimator, Pipeline):
        coef = np.asarray(estimator.coef_, dtype=np.float64)
        intercept = np.broadcast_to(estimator.intercept_, len(coef)).astype(np.float64)
        return _of_two_classes(coef, intercept)
    coef, intercept = _linear_of(estimator[-1])
    for _, scaler in reversed(estimator.steps[:-1]):
        if scaler.with_std:
            coef = coef / scaler.scale_
        if scaler.with_mean:
            intercept = intercept - coef @ scaler.mean_
    return coef, intercept


def _of_two_classes(coef: Any, intercept: Any) -> tuple[Any, Any]:
    if len(coef) > 1:
        return coef, intercept
    # The softmax of (0, d) is the logistic function of d.
    return np.vstack([0 * coef, coef]), np.append(0 * intercept, intercept)


def _rest_of(normalizer: SpeakerNormalizer) -> Any:
    """Return what is left of a clip after a part of its own deviation has been subtracted."""
    return 1 - 1 / (1 + normalizer.n_prior_)


def _add_logits(graph: Graph, x: Operand, classifier: Any) -> str:
    return graph.affine(x, *_of_two_classes(*_linear(classifier)))


def _linear(classifier: Any) -> tuple[Any, Any]:
    coef = np.asarray(classifier.coef_, dtype=np.float32)
    # A single number without an intercept.
    return coef, np.broadcast_to(classifier.intercept_, len(coef)).astype(np.float32)
