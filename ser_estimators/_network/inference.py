"""Prediction with a trained ensemble."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from .ensemble import Ensemble, average_logits
from .lengths import batches_by_length
from .threads import one_thread_per_operation, thread_pool
from .views import View

__all__ = ["predict_in_batches"]

# The views of a single clip of up to this length are one batch, which takes two thirds of the time.
# Those of several clips take longer in one batch, because of the padding.
_MAX_JOINED_FRAMES = 1000


def predict_in_batches(
    ensemble: Ensemble,
    coefficients: NDArray[np.float32],
    n_frames: NDArray[np.int64],
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
    n_frames : ndarray of shape (n_clips,)
        Number of frames that are not padding.
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

    @torch.inference_mode()
    def run(part: slice | NDArray[np.int64]) -> NDArray[np.float32]:
        # Copied, because torch warns of read-only arrays.
        batch = torch.from_numpy(np.array(coefficients[part, :, : n_frames[part].max()]))
        spectrogram, mask = ensemble.inputs(batch.to(device))
        embeddings = _embeddings(ensemble, spectrogram, mask, views)
        # embeddings (n, embedding_dim) each
        if embed:
            output = torch.stack(embeddings).mean(dim=0)
        else:
            output = average_logits(torch.cat([ensemble.classify(e) for e in embeddings], dim=1))
        return output.cpu().numpy()

    parts = list(batches_by_length(n_frames, batch_size))
    with (
        one_thread_per_operation() as n_threads,
        thread_pool(min(n_threads, len(parts)) if device == "cpu" else 1) as pool,
    ):
        outputs = list(pool.map(run, parts))
    result = np.empty((len(coefficients), outputs[0].shape[1]), dtype=np.float32)
    for part, output in zip(parts, outputs, strict=True):
        result[part] = output
    return result


def _embeddings(
    ensemble: Ensemble, spectrogram: Tensor, mask: Tensor, views: Sequence[View]
) -> list[Tensor]:
    """Return the embeddings of each view, (n, embedding_dim)."""
    viewed = [view(spectrogram, mask) for view in views]
    if len(spectrogram) > 1 or spectrogram.shape[3] > _MAX_JOINED_FRAMES:
        return [ensemble.embed(ensemble.encoders(*one)) for one in viewed]
    longest = max(mask.shape[3] for _, mask in viewed)
    spectrogram, mask = (
        torch.cat([functional.pad(part, (0, longest - part.shape[3])) for part in parts])
        for parts in zip(*viewed, strict=True)
    )
    return list(ensemble.embed(ensemble.encoders(spectrogram, mask)).split(1))
