"""Whose recordings a model adapts to."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence, Set
from typing import Any

import click

from ._inputs import Input

__all__ = ["SPEAKERS", "batches_of", "speakers_of"]

SPEAKERS = ("one", "folder", "column")
_BATCH = 32  # recordings between two steps of the progress bar


def speakers_of(
    inputs: Sequence[Input], source: str, *, emotions: Sequence[Any]
) -> list[str | None]:
    """Return the speaker of each recording.

    Parameters
    ----------
    inputs : sequence of Input
    source : {"one", "folder", "column"}
        There is one speaker, one in each folder, or a column of the tables names them.
    emotions : sequence of str
        Labels of the model. A folder that is named like one of them belongs to the folder above:
        ``<speaker>/<emotion>/<file>``.

    Raises
    ------
    click.UsageError
        If no recording has a speaker.
    """
    if source == "one":
        return ["1"] * len(inputs)
    if source == "folder":
        labels = {str(emotion).lower() for emotion in emotions}
        return [_folder_of(os.path.abspath(one.path or one.name), labels) for one in inputs]
    speakers = [one.speaker or None for one in inputs]
    if inputs and not any(speakers) and not all(one.error for one in inputs):
        raise click.UsageError(
            "no recording has a speaker; give a CSV file whose column speaker, or the one named "
            "with --speaker-column, says who speaks"
        )
    return speakers


def _folder_of(path: str, emotions: Set[str]) -> str:
    folder = os.path.dirname(path)
    while os.path.basename(folder).lower() in emotions:
        folder = os.path.dirname(folder)
    return folder


def batches_of(speakers: Sequence[str | None]) -> Iterator[slice]:
    """Yield ranges of recordings to predict together, with all recordings of each speaker.

    Examples
    --------
    >>> from ser_estimators.cli._speakers import batches_of
    >>> list(batches_of(["a"] * 20 + ["b"] * 20 + ["c", None]))
    [slice(0, 40, None), slice(40, 42, None)]
    """
    last = {speaker: index for index, speaker in enumerate(speakers) if speaker is not None}
    start = end = 0
    for index, speaker in enumerate(speakers):
        end = max(end, index + 1, 0 if speaker is None else last[speaker] + 1)
        if end == index + 1 and end - start >= _BATCH:
            yield slice(start, end)
            start = end
    if start < len(speakers):
        yield slice(start, len(speakers))
