"""Prediction with a trained ensemble."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from .ensemble import Ensemble, average_logits
from .threads import one_thread_per_operation, thread_pool
from .views import View

__all__ = ["count_frames", "predict_in_batches"]


def count_frames(coefficients: NDArray[np.float32]) -> NDArray[np.int64]:
    """Count the frames of each clip up to the last one that is not padding, at least one.

    Parameters
    ----------
    coefficients : ndarray of shape (n_clips, n_coefficients, n_frames)

    Returns
    -------
    ndarray of shape (n_clips,), int64
    """
    n_frames = np.ones(len(coefficients), dtype=np.int64)
    for index, clip in enumerate(coefficients):
        real = np.flatnonzero(clip.any(axis=0))
        if real.size:
            n_frames[index] = real[-1] + 1
    return n_frames


def predict_in_batches(
    ensemble: Ensemble,
    coefficients: NDArray[np.float32],
    *,
    batch_size: int,
    device: str,
    embed: bool,
    views: Sequence[View],
) -> NDArray[np.float32]:
    """Run an ensemble on clips, with batches in parallel.

    Parameters
    ----------
    ensemble : Ensemble
        On the CPU.
    coefficients : ndarray of shape (n_clips, n_coefficients, n_frames)
    batch_size : int > 0
    device : str
    embed : bool
        Whether to return embeddings; otherwise logits.
    views : sequence of View
        Views of each clip over which embeddings, or probabilities, are averaged.

    Returns
    -------
    ndarray of shape (n_clips, embedding_dim) or (n_clips, n_classes), float32
    """
    if device != "cpu":
        ensemble = copy.deepcopy(ensemble).to(device)
    ensemble.eval()
    n_frames = count_frames(coefficients)

    @torch.inference_mode()
    def run(start: int) -> NDArray[np.float32]:
        part = slice(start, start + batch_size)
        # Copied, because torch warns of read-only arrays.
        batch = torch.from_numpy(np.array(coefficients[part, :, : n_frames[part].max()]))
        spectrogram, mask = ensemble.inputs(batch.to(device))
        embeddings = [ensemble.embed(ensemble.encoders(*view(spectrogram, mask))) for view in views]
        # embeddings (n, embedding_dim) each
        if embed:
            output = torch.stack(embeddings).mean(dim=0)
        else:
            output = average_logits(torch.cat([ensemble.classify(e) for e in embeddings], dim=1))
        return output.cpu().numpy()

    starts = range(0, len(coefficients), batch_size)
    with (
        one_thread_per_operation() as n_threads,
        thread_pool(min(n_threads, len(starts)) if device == "cpu" else 1) as pool,
    ):
        return np.concatenate(list(pool.map(run, starts)))
