"""FitCache: networks that are trained once, whatever number of later steps is tried on them."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch
from sklearn.base import BaseEstimator

from .. import _kernels
from .._features.cache import cache_folder, parse_bytes, remove_oldest
from .._features.layout import layout_of
from .._features.mfcc_array import known_frames
from .._network.devices import resolve_device, resolve_precision
from .._utils.progress import current_progress
from .._utils.public import public
from .._utils.stack_level import find_stack_level
from .._utils.version import __version__
from .._utils.writing import write_file
from .cnn_embedder import CNNEmbedder
from .cnn_parameters import OBJECTS
from .cnn_state import FORMAT, pack, unpack
from .feature_mlp import FeatureMLP
from .spectrogram_augmentation import SpectrogramAugmentation
from .spectrogram_cnn import SpectrogramCNN

__all__ = ["FitCache"]

# All files of the cache are in this folder, so clearing the cache never touches other files.
_FOLDER = "ser_estimators-networks"
# Parameters that have no effect on what is learned.
_IRRELEVANT = ("verbose",)
# Classes whose objects are described by their parameters.
_DESCRIBED = (CNNEmbedder, SpectrogramCNN, FeatureMLP, SpectrogramAugmentation)


@public
class FitCache:
    """Cache of trained networks, as the `memory` of a ``sklearn.pipeline.Pipeline``.

    A `CNNEmbedder` in such a pipeline is trained once for each training set and setting, in all
    folds, fits and processes. A search over the parameters of later steps, such as ``lr__C``,
    therefore trains each network once instead of once per candidate.

    A network is identified by the values of X and y, not by paths, so it is trained again after a
    file has changed. As with every cache of a pipeline, ``fit`` starts anew, even with
    ``warm_start=True``. Other steps are not cached, nor are networks that cannot be reproduced or
    identified: those with ``random_state=None`` or callbacks, and those with custom modules,
    augmentations or subclasses.

    Parameters
    ----------
    location : path-like, joblib.Memory or None
        Folder of the cache, which need not exist; None caches nothing. It contains pickles: do not
        use a folder that others can write to.
    bytes_limit : int, str or None, default=None
        Maximum size of the cached networks, such as "10G". The least recently used ones are removed
        after a new one is added. None sets no limit.

    See Also
    --------
    make_ser_pipeline : With ``memory="cache"``, uses this cache and that of the features.
    MFCCTransformer : Its parameter `memory` caches the features of files.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.pipeline import Pipeline
    >>> from ser_estimators import CNNEmbedder, FitCache
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.normal(size=(40, 8)), np.repeat(["anger", "fear"], 20)
    >>> cnn = CNNEmbedder(network="mlp", max_epochs=2, random_state=0)
    >>> pipe = Pipeline([("cnn", cnn), ("lr", LogisticRegression())], memory=FitCache("cache"))
    >>> search = GridSearchCV(pipe, {"lr__C": [0.1, 1, 10]}, cv=2).fit(X, y)
    >>> len(list(pipe.memory.folder.glob("*.joblib")))  # two folds and the final fit
    3
    """

    def __init__(self, location: Any, *, bytes_limit: int | str | None = None) -> None:
        folder = cache_folder(location)
        # Absolute, because workers may run in another folder.
        self.location = None if folder is None else os.path.abspath(folder)
        self.bytes_limit = bytes_limit
        parse_bytes(bytes_limit, "bytes_limit")

    def __repr__(self) -> str:
        limit = "" if self.bytes_limit is None else f", bytes_limit={self.bytes_limit!r}"
        return f"FitCache({self.location!r}{limit})"

    @property
    def folder(self) -> Path | None:
        """Folder of the files, inside `location`."""
        return None if self.location is None else Path(self.location, _FOLDER)

    def clear(self) -> None:
        """Remove all cached networks; other files in `location` are kept."""
        for path in [] if self.folder is None else self.folder.glob("*"):
            with contextlib.suppress(OSError):
                path.unlink()

    def cache(
        self, function: Callable[..., Any], ignore: Sequence[str] | None = None
    ) -> Callable[..., Any]:
        """Return a function of a pipeline that reuses trained networks.

        Parameters
        ----------
        function : callable
            ``function(transformer, X, y, ...)`` fits a transformer, and returns the transformed X
            and the fitted transformer.
        ignore : sequence of str or None, default=None
            Arguments that the result does not depend on, as in ``joblib.Memory.cache``.

        Returns
        -------
        callable
        """
        ignored = {*(ignore or ()), "message", "message_clsname"}

        @functools.wraps(function)
        def cached(transformer: Any, X: Any, y: Any = None, **kwargs: Any) -> Any:
            others = {name: value for name, value in kwargs.items() if name not in ignored}
            key = None if self.folder is None else _key_of(transformer, X, y, others)
            if key is None:
                return function(transformer, X, y, **kwargs)
            unfitted = vars(transformer).copy()
            with self._locked(key):
                learned = self._read(key)
                if learned is None:
                    result, fitted = function(transformer, X, y, **kwargs)
                    self._write(key, _learned_by(fitted, unfitted))
                    return result, fitted
            vars(transformer).update(learned)
            if max(transformer.verbose, current_progress().verbose):
                print("[FitCache] the network was loaded, not trained again", flush=True)
            return transformer.transform(X), transformer

        return cached

    @contextlib.contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        """Let one process train a network, while others that need it wait."""
        from filelock import FileLock

        path = Path(self._path_of(key) + ".lock")
        with contextlib.ExitStack() as held:
            # Locks only avoid duplicate work: some file systems lack them, and writing is safe.
            with contextlib.suppress(OSError, NotImplementedError):
                path.parent.mkdir(parents=True, exist_ok=True)
                held.enter_context(FileLock(path, mode=0o666))
            try:
                yield
            finally:
                with contextlib.suppress(OSError):
                    path.unlink()

    def _path_of(self, key: str) -> str:
        return os.path.join(str(self.folder), f"{key}.joblib")

    def _read(self, key: str) -> dict[str, Any] | None:
        """Return what a network has learned, or None if it is not there or damaged."""
        path = self._path_of(key)
        try:
            learned = unpack(joblib.load(path))
            os.utime(path)  # networks in use are removed last
        except OSError:  # most often, it is not there
            return None
        except Exception as error:  # whatever a damaged pickle raises
            warnings.warn(
                f"the cached network {path!r} cannot be read ({error!r:.200}); it is trained again",
                stacklevel=find_stack_level(),
            )
            return None
        return learned

    def _write(self, key: str, learned: dict[str, Any]) -> None:
        if learned.get("interrupted_"):
            return
        path, file = self._path_of(key), io.BytesIO()
        joblib.dump(pack(learned), file)
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            write_file(path, file.getvalue())
            limit = parse_bytes(self.bytes_limit, "bytes_limit")
            if limit is not None:
                remove_oldest(Path(path).parent.glob("*.joblib"), limit)
        except OSError as error:
            warnings.warn(
                f"the network cannot be cached in {str(self.folder)!r}: "
                f"{error.strerror or error}; it will be trained again. Check the permissions of "
                "the folder and the free disk space",
                stacklevel=find_stack_level(),
            )


def _learned_by(fitted: Any, unfitted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes that ``fit`` added."""
    return {name: value for name, value in vars(fitted).items() if name not in unfitted}


def _key_of(transformer: Any, X: Any, y: Any, others: Mapping[str, Any]) -> str | None:
    """Return what identifies a trained network, or None if it cannot be cached."""
    if type(transformer) is not CNNEmbedder or hasattr(transformer, "module_"):
        return None
    settings = _describe(transformer)
    if settings is None or transformer.random_state is None or transformer.callbacks is not None:
        return None
    array = np.asarray(X)
    if array.dtype.kind not in "biuf":
        return None  # fit raises for it
    columns = list(getattr(X, "columns", ()))
    about_X = array.shape, array.dtype.str, layout_of(X), columns
    digest = hashlib.blake2b(digest_size=16)
    parameters = _relevant(others, transformer, len(array))
    for value in (settings, _surroundings(transformer), about_X, np.asarray(y), parameters):
        digest.update(joblib.hash(_plain(value)).encode())
    n_frames = known_frames(X)
    for number, clip in enumerate(array):
        # Padding that takes no memory is not read.
        part = clip if n_frames is None else clip[:, : n_frames[number]]
        digest.update(f"{part.shape}".encode())
        digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()


def _relevant(others: Mapping[str, Any], transformer: CNNEmbedder, n_clips: int) -> dict[str, Any]:
    """Return the arguments of the fit without groups that it does not use.

    Those of another length are kept, because fit raises for them.
    """
    routed = {method: dict(given) for method, given in others.get("params", {}).items()}
    for given in routed.values():
        groups = given.get("groups")
        is_valid = groups is not None and np.shape(groups)[:1] == (n_clips,)
        if is_valid and not transformer.early_stopping:
            del given["groups"]
    return {**others, "params": routed}


def _describe(value: Any) -> Any:
    """Return an object of `_DESCRIBED` as its class and parameters; None for custom objects."""
    if type(value) not in _DESCRIBED:
        is_custom = callable(value) or isinstance(value, BaseEstimator)
        return None if is_custom else value
    described: dict[str, Any] = {"class": type(value).__name__}
    for name, parameter in value.get_params(deep=False).items():
        if name in _IRRELEVANT:
            continue
        if isinstance(parameter, str):
            make = OBJECTS.get(name, {}).get(parameter)
            parameter = parameter if make is None else make()
        described[name] = _describe(parameter)
        if described[name] is None and parameter is not None:
            return None
    return described


def _surroundings(transformer: Any) -> dict[str, Any]:
    """Return what a trained network depends on besides its parameters and data."""
    device = resolve_device(transformer.device)
    return {
        "format": FORMAT,
        "versions": (__version__, torch.__version__, np.__version__),
        "device": device,
        "precision": str(resolve_precision(transformer.precision, device)),
        "processor": torch.backends.cpu.get_cpu_capability(),
        "is_compiled": _kernels.norm is not None,
    }


def _plain(value: Any) -> Any:
    """Return a value with contiguous arrays for lists, Series and views.

    Their pickles differ although their values do not.
    """
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    is_array = hasattr(value, "__array__") or isinstance(value, list)
    return np.ascontiguousarray(value) if is_array and np.ndim(value) else value
