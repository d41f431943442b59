"""model_info: what a model file says about its model, without loading it."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

from .._card import read_card, write_fields
from .container import ModelFile
from .errors import MismatchError, explained_by_file
from .load import KEYS
from .summary import encoder_of, outline
from .values import read_labels

__all__ = ["describe_document", "model_info"]


def model_info(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what a model file says about its model, without loading the model.

    Only the header of the file is read, so this takes milliseconds, and neither scikit-learn nor
    PyTorch is imported. The checksum, which covers the whole file, is checked by `load_model` only.

    Parameters
    ----------
    path : path-like
        A file of `save_model`.

    Returns
    -------
    dict
        Which can be written as JSON:

        - ``format``: version of the format;
        - ``versions``: versions of the packages that saved the model, by name;
        - ``classes``: list of labels, or None;
        - ``sr``: sampling rate of the clips in Hz, or None;
        - ``card``: the entries of the `ModelCard` that are known;
        - ``encoder``: model, revision, license, layers and digest of the pretrained encoder, or
          None;
        - ``outline``: a line for each estimator, with the parameters that are not defaults;
        - ``n_values``: number of values in all arrays, such as weights;
        - ``n_bytes``: size of the file;
        - ``model``: the estimators with parameters and attributes, as they are in the file;
        - ``tensors``: type and shape of each array, by name.

    Raises
    ------
    ModelFileError
        If the file cannot be read, or is not a model file of a format that this version knows.

    See Also
    --------
    load_model : Load the model.
    write_card : Write this as a page.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from ser_estimators import save_model
    >>> from ser_estimators.models import model_info
    >>> clips = list(np.random.default_rng(0).normal(size=(4, 900)))
    >>> model = DummyClassifier(strategy="uniform").fit(clips, ["fear", "fear", "fear", "anger"])
    >>> info = model_info(save_model(model, "dummy.safetensors"))
    >>> info["classes"], info["outline"]
    (['anger', 'fear'], ["DummyClassifier(strategy='uniform')"])
    """
    source = Path(path)
    with explained_by_file(source), ModelFile(source) as file:
        tensors = {
            name: {"dtype": entry.dtype, "shape": list(entry.shape)}
            for name, entry in sorted(file.tensors.items())
        }
        return describe_document(file.document, tensors, file.size)


def describe_document(
    document: dict[str, Any], tensors: dict[str, dict[str, Any]], n_bytes: int | None
) -> dict[str, Any]:
    """Return the result of `model_info` for a document.

    Raises
    ------
    MismatchError
        If the document is not one of `save_model`.
    """
    if set(document) != set(KEYS) or not isinstance(document["versions"], dict):
        raise MismatchError("its document has other entries than expected")
    saved, card, sr = document["classes"], document["card"], document["sr"]
    if type(sr) not in (int, type(None)):
        raise MismatchError(f"its sampling rate is {sr!r:.80}")
    return {
        "format": document["format"],
        "versions": document["versions"],
        "classes": None if saved is None else read_labels(saved).tolist(),
        "sr": sr,
        "card": {} if card is None else write_fields(read_card(card)),
        "encoder": encoder_of(document["model"]),
        "outline": outline(document["model"]),
        "n_values": sum(math.prod(tensor["shape"]) for tensor in tensors.values()),
        "n_bytes": n_bytes,
        "model": document["model"],
        "tensors": tensors,
    }
