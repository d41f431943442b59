"""MFCCs as nodes of an ONNX graph."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from ..._features.mel import AMIN, TOP_DB, MelOptions
from ..._features.mfcc import DELTA_WIDTH, FLAT, MFCCOptions, delta, lifter_weights
from ..._features.spectrum import padded_window
from .graph import Graph, Operand
from .waveform import Waveforms

__all__ = ["Transform", "add_coefficients", "fourier_transform"]


class Transform(NamedTuple):
    """A discrete Fourier transform of n_fft = A * B samples in two steps.

    Sample ``B * m + r`` and bin ``q + A * s``, with r and s below B and q up to A / 2, make two
    small transforms [1]_: ``first`` is one of A samples for every r, which includes the window and
    the twiddle factors, and ``second`` is one of B values for every q. For 1024 samples this takes
    a tenth of the multiplications of a single matrix. The bins above A / 2 that are missing are
    conjugates of others.

    Parameters
    ----------
    first : ndarray of shape (B * 2 * n_q, 1, A), float32
        Kernels of a convolution with B groups; real parts first.
    second : ndarray of shape (2 * B, 2 * B), float32
        From (r, part) to (s, part).
    filters : ndarray of shape (n_bands, 2 * B * n_q), float32
        Weights of the squares of the real and imaginary parts, in the order (s, part, q).

    References
    ----------
    .. [1] J. W. Cooley and J. W. Tukey, "An algorithm for the machine calculation of complex
       Fourier series", Math. Comput. 19, 1965.
    """

    first: NDArray[np.float32]
    second: NDArray[np.float32]
    filters: NDArray[np.float32]


def fourier_transform(options: MelOptions) -> Transform:
    """Return the tables from frames to the power of mel bands, computed in double precision."""
    n_fft = options.n_fft
    n_r = _n_groups(n_fft, options.hop_length)
    n_m = n_fft // n_r
    m, r, q, s = (np.arange(n) for n in (n_m, n_r, n_m // 2 + 1, n_r))
    window = padded_window(options.window, options.win_length or n_fft, n_fft).astype(np.float64)
    # Sample numbers (r, m), multiplied by bin numbers q before the rounding of the angle.
    samples = n_r * m + r[:, None]
    first = _turns(samples[:, None, :] * q[:, None], n_fft) * window[samples][:, None, :]
    # first (n_r, n_q, n_m)
    kernels = np.stack([first.real, first.imag], axis=1)
    turns = _turns(s[:, None] * r, n_r)
    # (real, imaginary) parts of a product with the complex number turns[s, r]
    second = np.array([[turns.real, -turns.imag], [turns.imag, turns.real]]).transpose(2, 0, 3, 1)
    # second (n_r, 2, n_r, 2)
    bins = (q + n_m * s[:, None]) % n_fft
    bins = np.minimum(bins, n_fft - bins)
    # bins (n_r, n_q)
    is_first = np.zeros(bins.size, dtype=bool)
    is_first[np.unique(bins, return_index=True)[1]] = True
    weights = options.filters().toarray()[:, bins] * is_first.reshape(bins.shape)
    filters = np.stack([weights, weights], axis=2)
    # filters (n_bands, n_r, 2, n_q)
    return Transform(
        kernels.reshape(-1, 1, n_m).astype(np.float32),
        second.reshape(2 * n_r, 2 * n_r).astype(np.float32),
        filters.reshape(len(filters), -1).astype(np.float32),
    )


def _n_groups(n_fft: int, hop_length: int) -> int:
    """Return the common divisor of both numbers with the fewest multiplications."""
    common = np.gcd(n_fft, hop_length)
    divisors = [n for n in range(1, common + 1) if common % n == 0]
    return min(divisors, key=lambda n: (n_fft // n + 2) * (n_fft + 2 * n * n))


def _turns(numerators: NDArray[np.int64], denominator: int) -> NDArray[np.complex128]:
    return np.exp(-2j * np.pi * (numerators % denominator) / denominator)


def add_coefficients(graph: Graph, waveforms: Waveforms, options: MFCCOptions) -> str:
    """Add the MFCCs of waveforms, (n, n_coefficients, n_frames), zero in padding."""
    power, is_real, n_frames = _add_mel_power(graph, waveforms, options.mel)
    # power (n, n_mels, n_frames)
    logarithm = graph.add("Log", graph.add("Max", power, AMIN))
    decibels = graph.add("Mul", logarithm, float(10 / np.log(10)))
    # Padding is at the lowest level, so the maximum is that of the real frames.
    floor = graph.add("Sub", graph.max(decibels, 1, 2), TOP_DB)
    decibels = graph.add("Max", decibels, floor)
    transform = scipy.fft.dct(
        np.eye(options.mel.n_mels), axis=0, type=options.dct_type, norm=options.norm
    )[: options.n_mfcc]
    if options.lifter > 0:
        transform = transform * lifter_weights(options)[:, None]
    rows = graph.add("MatMul", transform.astype(np.float32), decibels)
    if options.deltas:
        orders = range(1, options.deltas + 1)
        deltas = [_add_delta(graph, rows, n_frames, order) for order in orders]
        rows = graph.add("Concat", rows, *deltas, axis=1)
    if options.normalization is not None:
        is_variance = options.normalization == "mean_variance"
        rows = _add_normalization(graph, rows, is_real, n_frames, variance=is_variance)
    return graph.add("Mul", rows, is_real)


def _add_mel_power(graph: Graph, waveforms: Waveforms, options: MelOptions) -> tuple[str, str, str]:
    """Add the power of each band and frame, zero in padding.

    Returns
    -------
    power : (n, n_mels, n_frames), float32
    is_real : (n, 1, n_frames), float32
        One in the frames of a clip and zero after them.
    n_frames : (n,), int64
        Frames of each clip.
    """
    n_fft, hop_length = options.n_fft, options.hop_length
    tables = fourier_transform(options)
    n_r = len(tables.second) // 2
    margin = n_fft // 2 if options.center else 0
    n_samples = graph.size(waveforms.samples, 1)
    least = graph.add("Max", graph.add("Add", n_samples, [2 * margin]), [n_fft])
    n_steps = graph.add("Div", graph.add("Add", least, [n_r - 1]), [n_r])
    n_padded = graph.add("Mul", n_steps, [n_r])
    after = graph.add("Sub", graph.add("Sub", n_padded, n_samples), [margin])
    pads = graph.add("Concat", [0], [margin], [0], after, axis=0)
    padded = graph.add("Pad", waveforms.samples, pads)
    # (n, n_padded), a multiple of n_r
    columns = graph.add("Transpose", graph.reshape(padded, 0, -1, n_r), perm=[0, 2, 1])
    # (n, n_r, n_padded / n_r)
    first = graph.add("Conv", columns, tables.first, group=n_r, strides=[hop_length // n_r])
    # (n, n_r * 2 * n_q, n_frames)
    n_frames = graph.size(first, 2)
    second = graph.add("MatMul", tables.second, graph.reshape(first, 0, 2 * n_r, -1))
    # (n, n_r * 2, n_q * n_frames)
    parts = graph.reshape(second, 0, tables.filters.shape[1], n_frames)
    power = graph.add("MatMul", tables.filters, graph.add("Mul", parts, parts))
    # (n, n_mels, n_frames)
    least = graph.add("Max", graph.add("Add", waveforms.lengths, 2 * margin), n_fft)
    n_real = graph.add("Add", graph.add("Div", graph.add("Sub", least, n_fft), hop_length), 1)
    is_real = graph.add("Less", graph.count(n_frames), graph.add("Unsqueeze", n_real, [1]))
    is_real = graph.add("Unsqueeze", graph.cast(is_real, np.float32), [1])
    # (n, 1, n_frames)
    return graph.add("Mul", power, is_real), is_real, n_real


def _add_delta(graph: Graph, rows: Operand, n_frames: Operand, order: int) -> str:
    """Add the derivatives of rows (n, n_rows, n_frames), as `delta`."""
    n_frames = graph.add("Unsqueeze", n_frames, [1])
    numbers = graph.count(graph.size(rows, 2))
    # Clips of fewer frames than the window are fitted as a whole, if their number is odd.
    is_odd = graph.add("Mod", n_frames, 2)
    width = graph.add("Min", graph.add("Sub", graph.add("Add", n_frames, is_odd), 1), DELTA_WIDTH)
    half = graph.add("Div", width, 2)
    start = graph.add("Max", graph.add("Sub", numbers, half), 0)
    start = graph.add("Min", start, graph.add("Sub", n_frames, width))
    # start (n, n_frames), the first frame of the window
    place = graph.add("Min", graph.add("Sub", numbers, start), DELTA_WIDTH - 1)
    row = graph.add("Add", graph.add("Mul", half, DELTA_WIDTH), place)
    weights = graph.add("Gather", _delta_weights(order), row)
    # weights (n, n_frames, DELTA_WIDTH)
    window = graph.add("Unsqueeze", start, [2])
    window = graph.add("Add", window, np.arange(DELTA_WIDTH))
    window = graph.add("Min", window, graph.add("Sub", graph.size(rows, 2), [1]))
    by_frame = graph.add("Transpose", rows, perm=[0, 2, 1])
    taken = graph.add("GatherND", by_frame, graph.add("Unsqueeze", window, [3]), batch_dims=1)
    # taken (n, n_frames, DELTA_WIDTH, n_rows)
    deltas = graph.add("MatMul", graph.add("Unsqueeze", weights, [2]), taken)
    return graph.add("Transpose", graph.add("Squeeze", deltas, [2]), perm=[0, 2, 1])


def _delta_weights(order: int) -> NDArray[np.float32]:
    """Return the weights of the frames of a window in the derivative at each of its frames.

    Returns
    -------
    ndarray of shape (n_halves * DELTA_WIDTH, DELTA_WIDTH), float32
        A row for each half of the width and each place of the frame in the window.
    """
    n_halves = 1 + DELTA_WIDTH // 2
    weights = np.zeros((n_halves, DELTA_WIDTH, DELTA_WIDTH), dtype=np.float32)
    for half in range(n_halves):
        width = 2 * half + 1
        weights[half, :width, :width] = delta(np.eye(width, dtype=np.float32), order=order).T
    return weights.reshape(-1, DELTA_WIDTH)


def _add_normalization(
    graph: Graph, rows: Operand, is_real: Operand, n_frames: Operand, *, variance: bool
) -> str:
    """Add rows without their mean over the real frames, as `normalize_rows`."""
    is_real = graph.cast(is_real, np.float64)
    count = graph.cast(graph.add("Unsqueeze", n_frames, [1, 2]), np.float64)
    real = graph.add("Mul", graph.cast(rows, np.float64), is_real)
    mean = graph.add("Div", graph.sum(real, 2), count)
    centered = graph.add("Mul", graph.add("Sub", real, mean), is_real)
    if variance:
        squares = graph.sum(graph.add("Mul", centered, centered), 2)
        std = graph.add("Sqrt", graph.add("Div", squares, count))
        largest = graph.max(graph.add("Abs", real), 1, 2)
        is_flat = graph.add("LessOrEqual", std, graph.add("Mul", largest, np.float64(FLAT)))
        divisor = graph.add("Where", is_flat, np.float64(np.inf), std)
        centered = graph.add("Div", centered, divisor)
    return graph.cast(centered, np.float32)
