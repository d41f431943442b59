"""Estimators of scikit-learn that consist of other estimators."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from .checks import Check, choice, either, integer, items, labels, mapping, names, number
from .errors import MismatchError, UnsupportedError
from .kind import Kind, set_attributes, validate_parameters
from .outputs import n_outputs

__all__ = ["KINDS", "fitted_classifier"]

_NAMES: dict[str, Check] = {"feature_names_in_": names("features")}


def _estimator(*methods: str) -> Check:
    """Check an estimator with one of several methods."""

    def check(value: Any, sizes: dict[str, int]) -> None:
        if isinstance(value, type) or not any(hasattr(value, method) for method in methods):
            raise MismatchError(
                f"is a {type(value).__name__}; expected one with {' or '.join(methods)}"
            )

    return check


def _is_fitted(estimator: Any) -> bool:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True


def fitted_classifier(value: Any, sizes: dict[str, int]) -> None:
    """Check a classifier that is fitted."""
    _PREDICTS(value, sizes)
    if not _is_fitted(value):
        raise MismatchError(f"is a {type(value).__name__} that is not fitted")


_PREDICTS = _estimator("predict")


def _check_steps(steps: Any, owner: str, check: Check, words: tuple[Any, ...]) -> None:
    """Check a list of named estimators, or of words that stand for one."""
    if not isinstance(steps, list) or not steps:
        raise MismatchError(f"{owner} has no list of steps")
    for step in steps:
        if not (isinstance(step, tuple) and len(step) == 2 and isinstance(step[0], str)):
            raise MismatchError(f"{owner} has a step that is not a name and an estimator")
        if step[1] is None or isinstance(step[1], str):
            if step[1] not in words:
                raise MismatchError(f"{owner} has the step {step[1]!r:.80}")
        else:
            try:
                check(step[1], {})
            except MismatchError as error:
                raise MismatchError(f"{owner} has the step {step[0]!r:.80} that {error}") from None
    found = [name for name, _ in steps]
    if len(set(found)) < len(found) or any("__" in name or not name for name in found):
        raise MismatchError(f"{owner} has steps with the same name, or with '__' in it")


def _check_pipeline(estimator: Any) -> None:
    words = (None, "passthrough")
    _check_steps(estimator.steps, "Pipeline", _estimator("transform", "predict", "fit"), words)
    _check_steps(
        estimator.steps[:-1] or [("only", None)], "Pipeline", _estimator("transform"), words
    )
    validate_parameters(estimator)


def _verify_pipeline(estimator: Any, sizes: Mapping[str, int]) -> None:
    """Check that all steps are fitted, each on as many features as the one before it makes."""
    steps = [step for _, step in estimator.steps if step not in (None, "passthrough")]
    unfitted = [type(step).__name__ for step in steps if not _is_fitted(step)]
    if unfitted and _is_fitted(steps[-1]):
        raise MismatchError(f"{unfitted[0]} is not fitted, but steps after it are", "fit it again")
    for step, following in pairwise(steps):
        n_expected = getattr(following, "n_features_in_", None)
        n_made = n_outputs(step)
        if None not in (n_expected, n_made) and n_expected != n_made:
            raise MismatchError(
                f"{type(following).__name__} was fitted on {n_expected} features, but "
                f"{type(step).__name__} before it makes {n_made}",
                "fit the pipeline again",
            )


def _check_union(estimator: Any) -> None:
    words = ("drop", "passthrough")
    _check_steps(estimator.transformer_list, "FeatureUnion", _estimator("transform"), words)
    # FeatureUnion has no validation of its own.
    weights = estimator.transformer_weights
    if weights is not None:
        if not isinstance(weights, dict):
            raise MismatchError("transformer_weights of FeatureUnion are not a dict")
        for weight in weights.values():
            try:
                number()(weight, {})
            except MismatchError as error:
                raise MismatchError(f"a weight of FeatureUnion {error}") from None
    if not isinstance(estimator.verbose_feature_names_out, bool):
        raise MismatchError("verbose_feature_names_out of FeatureUnion is neither True nor False")


def _pack_union(estimator: Any, attributes: dict[str, Any]) -> dict[str, Any]:
    # Names of columns, for transformers that do not give them. All that files can hold do.
    return {
        name: value
        for name, value in attributes.items()
        if name != "_transformers_feature_names_out"
    }


def _check_identity(estimator: Any) -> None:
    """Raise unless a FunctionTransformer passes its input on, as in a fitted FeatureUnion."""
    if estimator.func is not None or estimator.inverse_func is not None:
        raise UnsupportedError("has a function, which is code")
    if estimator.feature_names_out not in (None, "one-to-one"):
        raise UnsupportedError("has feature_names_out other than None and 'one-to-one'")
    validate_parameters(estimator)


def _check_ensemble(estimator: Any) -> None:
    owner = type(estimator).__name__
    _check_steps(estimator.estimators, owner, _PREDICTS, ("drop",))
    validate_parameters(estimator)
    weights = getattr(estimator, "weights", None)
    is_list = isinstance(weights, (list, tuple, np.ndarray)) and len(weights) == len(
        estimator.estimators
    )
    if weights is not None and not (is_list and all(np.ndim(one) == 0 for one in weights)):
        raise MismatchError(f"weights of {owner} are not one number for each estimator")


def _named(estimator: Any, fitted: list[Any]) -> Any:
    """Return the fitted estimators by name, as voting and stacking do."""
    from sklearn.utils import Bunch

    n_expected = sum(not isinstance(step, str) for _, step in estimator.estimators)
    if len(fitted) != n_expected:
        raise MismatchError(
            f"{type(estimator).__name__} has {len(fitted)} fitted estimators; expected {n_expected}"
        )
    remaining = iter(fitted)
    return Bunch(
        **{
            name: "drop" if isinstance(step, str) else next(remaining)
            for name, step in estimator.estimators
        }
    )


def _pack_voting(estimator: Any, attributes: dict[str, Any]) -> dict[str, Any]:
    if not np.array_equal(attributes["le_"].classes_, attributes["classes_"]):
        raise UnsupportedError("has other classes than its label encoder")
    return {name: attributes[name] for name in _VOTING if name in attributes}


def _unpack_voting(estimator: Any, values: dict[str, Any]) -> None:
    set_attributes(estimator, values)
    estimator.le_ = _encoder(values["classes_"])
    estimator.named_estimators_ = _named(estimator, values["estimators_"])


def _pack_stacking(estimator: Any, attributes: dict[str, Any]) -> dict[str, Any]:
    encoder = attributes["_label_encoder"]  # private; made again from the classes
    # A list of encoders, for several outputs, has no classes.
    if not np.array_equal(getattr(encoder, "classes_", ()), attributes["classes_"]):
        raise UnsupportedError("has other classes than its label encoder")
    kept = {name: attributes[name] for name in _STACKING if name in attributes}
    # Private: the number of columns that each estimator adds, for the names of the features.
    kept["n_columns"] = list(map(int, attributes["_n_feature_outs"]))
    return kept


def _unpack_stacking(estimator: Any, values: dict[str, Any]) -> None:
    values = dict(values)
    values["_n_feature_outs"] = values.pop("n_columns")
    set_attributes(estimator, values)
    estimator._label_encoder = _encoder(values["classes_"])
    estimator.named_estimators_ = _named(estimator, values["estimators_"])


def _encoder(classes: Any) -> Any:
    from sklearn.preprocessing import LabelEncoder

    encoder = LabelEncoder()
    encoder.classes_ = classes
    return encoder


# The parts of CalibratedClassifierCV are private classes. Their values are saved under names of our
# own, and the parts are made again.
_SIGMOID, _TEMPERATURE = "_SigmoidCalibration", "_TemperatureScaling"


def _pack_calibration(estimator: Any, attributes: dict[str, Any]) -> dict[str, Any]:
    kept = {name: attributes[name] for name in _CALIBRATION if name in attributes}
    parts = []
    for part in attributes["calibrated_classifiers_"]:
        if not np.array_equal(part.classes, attributes["classes_"]):
            raise UnsupportedError("has parts with different classes")
        calibrators = [_pack_calibrator(calibrator) for calibrator in part.calibrators]
        parts.append(
            {"estimator": part.estimator, "method": part.method, "calibrators": calibrators}
        )
    return kept | {"parts": parts}


def _pack_calibrator(calibrator: Any) -> Any:
    kind = type(calibrator).__name__
    if kind == _SIGMOID:
        return {"slope": calibrator.a_, "intercept": calibrator.b_}
    if kind == _TEMPERATURE:
        return {"inverse_temperature": calibrator.beta_}
    if kind == "IsotonicRegression":
        return {"isotonic": calibrator}
    raise UnsupportedError(f"has a calibrator of the unknown kind {kind}")


def _unpack_calibration(estimator: Any, values: dict[str, Any]) -> None:
    from sklearn import calibration

    values = dict(values)
    parts = []
    for part in values.pop("parts"):
        calibrators = []
        for saved in part["calibrators"]:
            if "isotonic" in saved:
                calibrators.append(saved["isotonic"])
            elif "slope" in saved:
                calibrators.append(getattr(calibration, _SIGMOID)())
                calibrators[-1].a_, calibrators[-1].b_ = saved["slope"], saved["intercept"]
            else:
                calibrators.append(getattr(calibration, _TEMPERATURE)())
                calibrators[-1].beta_ = saved["inverse_temperature"]
        parts.append(
            calibration._CalibratedClassifier(
                part["estimator"], calibrators, classes=values["classes_"], method=part["method"]
            )
        )
    set_attributes(estimator, values | {"calibrated_classifiers_": parts})


def _verify_calibration(estimator: Any, sizes: Mapping[str, int]) -> None:
    for part in estimator.calibrated_classifiers_:
        # A fold may lack classes.
        found = getattr(part.estimator, "classes_", estimator.classes_)
        n_classes = len(found)
        n_expected = 1 if n_classes == 2 or part.method == "temperature" else n_classes
        if len(part.calibrators) != n_expected:
            raise MismatchError(
                f"CalibratedClassifierCV has {len(part.calibrators)} calibrators for {n_classes} "
                "classes"
            )
        if n_classes > len(estimator.classes_):
            raise MismatchError(
                f"CalibratedClassifierCV has a part with {n_classes} classes; expected at most "
                f"{len(estimator.classes_)}"
            )


def _isotonic(value: Any, sizes: dict[str, int]) -> None:
    if type(value).__name__ != "IsotonicRegression" or not hasattr(value, "f_"):
        raise MismatchError("is not a fitted IsotonicRegression")


_PART = mapping(
    {
        "estimator": fitted_classifier,
        "method": choice("sigmoid", "isotonic", "temperature"),
        "calibrators": items(
            either(
                mapping({"slope": number(), "intercept": number()}),
                mapping({"inverse_temperature": number(0)}),
                mapping({"isotonic": _isotonic}),
            )
        ),
    }
)
_VOTING: dict[str, Check] = _NAMES | {
    "classes_": labels("classes"),
    "estimators_": items(fitted_classifier, "estimators"),
}
_STACKING: dict[str, Check] = _VOTING | {
    "stack_method_": items(choice("predict_proba", "decision_function", "predict"), "estimators"),
    "n_columns": items(integer(1), "estimators"),
    "final_estimator_": fitted_classifier,
}
_CALIBRATION: dict[str, Check] = {
    "classes_": labels("classes"),
    # Absent if the estimator inside does not say.
    "n_features_in_": integer(1, size="features"),
    **_NAMES,
    "parts": items(_PART, "parts"),
}

KINDS = (
    Kind(
        "Pipeline",
        "sklearn.pipeline",
        verify=_verify_pipeline,
        check_parameters=_check_pipeline,
        is_stateless=True,
    ),
    Kind(
        "FeatureUnion",
        "sklearn.pipeline",
        _NAMES,
        tuple(_NAMES),
        pack=_pack_union,
        check_parameters=_check_union,
        is_stateless=True,
    ),
    Kind(
        "FunctionTransformer",
        "sklearn.preprocessing",
        {"n_features_in_": either(choice(None), integer(1))} | _NAMES,
        ("n_features_in_", *_NAMES),
        check_parameters=_check_identity,
        is_stateless=True,
    ),
    Kind(
        "VotingClassifier",
        "sklearn.ensemble",
        _VOTING,
        tuple(_NAMES),
        pack=_pack_voting,
        unpack=_unpack_voting,
        check_parameters=_check_ensemble,
    ),
    Kind(
        "StackingClassifier",
        "sklearn.ensemble",
        _STACKING,
        tuple(_NAMES),
        pack=_pack_stacking,
        unpack=_unpack_stacking,
        check_parameters=_check_ensemble,
    ),
    Kind(
        "CalibratedClassifierCV",
        "sklearn.calibration",
        _CALIBRATION,
        ("n_features_in_", *_NAMES),
        pack=_pack_calibration,
        unpack=_unpack_calibration,
        verify=_verify_calibration,
    ),
    Kind("FrozenEstimator", "sklearn.frozen", is_stateless=True),
)
