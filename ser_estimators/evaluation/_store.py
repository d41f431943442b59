"""Finished folds in a folder, so that an evaluation that was interrupted goes on."""

from __future__ import annotations

import io
import json
import os
import struct
import sys
import warnings
import zipfile
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.utils.metadata_routing import get_routing_for_object

from .._features.cache import FEATURES_VERSION
from .._utils.stack_level import find_stack_level
from .._utils.version import __version__
from .._utils.writing import write_file
from ._fold import Outcome
from ._identity import digest
from ._plan import Plan
from ._report import Fold
from ._sides import Side
from ._stressed import Stressed

__all__ = ["FoldStore", "open_store"]

# Part of the key of every evaluation. Increase it when the files or the meaning of a fold change.
_FORMAT = 1
# Packages whose version may change the result of a fold.
_PACKAGES = ("librosa", "numpy", "scikit-learn", "scipy", "skorch", "soundfile", "soxr", "torch")
_ADAPTED = "adapted_y_pred"  # name of an array in the file
_OF_ADAPTED = ("adapted_probabilities", "adapted_answers")
# What zipfile, numpy and json raise for files that are not what was written.
_DAMAGE: tuple[type[Exception], ...] = (
    *(OSError, ValueError, LookupError, TypeError, AttributeError, EOFError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)


@dataclass(frozen=True)
class FoldStore:
    """Finished folds of one protocol of one evaluation.

    Each fold is a file, written beside its place and then renamed, so that it is complete or
    absent. It contains arrays and JSON, no pickled objects.

    Parameters
    ----------
    folder : pathlib.Path
    grids : list of dict
        Grids that an inner search may select parameters from.
    """

    folder: Path
    grids: list[Mapping[str, Any]]

    def path_of(self, number: int) -> Path:
        """Return the file of a fold, from 0, which need not exist."""
        return self.folder / f"fold-{number + 1:03d}.npz"

    def save(self, number: int, outcome: Outcome) -> None:
        """Store a fold, or warn if that fails, because the fold itself is finished.

        Warns
        -----
        UserWarning
            If the file cannot be written, or if a value cannot be stored.
        """
        try:
            write_file(self.path_of(number), self._pack(outcome))
        except (OSError, TypeError) as error:
            warnings.warn(
                f"fold {number + 1} is finished, but was not stored for resume in "
                f"{str(self.folder)!r}: {error!s:.300}",
                UserWarning,
                stacklevel=find_stack_level(),
            )

    def load_all(self, plan: Plan) -> dict[int, Outcome]:
        """Return the folds that are stored, by their number from 0."""
        loaded = {number: self.load(number, plan) for number in range(len(plan.splits))}
        return {number: outcome for number, outcome in loaded.items() if outcome is not None}

    def load(self, number: int, plan: Plan) -> Outcome | None:
        """Return a fold, or None if it is not stored.

        Warns
        -----
        UserWarning
            If the file cannot be read or is damaged.
        """
        path = self.path_of(number)
        try:
            return self._unpack(path.read_bytes(), plan, number)
        except FileNotFoundError:
            return None
        except _DAMAGE as error:
            warnings.warn(
                f"{str(path)!r} could not be used ({type(error).__name__}: {error!s:.200}); fold "
                f"{number + 1} is run again",
                UserWarning,
                stacklevel=find_stack_level(),
            )
            return None

    def _pack(self, outcome: Outcome) -> bytes:
        fold = outcome.fold
        record: dict[str, Any] = {
            "fit_seconds": fold.fit_seconds,
            "best_params": self._encode_best(fold.best_params),
            "history": _encode(fold.history),
        }
        arrays: dict[str, Any] = {}
        stressed = outcome.stressed or Stressed()
        record["conditions"] = list(stressed.predictions)
        record["failed_conditions"] = None if outcome.stressed is None else stressed.failures
        adapted = None if outcome.adapted is None else outcome.adapted[0]
        all_labels = {"y_pred": outcome.y_pred, "classes": outcome.classes, _ADAPTED: adapted}
        all_labels |= zip(
            _condition_keys(stressed.predictions), stressed.predictions.values(), strict=True
        )
        for name, labels in all_labels.items():
            if labels is not None and labels.dtype.kind in ("O", "T"):
                record[name] = [labels.dtype.kind, _encode(labels.tolist())]
            elif labels is not None:
                arrays[name] = labels
        if outcome.probabilities is not None:
            arrays["probabilities"] = outcome.probabilities
        if outcome.answered is not None:
            arrays["answered"] = outcome.answered
        if outcome.adapted is not None:
            parts = zip(_OF_ADAPTED, outcome.adapted[1:], strict=True)
            arrays |= {name: values for name, values in parts if values is not None}
        record["arrays"] = sorted(arrays)
        file = io.BytesIO()
        np.savez(file, record=np.array(json.dumps(record)), **arrays)
        return file.getvalue()

    def _unpack(self, data: bytes, plan: Plan, number: int) -> Outcome:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if (name := archive.testzip()) is not None:
                raise ValueError(f"the checksum of {name!r} is wrong")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            found = dict(arrays)
        record = json.loads(str(found.pop("record")))
        if sorted(found) != record["arrays"]:
            raise ValueError(f"expected the arrays {record['arrays']}, not {sorted(found)}")
        train, test = plan.splits[number]
        names = record.get("conditions", [])
        for name in ("y_pred", "classes", _ADAPTED, *_condition_keys(names)):
            if name in record:
                kind, labels = record[name]
                # StringDType is in numpy from version 2.
                dtype = object if kind == "O" else np.dtypes.StringDType()
                found[name] = _vector(_decode(labels), dtype)
        fold = Fold(
            train,
            test,
            record["fit_seconds"],
            best_params=self._decode_best(record["best_params"]),
            history=_decode(record["history"]),
        )
        adapted = None
        if _ADAPTED in found:
            adapted = found[_ADAPTED], *(found.get(name) for name in _OF_ADAPTED)
        stressed = None
        if (failures := record.get("failed_conditions")) is not None:
            labels = [found[key] for key in _condition_keys(names)]
            stressed = Stressed(dict(zip(names, labels, strict=True)), failures)
        probabilities, classes = found.get("probabilities"), found.get("classes")
        return Outcome(
            fold,
            found["y_pred"],
            probabilities,
            classes,
            adapted,
            stressed,
            found.get("answered"),
        )

    def _encode_best(self, best: dict[str, Any] | None) -> Any:
        if best is None:
            return None
        encoded = []
        for name, value in best.items():
            try:
                encoded.append([name, "value", _encode(value)])
            except TypeError:
                # An estimator or a function, such as a step that is searched: its place in the grid
                # is stored, which is the same in a later run.
                encoded.append([name, "place", self._place_of(name, value)])
        return encoded

    def _decode_best(self, encoded: Any) -> dict[str, Any] | None:
        if encoded is None:
            return None
        best = {}
        for name, kind, value in encoded:
            best[name] = _decode(value) if kind == "value" else self._candidates(name)[value]
        return best

    def _place_of(self, name: str, value: Any) -> int:
        own = digest(value, name)
        for place, candidate in enumerate(self._candidates(name)):
            if digest(candidate, name) == own:
                return place
        raise TypeError(f"best_params_[{name!r:.80}] is {value!r:.80}, which is not in the grid")

    def _candidates(self, name: str) -> list[Any]:
        grids = (grid[name] for grid in self.grids if name in grid)
        return [value for values in grids if hasattr(values, "__len__") for value in values]


def open_store(
    folder: str | os.PathLike[str], estimator: Any, plan: Plan, *, param_grid: Any, scoring: Any
) -> FoldStore:
    """Return the store of a protocol, in a folder whose name is the key of all it depends on.

    Parameters
    ----------
    folder : path-like
        May contain other evaluations, each under its own key.
    estimator, plan, param_grid, scoring : object
        As in `run_protocol`.

    Returns
    -------
    FoldStore

    Raises
    ------
    OSError
        If the folder cannot be created.
    TypeError
        If a parameter cannot be identified in a later run.
    """
    versions = _versions()
    sides = [plan.train] if plan.test is plan.train else [plan.train, plan.test]
    parts = [
        digest(estimator, "estimator"),
        digest(param_grid, "param_grid"),
        digest(scoring, "scoring"),
        digest([_identify(side) for side in sides], "X"),
        digest(plan.splits, "cv"),
        digest(_routing_of(estimator), "metadata routing"),
        digest(versions, "versions"),
    ]
    if plan.stress is not None:
        functions = {one.name: one.function for one in plan.stress.conditions}
        settings = [plan.stress.pool.seed, plan.stress.pool.reading.sr]
        parts += [digest(functions, "conditions"), digest(settings, "conditions")]
    key = digest(parts, "evaluation")[:16]
    # Absolute, because workers may have been started in another folder.
    own = Path(folder).absolute() / f"{plan.name.replace(' ', '-')}-{key}"
    own.mkdir(parents=True, exist_ok=True)
    note = {
        "estimator": repr(estimator),
        "protocol": plan.name,
        "description": plan.description,
        "folds": len(plan.splits),
        "versions": versions,
    }
    write_file(own / "evaluation.json", json.dumps(note, indent=1) + "\n")
    if param_grid is None:
        param_grid = getattr(estimator, "param_grid", getattr(estimator, "param_distributions", {}))
    grids = param_grid if isinstance(param_grid, (list, tuple)) else [param_grid]
    return FoldStore(own, [grid for grid in grids if isinstance(grid, Mapping)])


def _identify(side: Side) -> list[str]:
    """Return digests of the clips, the labels and the speakers."""
    return [
        digest(side.clips, "X", has_files=True),
        digest(side.labels, "y"),
        digest(side.speakers, "speakers"),
    ]


def _condition_keys(names: Collection[str]) -> list[str]:
    """Return the keys of the predictions under conditions, whose names are no names of files."""
    return [f"condition_{number}" for number in range(len(names))]


def _versions() -> dict[str, str]:
    found = {"ser_estimators": __version__, "features": str(FEATURES_VERSION)}
    found |= {"python": f"{sys.version_info.major}.{sys.version_info.minor}"}
    found |= {"format": str(_FORMAT)}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _routing_of(estimator: Any) -> str:
    """Return which steps request metadata, if they are routed."""
    if not sklearn.get_config()["enable_metadata_routing"]:
        return "off"
    try:
        return str(get_routing_for_object(estimator))
    except NotImplementedError:
        return "not supported"


def _encode(value: Any) -> Any:
    """Return a value as JSON, from which `_decode` makes an equal one of the same type."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, np.generic) and value.dtype.kind in "biufUS":
        return {"numpy": [value.dtype.str, value.item()]}
    if type(value) in (list, tuple):
        return {type(value).__name__: [_encode(item) for item in value]}
    if type(value) is dict:
        return {"dict": [[_encode(key), _encode(item)] for key, item in value.items()]}
    raise TypeError(f"{value!r:.80} is a {type(value).__name__}, which cannot be stored as JSON")


def _decode(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, inner),) = value.items()
    if kind == "numpy":
        return np.array(inner[1], dtype=inner[0])[()]
    if kind == "dict":
        return {_decode(key): _decode(item) for key, item in inner}
    items = [_decode(item) for item in inner]
    return tuple(items) if kind == "tuple" else items


def _vector(items: list[Any], dtype: Any) -> NDArray[Any]:
    vector = np.empty(len(items), dtype=dtype)
    vector[:] = items
    return vector
