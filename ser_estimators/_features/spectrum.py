"""Frames of a waveform and their power spectra, the first step of every spectral feature."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.sparse import csr_array

from .. import _kernels
from .._utils.arrays import Floats, read_only

__all__ = [
    "BLOCK_FRAMES",
    "Filters",
    "Frames",
    "as_frames",
    "band_powers",
    "padded_window",
    "power_blocks",
]

Filters: TypeAlias = "csr_array[np.float32, tuple[int, int]]"

# Frames transformed at once, few enough to stay in the processor's cache.
BLOCK_FRAMES = 64
_MIN_KERNEL_FFT = 8


class Frames(NamedTuple):
    """A waveform cut into overlapping frames.

    Parameters
    ----------
    samples : ndarray of shape (n_samples,), float32
        At least `n_fft`.
    n_fft, hop_length : int > 0
        Samples in a frame and between frames. Trailing samples that do not fill a frame are not
        used.
    """

    samples: Floats
    n_fft: int
    hop_length: int

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return 1 + (self.samples.size - self.n_fft) // self.hop_length

    def view(self) -> Floats:
        """Return the frames as a view of shape (n_frames, n_fft)."""
        windows = np.lib.stride_tricks.sliding_window_view(self.samples, self.n_fft)
        return windows[:: self.hop_length]


def as_frames(waveform: Floats, *, n_fft: int, hop_length: int, center: bool) -> Frames:
    """Cut a waveform into overlapping frames.

    Parameters
    ----------
    waveform : ndarray of shape (n_samples,), float32
        At least one sample.
    n_fft, hop_length : int > 0
        Samples in a frame and between frames.
    center : bool
        Whether ``n_fft // 2`` zeros are added at both ends. A clip shorter than one frame is always
        zero-padded.
    """
    margin = n_fft // 2 if center else 0
    padded = np.zeros(max(waveform.size + 2 * margin, n_fft), dtype=np.float32)
    padded[margin : margin + waveform.size] = waveform
    return Frames(padded, n_fft, hop_length)


def band_powers(frames: Frames, filters: Filters, *, win_length: int | None, window: Any) -> Floats:
    """Compute weighted sums of the power spectrum of every frame.

    Parameters
    ----------
    frames : Frames
    filters : csr_array of shape (n_bands, 1 + n_fft // 2), float32
    win_length, window
        As in ``librosa.stft``.

    Returns
    -------
    ndarray of shape (n_bands, n_frames), float32
    """
    n_bands = filters.shape[0]
    bands = np.empty((n_bands, frames.n_frames), dtype=np.float32)
    weights = padded_window(window, win_length or frames.n_fft, frames.n_fft)
    if _kernels.mel is not None and _kernel_transforms(frames.n_fft):
        _kernels.mel.mel_power(
            _kernels.mel.LANES,
            frames.hop_length,
            frames.n_frames,
            n_bands,
            frames.samples,
            weights,
            *_kernel_tables(frames.n_fft),
            filters.indptr,
            filters.indices,
            filters.data,
            bands,
        )
        return bands
    for start, power in power_blocks(frames, weights):
        bands[:, start : start + power.shape[1]] = filters @ power
    return bands


def power_blocks(frames: Frames, weights: Floats) -> Iterator[tuple[int, Floats]]:
    """Yield power spectra, some frames at a time.

    SciPy's FFT takes a quarter of the time of NumPy's for many short transforms.

    Parameters
    ----------
    frames : Frames
    weights : ndarray of shape (n_fft,), float32
        The window.

    Yields
    ------
    int
        Index of the first frame of the block.
    ndarray of shape (1 + n_fft // 2, n_block_frames), float32
    """
    view = frames.view()
    for start in range(0, len(view), BLOCK_FRAMES):
        windowed = view[start : start + BLOCK_FRAMES] * weights
        spectrum = scipy.fft.rfft(windowed.T, axis=0)
        # (n_bins, n_block_frames), C-contiguous, as required by the product with the filters
        yield start, spectrum.real**2 + spectrum.imag**2


def _kernel_transforms(n_fft: int) -> bool:
    return n_fft >= _MIN_KERNEL_FFT and n_fft & (n_fft - 1) == 0


@lru_cache(maxsize=16)
def padded_window(window: Any, win_length: int, n_fft: int) -> Floats:
    """Return a periodic window, zero-padded on both sides to `n_fft` samples, read-only."""
    from scipy.signal import get_window

    padded = np.zeros(n_fft, dtype=np.float32)
    start = (n_fft - win_length) // 2
    padded[start : start + win_length] = get_window(window, win_length, fftbins=True)
    return read_only(padded)


class _KernelTables(NamedTuple):
    """Tables of the kernel for one FFT length, see `plan` in ``_mel.c``."""

    cosine: Floats
    sine: Floats
    real_cosine: Floats
    real_sine: Floats
    place: NDArray[np.int32]


@lru_cache(maxsize=16)
def _kernel_tables(n_fft: int) -> _KernelTables:
    half = n_fft // 2
    angle = 2 * np.pi * np.arange(half) / half
    real_angle = 2 * np.pi * np.arange(half // 2 + 1) / n_fft
    # Each pass of the transform groups the results by their index modulo 4 (or 2).
    order = np.arange(half)[None]
    while order.shape[1] > 1:
        radix = 4 if order.shape[1] >= 4 else 2
        order = order.reshape(len(order), -1, radix).transpose(0, 2, 1)
        order = order.reshape(len(order) * radix, -1)
    return _KernelTables(
        read_only(np.cos(angle).astype(np.float32)),
        read_only(np.sin(angle).astype(np.float32)),
        read_only(np.cos(real_angle).astype(np.float32)),
        read_only(np.sin(real_angle).astype(np.float32)),
        read_only(np.argsort(order.ravel()).astype(np.int32)),
    )
