"""Statistics of the hidden states of clips, from the cache or from the encoder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
import torch

from .._audio.files import resample
from .._audio.progress import ClipProgress
from .._audio.reading import Reading
from .._encoders.embedding import STATISTICS, embed
from .._encoders.files import EncoderFiles
from .._encoders.loading import load_encoder, shape_of
from .._features.cache import FeatureCache, cache_folder, parse_bytes
from .._features.extraction import extract_in_batches
from .._network.devices import device_at_hand, resolve_precision
from .._network.threads import map_in_threads
from .._utils.arrays import Floats
from .._utils.progress import current_progress
from ..exceptions import EncoderError
from .clip_transformer import VERSIONS

__all__ = ["RUN_PARAMETERS", "clip_statistics"]

# Parameters of `clip_statistics` that are those of an estimator.
RUN_PARAMETERS = (
    *("batch_size", "device", "precision", "memory", "bytes_limit", "n_jobs", "verbose"),
)
# Batches whose clips are read together, and then sorted by length.
_SORTED_BATCHES = 8


def clip_statistics(
    clips: Any,
    files: EncoderFiles,
    n_layers: int,
    reading: Reading,
    *,
    speeds: Sequence[float],
    cache_as: str,
    batch_size: int,
    device: str,
    precision: str,
    memory: Any,
    bytes_limit: int | str | None,
    n_jobs: int | None,
    verbose: int,
) -> Iterator[Floats]:
    """Yield statistics over time of the hidden states of every clip.

    Parameters
    ----------
    clips : sequence of clips
    files : EncoderFiles
    n_layers : int >= 0
        Number of layers to compute. With `memory`, all layers are computed and stored, so that
        others can be tried without the encoder.
    reading : Reading
        At the sampling rate of the encoder.
    speeds : sequence of float
        Speeds at which each clip is played.
    cache_as : str
        Name of the features in the cache.
    batch_size, device, precision, memory, bytes_limit, n_jobs, verbose
        As in `EncoderEmbedder`.

    Yields
    ------
    ndarray of shape (n_speeds, 1 + n_layers, n_statistics, width), float32
    """
    shape = shape_of(files)
    found_device = device_at_hand(device)
    dtype = resolve_precision(precision, found_device)
    folder, cache = cache_folder(memory), None
    if folder is not None:
        n_layers = shape.n_layers
        settings = {
            "transformer": cache_as,
            "reading": asdict(reading),
            "encoder": files.digest,
            "speeds": [float(speed) for speed in speeds],
            "statistics": STATISTICS,
            "dtype": str(dtype),
            "versions": VERSIONS | {name: version(name) for name in ("torch", "transformers")},
        }
        limit = parse_bytes(bytes_limit, "bytes_limit")
        cache = FeatureCache(folder, settings, bytes_limit=limit)

    is_on_cpu = torch.device(found_device).type == "cpu"
    # The rounding of a matrix product depends on its shape, which the layers of an encoder amplify
    # in bfloat16. One clip at a time costs about as much on a CPU, if each thread has its own.
    n_at_once = 1 if is_on_cpu or dtype == torch.bfloat16 else batch_size

    def compute(waveforms: Sequence[Floats], progress: ClipProgress) -> Floats:
        family = load_encoder(files, n_layers=n_layers, device=found_device, dtype=dtype)
        tables = []
        for speed in speeds:
            played = [_play(waveform, reading, speed) for waveform in waveforms]
            tables.append(
                embed(
                    family,
                    played,
                    batch_size=n_at_once,
                    run=map_in_threads if is_on_cpu else map,
                    advance=progress.advance,
                )
            )
        table = np.stack(tables, axis=1)
        # Before the cache, which would keep the values.
        _check_finite(table, files)
        return table.reshape(len(waveforms), -1, shape.width)

    features = extract_in_batches(
        compute,
        clips,
        reading,
        batch_size=_SORTED_BATCHES * batch_size,
        cache=cache,
        n_jobs=n_jobs,
        progress=partial(
            ClipProgress,
            name=cache_as if verbose else None,
            label=current_progress().label,
            n_steps=len(speeds),
        ),
    )
    for rows in features:
        yield rows.reshape(len(speeds), 1 + n_layers, len(STATISTICS), shape.width)


def _check_finite(table: Floats, files: EncoderFiles) -> None:
    """Raise EncoderError for what only damaged weights cause, since waveforms are finite."""
    if not np.isfinite(table).all():
        raise EncoderError(
            f"The hidden states of the encoder {files.name!r:.200} contain NaN or infinity, so its "
            "weights are damaged; download the model again"
        )


def _play(waveform: Floats, reading: Reading, speed: float) -> Floats:
    """Return a clip as if it were played at another speed, so that its pitch changes as well."""
    if speed == 1:
        return waveform
    return resample(waveform, round(reading.sr * speed), reading.sr, res_type=reading.res_type)
