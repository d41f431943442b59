"""The spectrogram that the networks receive, and its views, as nodes of an ONNX graph."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..._network.views import View, row_weights
from .graph import Graph, Operand

__all__ = ["Clips", "add_spectrogram", "add_view", "real_frames"]


class Clips(NamedTuple):
    """Spectrograms of clips, and their real frames.

    Parameters
    ----------
    spectrogram : (n, n_channels, n_rows, n_frames), float32
        Zero in padding.
    mask : (n, n_frames), float32
        One in real frames and zero in padding.
    """

    spectrogram: str
    mask: str


def add_spectrogram(graph: Graph, inputs: Any, coefficients: Operand) -> Clips:
    """Add the standardized log-mel spectrogram.

    Parameters
    ----------
    graph : Graph
    inputs : LogMelLayer
    coefficients : (n, n_coefficients, n_frames), float32
        Zero in padding.
    """
    n_channels, n_rows = inputs.mean.shape[:2]
    mask = real_frames(graph, coefficients)
    rows = graph.reshape(coefficients, 0, n_channels, n_rows, -1)
    rows = graph.add("MatMul", inputs.inverse_dct.numpy(), rows)
    centered = graph.add("Sub", rows, inputs.mean.numpy())
    standardized = graph.add("Div", centered, inputs.std.numpy())
    return Clips(graph.add("Mul", standardized, graph.add("Unsqueeze", mask, [1, 2])), mask)


def real_frames(graph: Graph, coefficients: Operand) -> str:
    """Add a mask of the frames that are not padding, (n, n_frames), at least one of each clip."""
    largest = graph.max(graph.add("Abs", coefficients), 1, keepdims=False)
    is_real = graph.cast(graph.add("Greater", largest, 0.0), np.float32)
    return _with_one_frame(graph, is_real)


def add_view(graph: Graph, view: View, clips: Clips, *, n_rows: int) -> Clips:
    """Add a view of clips."""
    if view.frequency_scale != 1:
        weights = row_weights(n_rows, view.frequency_scale).numpy()
        clips = clips._replace(spectrogram=graph.add("MatMul", weights, clips.spectrogram))
    if view.time_stretch != 1:
        clips = _add_stretch(graph, clips, view.time_stretch)
    if view.delay:
        pads = [0, 0, 0, view.delay, 0, 0, 0, 0]
        spectrogram = graph.add("Pad", clips.spectrogram, pads, mode="edge")
        mask = graph.add("Pad", clips.mask, [0, view.delay, 0, 0], mode="edge")
        clips = Clips(spectrogram, mask)
    return clips


def _add_stretch(graph: Graph, clips: Clips, stretch: float) -> Clips:
    """Add `stretch_frames`, with positions in double precision as there."""
    half, one = np.float64(0.5), np.float64(1)
    positions = graph.add("Add", graph.count(graph.size(clips.mask, 1), np.float32), 1.0)
    lengths = graph.max(graph.add("Mul", clips.mask, positions), 1)
    lengths = graph.cast(lengths, np.float64)
    lengths_out = graph.add("Round", graph.add("Mul", lengths, np.float64(stretch)))
    lengths_out = graph.add("Max", lengths_out, one)
    # lengths and lengths_out (n, 1)
    longest = graph.cast(graph.max(lengths_out, 0, keepdims=False), np.int64)
    frames = graph.count(longest, np.float64)
    ratio = graph.add("Div", lengths, lengths_out)
    source = graph.add("Sub", graph.add("Mul", graph.add("Add", frames, half), ratio), half)
    last = graph.add("Sub", lengths, one)
    source = graph.add("Min", graph.add("Max", source, np.float64(0)), last)
    # source (n, n_frames_out)
    before = graph.add("Floor", source)
    after = graph.add("Min", graph.add("Add", before, one), last)
    share = graph.cast(graph.add("Sub", source, before), np.float32)
    is_inside = graph.cast(graph.add("Less", frames, lengths_out), np.float32)
    nearest = graph.take(clips.mask, graph.cast(graph.add("Round", source), np.int64))
    mask = _with_one_frame(graph, graph.add("Mul", nearest, is_inside))

    # (n, n_frames, n_channels, n_rows), so that a frame is taken as a whole
    by_frame = graph.add("Transpose", clips.spectrogram, perm=[0, 3, 1, 2])
    start, end = (graph.take(by_frame, graph.cast(each, np.int64)) for each in (before, after))
    share = graph.add("Unsqueeze", share, [2, 3])
    moved = graph.add("Mul", graph.add("Sub", end, start), share)
    stretched = graph.add(
        "Mul", graph.add("Add", start, moved), graph.add("Unsqueeze", mask, [2, 3])
    )
    return Clips(graph.add("Transpose", stretched, perm=[0, 2, 3, 1]), mask)


def _with_one_frame(graph: Graph, mask: Operand) -> str:
    """Mark the first frame of clips without a real frame, as `masks.with_one_frame`."""
    numbers = graph.count(graph.size(mask, 1))
    is_first = graph.cast(graph.add("Equal", numbers, 0), np.float32)
    is_empty = graph.add("Sub", 1.0, graph.max(mask, 1))
    return graph.add("Max", mask, graph.add("Mul", is_first, is_empty))
