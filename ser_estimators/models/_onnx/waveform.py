"""Waveforms of unequal length, and effects on them, as nodes of an ONNX graph."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._audio import effects
from ..._audio.reading import Reading
from ..._audio.waveforms import MAX_PEAK
from .graph import Graph, Operand

__all__ = ["Waveforms", "add_waveforms"]

_DECIBELS = np.float64(10 / np.log(10))  # for each unit of a natural logarithm of a power
_BLOCK = 256  # samples that are filtered at a time
_NEGLIGIBLE = 1e-10  # of the largest value of an impulse response
_ORDER = 4  # of the K-weighting, which is two filters of second order


class Waveforms(NamedTuple):
    """Waveforms and their lengths.

    Parameters
    ----------
    samples : (n, n_samples), float32
        Zero after the end of a waveform.
    lengths : (n,), int64
        At least one.
    """

    samples: str
    lengths: str


def add_waveforms(
    graph: Graph, waveform: Operand, lengths: Operand, reading: Reading
) -> tuple[Waveforms, str]:
    """Add what happens to waveforms before feature extraction.

    Parameters
    ----------
    graph : Graph
    waveform : (n, n_samples), float32
        Samples after the end of a waveform are ignored.
    lengths : (n,), int64
    reading : Reading
        Its `sr` is the rate of the waveforms.

    Returns
    -------
    waveforms : Waveforms
    is_valid : (n, 1), bool
        Whether the length is between 1 and n_samples, and all samples can be used.
    """
    n_samples = graph.size(waveform, 1)
    start = int(reading.offset * reading.sr)
    beyond = graph.add("Greater", lengths, n_samples)
    is_valid = graph.add("And", graph.add("Greater", lengths, start), graph.add("Not", beyond))
    if start:
        waveform = graph.add("Slice", waveform, [start], n_samples, [1])
        lengths = graph.add("Sub", lengths, start)
    if reading.duration is not None:
        limit = max(int(reading.duration * reading.sr), 1)
        waveform = graph.add("Slice", waveform, [0], [limit], [1])
        lengths = graph.add("Min", lengths, limit)
    # What cannot be used becomes a silent clip, or one of a single sample.
    missing = graph.add("Max", graph.add("Sub", [1], graph.size(waveform, 1)), [0])
    waveform = graph.add("Pad", waveform, graph.add("Concat", [0] * 3, missing, axis=0))
    lengths = graph.add("Max", graph.add("Min", lengths, graph.size(waveform, 1)), 1)
    samples, lengths = _cut(graph, waveform, lengths)
    is_usable = graph.add("LessOrEqual", graph.add("Abs", samples), MAX_PEAK)  # false for NaN
    waveforms = Waveforms(graph.add("Where", is_usable, samples, 0.0), lengths)
    worst = graph.add("ReduceMin", graph.cast(is_usable, np.float32), axes=[1], keepdims=0)
    is_valid = graph.add("And", is_valid, graph.add("Greater", worst, 0.0))
    if reading.trim_db is not None:
        waveforms = _add_trim(graph, waveforms, reading.trim_db)
    if reading.loudness is not None:
        waveforms = _add_loudness(graph, waveforms, reading.sr, reading.loudness)
    if reading.preemphasis is not None:
        waveforms = _add_preemphasis(graph, waveforms, reading.preemphasis)
    return waveforms, graph.add("Unsqueeze", is_valid, [1])


def _cut(graph: Graph, samples: Operand, lengths: Operand) -> Waveforms:
    """Set the samples after the end of each waveform to zero, whatever they are."""
    positions = graph.count(graph.size(samples, 1))
    is_inside = graph.add("Less", positions, graph.add("Unsqueeze", lengths, [1]))
    return Waveforms(graph.add("Where", is_inside, samples, 0.0), lengths)


def _add_preemphasis(graph: Graph, waveforms: Waveforms, coef: float) -> Waveforms:
    """Add `preemphasize`."""
    samples, lengths = waveforms
    before = graph.delayed(samples, 1, 1)
    emphasized = graph.add("Sub", samples, graph.add("Mul", before, coef))
    # The first two samples; the second is zero in a waveform of one sample.
    pair = graph.add("Slice", graph.add("Pad", samples, [0, 0, 0, 1]), [0], [2], [1])
    extrapolated = graph.sum(graph.add("Mul", pair, np.array([2, -1], dtype=np.float32)), 1)
    has_two = graph.cast(graph.add("Greater", lengths, 1), np.float32)
    extrapolated = graph.add("Mul", extrapolated, graph.add("Unsqueeze", has_two, [1]))
    is_first = graph.cast(graph.add("Equal", graph.count(graph.size(samples, 1)), 0), np.float32)
    emphasized = graph.add("Add", emphasized, graph.add("Mul", extrapolated, is_first))
    return _cut(graph, emphasized, lengths)


def _add_trim(graph: Graph, waveforms: Waveforms, top_db: float) -> Waveforms:
    """Add `trim`."""
    samples, lengths = waveforms
    frame, hop = effects.TRIM_FRAME, effects.TRIM_HOP
    per_frame = frame // hop
    n_samples = graph.size(samples, 1)
    n_steps = graph.add("Div", graph.add("Add", n_samples, [frame + hop - 1]), [hop])
    after = graph.add(
        "Sub", graph.add("Mul", n_steps, [hop]), graph.add("Add", n_samples, [frame // 2])
    )
    pads = graph.add("Concat", [0], [frame // 2], [0], after, axis=0)
    steps = graph.reshape(graph.add("Pad", samples, pads), 0, -1, hop)
    steps = graph.cast(graph.add("Mul", steps, steps), np.float64)
    steps = graph.sum(steps, 2, keepdims=False)
    # (n, n_steps)
    ends = (graph.add("Sub", n_steps, [per_frame - 1 - first]) for first in range(per_frame))
    power = graph.add(
        "Sum", *(graph.add("Slice", steps, [first], end, [1]) for first, end in enumerate(ends))
    )
    # (n, n_frames), of overlapping frames
    mean = graph.add(
        "Max", graph.add("Div", power, np.float64(frame)), np.float64(effects.TRIM_FLOOR)
    )
    decibels = graph.add("Mul", graph.add("Log", mean), _DECIBELS)
    numbers = graph.count(graph.size(decibels, 1))
    n_frames = graph.add("Div", graph.add("Add", lengths, frame), hop)
    n_frames = graph.add("Sub", n_frames, per_frame - 1)
    is_real = graph.add("Less", numbers, graph.add("Unsqueeze", n_frames, [1]))
    decibels = graph.add("Where", is_real, decibels, np.float64(-1e3))
    threshold = graph.add("Sub", graph.max(decibels, 1), np.float64(top_db))
    is_loud = graph.add("Greater", decibels, threshold)
    first = graph.add("Where", is_loud, numbers, np.int64(2**62))
    first = graph.add("ReduceMin", first, axes=[1], keepdims=0)
    last = graph.max(graph.add("Where", is_loud, numbers, -1), 1, keepdims=False)
    start = graph.add("Mul", first, hop)
    stop = graph.add("Min", graph.add("Mul", graph.add("Add", last, 1), hop), lengths)
    lengths = graph.add("Max", graph.add("Sub", stop, start), 1)
    positions = graph.count(graph.max(lengths, 0))
    positions = graph.add("Add", positions, graph.add("Unsqueeze", start, [1]))
    positions = graph.add("Min", positions, graph.add("Sub", n_samples, [1]))
    return _cut(graph, graph.take(samples, positions), lengths)


def _add_loudness(graph: Graph, waveforms: Waveforms, sr: int, loudness: float) -> Waveforms:
    """Add `normalize_loudness`."""
    samples, lengths = waveforms
    weighted = _add_k_weighting(graph, samples, sr)
    squares = graph.cast(graph.add("Mul", weighted, weighted), np.float64)
    energy = graph.add(
        "CumSum", graph.add("Pad", squares, [0, 0, 0, 1], np.float64(0)), 1, exclusive=1
    )
    # (n, n_samples + 1), of all samples before a position
    block, step = round(effects.BLOCK_SECONDS * sr), max(round(effects.STEP_SECONDS * sr), 1)
    longest = graph.add("Max", graph.size(samples, 1), [block])
    n_blocks = graph.add("Add", graph.add("Div", graph.add("Sub", longest, [block]), [step]), [1])
    size = graph.add("Unsqueeze", graph.add("Min", lengths, block), [1])
    # size (n, 1)
    starts = graph.add("Mul", graph.count(n_blocks), step)
    ends = graph.add("Add", starts, size)
    # ends (n, n_blocks)
    is_inside = graph.add("LessOrEqual", ends, graph.add("Unsqueeze", lengths, [1]))
    ends = graph.add("Min", ends, graph.size(samples, 1))
    before = graph.add("Min", starts, ends)
    difference = graph.add("Sub", graph.take(energy, ends), graph.take(energy, before))
    power = graph.add("Div", difference, graph.cast(size, np.float64))
    power = graph.add("Mul", power, graph.cast(is_inside, np.float64))
    levels = _add_lufs(graph, power)
    loudest = graph.max(levels, 1)
    quiet = graph.add("Add", loudest, np.float64(effects.QUIET_RANGE))
    gate = graph.add("Min", quiet, np.float64(effects.ABSOLUTE_GATE))
    is_loud = graph.add("Greater", levels, gate)
    is_audible = graph.add("Greater", loudest, np.float64(effects.SILENT))
    is_loud = graph.add("And", graph.add("And", is_inside, is_loud), is_audible)
    mean = _add_lufs(graph, _add_mean(graph, power, is_loud))
    gate = graph.add("Add", mean, np.float64(effects.RELATIVE_GATE))
    is_louder = graph.add("And", is_loud, graph.add("Greater", levels, gate))
    present = _add_lufs(graph, _add_mean(graph, power, is_louder))
    exponent = graph.add("Sub", np.float64(loudness), present)
    gain = graph.add("Exp", graph.add("Mul", exponent, np.float64(np.log(10) / 20)))
    has_sound = graph.max(graph.cast(is_loud, np.float32), 1)
    gain = graph.add(
        "Where", graph.add("Greater", has_sound, 0.0), graph.cast(gain, np.float32), 1.0
    )
    return Waveforms(graph.add("Mul", samples, gain), lengths)


def _add_mean(graph: Graph, x: Operand, is_used: Operand) -> str:
    """Add means along the last axis, zero where nothing is used."""
    used = graph.cast(is_used, np.float64)
    count = graph.add("Max", graph.sum(used, 1), np.float64(1))
    return graph.add("Div", graph.sum(graph.add("Mul", x, used), 1), count)


def _add_lufs(graph: Graph, power: Operand) -> str:
    logarithm = graph.add("Log", graph.add("Max", power, np.float64(effects.LUFS_FLOOR)))
    decibels = graph.add("Mul", logarithm, _DECIBELS)
    return graph.add("Add", decibels, np.float64(effects.LUFS_OFFSET))


def _add_k_weighting(graph: Graph, samples: Operand, sr: int) -> str:
    """Add the filter of BS.1770, (n, n_samples), in blocks of samples.

    ONNX has no recursive filters. Within a block the filter is a product with a matrix; what the
    samples before it contribute has as many degrees of freedom as the order of the filter.
    """
    response, past, future = _filter_tables(sr)
    n_samples = graph.size(samples, 1)
    n_blocks = graph.add("Div", graph.add("Add", n_samples, [_BLOCK - 1]), [_BLOCK])
    after = graph.add("Sub", graph.add("Mul", n_blocks, [_BLOCK]), n_samples)
    padded = graph.add("Pad", samples, graph.add("Concat", [0] * 3, after, axis=0))
    blocks = graph.reshape(padded, 0, -1, _BLOCK)
    # (n, n_blocks, samples of a block)
    before = graph.delayed(padded, past.shape[2], _BLOCK)
    state = graph.add("Conv", graph.add("Unsqueeze", before, [1]), past, strides=[_BLOCK])
    # (n, _ORDER, n_blocks)
    carried = graph.add("MatMul", graph.add("Transpose", state, perm=[0, 2, 1]), future)
    filtered = graph.add("Add", graph.add("MatMul", blocks, response), carried)
    return graph.add("Slice", graph.reshape(filtered, 0, -1), [0], n_samples, [1])


def _filter_tables(sr: int) -> tuple[NDArray[np.float32], ...]:
    """Return the tables of the K-weighting.

    Returns
    -------
    response : ndarray of shape (_BLOCK, _BLOCK), float32
        From the samples of a block to its filtered samples.
    past : ndarray of shape (_ORDER, 1, n_past), float32
        From the samples before a block to the state at its start.
    future : ndarray of shape (_ORDER, _BLOCK), float32
        From this state to the filtered samples of the block.
    """
    from scipy.signal import sosfilt

    impulse = np.zeros(sr + _BLOCK)
    impulse[0] = 1
    h = sosfilt(effects.k_weighting(sr), impulse)
    n_past = max(int(np.flatnonzero(np.abs(h) > _NEGLIGIBLE * np.abs(h).max())[-1]), _BLOCK)
    rows = np.arange(_BLOCK)
    response = np.where(rows[:, None] <= rows, h[np.maximum(rows - rows[:, None], 0)], 0)
    # The sample m + 1 before the block contributes h[i + m + 1] to sample i.
    hankel = np.append(h, np.zeros(n_past))[rows[:, None] + np.arange(n_past) + 1]
    # Spaced columns, which are less alike than neighbors.
    basis = np.linalg.qr(hankel[:, : _ORDER * 16 : 16])[0]
    # Not a matrix product, whose rounding depends on the number of threads.
    past = (basis[:, :, None] * hankel[:, None]).sum(axis=0)[:, None, ::-1]
    tables = response, past, basis.T
    return tuple(np.ascontiguousarray(table, dtype=np.float32) for table in tables)
