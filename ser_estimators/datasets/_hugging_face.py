"""Datasets of Hugging Face."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .._utils.text import represent, type_name
from ._listing import Listing
from ._own import OwnFiles

__all__ = ["from_hugging_face"]


def from_hugging_face(dataset: Any, folder: Path) -> Listing:
    """Return a dataset with its audio as paths or undecoded bytes, and its labels as names.

    Parameters
    ----------
    dataset : datasets.Dataset
    folder : pathlib.Path
        To which paths are relative.
    """
    files = OwnFiles("the dataset", is_path=False)
    if hasattr(dataset, "keys"):
        splits = represent(list(dataset.keys()))
        raise TypeError(
            f"table is a {type_name(dataset)} with the splits {splits}; expected one of them: pass "
            f"dataset[{next(iter(dataset), 'train')!r:.80}]"
        )
    if not hasattr(dataset, "cast_column") or not hasattr(dataset, "__len__"):
        raise TypeError(
            f"table is a {type_name(dataset)} of datasets, which has no length; expected a "
            "Dataset: load it without streaming=True"
        )
    if not len(dataset):
        raise ValueError(f"{files.start} it has no rows; expected one per clip")
    features = dict(dataset.features)
    known: dict[str, str] = {}
    for name, feature in features.items():
        if type(feature).__name__ == "Audio":
            known.setdefault("path", name)
            # Decoding needs another package, and all waveforms would be in memory.
            dataset = dataset.cast_column(name, type(feature)(decode=False))
    columns = [
        _names_of(feature, dataset[name]) if hasattr(feature, "int2str") else list(dataset[name])
        for name, feature in features.items()
    ]
    places = [f"row {number}" for number in range(1, len(dataset) + 1)]
    title = getattr(dataset.info, "dataset_name", None)
    return Listing(
        f"the dataset {title}" if title else "a Dataset",
        files,
        list(features),
        columns,
        places,
        folder,
        known,
    )


def _names_of(feature: Any, values: Any) -> list[str | None]:
    """Return the names of the labels of a ClassLabel, where -1 is a missing one."""
    return [None if value is None or value < 0 else str(feature.int2str(value)) for value in values]
