"""Statistics of the hidden states of clips, from the cache or from the encoder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from .._audio.reading import Reading
from .._encoders.embedding import STATISTICS, embed
from .._encoders.files import EncoderFiles
from .._encoders.loading import load_encoder, shape_of
from .._features.cache import FeatureCache, cache_folder, parse_bytes
from .._features.extraction import extract_in_batches
from .._network.devices import device_at_hand, resolve_precision
from .._utils.arrays import Floats
from .._utils.checks import check_choice
from .._utils.text import represent
from .clip_transformer import VERSIONS

__all__ = ["check_pooling", "clip_statistics"]

# Batches whose clips are read together, and then sorted by length.
_SORTED_BATCHES = 8


def check_pooling(pooling: Any) -> None:
    """Raise an error unless pooling names statistics."""
    if isinstance(pooling, str) or not hasattr(pooling, "__len__") or not len(pooling):
        raise ValueError(
            f"pooling == {represent(pooling)}, must be a sequence of one or more of "
            f"{', '.join(STATISTICS)}"
        )
    for statistic in pooling:
        check_choice(statistic, "pooling", STATISTICS)
    if len(set(pooling)) < len(pooling):
        raise ValueError(f"pooling == {represent(pooling)}, must not contain duplicates")


def clip_statistics(
    clips: Any,
    files: EncoderFiles,
    n_layers: int,
    reading: Reading,
    *,
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
    cache_as : str
        Name of the features in the cache.
    batch_size, device, precision, memory, bytes_limit, n_jobs, verbose
        As in `EncoderEmbedder`.

    Yields
    ------
    ndarray of shape (1 + n_layers, n_statistics, width), float32
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
            "statistics": STATISTICS,
            "dtype": str(dtype),
            "versions": VERSIONS | {name: version(name) for name in ("torch", "transformers")},
        }
        limit = parse_bytes(bytes_limit, "bytes_limit")
        cache = FeatureCache(folder, settings, bytes_limit=limit)

    def compute(waveforms: Sequence[Floats]) -> Floats:
        family = load_encoder(files, n_layers=n_layers, device=found_device, dtype=dtype)
        found = embed(family, waveforms, batch_size=batch_size)
        return found.reshape(len(waveforms), -1, shape.width)

    features = extract_in_batches(
        compute,
        clips,
        reading,
        batch_size=_SORTED_BATCHES * batch_size,
        cache=cache,
        n_jobs=n_jobs,
        progress="encoder" if verbose else None,
    )
    for rows in features:
        yield rows.reshape(1 + n_layers, len(STATISTICS), shape.width)
