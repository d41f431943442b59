"""Support vector machines, whose predictions are computed in C without checks of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .checks import array, integer, labels, number
from .errors import MismatchError, UnsupportedError
from .kind import Kind, set_attributes
from .kinds_linear import FEATURES, NAMES

__all__ = ["KINDS"]

_FITTED = FEATURES | {
    "classes_": labels("classes"),
    "class_weight_": array("classes", low=0),
    "support_": array("vectors", dtypes=("int32",), low=0),
    "support_vectors_": array("vectors", "features", dtypes=("float64",)),
    "n_support": array("classes", dtypes=("int32",), low=0),
    "dual_coef_": array("others", "vectors", dtypes=("float64",)),
    "intercept_": array("pairs", dtypes=("float64",)),
    "probA": array(None, dtypes=("float64",)),
    "probB": array(None, dtypes=("float64",)),
    "gamma": number(0),
    "fit_status_": integer(0, 1),
    "n_iter_": array("pairs", dtypes=("int32",), low=0),
    "n_samples": integer(1),
}


def _pack(estimator: Any, attributes: dict[str, Any]) -> dict[str, Any]:
    if attributes["_sparse"]:
        raise UnsupportedError("was fitted on a sparse matrix")
    if estimator.kernel == "precomputed":
        raise UnsupportedError("has a precomputed kernel")
    values = {name: value for name, value in attributes.items() if not name.startswith("_")}
    values["n_samples"] = values.pop("shape_fit_")[0]
    values["n_support"] = estimator.n_support_
    # Private, because the public properties are deprecated.
    values["probA"], values["probB"] = attributes["_probA"], attributes["_probB"]
    # Private, because the parameter may be "scale", which depends on the training data.
    values["gamma"] = float(attributes["_gamma"])
    if len(values["classes_"]) == 2:
        _unpack_check(estimator, attributes)
    return values


def _unpack_check(estimator: Any, attributes: Mapping[str, Any]) -> None:
    """Raise unless the private coefficients are the negative public ones, as with two classes."""
    for name in ("dual_coef_", "intercept_"):
        if not np.array_equal(attributes[f"_{name}"], -attributes[name]):
            raise UnsupportedError(f"has other private than public values of {name}")


def _unpack(estimator: Any, values: dict[str, Any]) -> None:
    values = dict(values)
    # The private attributes that `predict` reads. For two classes, the public coefficients have the
    # opposite sign.
    sign = -1 if len(values["classes_"]) == 2 else 1
    values |= {
        "shape_fit_": (values.pop("n_samples"), values["n_features_in_"]),
        "_sparse": False,
        "_n_support": values.pop("n_support"),
        "_probA": values.pop("probA"),
        "_probB": values.pop("probB"),
        "_gamma": values.pop("gamma"),
        "_num_iter": values["n_iter_"],
        "_dual_coef_": sign * values["dual_coef_"],
        "_intercept_": sign * values["intercept_"],
    }
    if "_effective_probability" not in vars(estimator):
        # Since scikit-learn 1.9; earlier versions ignore it.
        values["_effective_probability"] = values["_probA"].size > 0
    set_attributes(estimator, values)


def _verify(estimator: Any, sizes: Mapping[str, int]) -> None:
    """Check what the C code relies on."""
    n_classes = sizes["classes"]
    n_pairs = n_classes * (n_classes - 1) // 2
    n_vectors = int(estimator.n_support_.sum(dtype=np.int64))
    expected = {"others": n_classes - 1, "pairs": n_pairs, "vectors": n_vectors}
    for name, size in expected.items():
        if sizes[name] != size:
            raise MismatchError(
                f"SVC with {n_classes} classes has {sizes[name]} {name}, not {size}"
            )
    n_slopes, n_offsets = estimator._probA.size, estimator._probB.size
    if n_slopes not in (0, n_pairs) or n_slopes != n_offsets:
        raise MismatchError("SVC has probabilities for another number of classes")


KINDS = (Kind("SVC", "sklearn.svm", _FITTED, NAMES, pack=_pack, unpack=_unpack, verify=_verify),)
