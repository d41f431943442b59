"""Estimators as JSON, and back: class by name, parameters, and what fit has learned."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from .checks import check_all
from .container import ModelFile
from .errors import MismatchError, UnsupportedError
from .kind import MACHINE_PARAMETERS, Kind
from .table import kind_named, kind_of, without_search
from .values import ValueReader, ValueWriter, write_labels

__all__ = ["EstimatorReader", "EstimatorWriter"]

# Values by which scikit-learn marks that a parameter was not set.
_UNSET = ("deprecated", "warn")
# Attributes that are not learned: the type of tables that `transform` returns, which is saved, and
# requests of metadata for training, which are not.
_OUTPUT, _REQUESTS = "_sklearn_output_config", "_metadata_request"
_OUTPUTS = ("default", "pandas", "polars")


class EstimatorWriter:
    """Turns an estimator and all estimators inside it into JSON, and collects their tensors."""

    def __init__(self) -> None:
        self._values = ValueWriter(self.write)
        # Estimators by identity, with their number; kept alive, so that no identity is used twice.
        self._numbers: dict[int, tuple[int, Any]] = {}

    @property
    def tensors(self) -> dict[str, Any]:
        """All arrays, by name."""
        return self._values.tensors

    def write(self, estimator: Any) -> dict[str, Any]:
        """Return an estimator as JSON.

        Raises
        ------
        UnsupportedError
            If model files cannot hold it, with the name of the part.
        """
        estimator = without_search(estimator)
        kind = kind_of(estimator)
        if id(estimator) in self._numbers:
            return {"same": self._numbers[id(estimator)][0]}
        number = len(self._numbers)
        self._numbers[id(estimator)] = number, estimator
        try:
            kind.check_parameters(estimator)
        except MismatchError as error:
            raise UnsupportedError(str(error), is_sentence=True) from error
        except UnsupportedError as error:
            raise error.about(f"its {kind.name}") from error
        params = estimator.get_params(deep=False)
        defaults = _defaults_of(type(estimator))
        node: dict[str, Any] = {"estimator": kind.name, "params": {}, "defaults": {}}
        for name in sorted(set(params) - MACHINE_PARAMETERS):
            is_default = _is_same(params[name], defaults.get(name, inspect.Parameter.empty))
            try:
                written = self._values.write(params[name], f"{number}.{kind.name}.{name}")
            except UnsupportedError as error:
                raise error.about(f"the parameter {name!r} of {kind.name} is") from error
            node["defaults" if is_default else "params"][name] = written
        output = vars(estimator).get(_OUTPUT, {})
        if output.get("transform") is not None:
            node["output"] = output["transform"]
        attributes = _learned(estimator, params)
        if attributes or kind.is_stateless:
            node["fitted"] = self._write_fitted(kind, estimator, attributes, number)
        return node

    def _write_fitted(
        self, kind: Kind, estimator: Any, attributes: dict[str, Any], number: int
    ) -> dict[str, Any]:
        try:
            values = kind.pack(estimator, attributes)
            sizes = check_all(values, kind.fitted, kind.optional, kind.name)
            kind.verify(estimator, sizes)
        except KeyError as error:
            raise UnsupportedError(
                f"its {kind.name} lacks the attribute {error}", is_sentence=True
            ) from error
        except MismatchError as error:
            raise UnsupportedError(str(error), is_sentence=True) from error
        except UnsupportedError as error:
            raise error.about(f"its {kind.name}") from error
        written = {}
        for name in kind.fitted:
            if name not in values:
                continue
            try:
                if name == "classes_":
                    # Also numbers, so that the document alone says what a model predicts.
                    written[name] = {"labels": write_labels(values[name])}
                else:
                    place = f"{number}.{kind.name}.{name}"
                    written[name] = self._values.write(values[name], place)
            except UnsupportedError as error:
                raise error.about(f"{name} of {kind.name} is") from error
        return written


class EstimatorReader:
    """Turns JSON back into an estimator, with the tensors of a file.

    Parameters
    ----------
    file : ModelFile
    is_same_sklearn : bool
        Whether the file was saved with the installed version of scikit-learn, so that the
        parameters of its estimators are exactly the saved ones.
    """

    def __init__(self, file: ModelFile, *, is_same_sklearn: bool) -> None:
        self._values = ValueReader(file, self.read)
        self._is_same_sklearn = is_same_sklearn
        self._n_started = 0
        # Estimators by number, each with how many there are in it, itself included.
        self._finished: dict[int, tuple[Any, int]] = {}
        self._n_in_all = 0

    def read_model(self, node: Any) -> Any:
        """Return the outermost estimator; raise if the file has anything besides it."""
        model = self.read(node)
        self._values.check_all_used()
        return model

    def read(self, node: Any) -> Any:
        """Return the estimator that JSON describes."""
        if not isinstance(node, dict):
            raise MismatchError("its model is not an estimator")
        if "same" in node:
            return self._read_same(node)
        if not {"estimator", "params", "defaults"} <= set(node) <= _KEYS:
            raise MismatchError(f"an estimator has the entries {sorted(node)!r:.100}")
        kind = kind_named(node["estimator"])
        if kind.is_stateless and "fitted" not in node:
            raise MismatchError(f"{kind.name} lacks the entry 'fitted'")
        number, n_before = self._n_started, self._n_in_all
        self._n_started += 1
        self._n_in_all += 1
        cls = kind.load()
        params = self._read_params(kind, cls, node, f"{number}.{kind.name}")
        try:
            estimator = cls(**params)
            kind.check_parameters(estimator)
        except UnsupportedError as error:
            raise MismatchError(f"its {kind.name} {error}") from error
        if "fitted" in node:
            self._read_fitted(kind, estimator, node["fitted"], f"{number}.{kind.name}")
        if "output" in node:
            _set_output(estimator, node["output"])
        self._finished[number] = estimator, self._n_in_all - n_before
        return estimator

    def _read_same(self, node: dict[str, Any]) -> Any:
        number = node["same"]
        if set(node) != {"same"} or type(number) is not int or number not in self._finished:
            raise MismatchError(f"an estimator refers to the unknown estimator {number!r:.80}")
        estimator, n_inside = self._finished[number]
        # Unions of unions that refer to the same one would double with each of them.
        self._n_in_all += n_inside
        if self._n_in_all > self._n_started + _MAX_REPEATED:
            raise MismatchError("its estimators are repeated too often")
        return estimator

    def _read_params(self, kind: Kind, cls: type, node: Any, place: str) -> dict[str, Any]:
        given, unchanged = node["params"], node["defaults"]
        if (
            not isinstance(given, dict)
            or not isinstance(unchanged, dict)
            or set(given) & set(unchanged)
        ):
            raise MismatchError(f"the parameters of {kind.name} are not dicts of different names")
        known = set(_defaults_of(cls)) - MACHINE_PARAMETERS
        is_exact = kind.is_ours or self._is_same_sklearn
        if unknown := sorted(set(given) - known):
            raise MismatchError(
                f"{kind.name} has no parameter {unknown[0]!r:.80} in this version",
                "load it with the versions that saved it, or save the model again",
            )
        if is_exact and (unknown := sorted(set(unchanged) - known)):
            raise MismatchError(f"{kind.name} has no parameter {unknown[0]!r:.80} in this version")
        missing = sorted(known - set(given) - set(unchanged) - set(kind.added))
        if is_exact and missing:
            raise MismatchError(f"{kind.name} lacks the parameter {missing[0]!r}")
        params = {name: value for name, value in kind.added.items() if name in known}
        for name, value in (*given.items(), *unchanged.items()):
            found = self._values.read(value, f"{place}.{name}")
            is_unset = name in unchanged and isinstance(found, str) and found in _UNSET
            # The default of another version of scikit-learn may be gone, or mean something else.
            if name in known and (is_exact or not is_unset):
                params[name] = found
        return params

    def _read_fitted(self, kind: Kind, estimator: Any, node: Any, place: str) -> None:
        if not isinstance(node, dict):
            raise MismatchError(f"what {kind.name} has learned is not a dict")
        if unknown := sorted(set(node) - set(kind.fitted)):
            raise MismatchError(f"{kind.name} has the unknown attribute {unknown[0]!r:.80}")
        # In the order of the table, in which estimators inside were numbered.
        values = {
            name: self._values.read(node[name], f"{place}.{name}")
            for name in kind.fitted
            if name in node
        }
        sizes = check_all(values, kind.fitted, kind.optional, kind.name)
        kind.unpack(estimator, values)
        kind.verify(estimator, sizes)


_MAX_REPEATED = 10_000  # estimators, counted as often as they occur
_KEYS = {"estimator", "params", "defaults", "output", "fitted"}


def _defaults_of(cls: type) -> dict[str, Any]:
    """Return the default of every parameter of a class, in the order of their names."""
    # Not of the class, whose signature a decorator may have changed.
    parameters = inspect.signature(cls.__init__).parameters  # type: ignore[misc]
    return {
        name: parameter.default
        for name, parameter in sorted(parameters.items())
        if name != "self"
        and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }


def _is_same(value: Any, default: Any) -> bool:
    if type(value) is not type(default) or isinstance(value, np.ndarray):
        return False
    return value is default or (not hasattr(value, "get_params") and bool(value == default))


def _learned(estimator: Any, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes that an estimator does not have before ``fit``."""
    fresh = vars(type(estimator)(**params))
    ignored = {*fresh, *params, _OUTPUT, _REQUESTS}
    return {name: value for name, value in vars(estimator).items() if name not in ignored}


def _set_output(estimator: Any, output: Any) -> None:
    if output not in _OUTPUTS or not hasattr(estimator, "set_output"):
        raise MismatchError(f"{type(estimator).__name__} has the output {output!r:.80}")
    estimator.set_output(transform=output)
