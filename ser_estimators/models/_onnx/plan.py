"""What of a fitted pipeline becomes an ONNX graph, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from ..._estimators.audio_ranges import AudioRanges
from ..._estimators.cnn_embedder import CNNEmbedder
from ..._estimators.encoder_embedder import EncoderEmbedder
from ..._estimators.mfcc_transformer import MFCCTransformer
from ..._estimators.selective_classifier import SelectiveClassifier
from ..._estimators.speaker_normalizer import SpeakerNormalizer
from ..._estimators.view_voting import ViewVotingClassifier
from .classifiers import CALIBRATIONS, CLASSIFIERS, SCALERS, calibrated_estimators

__all__ = ["Plan", "make_plan"]

_EXPECTED = "MFCCTransformer, CNNEmbedder and a classifier, such as make_ser_pipeline()"
_KEEP = "save the pipeline with save_model instead"
_LAST = (
    "LogisticRegression, LinearDiscriminantAnalysis, or one of them in CalibratedClassifierCV or "
    "ViewVotingClassifier"
)


@dataclass(frozen=True)
class Plan:
    """The steps of a pipeline that can be exported.

    Parameters
    ----------
    mfcc : MFCCTransformer
    cnn : CNNEmbedder
        Of convolutional networks.
    scalers : tuple of StandardScaler and SpeakerNormalizer
    classifier : classifier or None
        None if the networks classify.
    classes : list of str, int, float or bool
    selective : SelectiveClassifier or None, default=None
        Calibrates the probabilities.
    """

    mfcc: MFCCTransformer
    cnn: CNNEmbedder
    scalers: tuple[StandardScaler | SpeakerNormalizer, ...]
    classifier: Any
    classes: list[Any]
    selective: SelectiveClassifier | None = None


def make_plan(pipeline: Any) -> Plan:
    """Return the steps of a fitted pipeline, or of the best pipeline of a fitted search.

    Raises
    ------
    NotFittedError
        If the pipeline has not been fitted.
    TypeError, ValueError
        If it cannot be exported. The message names the step or parameter, and a remedy.
    """
    if hasattr(pipeline, "best_estimator_"):
        pipeline = pipeline.best_estimator_
    if type(pipeline) is SelectiveClassifier:
        check_is_fitted(pipeline)
        plan = make_plan(pipeline.estimator_)
        if plan.selective is not None:
            raise TypeError(
                "export_onnx cannot export a SelectiveClassifier inside another; remove one of "
                f"them, or {_KEEP}"
            )
        return replace(plan, selective=pipeline)
    if not isinstance(pipeline, Pipeline):
        raise TypeError(
            f"export_onnx cannot export a {type(pipeline).__name__}; pass a fitted pipeline of "
            f"{_EXPECTED}"
        )
    steps = [(name, step) for name, step in pipeline.steps if step not in (None, "passthrough")]
    # It passes clips on unchanged. A graph cannot warn.
    if steps and type(steps[0][1]) is AudioRanges:
        del steps[0]
    kinds = (MFCCTransformer, CNNEmbedder)
    for name, step in steps:
        if type(step) is EncoderEmbedder:
            raise TypeError(
                f"export_onnx cannot export EncoderEmbedder (step {name!r}), whose weights are not "
                f"part of the model; {_KEEP}"
            )
    for (name, step), kind in zip(steps, kinds, strict=False):
        if type(step) is not kind:
            raise TypeError(
                f"export_onnx cannot export {type(step).__name__} (step {name!r}); its pipelines "
                f"begin with MFCCTransformer and CNNEmbedder: use {_EXPECTED}, or {_KEEP}"
            )
    if len(steps) < len(kinds):
        raise TypeError(
            f"export_onnx cannot export a pipeline of {len(steps)} steps; pass one of {_EXPECTED}"
        )
    check_is_fitted(pipeline)
    (_, mfcc), (cnn_name, cnn), *others = steps
    check_is_fitted(cnn, "module_")
    if cnn._spec.kind != "cnn":
        raise TypeError(
            f"export_onnx cannot export the custom module {cnn_name}__network="
            f"{cnn.network!r:.80}; set it to 'cnn' or a SpectrogramCNN, or {_KEEP}"
        )
    selective = None
    if others and type(others[-1][1]) is SelectiveClassifier:
        name, selective = others.pop()
        others.append((f"{name}__estimator", selective.estimator_))
    classifier = _check_classifier(*others.pop()) if others else None
    for name, step in others:
        if type(step) not in SCALERS:
            raise TypeError(
                f"export_onnx cannot export {type(step).__name__} (step {name!r}) between "
                f"CNNEmbedder and the classifier; use StandardScaler, remove the step, or {_KEEP}"
            )
    classes = _check_classes((cnn if classifier is None else classifier).classes_)
    return Plan(mfcc, cnn, tuple(step for _, step in others), classifier, classes, selective)


def _check_classifier(name: str, classifier: Any) -> Any:
    """Return the last step if its probabilities can be computed in ONNX."""
    estimators = [classifier]
    if type(classifier) is ViewVotingClassifier:
        if classifier.n_views_ > 1:
            raise ValueError(
                f"export_onnx cannot export {name} with {classifier.n_views_} views; set "
                f"{name}__n_views=1, or {_KEEP}"
            )
        estimators = [_last_of(name, one) for one in classifier.estimators_]
    elif type(classifier) is CalibratedClassifierCV:
        if classifier.method not in CALIBRATIONS:
            raise ValueError(
                f"export_onnx cannot export {name}__method={classifier.method!r}; set it to "
                f"{' or '.join(map(repr, CALIBRATIONS))}, or {_KEEP}"
            )
        estimators = calibrated_estimators(classifier)
    for estimator in estimators:
        if type(estimator) not in CLASSIFIERS:
            raise TypeError(
                f"export_onnx cannot export {type(estimator).__name__} (step {name!r}); end the "
                f"pipeline with {_LAST}, or {_KEEP}"
            )
        if len(estimator.classes_) < len(classifier.classes_):
            raise ValueError(
                f"export_onnx cannot export step {name!r}, because a fold of its calibration lacks "
                f"classes; choose {name}__cv so that all folds have all classes, or {_KEEP}"
            )
    return classifier


def _last_of(name: str, estimator: Any) -> Any:
    """Return what a StandardScaler may precede inside a ViewVotingClassifier."""
    if type(estimator) is not Pipeline:
        return estimator
    for _, step in estimator.steps[:-1]:
        if type(step) is not StandardScaler:
            raise TypeError(
                f"export_onnx cannot export {type(step).__name__} inside step {name!r}; use "
                f"StandardScaler, remove it, or {_KEEP}"
            )
    return estimator[-1]


def _check_classes(classes: NDArray[Any]) -> list[Any]:
    """Return the labels as values that JSON has."""
    labels = np.asarray(classes).tolist()
    for label in labels:
        if not isinstance(label, (str, int, float)):
            raise TypeError(
                f"export_onnx cannot write the label {label!r:.80} ({type(label).__name__}) as "
                "JSON; train with labels that are strings or numbers"
            )
        if isinstance(label, str) and not label.isascii():
            try:
                label.encode()
            except UnicodeEncodeError as error:
                # Such as the name of a folder in another encoding.
                raise ValueError(
                    f"export_onnx cannot write the label {label!r:.80}, which is not valid text; "
                    "train with labels that are"
                ) from error
    return labels
