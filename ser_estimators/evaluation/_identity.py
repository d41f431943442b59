"""A digest of everything that an evaluation depends on, the same in every process."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import sys
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from .._audio.segment import Segment

__all__ = ["digest"]

# Parameters that by scikit-learn's conventions change how a result is computed, but not the result.
_NEUTRAL = {"n_jobs", "verbose", "memory"}
_PLAIN = (type(None), type(Ellipsis), bool, int, float, complex, str, bytes)
# Kinds of global values that the code of a function may depend on.
_FOLLOWED: tuple[type, ...] = (*_PLAIN, list, tuple, dict, set, frozenset)
_FOLLOWED += (np.ndarray, np.generic, types.FunctionType, type)


def digest(value: Any, name: str, *, has_files: bool = False) -> str:
    """Return a digest that only equal values have, whatever the process.

    joblib.hash is not an alternative, because it pickles: it refuses lambdas, and does not notice
    that the code of a class or a function has changed.

    Parameters
    ----------
    value : object
        An array, a container, an estimator, a class, a function, or another object that can be
        pickled. Estimators are identified by their parameters, without those that change no result
        (`n_jobs`, `verbose` and `memory`). Classes and functions are identified by the version of
        their package, or by their own code if there is none, with the functions, classes and
        values of their module that it names.
    name : str
        Name of the value in error messages.
    has_files : bool, default=False
        Whether strings may be paths, which are identified by the absolute path, the size and the
        times of the last change of a file, as in the cache of features.

    Returns
    -------
    str

    Raises
    ------
    TypeError
        If a value cannot be identified, such as an open file.
    """
    return _digest(value, _Context(name, has_files=has_files)).hex()


@dataclass(frozen=True)
class _Context:
    """Where a value is found.

    Parameters
    ----------
    name : str
    has_files : bool
        Whether strings may be paths.
    is_fitted : bool, default=False
        Whether the fitted state of an estimator matters, as in a FrozenEstimator.
    parents : tuple of object, default=()
        Objects that contain the value.
    """

    name: str
    has_files: bool
    is_fitted: bool = False
    parents: tuple[Any, ...] = ()

    def inside(self, parent: Any, name: str = "") -> _Context:
        """Return the context of something inside a value."""
        return replace(self, parents=(*self.parents, parent), name=name or self.name)


def _hash(kind: str, *parts: str | bytes) -> bytes:
    result = hashlib.blake2b(digest_size=16)
    for part in (kind, *parts):
        data = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
        result.update(len(data).to_bytes(8, "little"))
        result.update(data)
    return result.digest()


def _digest(value: Any, context: _Context) -> bytes:
    if isinstance(value, Segment):
        bounds = (repr(value.start), repr(value.end), repr(value.channel))
        return _hash("segment", _digest(value.path, context), *bounds)
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if type(value) is str and context.has_files and (file := _file(value)):
        return _hash("file", *file)
    if type(value) in _PLAIN:
        return _hash(type(value).__name__, value if isinstance(value, bytes) else repr(value))
    if isinstance(value, (np.ndarray, np.generic)):
        return _array(np.asarray(value), context)
    if any(value is parent for parent in context.parents):
        return _hash("cycle", str([value is parent for parent in context.parents].index(True)))
    return _compound(value, context)


def _compound(value: Any, context: _Context) -> bytes:
    """Digest a value that contains others."""
    inside = context.inside(value)
    kind = type(value).__name__
    if isinstance(value, types.CodeType):
        return _code(value, inside)
    if isinstance(value, type):
        return _class(value, inside)
    if isinstance(value, types.FunctionType):
        return _function(value, inside)
    if isinstance(value, types.MethodType):
        return _hash("method", _digest(value.__func__, inside), _digest(value.__self__, inside))
    if isinstance(value, types.ModuleType):
        return _hash("module", value.__name__)
    if isinstance(value, functools.partial):
        parts = (value.func, value.args, value.keywords)
        return _hash("partial", *_each(parts, inside))
    if isinstance(value, Mapping):
        pairs = (
            _digest(key, inside)
            + _digest(item, context.inside(value, f"{context.name}[{key!r:.40}]"))
            for key, item in value.items()
        )
        return _hash("mapping", *sorted(pairs))
    if isinstance(value, (list, tuple)):
        return _hash(kind, *_each(value, inside))
    if isinstance(value, (set, frozenset)):
        return _hash(kind, *sorted(_each(value, inside)))
    if hasattr(value, "get_params") and not context.is_fitted:
        clone = getattr(type(value), "__sklearn_clone__", BaseEstimator.__sklearn_clone__)
        if clone is BaseEstimator.__sklearn_clone__:
            return _estimator(value, context)
        # The clone of a FrozenEstimator is fitted.
        inside = replace(inside, is_fitted=True)
    return _pickled(value, inside)


def _each(values: Iterable[Any], context: _Context) -> Iterator[bytes]:
    return (_digest(value, context) for value in values)


def _file(path: str) -> tuple[str, ...] | None:
    """Return what identifies a file, or None if there is none of this name."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    changed = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return (os.path.abspath(path), *map(str, changed))


def _array(array: np.ndarray[Any, Any], context: _Context) -> bytes:
    shape = str(array.shape)
    if array.dtype.hasobject or array.dtype.kind == "T":  # objects, or strings of variable width
        items = _each(array.ravel().tolist(), context.inside(array))
        return _hash("objects", array.dtype.kind, shape, *items)
    return _hash("array", array.dtype.str, shape, np.ascontiguousarray(array).tobytes())


def _estimator(estimator: Any, context: _Context) -> bytes:
    parts = [_class(type(estimator), context)]
    for name, value in sorted(estimator.get_params(deep=False).items()):
        # Elsewhere, `memory` may be a length.
        if name in _NEUTRAL and not (name == "memory" and isinstance(value, (int, float))):
            continue
        inside = context.inside(estimator, f"{context.name}.{name}")
        parts += [_hash("parameter", name, _digest(value, inside))]
    return _hash("estimator", *parts)


def _version_of(module: str | None) -> str | None:
    """Return the version of the package that a module belongs to, or None if it has none."""
    package = (module or "builtins").partition(".")[0]
    if package in sys.stdlib_module_names:
        return "standard library"
    version = getattr(sys.modules.get(package), "__version__", None)
    return None if package == "__main__" or version is None else str(version)


def _class(kind: type, context: _Context) -> bytes:
    parts: list[str | bytes] = [kind.__module__, kind.__qualname__]
    for base in kind.__mro__:
        version = _version_of(base.__module__)
        if version is None:
            parts += [base.__qualname__, *_members(base, context.inside(base))]
        else:
            parts += [base.__module__, base.__qualname__, version]
    return _hash("class", *parts)


def _members(kind: type, context: _Context) -> Iterator[bytes]:
    """Yield digests of the functions and constants of a class."""
    for name, member in sorted(vars(kind).items()):
        if isinstance(member, (staticmethod, classmethod)):
            member = member.__func__
        elif isinstance(member, property):
            member = (member.fget, member.fset)
        elif isinstance(member, functools.cached_property):
            member = member.func
        is_constant = not name.startswith("__") and isinstance(member, _PLAIN)
        if is_constant or isinstance(member, (types.FunctionType, tuple)):
            yield _hash("member", name, _digest(member, context))


def _function(function: types.FunctionType, context: _Context) -> bytes:
    name = f"{function.__module__}.{function.__qualname__}"
    version = _version_of(function.__module__)
    if version is not None and "<lambda>" not in name and "<locals>" not in name:
        return _hash("function", name, version)
    cells = []
    for cell in function.__closure__ or ():
        try:
            cells.append(cell.cell_contents)
        except ValueError:  # not assigned yet
            cells.append(None)
    parts = (function.__code__, function.__defaults__, function.__kwdefaults__, cells)
    return _hash("function", name, *_each(parts, context), *_globals_of(function, context))


def _globals_of(function: types.FunctionType, context: _Context) -> Iterator[bytes]:
    """Yield digests of the functions, classes and values that a function finds in its module."""
    for name in sorted(set(_names_in(function.__code__)) & function.__globals__.keys()):
        value = function.__globals__[name]
        if isinstance(value, _FOLLOWED):
            with contextlib.suppress(TypeError):  # a container of something else
                yield _hash("global", name, _digest(value, context))


def _names_in(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names_in(constant)


def _code(code: types.CodeType, context: _Context) -> bytes:
    """Digest what code does, without its place in a file."""
    return _hash(
        "code",
        code.co_code,
        *_each((code.co_names, code.co_varnames, code.co_freevars), context),
        *_each(code.co_consts, context),
    )


def _pickled(value: Any, context: _Context) -> bytes:
    """Digest another object by what pickle would store."""
    if isinstance(value, (types.BuiltinFunctionType, np.ufunc)):
        owner = getattr(value, "__self__", None)
        is_function = owner is None or isinstance(owner, types.ModuleType)
        if is_function:
            return _hash("builtin", str(getattr(value, "__module__", "")), value.__name__)
    try:
        reduced = value.__reduce_ex__(4)
    except Exception as error:
        raise TypeError(
            f"{context.name:.200} is {value!r:.80}, which cannot be identified in a later run "
            f"({error!s:.80}); pass another value, or leave out resume"
        ) from error
    if isinstance(reduced, str):
        return _hash("global", type(value).__module__, reduced)
    make, arguments, *state = reduced
    # Items of subclasses of list and dict come as iterators.
    state = [list(part) if isinstance(part, Iterator) else part for part in state]
    return _hash("object", *_each((make, arguments, *state), context))
