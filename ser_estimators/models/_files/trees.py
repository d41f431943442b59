"""Decision trees as arrays, which the C code of scikit-learn follows without checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .checks import Check, array, integer
from .errors import MismatchError, UnsupportedError
from .kind import Rows, rows

__all__ = ["TREES", "make_trees", "pack_trees", "set_tree"]

# The fields of a node in scikit-learn 1.8 and 1.9, each of which becomes an array over the nodes of
# all trees.
_FIELDS = {
    "left_child": "int64",
    "right_child": "int64",
    "feature": "int64",
    "threshold": "float64",
    "impurity": "float64",
    "n_node_samples": "int64",
    "weighted_n_node_samples": "float64",
    "missing_go_to_left": "uint8",
}
_LEAF = -1
# What is saved of one or more trees.
TREES: dict[str, Check] = {
    "n_nodes": array("trees", dtypes=("int64",), low=1),
    "max_depths": array("trees", dtypes=("int64",), low=0),
    "max_features": integer(1),
    **{name: rows("nodes", dtype=dtype) for name, dtype in _FIELDS.items()},
    "values": rows("nodes", 1, "classes", dtype="float64"),
}


def pack_trees(trees: Sequence[Any]) -> dict[str, Any]:
    """Return the entries of `TREES` for fitted trees.

    The state of a tree is that of its pickles, which is not public.
    """
    states = [tree.tree_.__getstate__() for tree in trees]
    if set(states[0]["nodes"].dtype.names or ()) != set(_FIELDS):
        raise UnsupportedError(
            "has nodes of another kind than in scikit-learn 1.8 and 1.9, "
            f"{states[0]['nodes'].dtype.names}"
        )
    values: dict[str, Any] = {
        "n_nodes": np.array([state["node_count"] for state in states], dtype=np.int64),
        "max_depths": np.array([state["max_depth"] for state in states], dtype=np.int64),
        "max_features": int(trees[0].max_features_),
    }
    for name, dtype in _FIELDS.items():
        joined = np.concatenate([state["nodes"][name] for state in states])
        values[name] = Rows(joined.astype(dtype, casting="safe", copy=False))
    values["values"] = Rows(np.concatenate([state["values"] for state in states]))
    return values


def make_trees(values: Mapping[str, Any], n_features: int, n_classes: int) -> list[Any]:
    """Return the trees whose arrays were saved, each checked before it is made.

    They are read one by one, so that no more than one of them is in memory twice.

    Parameters
    ----------
    values : dict
        The entries of `TREES`.
    n_features, n_classes : int > 0

    Returns
    -------
    list of sklearn.tree._tree.Tree

    Raises
    ------
    MismatchError
        If the nodes are not those of trees.
    """
    from sklearn.tree._tree import NODE_DTYPE, Tree

    if set(NODE_DTYPE.names) != set(_FIELDS):
        raise MismatchError(
            "it has trees, which this version of scikit-learn stores in another way",
            "load it with the version of scikit-learn that saved it",
        )
    if not len(values["n_nodes"]):
        raise MismatchError("it has a forest without trees")
    ends = np.cumsum(values["n_nodes"])
    if ends[-1] != values["left_child"].shape[0] or (values["n_nodes"] > ends[-1]).any():
        raise MismatchError("the trees have another number of nodes than their arrays")
    trees = []
    for number, (n_nodes, depth) in enumerate(
        zip(values["n_nodes"].tolist(), values["max_depths"].tolist(), strict=True)
    ):
        part = slice(int(ends[number]) - n_nodes, int(ends[number]))
        nodes = np.empty(n_nodes, NODE_DTYPE)
        for name in _FIELDS:
            nodes[name] = values[name][part]
        leaf_values = np.ascontiguousarray(values["values"][part])
        try:
            _check_nodes(nodes, leaf_values, depth, n_features)
        except MismatchError as error:
            raise MismatchError(f"tree {number} {error}") from None
        tree = Tree(n_features, np.array([n_classes], dtype=np.intp), 1)
        tree.__setstate__(
            {"max_depth": depth, "node_count": n_nodes, "nodes": nodes, "values": leaf_values}
        )
        trees.append(tree)
    return trees


def _check_nodes(
    nodes: NDArray[Any], values: NDArray[np.float64], depth: int, n_features: int
) -> None:
    """Raise unless every node but the first is the child of exactly one earlier node."""
    n_nodes = len(nodes)
    left, right = nodes["left_child"], nodes["right_child"]
    is_leaf = left == _LEAF
    if (is_leaf != (right == _LEAF)).any():
        raise MismatchError("has a node with one child")
    inner = np.flatnonzero(~is_leaf)
    children = np.concatenate([left[inner], right[inner]])
    # Children after their parents, so that every path ends.
    if (children <= np.concatenate([inner, inner])).any() or (children >= n_nodes).any():
        raise MismatchError("has a child that is not a later node")
    if len(children) != n_nodes - 1 or (np.bincount(children, minlength=n_nodes) > 1).any():
        raise MismatchError("has a node without a parent, or with two")
    feature = nodes["feature"]
    if (feature[inner] < 0).any() or (feature[inner] >= n_features).any():
        raise MismatchError(f"has a split on a feature that is not one of {n_features}")
    if np.isnan(nodes["threshold"]).any():
        raise MismatchError("has a threshold that is NaN")
    if (nodes["missing_go_to_left"] > 1).any():
        raise MismatchError("has a direction of missing values that is neither 0 nor 1")
    for name in ("impurity", "weighted_n_node_samples"):
        if not np.isfinite(nodes[name]).all():
            raise MismatchError(f"contains NaN or infinity in {name}")
    if (nodes["n_node_samples"] < 0).any():
        raise MismatchError("has a node with a negative number of samples")
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise MismatchError("has values that are not frequencies of classes")
    if depth > (n_nodes - 1) // 2:
        raise MismatchError(f"has a depth of {depth}, too much for {n_nodes} nodes")


def set_tree(estimator: Any, tree: Any, values: Mapping[str, Any], classes: NDArray[Any]) -> None:
    """Set the fitted attributes of a decision tree."""
    vars(estimator).update(
        {
            "n_features_in_": tree.n_features,
            "n_outputs_": 1,
            "classes_": classes,
            "n_classes_": np.int64(len(classes)),
            "max_features_": values["max_features"],
            "tree_": tree,
        }
    )
