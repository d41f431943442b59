"""Prediction of tables of paths, such as the partitions of Dask and Spark."""

from __future__ import annotations

import functools
import hashlib
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from .._audio.kinds import name_of
from .._utils.checks import is_missing
from .._utils.frames import make_frame
from .._utils.hosts import on_host
from .._utils.text import readable, represent, type_name
from .._utils.version import __version__
from .._utils.writing import write_file
from ._files.load import load_model
from ._predictions import knows_training_audio, predict_clips

__all__ = ["predict_table"]

# Models that a process keeps.
_MAX_MODELS = 2
# Types of pandas for labels, by the kind of NumPy's type. Unlike NumPy's, they have missing values.
_TYPES = {"U": "string", "O": "string", "T": "string", "i": "Int64", "u": "Int64"}
_TYPES |= {"b": "boolean", "f": "Float64"}


def predict_table(
    table: Any,
    model: Any,
    *,
    path: str = "path",
    speaker: str | None = None,
    threshold: float | None = None,
    batch_size: int = 256,
    resume: str | os.PathLike[str] | None = None,
) -> Any:
    """Predict the recordings of a table: every row gets a label, or an error.

    The columns and their types depend on the model only, so the results of all partitions of a
    large table fit together, even if a partition is empty or none of its files can be read.

    Parameters
    ----------
    table : pandas.DataFrame
        Its column `path` has the paths of recordings.
    model : path-like or fitted classifier
        File of `save_model`, whose name ends in .safetensors, or of ``joblib.dump``, which can run
        code: load only what you trust. Or a model of clips, such as a fitted
        ``make_ser_pipeline()``. A file is loaded once in each process, and again after it has
        changed.
    path : str, default="path"
        Name of the column of paths.
    speaker : str or None, default=None
        Name of the column of speakers, to which a model with a `SpeakerNormalizer` adapts. All
        recordings of a speaker should be in one table.
    threshold : float in [0, 1] or None, default=None
        Lowest probability of an answer, as in `predict_clips`.
    batch_size : int > 0, default=256
        Number of clips that are in memory at the same time, as features.
    resume : path-like or None, default=None
        Folder in which the result is stored as a Parquet file, which needs pyarrow. If the same
        recordings are predicted by the same model again, after an interruption for example, the
        file is read instead. Recordings are compared by path, size and time of the last change.

    Returns
    -------
    pandas.DataFrame
        The table with the columns label, ``probability_...`` for each class if the model has
        ``predict_proba``, unlike if it has `AudioRanges`, and error. The label and the
        probabilities of a recording that could not be used are missing; the error of the others is
        empty. Former columns of these names are replaced.

    Raises
    ------
    FileNotFoundError
        If there is no file of the model.
    ModelFileError
        If a file that ends in .safetensors is not a model file that can be loaded.
    KeyError
        If the table has no such column.
    TypeError, ValueError
        If a path is not a string, the table has several columns named `path` or `speaker`, a
        parameter has a wrong type or value, or the model does not adapt to speakers.

    See Also
    --------
    predict_clips : Predict clips of any kind.

    Examples
    --------
    >>> import joblib, pandas as pd
    >>> from ser_estimators import make_ser_pipeline, predict_table
    >>> from ser_estimators.datasets import make_emotional_speech
    >>> corpus = make_emotional_speech(
    ...     4, 4, emotions=("anger", "sadness"), n_syllables=2, out_dir="voices", random_state=0
    ... )
    >>> pipe = make_ser_pipeline(random_state=0).set_params(cnn__max_epochs=2)
    >>> files = joblib.dump(pipe.fit(corpus.data, corpus.target), "emotion.joblib")
    >>> table = pd.DataFrame({"path": [corpus.data[0], "missing.wav"]})
    >>> found = predict_table(table, "emotion.joblib")
    >>> list(found.columns)
    ['path', 'label', 'probability_anger', 'probability_sadness', 'error']
    >>> found["error"][1][:21]
    'there is no such file'
    """
    if not hasattr(table, "assign"):
        raise TypeError(f"table is a {type_name(table)}; expected a pandas DataFrame")
    for parameter, name in (("path", path), ("speaker", speaker)):
        if name not in table.columns and not (parameter == "speaker" and name is None):
            raise KeyError(
                f"the table has no column {represent(name)}, only "
                f"{represent(list(table.columns))}; pass the name of the column of {parameter}s as "
                f"{parameter}"
            )
        if list(table.columns).count(name) > 1:
            raise ValueError(
                f"the table has more than one column {represent(name)}; rename all but one of them"
            )
    # A missing path is an error of its row, like a path without a file.
    paths = ["" if is_missing(item) else item for item in table[path]]
    speakers = None if speaker is None else np.asarray(table[speaker], dtype=object)
    fitted, digest = _load(model)
    if resume is None:
        return table.assign(**_predict(fitted, paths, speakers, threshold, batch_size))
    folder = Path(resume).expanduser()
    key = digest or joblib.hash(fitted)
    if speakers is not None:
        key += " ".join(map(repr, speakers))
    if threshold is not None:
        key += f" threshold {threshold!r}"
    file = folder / f"{_key_of(paths, key)}.parquet"
    columns = _read(file)
    if columns is None:
        columns = _predict(fitted, paths, speakers, threshold, batch_size)
        folder.mkdir(parents=True, exist_ok=True)
        write_file(file, _parquet_of(paths, columns))
    return table.assign(**columns)


def _load(model: Any) -> tuple[Any, str]:
    """Return a model, and the digest of its file; empty if it was passed as an object."""
    if not isinstance(model, (str, os.PathLike)):
        return model, ""
    try:
        status = os.stat(model)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            error.errno,
            f"there is no such model{on_host()}; check the path, or copy the file there",
            os.fspath(model),
        ) from None
    return _load_file(os.path.abspath(model), status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=_MAX_MODELS)
def _load_file(path: str, size: int, mtime: int) -> tuple[Any, str]:
    """Return a model and the digest of its file, which is read again when it has changed."""
    content = Path(path).read_bytes()
    is_safe = path.lower().endswith(".safetensors")
    model = load_model(path) if is_safe else joblib.load(io.BytesIO(content))
    return model, hashlib.blake2b(content, digest_size=16).hexdigest()


def _predict(
    model: Any, paths: Sequence[str], speakers: Any, threshold: float | None, batch_size: int
) -> dict[str, Any]:
    """Return the new columns, which have no index."""
    import pandas as pd

    classes = np.asarray(model.classes_)
    labels, errors = np.empty(0, dtype=object), [""] * 0
    unlike: list[str] | None = []
    probabilities = np.empty((0, len(classes))) if hasattr(model, "predict_proba") else None
    if paths:
        found = predict_clips(
            model,
            paths,
            speakers=speakers,
            on_error="skip",
            threshold=threshold,
            batch_size=batch_size,
        )
        labels, probabilities, errors = found.labels, found.probabilities, found.errors
        unlike = found.unlike
    columns: dict[str, Any] = {"label": pd.array(labels, dtype=_TYPES[classes.dtype.kind])}
    if probabilities is not None:
        columns |= {
            f"probability_{name}": column
            for name, column in zip(classes, probabilities.T, strict=True)
        }
    if knows_training_audio(model):
        columns["unlike"] = pd.array(unlike, dtype="string")
    return columns | {"error": pd.array(errors, dtype="string")}


def _key_of(paths: Sequence[str], model: str) -> str:
    """Return what identifies the predictions of some files by a model."""
    key = hashlib.blake2b(f"{__version__} {model}".encode(), digest_size=16)
    for path in paths:
        try:
            status = os.stat(path)
            state = f"{status.st_size} {status.st_mtime_ns}"
        except (OSError, ValueError):
            state = "missing"
        key.update(f"\0{path}\0{state}".encode("utf-8", "surrogateescape"))
    return key.hexdigest()


def _read(file: Path) -> dict[str, Any] | None:
    """Return stored columns, or None if there is no file, or a damaged one."""
    import pandas as pd

    try:
        table = pd.read_parquet(file)
    except (OSError, ValueError):  # pyarrow raises the latter for what is not a Parquet file
        return None
    return {name: table[name].array for name in table.columns if name != "path"}


def _parquet_of(paths: Sequence[str], columns: Mapping[str, Any]) -> bytes:
    """Return a Parquet file of predictions."""
    names = [readable(name_of(path)) for path in paths]
    table = make_frame({"path": names, **columns}, caller="resume", instead="resume=None")
    return table.to_parquet(None, index=False)
