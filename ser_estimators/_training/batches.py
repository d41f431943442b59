"""Batches of clips, and their order in training."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from .._network.lengths import batches_by_length

__all__ = [
    "ClipDataset",
    "OrderedBatches",
    "Prefetch",
    "TrainingBatches",
    "coefficients_of",
    "n_batches",
]

# In training, clips are cropped to this multiple of the median length. Otherwise, the cost of an
# epoch would depend on the longest clip.
_MAX_MEDIANS = 4


class ClipDataset(Dataset[Any]):
    """Clips of an array, with repetitions, and their targets.

    Arrays are indexed once per batch instead of once per clip. Only one batch is copied at a time,
    so the arrays may be memory-mapped.

    Parameters
    ----------
    coefficients : ndarray of shape (n_rows, n_coefficients, n_frames)
    rows : ndarray of shape (n_clips,)
        Index of each clip among the coefficients.
    n_frames : ndarray of shape (n_rows,)
        Number of frames that are not padding.
    targets : ndarray of shape (n_clips, n_classes), float32

    Attributes
    ----------
    max_frames : int
        Number of frames to which longer clips are cropped in training.
    """

    def __init__(
        self,
        coefficients: NDArray[np.float32],
        rows: NDArray[np.int64],
        n_frames: NDArray[np.int64],
        targets: NDArray[np.float32],
    ) -> None:
        self.coefficients = coefficients
        self.rows = rows
        self.n_frames = n_frames
        self.targets = targets
        self.max_frames = int(_MAX_MEDIANS * np.median(n_frames[rows]))

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, indices: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Return the coefficients of some clips, cut to the longest of them, and their targets."""
        rows = self.rows[indices]
        longest = self.n_frames[rows].max()
        return (
            torch.from_numpy(self.coefficients[rows, :, :longest]),
            torch.from_numpy(self.targets[indices]),
        )

    def cropped_batch(
        self, indices: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return a batch with a random part of each clip of more than `max_frames` frames."""
        rows = self.rows[indices]
        lengths = self.n_frames[rows]
        if lengths.max() <= self.max_frames:
            return self.batch(indices)
        kept = lengths.clip(max=self.max_frames)
        shape = (len(rows), self.coefficients.shape[1], kept.max())
        cropped = np.zeros(shape, dtype=np.float32)
        for clip, row, start, length in zip(
            cropped, rows, rng.integers(lengths - kept + 1), kept, strict=True
        ):
            clip[:, :length] = self.coefficients[row, :, start : start + length]
        return torch.from_numpy(cropped), torch.from_numpy(self.targets[indices])


class TrainingBatches:
    """The batches of an epoch in random order, with long clips cropped, for training.

    Their sizes differ by at most one clip, so that no batch is too small for batch normalization.

    Parameters
    ----------
    dataset : ClipDataset
    batch_size : int >= 2
        Maximum number of clips in a batch, exceeded by one if a single clip would remain.
    rng : numpy.random.Generator
        Determines the order and the crops.
    """

    def __init__(self, dataset: ClipDataset, batch_size: int, rng: np.random.Generator) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        self.rng = rng

    def __len__(self) -> int:
        return n_batches(len(self.dataset), self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = self.rng.permutation(len(self.dataset))
        for indices in np.array_split(order, len(self)):
            yield self.dataset.cropped_batch(indices, self.rng)


class OrderedBatches:
    """Batches of complete clips, for validation and for passes over all clips.

    They are in order, except where `batches_by_length` divides a batch.

    Parameters
    ----------
    dataset : ClipDataset
    batch_size : int > 0
        Maximum number of clips in a batch.
    """

    def __init__(self, dataset: ClipDataset, batch_size: int) -> None:
        self.dataset = dataset
        self.batch_size = batch_size

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        positions = np.arange(len(self.dataset))
        n_frames = self.dataset.n_frames[self.dataset.rows]
        for part in batches_by_length(n_frames, self.batch_size):
            yield self.dataset.batch(positions[part])


class Prefetch:
    """Batches that are processed in another thread, one ahead of the consumer.

    They are processed one after another and in order, so random generators draw the same numbers
    as without the thread.

    Parameters
    ----------
    batches : iterable
    make : callable
        Takes a batch and returns its replacement, which must not be None.
    pool : concurrent.futures.Executor
    """

    def __init__(self, batches: Iterable[Any], make: Callable[[Any], Any], pool: Executor) -> None:
        self._batches = iter(batches)
        self._make = make
        self._pool = pool
        self._following: Future[Any] | None = None

    def begin(self) -> Future[Any]:
        """Start to process the next batch, unless this has already started."""
        if self._following is None:
            self._following = self._pool.submit(self._make_next)
        return self._following

    def __iter__(self) -> Iterator[Any]:
        while True:
            made = self.begin().result()
            self._following = None
            if made is None:
                return
            yield made

    def _make_next(self) -> Any:
        batch = next(self._batches, None)
        return None if batch is None else self._make(batch)


def coefficients_of(dataset: ClipDataset, batch_size: int) -> Iterator[Tensor]:
    """Yield the coefficients of all clips, in batches cut to the longest clip of each."""
    return (coefficients for coefficients, _ in OrderedBatches(dataset, batch_size))


def n_batches(n_clips: int, batch_size: int) -> int:
    """Return the number of batches of an epoch, none of which has fewer than two clips."""
    count = math.ceil(n_clips / batch_size)
    return count if count == 1 or n_clips // count >= 2 else count - 1
