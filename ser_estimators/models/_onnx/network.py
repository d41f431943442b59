"""The ensemble of convolutional networks as nodes of an ONNX graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._network.pooling import VARIANCE_FLOOR
from ..._network.views import View
from .graph import Graph, Operand
from .views import Clips, add_spectrogram, add_view

__all__ = ["add_embedding", "add_embeddings", "add_probabilities"]


class _Mask(NamedTuple):
    """Real frames between two layers, (n, 1, 1, n_frames), and their number, (n, 1)."""

    frames: str
    n_real: str


def add_embeddings(
    graph: Graph, ensemble: Any, views: Sequence[View], coefficients: Operand
) -> list[list[str]]:
    """Add the embedding of every view of a clip by every network.

    Parameters
    ----------
    graph : Graph
    ensemble : Ensemble
        With encoders of the class `ConvolutionalEncoder`.
    views : sequence of View
    coefficients : (n, n_coefficients, n_frames), float32
        Zero in padding.

    Returns
    -------
    list of list of (n, embedding_dim of the network), float32
        By view and network.
    """
    clips = add_spectrogram(graph, ensemble.inputs, coefficients)
    n_rows = ensemble.inputs.mean.shape[1]
    n_stages = ensemble.encoders[0].n_stages
    embeddings = []
    for view in views:
        spectrogram, masks = _padded(graph, add_view(graph, view, clips, n_rows=n_rows), n_stages)
        embeddings.append(
            [
                _add_head(graph, head, _add_encoder(graph, encoder, spectrogram, masks))
                for encoder, head in zip(ensemble.encoders, ensemble.heads, strict=True)
            ]
        )
    return embeddings


def add_embedding(graph: Graph, embeddings: Sequence[Sequence[str]], *, is_normalized: bool) -> str:
    """Add the embedding of clips, (n, embedding_dim): the mean over the views.

    Parameters
    ----------
    graph : Graph
    embeddings : list of list of str
        As returned by `add_embeddings`.
    is_normalized : bool
        Whether it is scaled to length 1.
    """
    by_view = [graph.add("Concat", *of_view, axis=1) for of_view in embeddings]
    embedding = graph.add("Mean", *by_view)
    if not is_normalized:
        return embedding
    length = graph.add("ReduceL2", embedding, axes=[1], keepdims=1)
    is_zero = graph.add("Equal", length, 0.0)
    return graph.add("Div", embedding, graph.add("Where", is_zero, 1.0, length))


def add_probabilities(graph: Graph, heads: Any, embeddings: Sequence[Sequence[str]]) -> str:
    """Add the mean of the probabilities of all networks and views, (n, n_classes)."""
    probabilities = []
    for of_view in embeddings:
        for head, embedding in zip(heads, of_view, strict=True):
            logits = _affine(graph, graph.add("Relu", embedding), head.output)
            probabilities.append(graph.add("Softmax", logits, axis=1))
    return graph.add("Mean", *probabilities)


def _padded(graph: Graph, clips: Clips, n_stages: int) -> tuple[str, list[_Mask]]:
    """Pad clips to a multiple of the total stride; return the masks after each stage.

    As in `ConvolutionalEncoder`, a window of the total stride is real if one of its frames is.
    """
    step = 2**n_stages
    n_windows = graph.add("Div", graph.add("Add", graph.size(clips.mask, 1), [step - 1]), [step])
    n_frames = graph.add("Mul", n_windows, [step])
    missing = graph.add("Sub", n_frames, graph.size(clips.mask, 1))
    pads = graph.add("Concat", [0] * 7, missing, axis=0)
    spectrogram = graph.add("Pad", clips.spectrogram, pads)
    mask = graph.add("Pad", clips.mask, graph.add("Concat", [0] * 3, missing, axis=0))
    windows = graph.max(graph.reshape(mask, 0, -1, step), 2)
    # windows (n, n_windows, 1)
    masks = []
    for stage in range(n_stages):
        repeats = 2 ** (n_stages - stage - 1)
        repeated = graph.add("Expand", windows, [1, 1, repeats]) if repeats > 1 else windows
        frames = graph.reshape(repeated, 0, 1, 1, -1)
        masks.append(_Mask(frames, graph.sum(frames, 2, 3, keepdims=False)))
    return spectrogram, masks


def _add_encoder(graph: Graph, encoder: Any, spectrogram: str, masks: list[_Mask]) -> str:
    """Add a `ConvolutionalEncoder`, (n, 3 * n_channels)."""
    x = spectrogram
    for block, mask in zip([encoder.stem, *encoder.blocks], masks, strict=True):
        x = _add_block(graph, block, x, mask)
        # x (n, n_channels, n_rows, n_frames), both axes halved
    x = _add_convolution(graph, encoder.collapse, x, masks[-1])
    # x (n, n_channels, 1, n_windows)
    frames, n_real = masks[-1]
    n_real = graph.add("Unsqueeze", n_real, [2, 3])
    mean = graph.add("Div", graph.sum(x, 3), n_real)
    deviation = graph.add("Mul", graph.add("Sub", x, mean), frames)
    squares = graph.sum(graph.add("Mul", deviation, deviation), 3)
    variance = graph.add("Add", graph.add("Div", squares, n_real), VARIANCE_FLOOR)
    statistics = graph.add("Concat", mean, graph.add("Sqrt", variance), graph.max(x, 3), axis=1)
    return graph.add("Flatten", statistics, axis=1)


def _add_block(graph: Graph, block: Any, x: str, mask: _Mask) -> str:
    """Add a `ConvBlock`."""
    if block.is_strided:
        return _add_convolution(graph, block, x, mask)
    convolution = block.convolution
    x = graph.add(
        "Conv", x, _array(convolution.weight), pads=[*convolution.padding, *convolution.padding]
    )
    x = graph.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    norm = block.norm
    x = graph.add(
        "BatchNormalization",
        x,
        *map(_array, (norm.weight, norm.bias, norm.running_mean, norm.running_var)),
        epsilon=norm.eps,
    )
    x = graph.add("Mul", graph.add("Relu", x), mask.frames)
    if block.gate is None:
        return x
    # SqueezeExcitation
    n_real = graph.add("Mul", mask.n_real, graph.cast(graph.size(x, 2), np.float32))
    mean = graph.add("Div", graph.sum(x, 2, 3, keepdims=False), n_real)
    squeezed = graph.add("Relu", _affine(graph, mean, block.gate.squeeze))
    gate = graph.add("Sigmoid", _affine(graph, squeezed, block.gate.excite))
    gate = graph.add("Unsqueeze", graph.add("Mul", gate, 2.0), [2, 3])
    return graph.add("Mul", x, gate)


def _add_convolution(graph: Graph, block: Any, x: str, mask: _Mask) -> str:
    """Add a convolution with batch normalization and ReLU, zero in padding."""
    convolution = block.convolution
    scale, shift = _scale_and_shift(block.norm)
    weight = _array(convolution.weight) * scale[:, None, None, None]
    x = graph.add(
        "Conv",
        x,
        weight.astype(np.float32),
        shift.astype(np.float32),
        pads=[*convolution.padding, *convolution.padding],
        strides=list(convolution.stride),
    )
    return graph.add("Mul", graph.add("Relu", x), mask.frames)


def _add_head(graph: Graph, head: Any, x: str) -> str:
    """Add the embedding of a network, (n, embedding_dim)."""
    scale, shift = _scale_and_shift(head.embedding_norm)
    weight = _array(head.embedding.weight) * scale[:, None]
    return graph.affine(x, weight.astype(np.float32), shift.astype(np.float32))


def _affine(graph: Graph, x: str, linear: Any) -> str:
    return graph.affine(x, _array(linear.weight), _array(linear.bias))


def _scale_and_shift(norm: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return batch normalization as factors and summands of the channels."""
    weight, bias, mean, variance = (
        _array(tensor).astype(np.float64)
        for tensor in (norm.weight, norm.bias, norm.running_mean, norm.running_var)
    )
    scale = weight / np.sqrt(variance + norm.eps)
    return scale, bias - mean * scale


def _array(tensor: Any) -> NDArray[np.float32]:
    return np.ascontiguousarray(tensor.detach().numpy())
