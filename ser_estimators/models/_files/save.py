"""save_model: a fitted model as one file without code."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._utils.version import __version__
from ..._utils.writing import write_file
from ...exceptions import ModelFileError
from .._card import ModelCard, write_fields
from .container import FORMAT, file_content
from .document import EstimatorWriter
from .errors import MismatchError, UnsupportedError, one_line
from .load import load_content
from .summary import sampling_rate
from .table import without_search
from .values import write_labels

__all__ = ["SUFFIX", "describe_model", "save_model"]

SUFFIX = ".safetensors"
_PACKAGES = ("scikit-learn", "numpy", "torch")


def save_model(model: Any, path: str | os.PathLike[str], *, card: ModelCard | None = None) -> Path:
    """Save a fitted model as one file that contains no code.

    The file is a safetensors file [1]_: the arrays of the model as tensors, and everything else as
    JSON in its metadata. Unlike a pickle, it is safe to share: `load_model` creates the estimators
    that it knows and sets their attributes, and nothing in the file is run or imported. The same
    model gives the same bytes.

    Parameters
    ----------
    model : fitted estimator
        An estimator of this package, a ``Pipeline``, or another estimator of scikit-learn that
        model files can hold. A search is saved as its ``best_estimator_``.
    path : path-like
        File to write; its name ends in ".safetensors". If writing fails, a file that was there
        before is unchanged.
    card : ModelCard or None, default=None
        What is known about the model, such as its corpus, scores and license.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ModelFileError
        If model files cannot hold the model, or a part of it, which the message names.
    sklearn.exceptions.NotFittedError
        If the model is not fitted.
    TypeError, ValueError
        If the path has another suffix, or `card` is not a ModelCard.
    OSError
        If the file cannot be written.

    See Also
    --------
    load_model : Load the file.
    write_card : Write a model card beside the file.

    Notes
    -----
    Parameters that describe the machine are not saved, and have their defaults in the loaded model:
    `memory`, `bytes_limit`, `memmap`, `n_jobs` and `verbose`.

    References
    ----------
    .. [1] https://github.com/huggingface/safetensors

    Examples
    --------
    >>> import numpy as np
    >>> from ser_estimators import AcousticFeatures, LogisticRegression, load_model, save_model
    >>> from sklearn.pipeline import make_pipeline
    >>> clips = np.random.default_rng(0).normal(size=(8, 4000))
    >>> model = make_pipeline(AcousticFeatures(("rms", "flatness")), LogisticRegression())
    >>> model = model.fit(clips, ["anger", "sadness"] * 4)
    >>> path = save_model(model, "emotion.safetensors")
    >>> bool((load_model(path).predict_proba(clips) == model.predict_proba(clips)).all())
    True
    """
    from sklearn.utils.validation import check_is_fitted

    target = Path(path)
    if target.suffix.lower() != SUFFIX:
        raise ValueError(f"path is {os.fspath(path)!r:.200}; expected a name that ends in {SUFFIX}")
    check_is_fitted(model)
    document, tensors = describe_model(model, card)
    content = file_content(document, tensors)
    try:
        load_content(content)
    except MismatchError as error:
        raise _saving_failed(f"its file could not be loaded again, because {error}") from error
    return write_file(target, content)


def describe_model(
    model: Any, card: ModelCard | None = None
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the document and the tensors of a model file.

    Raises
    ------
    ModelFileError
        If model files cannot hold the model.
    """
    if card is not None and not isinstance(card, ModelCard):
        raise TypeError(f"card is a {type(card).__name__}; expected a ModelCard or None")
    writer = EstimatorWriter()
    try:
        model = without_search(model)
        node = writer.write(model)
        classes = getattr(model, "classes_", None)
        document = {
            "format": FORMAT,
            "sha256": "",
            "versions": {
                "ser_estimators": __version__,
                # Without the local part, such as "+cpu", which differs between machines.
                **{package: version(package).partition("+")[0] for package in _PACKAGES},
            },
            "classes": None if classes is None else write_labels(np.asarray(classes)),
            "sr": sampling_rate(node),
            "card": None if card is None else write_fields(card),
            "model": node,
        }
    except (MismatchError, UnsupportedError) as error:
        raise _saving_failed(error) from error
    return document, writer.tensors


def _saving_failed(reason: object) -> ModelFileError:
    return ModelFileError(
        f"Could not save the model: {one_line(reason)}; save it with joblib.dump, and load that "
        "file only where its source is trusted, because it can run code"
    )
