"""Decision trees and forests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .checks import Check, array, choice, either, integer, labels, number
from .errors import MismatchError, UnsupportedError
from .kind import Kind, set_attributes, validate_parameters
from .kinds_linear import FEATURES, NAMES
from .trees import TREES, make_trees, pack_trees, set_tree

__all__ = ["KINDS"]

_CLASSES = FEATURES | {"classes_": labels("classes")}


def _pack_tree(estimator: Any, attributes: dict[str, Any]) -> dict[str, Any]:
    _check_one_output(attributes)
    kept = {name: attributes[name] for name in _CLASSES if name in attributes}
    return kept | pack_trees([estimator])


def _unpack_tree(estimator: Any, values: dict[str, Any]) -> None:
    if len(values["n_nodes"]) != 1:
        raise MismatchError(f"a decision tree has {len(values['n_nodes'])} trees")
    classes = values["classes_"]
    (tree,) = make_trees(values, values["n_features_in_"], len(classes))
    set_tree(estimator, tree, values, classes)
    set_attributes(estimator, {name: values[name] for name in NAMES if name in values})


def _pack_forest(estimator: Any, attributes: dict[str, Any]) -> dict[str, Any]:
    _check_one_output(attributes)
    trees = attributes["estimators_"]
    params = [tree.get_params(deep=False) for tree in trees]
    seeds = [each.pop("random_state") for each in params]
    if any(each != params[0] for each in params):
        raise UnsupportedError("has trees with different parameters")
    names = (*_CLASSES, "oob_score_", "oob_decision_function_")
    return {
        **{name: attributes[name] for name in names if name in attributes},
        # Private: how many clips each tree was trained on.
        "n_samples": attributes["_n_samples"],
        "n_samples_bootstrap": attributes["_n_samples_bootstrap"],
        "tree_parameters": params[0],
        "random_states": np.array(seeds, dtype=np.int64),
        **pack_trees(trees),
    }


def _unpack_forest(estimator: Any, values: dict[str, Any]) -> None:
    classes = values["classes_"]
    trees = make_trees(values, values["n_features_in_"], len(classes))
    template = type(estimator.estimator)
    if set(values["tree_parameters"]) != set(template().get_params()) - {"random_state"}:
        raise MismatchError(
            f"the trees have other parameters than a {template.__name__} of this version",
            "load it with the version of scikit-learn that saved it",
        )
    made = []
    codes = np.arange(len(classes), dtype=np.float64)  # trees see numbers for labels
    for tree, seed in zip(trees, values["random_states"].tolist(), strict=True):
        one = template(**values["tree_parameters"], random_state=seed)
        set_tree(one, tree, values, codes.copy())
        made.append(one)
    validate_parameters(made[0])
    names = (*_CLASSES, "oob_score_", "oob_decision_function_")
    set_attributes(estimator, {name: values[name] for name in names if name in values})
    set_attributes(
        estimator,
        {
            "n_outputs_": 1,
            "n_classes_": len(classes),
            "estimator_": estimator.estimator,
            "estimators_": made,
            "_n_samples": values["n_samples"],
            "_n_samples_bootstrap": values["n_samples_bootstrap"],
            # Since scikit-learn 1.9; training data, which are not saved.
            "_sample_weight": None,
        },
    )


def _check_one_output(attributes: Mapping[str, Any]) -> None:
    if attributes["n_outputs_"] != 1:
        raise UnsupportedError("has more than one output")


def _tree_parameters(value: Any, sizes: dict[str, int]) -> None:
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise MismatchError("is not a dict of parameters")


_FOREST: dict[str, Check] = _CLASSES | {
    "oob_score_": number(),
    "oob_decision_function_": array(None, "classes", is_finite=False),
    "n_samples": integer(1),
    "n_samples_bootstrap": either(choice(None), integer(1)),
    "tree_parameters": _tree_parameters,
    "random_states": array("trees", dtypes=("int64",), low=0, high=2**32 - 1),
    **TREES,
}
_OOB = ("oob_score_", "oob_decision_function_")

KINDS = (
    *(
        Kind(
            name,
            "sklearn.tree",
            _CLASSES | TREES,
            NAMES,
            pack=_pack_tree,
            unpack=_unpack_tree,
        )
        for name in ("DecisionTreeClassifier", "ExtraTreeClassifier")
    ),
    *(
        Kind(
            name,
            "sklearn.ensemble",
            _FOREST,
            (*NAMES, *_OOB),
            pack=_pack_forest,
            unpack=_unpack_forest,
        )
        for name in ("RandomForestClassifier", "ExtraTreesClassifier")
    ),
)
