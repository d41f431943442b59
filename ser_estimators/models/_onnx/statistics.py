"""Statistics of MFCCs over time as nodes of an ONNX graph."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..._features.frame_statistics import LAG
from .graph import Graph, Operand
from .views import real_frames

__all__ = ["add_statistics"]


def add_statistics(
    graph: Graph, coefficients: Operand, standardization: NDArray[np.float32]
) -> str:
    """Add the standardized statistics of `frame_statistics`, (n, 4 * n_coefficients).

    Parameters
    ----------
    graph : Graph
    coefficients : (n, n_coefficients, n_frames), float32
        Zero in padding.
    standardization : ndarray of shape (2, 4 * n_coefficients)
        What is subtracted, and what the result is multiplied by.
    """
    # In double precision, as in NumPy
    x = graph.cast(coefficients, np.float64)
    mask = graph.cast(graph.add("Unsqueeze", real_frames(graph, coefficients), [1]), np.float64)
    # x (n, n_coefficients, n_frames), mask (n, 1, n_frames)
    mean = _mean(graph, x, mask)
    deviation = graph.add("Sub", x, mean)
    variance = _mean(graph, graph.add("Mul", deviation, deviation), mask)
    change, between = _differences(graph, x, mask, 1)
    slow, apart = _differences(graph, x, mask, LAG)
    statistics = graph.add(
        "Concat",
        mean,
        graph.add("Sqrt", variance),
        _mean(graph, graph.add("Abs", change), between),
        graph.add("Sqrt", _mean(graph, graph.add("Mul", slow, slow), apart)),
        axis=1,
    )
    center, factor = standardization.astype(np.float64)
    statistics = graph.add("Sub", graph.add("Squeeze", statistics, [2]), center)
    return graph.cast(graph.add("Mul", statistics, factor), np.float32)


def _mean(graph: Graph, x: str, mask: str) -> str:
    """Add the means over frames, (n, n_coefficients, 1); zero if there are no frames."""
    n_frames = graph.add("Max", graph.sum(mask, 2), np.float64(1))
    return graph.add("Div", graph.sum(graph.add("Mul", x, mask), 2), n_frames)


def _differences(graph: Graph, x: str, mask: str, lag: int) -> tuple[str, str]:
    """Add differences between frames at a distance, and a mask of those of real frames."""
    # Of as many frames as before: the first ones are differences from zeros, and masked.
    earlier = _delayed(graph, x, lag)
    return graph.add("Sub", x, earlier), graph.add("Mul", mask, _delayed(graph, mask, lag))


def _delayed(graph: Graph, x: str, lag: int) -> str:
    padded = graph.add("Pad", x, [0, 0, lag, 0, 0, 0], np.float64(0))
    return graph.add("Slice", padded, [0], [-lag], [2])
