"""Values of parameters and attributes as JSON, with arrays as tensors.

Every value that is not plain JSON is an object with one key, its tag, so that it comes back as it
was: ``{"tuple": [16, 48]}``. Arrays become tensors, whose names follow from their place; labels,
which may be strings, stay in the document.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .container import ModelFile
from .errors import MismatchError, UnsupportedError
from .kind import Rows

__all__ = ["ValueReader", "ValueWriter", "read_labels", "write_labels"]

_NUMERIC = "biuf"
_SAFE_KEY = re.compile(r"\w{1,64}(\.\w{1,64}){0,8}", re.ASCII)
_TEXT_DTYPE = re.compile(r"<U\d{1,5}|object")
_NUMBER_DTYPES = {
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64"),
}
# The memory that labels may take, because "<U99999" makes a single letter large.
_MAX_LABEL_BYTES = 1 << 18
# Splitters of scikit-learn: their attributes are the arguments of their constructors.
_SPLITTERS = {
    **dict.fromkeys(("KFold", "StratifiedKFold"), ("n_splits", "random_state", "shuffle")),
    **dict.fromkeys(
        ("GroupKFold", "StratifiedGroupKFold"), ("n_splits", "random_state", "shuffle")
    ),
    **dict.fromkeys(("LeaveOneGroupOut", "LeaveOneOut"), ()),
    **dict.fromkeys(
        ("ShuffleSplit", "StratifiedShuffleSplit", "GroupShuffleSplit"),
        ("n_splits", "random_state", "test_size", "train_size"),
    ),
}
_MERSENNE_WORDS = 624  # size of the state of numpy.random.RandomState


class ValueWriter:
    """Turns values into JSON, and collects the tensors.

    Parameters
    ----------
    write_estimator : callable
        Turns an estimator into JSON.
    """

    def __init__(self, write_estimator: Callable[[Any], Any]) -> None:
        self.tensors: dict[str, NDArray[Any]] = {}
        self._write_estimator = write_estimator

    def write(self, value: Any, place: str) -> Any:
        """Return a value as JSON.

        Parameters
        ----------
        value : object
        place : str
            Name of its tensor, if it is an array, and beginning of those of arrays in it.

        Raises
        ------
        UnsupportedError
            If a model file cannot hold the value.
        """
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if isinstance(value, PurePath):
            return str(value)
        if isinstance(value, np.ndarray):
            return self._write_array(value, place)
        if isinstance(value, np.generic):
            return self._write_scalar(value)
        if isinstance(value, Rows):
            return self._add_tensor(np.asarray(value.array), place, "rows")
        if type(value) is list:
            return self._write_items(value, place)
        if type(value) in (tuple, range):  # what takes a range takes a tuple
            return {"tuple": self._write_items(value, place)}
        if type(value) is dict:
            return {"dict": self._write_dict(value, place)}
        if type(value) is np.random.RandomState:
            return {"random_state": self._write_random_state(value, place)}
        if type(value).__name__ in _SPLITTERS and _is_splitter(value):
            params = {name: vars(value)[name] for name in _SPLITTERS[type(value).__name__]}
            return {
                "splitter": type(value).__name__,
                "params": {
                    name: self.write(item, f"{place}.{name}") for name, item in params.items()
                },
            }
        if hasattr(value, "get_params") and not isinstance(value, type):
            return self._write_estimator(value)
        if callable(value):
            name = getattr(value, "__qualname__", None) or type(value).__qualname__
            raise UnsupportedError(f"{name!r:.80}, which is code")
        raise UnsupportedError(f"a {type(value).__qualname__!s:.80}")

    def _write_items(self, values: Any, place: str) -> list[Any]:
        return [self.write(item, f"{place}.{number}") for number, item in enumerate(values)]

    def _write_dict(self, value: dict[Any, Any], place: str) -> Any:
        # An object only if all keys are text, because JSON has no other keys.
        items = [
            (key, self.write(item, f"{place}.{_part_of_name(key, number)}"))
            for number, (key, item) in enumerate(value.items())
        ]
        if all(type(key) is str for key in value):
            return dict(items)
        return [[self.write(key, f"{place}.key"), item] for key, item in items]

    def _write_array(self, value: NDArray[Any], place: str) -> Any:
        if type(value) is not np.ndarray:
            raise UnsupportedError(f"a {type(value).__qualname__}")
        if value.dtype.kind in "UO" and value.ndim == 1:
            return {"labels": write_labels(value)}
        if value.dtype.kind not in _NUMERIC or value.dtype.name not in _NUMBER_DTYPES:
            raise UnsupportedError(f"an array of {value.dtype} of shape {value.shape}")
        return self._add_tensor(value, place, "tensor")

    def _add_tensor(self, value: NDArray[Any], place: str, tag: str) -> dict[str, str]:
        if place in self.tensors:
            raise UnsupportedError(f"two arrays with the name {place!r}")
        self.tensors[place] = value
        is_fortran = tag == "tensor" and _is_fortran(value)
        return {tag: place} | ({"order": "F"} if is_fortran else {})

    def _write_scalar(self, value: np.generic) -> Any:
        plain = value.item()
        if value.dtype.name in _NUMBER_DTYPES:
            if isinstance(plain, float) and not math.isfinite(plain):
                plain = {"float": repr(plain)}
            return {"scalar": [value.dtype.name, plain]}
        if type(value) is np.str_:
            return str(value)
        raise UnsupportedError(f"a {type(value).__qualname__}")

    def _write_random_state(self, value: np.random.RandomState, place: str) -> dict[str, Any]:
        state = value.get_state(legacy=False)
        if state["bit_generator"] != "MT19937":
            raise UnsupportedError(f"a RandomState with the generator {state['bit_generator']}")
        return {
            "key": self._add_tensor(state["state"]["key"], f"{place}.key", "tensor"),
            "pos": int(state["state"]["pos"]),
            "has_gauss": int(state["has_gauss"]),
            "gauss": float(state["gauss"]),
        }


class ValueReader:
    """Turns JSON back into values, with tensors of a file.

    Parameters
    ----------
    file : ModelFile
    read_estimator : callable
        Turns JSON into an estimator.
    """

    def __init__(self, file: ModelFile, read_estimator: Callable[[Any], Any]) -> None:
        self._file = file
        self._read_estimator = read_estimator
        self._unused = set(file.tensors)
        self._readers: dict[str, Callable[[dict[str, Any], str], Any]] = {
            "float": self._read_float,
            "labels": lambda node, place: read_labels(node["labels"]),
            "scalar": self._read_scalar,
            "tensor": self._read_tensor,
            "rows": self._read_rows,
            "tuple": lambda node, place: tuple(self._read_items(node["tuple"], place)),
            "dict": lambda node, place: self._read_dict(node["dict"], place),
            "random_state": self._read_random_state,
            "splitter": self._read_splitter,
            "estimator": lambda node, place: self._read_estimator(node),
            "same": lambda node, place: self._read_estimator(node),
        }

    def check_all_used(self) -> None:
        """Raise if the file has tensors that no value refers to."""
        if self._unused:
            raise MismatchError(f"no estimator has the tensor {min(self._unused)!r}")

    def read(self, node: Any, place: str) -> Any:
        """Return the value that JSON describes.

        Parameters
        ----------
        node : object
            As `ValueWriter.write` returned it.
        place : str
            As in `ValueWriter.write`.
        """
        if isinstance(node, list):
            return self._read_items(node, place)
        if not isinstance(node, dict):
            return node
        for tag, reader in self._readers.items():
            if tag in node:
                others = _OTHER_KEYS.get(tag, set())
                if tag not in ("estimator", "same") and not set(node) <= {tag} | others:
                    break
                return reader(node, place)
        raise MismatchError(f"{place} has the unknown entry {sorted(node)[:3]!r:.100}")

    def _read_items(self, nodes: Any, place: str) -> list[Any]:
        if not isinstance(nodes, list):
            raise MismatchError(f"{place} is a {type(nodes).__name__}; expected a list")
        return [self.read(node, f"{place}.{number}") for number, node in enumerate(nodes)]

    def _read_dict(self, node: Any, place: str) -> dict[Any, Any]:
        if isinstance(node, dict):
            items = list(node.items())
        elif isinstance(node, list) and all(
            isinstance(pair, list) and len(pair) == 2 for pair in node
        ):
            items = [(self.read(key, f"{place}.key"), item) for key, item in node]
        else:
            raise MismatchError(f"{place} is not a dict")
        found = {}
        for number, (key, item) in enumerate(items):
            if not isinstance(key, (str, int, float, bool, np.generic)):
                raise MismatchError(f"{place} has a key that is a {type(key).__name__}")
            found[key] = self.read(item, f"{place}.{_part_of_name(key, number)}")
        if len(found) < len(items):
            raise MismatchError(f"{place} has a key twice")
        return found

    def _read_float(self, node: dict[str, Any], place: str) -> float:
        if node["float"] not in ("inf", "-inf", "nan"):
            raise MismatchError(f"{place} is {node['float']!r:.80}; expected a number")
        return float(node["float"])

    def _read_scalar(self, node: dict[str, Any], place: str) -> Any:
        pair = node["scalar"]
        is_pair = isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str)
        if not is_pair or pair[0] not in _NUMBER_DTYPES:
            raise MismatchError(f"{place} is {pair!r:.80}; expected a type and a number")
        name, plain = pair[0], self.read(pair[1], place)
        kind = np.dtype(name).kind
        expected = {"b": bool, "f": float}.get(kind, int)
        if type(plain) is not expected:
            raise MismatchError(f"{place} is {plain!r:.80}; expected a number of type {name}")
        if kind in "iu" and not np.iinfo(name).min <= plain <= np.iinfo(name).max:
            raise MismatchError(f"{place} is {plain!r:.80}, which is no {name}")
        return np.dtype(name).type(plain)

    def _claim(self, name: Any, place: str) -> str:
        if name != place:
            raise MismatchError(f"{place} refers to the tensor {name!r:.80}; expected its own name")
        if name not in self._unused:
            raise MismatchError(f"the tensor {name!r} is missing, or used twice")
        self._unused.remove(name)
        return str(name)

    def _read_tensor(self, node: dict[str, Any], place: str) -> NDArray[Any]:
        name = self._claim(node["tensor"], place)
        if node.get("order", "F") != "F":
            raise MismatchError(f"{place} has the order {node['order']!r:.80}; expected 'F'")
        return self._file.read(name, is_fortran="order" in node)

    def _read_rows(self, node: dict[str, Any], place: str) -> Rows:
        name = self._claim(node["rows"], place)
        if not self._file.tensors[name].shape:
            raise MismatchError(f"{place} has no axes")
        return Rows(None, self._file, name)

    def _read_random_state(self, node: dict[str, Any], place: str) -> np.random.RandomState:
        state = node["random_state"]
        if not isinstance(state, Mapping) or set(state) != {"key", "pos", "has_gauss", "gauss"}:
            raise MismatchError(f"{place} is not the state of a RandomState")
        key = self.read(state["key"], f"{place}.key")
        is_key = isinstance(key, np.ndarray) and key.dtype == np.uint32
        pos, has_gauss, gauss = state["pos"], state["has_gauss"], state["gauss"]
        # NumPy would read beyond the end of the key at a larger position.
        is_place = type(pos) is int and 0 <= pos <= _MERSENNE_WORDS
        is_gauss = type(has_gauss) is int and has_gauss in (0, 1) and type(gauss) is float
        if not (is_key and key.shape == (_MERSENNE_WORDS,) and is_place and is_gauss):
            raise MismatchError(f"{place} is not the state of a RandomState")
        random_state = np.random.RandomState()
        random_state.set_state(("MT19937", key, pos, has_gauss, gauss))
        return random_state

    def _read_splitter(self, node: dict[str, Any], place: str) -> Any:
        from sklearn import model_selection

        name, params = node["splitter"], node.get("params")
        if not isinstance(name, str) or name not in _SPLITTERS or not isinstance(params, dict):
            raise MismatchError(f"{place} is the unknown splitter {name!r:.80}")
        if set(params) != set(_SPLITTERS[name]):
            raise MismatchError(f"{place} has other parameters than a {name}")
        values = {key: self.read(item, f"{place}.{key}") for key, item in params.items()}
        # Without shuffling, a generator is refused, but StackingClassifier sets one in fit.
        is_set = "shuffle" in values and values["shuffle"] is False
        random_state = values.pop("random_state", None) if is_set else None
        if not isinstance(random_state, (int, np.random.RandomState, type(None))):
            raise MismatchError(f"{place} has the random state {random_state!r:.80}")
        try:
            splitter = getattr(model_selection, name)(**values)
        except (TypeError, ValueError) as error:
            raise MismatchError(f"{place} cannot be made: {error!s:.200}") from error
        if random_state is not None:
            splitter.random_state = random_state
        return splitter


# Keys that an object may have besides its tag.
_OTHER_KEYS = {"tensor": {"order"}, "rows": set[str](), "splitter": {"params"}}


def write_labels(value: NDArray[Any]) -> list[Any]:
    """Return a vector of labels as its type and a list."""
    dtype = str(value.dtype) if value.dtype.kind == "U" else value.dtype.name
    if dtype not in _NUMBER_DTYPES and not _TEXT_DTYPE.fullmatch(dtype):
        raise UnsupportedError(f"labels of type {value.dtype}")
    if value.nbytes > _MAX_LABEL_BYTES:
        raise UnsupportedError(f"labels of {value.nbytes} bytes, more than {_MAX_LABEL_BYTES}")
    plain = value.tolist()
    for item in plain:
        if type(item) not in (str, int, float, bool) or (
            type(item) is float and not math.isfinite(item)
        ):
            raise UnsupportedError(f"a label that is a {type(item).__qualname__} ({item!r:.80})")
    return [dtype, plain]


def read_labels(node: Any) -> NDArray[Any]:
    """Return the vector that `write_labels` described."""
    if not (isinstance(node, list) and len(node) == 2 and isinstance(node[1], list)):
        raise MismatchError("labels are not a type and a list")
    dtype, plain = node
    is_text = isinstance(dtype, str) and bool(_TEXT_DTYPE.fullmatch(dtype))
    if not isinstance(dtype, str) or not (is_text or dtype in _NUMBER_DTYPES):
        raise MismatchError(f"labels have the type {dtype!r:.80}")
    kind = np.dtype(dtype).kind
    expected = {"U": (str,), "b": (bool,), "f": (float,), "O": (str, int, float, bool)}
    if any(type(item) not in expected.get(kind, (int,)) for item in plain):
        raise MismatchError(f"labels are not of the type {dtype}")
    if len(plain) * np.dtype(dtype).itemsize > _MAX_LABEL_BYTES:
        raise MismatchError(f"labels take more than {_MAX_LABEL_BYTES} bytes")
    try:
        labels = np.empty(len(plain), dtype)
        labels[:] = plain
    except (OverflowError, ValueError) as error:
        raise MismatchError(f"labels are not of the type {dtype}") from error
    if labels.tolist() != plain:
        raise MismatchError(f"labels do not fit the type {dtype}")
    return labels


def _part_of_name(key: Any, number: int) -> str:
    """Return a key as a part of the name of a tensor, or its number if it is not a plain word."""
    return key if isinstance(key, str) and _SAFE_KEY.fullmatch(key) else str(number)


def _is_fortran(value: NDArray[Any]) -> bool:
    """Return whether neighbors along the first axis are neighbors in memory.

    BLAS, and so the last bit of a product, depends on it. The array may be a part of a larger one.
    """
    if value.ndim < 2 or value.flags.c_contiguous:
        return False
    strides = value.strides
    return value.flags.f_contiguous or (
        strides[0] == value.itemsize and all(a < b for a, b in pairwise(strides))
    )


def _is_splitter(value: Any) -> bool:
    is_sklearn = type(value).__module__.startswith("sklearn.")
    return is_sklearn and set(_SPLITTERS[type(value).__name__]) <= set(vars(value))
