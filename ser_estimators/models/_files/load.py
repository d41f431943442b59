"""load_model: a model from a file of save_model."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from .._card import read_card
from .container import ModelFile
from .document import EstimatorReader
from .errors import MismatchError, explained_by_file
from .summary import sampling_rate
from .values import read_labels

__all__ = ["KEYS", "load_content", "load_model"]

KEYS = ("format", "sha256", "versions", "classes", "sr", "card", "model")


def load_model(path: str | os.PathLike[str]) -> Any:
    """Load a model that `save_model` has saved.

    Nothing in the file is run or imported, and no more memory is allocated than it has bytes. The
    file is refused unless it is complete and describes a model that this version knows.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    estimator
        The fitted model. On the same machine, its predictions are bit-identical to those of the
        saved one.

    Raises
    ------
    ModelFileError
        If the file cannot be read, or is not a model file that this version can load. The message
        says what was found and what to do.

    See Also
    --------
    save_model : Save a model.
    model_info : What a file says about its model, without loading it.

    Notes
    -----
    A model that was trained on a GPU predicts on the CPU on a machine without one.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from ser_estimators import load_model, save_model
    >>> clips = list(np.random.default_rng(0).normal(size=(4, 900)))
    >>> model = DummyClassifier().fit(clips, ["fear", "fear", "fear", "anger"])
    >>> load_model(save_model(model, "dummy.safetensors")).predict(clips[:1]).tolist()
    ['fear']
    """
    source = Path(path)
    with explained_by_file(source), ModelFile(source) as file:
        return read_model(file)


def load_content(content: bytes) -> Any:
    """Load a model from the bytes of a file.

    Raises
    ------
    MismatchError
        If it could not be loaded.
    """
    try:
        with ModelFile(content) as file:
            return read_model(file)
    except MismatchError:
        raise
    except Exception as error:
        raise MismatchError(f"{type(error).__name__}: {error!s:.200}") from error


def read_model(file: ModelFile) -> Any:
    """Return the model of an open file.

    Raises
    ------
    MismatchError
        If the file is not what `save_model` writes.
    """
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    document = file.document
    if set(document) != set(KEYS):
        odd = sorted(set(document) ^ set(KEYS))
        raise MismatchError(f"its document has other entries than expected ({odd[0]!r:.80})")
    file.check_digest()
    versions = document["versions"]
    if not isinstance(versions, dict):
        raise MismatchError("its versions are not a dict")
    is_same = versions.get("scikit-learn") == version("scikit-learn").partition("+")[0]
    model = EstimatorReader(file, is_same_sklearn=is_same).read_model(document["model"])
    try:
        check_is_fitted(model)
    except (NotFittedError, TypeError) as error:
        raise MismatchError("its model is not fitted") from error
    _check_summary(document, model)
    return model


def _check_summary(document: dict[str, Any], model: Any) -> None:
    """Raise if the document says something else about the model than the model itself."""
    saved = document["classes"]
    classes = getattr(model, "classes_", None)
    if (saved is None) != (classes is None) or (
        saved is not None and not np.array_equal(read_labels(saved), np.asarray(classes))
    ):
        raise MismatchError("its document names other classes than its model")
    if document["sr"] != sampling_rate(document["model"]):
        raise MismatchError("its document names another sampling rate than its model")
    if document["card"] is not None:
        read_card(document["card"])
