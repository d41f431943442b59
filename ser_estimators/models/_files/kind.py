"""How one kind of estimator is saved: an entry of the table of known estimators."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .checks import Check
from .container import ModelFile
from .errors import MismatchError

__all__ = [
    "MACHINE_PARAMETERS",
    "Kind",
    "Rows",
    "keep",
    "rows",
    "set_attributes",
    "validate_parameters",
]

# Parameters that describe the machine, not the model. They are not saved, so a loaded model has
# their defaults.
MACHINE_PARAMETERS = frozenset({"memory", "bytes_limit", "memmap", "n_jobs", "verbose"})
_BLOCK_BYTES = 1 << 18


class Rows:
    """An array that is read in parts along its first axis, from memory or from a model file.

    Parameters
    ----------
    array : ndarray or None
    file : ModelFile or None, default=None
    name : str, default=""
        Name of the tensor in the file.
    """

    def __init__(
        self, array: NDArray[Any] | None, file: ModelFile | None = None, name: str = ""
    ) -> None:
        self.array = array
        self._file = file
        self._name = name
        if array is not None:
            self.dtype, self.shape = array.dtype.name, array.shape
        elif file is not None:
            self.dtype, self.shape = file.tensors[name].dtype, file.tensors[name].shape

    def blocks(self) -> Iterator[NDArray[Any]]:
        """Yield the array in parts that take little memory."""
        row = math.prod(self.shape[1:]) * np.dtype(self.dtype).itemsize
        step = max(_BLOCK_BYTES // max(row, 1), 1)
        for start in range(0, self.shape[0], step):
            yield self[start : start + step]

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        if self.array is not None:
            return self.array[rows]
        assert self._file is not None
        return self._file.read(self._name, rows)


def keep(estimator: Any, attributes: dict[str, Any]) -> dict[str, Any]:
    """Save the attributes as they are."""
    return attributes


def set_attributes(estimator: Any, values: dict[str, Any]) -> None:
    """Set the attributes as they were saved."""
    vars(estimator).update(values)


def validate_parameters(estimator: Any) -> None:
    """Raise `MismatchError` for parameters that ``fit`` of scikit-learn would refuse.

    A private method, but no public one does this without training. The tests run it on every known
    estimator with the lowest and the newest version of scikit-learn.
    """
    try:
        estimator._validate_params()
    except (TypeError, ValueError) as error:
        raise MismatchError(str(error).rstrip(".")[:300]) from error


def _accept(estimator: Any, sizes: Mapping[str, int]) -> None:
    """Accept every estimator whose attributes have passed their checks."""


@dataclass(frozen=True)
class Kind:
    """How one kind of estimator is saved.

    Parameters
    ----------
    name : str
        Name of the class, by which files refer to it.
    module : str
        Module from which the class is imported. It comes from the table, never from a file.
    fitted : dict of str to Check, default={}
        What is saved of a fitted estimator besides its parameters, in the order of the checks.
    optional : tuple of str, default=()
        Entries of `fitted` that may be missing.
    pack : callable, default: the attributes themselves
        ``pack(estimator, attributes)`` returns the entries of `fitted` for a dict of all attributes
        that are not parameters. It raises `UnsupportedError` for what cannot be saved.
    unpack : callable, default: set the attributes
        ``unpack(estimator, values)`` sets the attributes from the entries of `fitted`.
    verify : callable, default: do nothing
        ``verify(estimator, sizes)`` raises `MismatchError` if attributes contradict each other. It
        receives the sizes that the checks have named, before saving and after loading.
    check_parameters : callable, default: the validation of scikit-learn
        ``check_parameters(estimator)`` raises `MismatchError`. It receives what a file says, before
        anything else is done with the estimator.
    added : dict of str to value, default={}
        Values of parameters that files of earlier versions of this package lack.
    is_stateless : bool, default=False
        Whether the estimator may be used without ``fit``, or has nothing to fit itself.
    """

    name: str
    module: str
    fitted: Mapping[str, Check] = field(default_factory=dict)
    optional: tuple[str, ...] = ()
    pack: Callable[[Any, dict[str, Any]], dict[str, Any]] = keep
    unpack: Callable[[Any, dict[str, Any]], None] = set_attributes
    verify: Callable[[Any, Mapping[str, int]], None] = _accept
    check_parameters: Callable[[Any], None] = validate_parameters
    added: Mapping[str, Any] = field(default_factory=dict)
    is_stateless: bool = False

    @property
    def is_ours(self) -> bool:
        """Whether the estimator is one of this package."""
        return self.module.startswith("ser_estimators")

    def load(self) -> Any:
        """Return the class.

        Raises
        ------
        MismatchError
            If the installed version of scikit-learn does not have it.
        """
        try:
            return getattr(importlib.import_module(self.module), self.name)
        except (ImportError, AttributeError) as error:
            raise MismatchError(
                f"this version of scikit-learn has no {self.name}", "update scikit-learn"
            ) from error


def rows(*axes: int | str | None, dtype: str) -> Check:
    """Check type and shape of a `Rows`."""

    def check(value: Any, sizes: dict[str, int]) -> None:
        if not isinstance(value, Rows) or value.dtype != dtype or len(value.shape) != len(axes):
            raise MismatchError(f"is not an array of {dtype} with {len(axes)} axes")
        for axis, found in zip(axes, value.shape, strict=True):
            expected = sizes.setdefault(axis, found) if isinstance(axis, str) else axis
            if expected is not None and found != expected:
                raise MismatchError(f"has the shape {value.shape}; expected {expected} at one axis")

    return check
