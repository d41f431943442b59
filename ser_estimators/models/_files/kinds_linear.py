"""Estimators of scikit-learn whose fitted attributes are a few arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .checks import Check, array, choice, either, flag, integer, labels, names, number
from .errors import MismatchError
from .kind import Kind, set_attributes

__all__ = ["FEATURES", "KINDS", "NAMES"]

# Attributes that most estimators have.
FEATURES: dict[str, Check] = {
    "n_features_in_": integer(1, size="features"),
    "feature_names_in_": names("features"),
}
# Only after a fit on a table with names.
NAMES = ("feature_names_in_",)
_CLASSES: dict[str, Check] = FEATURES | {"classes_": labels("classes")}
_N_ITER = either(integer(0), array(None, dtypes=("int32", "int64")))
_NONE = choice(None)
_MAX_EXTRA_ROWS = 100  # of the components of PCA, which the parameter n_oversamples sets
_SAMPLES_SEEN = either(number(0), array("features", dtypes=("int64", "float64"), low=0))


def _one_row_for_two_classes(estimator: Any, sizes: Mapping[str, int]) -> None:
    """Check the number of rows of ``coef_``: one for two classes, else one for each class."""
    expected = 1 if sizes["classes"] == 2 else sizes["classes"]
    if sizes["rows"] != expected:
        raise MismatchError(
            f"{type(estimator).__name__} has coefficients for {sizes['rows']} classes; expected "
            f"{expected}"
        )


def _linear(name: str, module: str) -> Kind:
    return Kind(
        name,
        module,
        _CLASSES
        | {
            "coef_": array("rows", "features"),
            # 0.0 without an intercept, in LinearSVC.
            "intercept_": either(number(), array("rows")),
            "n_iter_": _N_ITER,
        },
        NAMES,
        verify=_one_row_for_two_classes,
    )


def _pack_lda(estimator: Any, attributes: dict[str, Any]) -> dict[str, Any]:
    values = dict(attributes)
    # Private, but not derivable once parameters have been changed: the number of dimensions of
    # `transform`.
    values["max_components"] = values.pop("_max_components")
    values.pop("_n_features_out", None)  # the same
    if not estimator.store_covariance:
        # Of the training clips; "lsqr" and "eigen" always keep it. Predictions do not need it, and
        # it is nearly the whole size of a model of many features.
        values.pop("covariance_", None)
    return values


def _unpack_lda(estimator: Any, values: dict[str, Any]) -> None:
    values = dict(values)
    values["_max_components"] = values["_n_features_out"] = values.pop("max_components")
    set_attributes(estimator, values)


def _pack_pca(estimator: Any, attributes: dict[str, Any]) -> dict[str, Any]:
    values = dict(attributes)
    values["svd_solver"] = values.pop("_fit_svd_solver")  # private, for information
    # The last bit of a product depends on where the components are in memory: ARPACK gives them in
    # reverse, and the randomized solver as the first rows of a larger array.
    components = values["components_"]
    n_rows = components.strides[1] // components.itemsize
    if components.strides[0] < 0:
        values |= {"components_": components[::-1], "is_reversed": True}
    elif len(components) < n_rows <= len(components) + _MAX_EXTRA_ROWS:
        extra = np.zeros((n_rows, components.shape[1]), components.dtype, order="F")
        extra[: len(components)] = components
        values["components_"] = extra
    return values


def _unpack_pca(estimator: Any, values: dict[str, Any]) -> None:
    values = dict(values)
    values["_fit_svd_solver"] = values.pop("svd_solver")
    components = values["components_"][: values["n_components_"]]
    values["components_"] = components[::-1] if values.pop("is_reversed", False) else components
    set_attributes(estimator, values)


def _verify_pca(estimator: Any, sizes: Mapping[str, int]) -> None:
    if sizes["rows"] < sizes["components"]:
        raise MismatchError(
            f"PCA has {sizes['rows']} rows of components; expected {sizes['components']}"
        )


def _pack_dummy(estimator: Any, attributes: dict[str, Any]) -> dict[str, Any]:
    values = dict(attributes)
    values["strategy"] = values.pop("_strategy")  # private: the value of the parameter in fit
    return values


def _unpack_dummy(estimator: Any, values: dict[str, Any]) -> None:
    values = dict(values)
    values["_strategy"] = values.pop("strategy")
    set_attributes(estimator, values)


_DUMMY = {
    # X may be anything, such as paths.
    "n_features_in_": either(_NONE, integer(1)),
    "feature_names_in_": names("features"),
    "classes_": labels("classes"),
    "n_classes_": integer(1, size="classes"),
    "class_prior_": array("classes", low=0, high=1),
    "n_outputs_": integer(1, 1),
    "sparse_output_": flag,
    "strategy": choice("most_frequent", "prior", "stratified", "uniform", "constant"),
}


def _verify_isotonic(estimator: Any, sizes: Mapping[str, int]) -> None:
    if (np.diff(estimator.X_thresholds_) <= 0).any():
        raise MismatchError("X_thresholds_ of IsotonicRegression do not increase")


def _pack_isotonic(estimator: Any, attributes: dict[str, Any]) -> dict[str, Any]:
    values = dict(attributes)
    values.pop("f_", None)  # a function, made from the thresholds
    return values


def _unpack_isotonic(estimator: Any, values: dict[str, Any]) -> None:
    import sklearn

    # Its own method, because it makes the function again.
    estimator.__setstate__(values | {"_sklearn_version": sklearn.__version__})


_ISOTONIC = {
    "increasing_": flag,
    "X_min_": number(),
    "X_max_": number(),
    "X_thresholds_": array("points"),
    "y_thresholds_": array("points"),
}

KINDS = (
    _linear("LogisticRegression", "sklearn.linear_model"),
    _linear("LinearSVC", "sklearn.svm"),
    Kind(
        "LinearDiscriminantAnalysis",
        "sklearn.discriminant_analysis",
        _CLASSES
        | {
            "priors_": array("classes", low=0),
            "means_": array("classes", "features"),
            "coef_": array("rows", "features"),
            "intercept_": array("rows"),
            "max_components": integer(0),
            # "svd" and "eigen" have scalings, "lsqr" and "eigen" a covariance.
            "xbar_": array("features"),
            "scalings_": array("features", None),
            "explained_variance_ratio_": array(None),
            "covariance_": array("features", "features"),
        },
        (*NAMES, "xbar_", "scalings_", "explained_variance_ratio_", "covariance_"),
        pack=_pack_lda,
        unpack=_unpack_lda,
        verify=_one_row_for_two_classes,
    ),
    Kind(
        "GaussianNB",
        "sklearn.naive_bayes",
        _CLASSES
        | {
            "epsilon_": number(0),
            "theta_": array("classes", "features"),
            "var_": array("classes", "features", low=0),
            "class_count_": array("classes", low=0),
            "class_prior_": array("classes", low=0),
        },
        NAMES,
    ),
    Kind(
        "DummyClassifier",
        "sklearn.dummy",
        _DUMMY,
        (*NAMES, "n_features_in_"),
        pack=_pack_dummy,
        unpack=_unpack_dummy,
    ),
    Kind(
        "LabelEncoder",
        "sklearn.preprocessing",
        {"classes_": labels("classes")},
        check_parameters=lambda estimator: None,  # it has none
    ),
    Kind(
        "StandardScaler",
        "sklearn.preprocessing",
        FEATURES
        | {
            "n_samples_seen_": _SAMPLES_SEEN,
            "mean_": either(_NONE, array("features")),
            "var_": either(_NONE, array("features", low=0)),
            "scale_": either(_NONE, array("features")),
        },
        NAMES,
    ),
    Kind(
        "MinMaxScaler",
        "sklearn.preprocessing",
        FEATURES
        | {"n_samples_seen_": _SAMPLES_SEEN}
        | dict.fromkeys(
            ("scale_", "min_", "data_min_", "data_max_", "data_range_"), array("features")
        ),
        NAMES,
    ),
    Kind(
        "RobustScaler",
        "sklearn.preprocessing",
        FEATURES
        | {
            "center_": either(_NONE, array("features")),
            "scale_": either(_NONE, array("features")),
        },
        NAMES,
    ),
    Kind("Normalizer", "sklearn.preprocessing", FEATURES, NAMES),
    Kind(
        "VarianceThreshold",
        "sklearn.feature_selection",
        FEATURES | {"variances_": array("features")},
        NAMES,
    ),
    Kind(
        "PCA",
        "sklearn.decomposition",
        FEATURES
        | {
            "n_components_": integer(0, size="components"),
            "n_samples_": integer(1),
            "noise_variance_": number(),
            "mean_": array("features"),
            "components_": array("rows", "features"),
            "is_reversed": flag,
            "svd_solver": choice("full", "covariance_eigh", "arpack", "randomized"),
        }
        | dict.fromkeys(
            ("explained_variance_", "explained_variance_ratio_", "singular_values_"),
            array("components"),
        ),
        (*NAMES, "is_reversed"),
        pack=_pack_pca,
        unpack=_unpack_pca,
        verify=_verify_pca,
    ),
    Kind(
        "IsotonicRegression",
        "sklearn.isotonic",
        _ISOTONIC,
        pack=_pack_isotonic,
        unpack=_unpack_isotonic,
        verify=_verify_isotonic,
    ),
)
