"""Frames of a waveform and their power spectra: what every spectral feature begins with."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.sparse import csr_array

try:
    from . import _mel_kernel
except ImportError:  # it could not be compiled: everything works, only slower
    _mel_kernel = None

__all__ = [
    "Filters",
    "Floats",
    "Frames",
    "as_frames",
    "band_powers",
    "power_blocks",
    "read_only",
    "window_of",
]

Floats: TypeAlias = NDArray[np.float32]
Filters: TypeAlias = "csr_array[np.float32, tuple[int, int]]"

# Frames transformed at once: few enough to stay in the processor's cache.
_BLOCK_FRAMES = 64
_MIN_KERNEL_FFT = 8


class Frames(NamedTuple):
    """A waveform cut into overlapping frames.

    Parameters
    ----------
    samples : ndarray of shape (n_samples,), float32
        At least `n_fft`.
    n_fft, hop_length : int > 0
        Samples in a frame and between frames. What fills no frame at the end is left out.
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
        Whether there are ``n_fft // 2`` zeros at both ends. A clip shorter than one frame is
        followed by zeros in any case.
    """
    margin = n_fft // 2 if center else 0
    padded = np.zeros(max(waveform.size + 2 * margin, n_fft), dtype=np.float32)
    padded[margin : margin + waveform.size] = waveform
    return Frames(padded, n_fft, hop_length)


def band_powers(frames: Frames, filters: Filters, *, win_length: int | None, window: Any) -> Floats:
    """Weighted sums of the power spectrum of every frame.

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
    weights = window_of(window, win_length or frames.n_fft, frames.n_fft)
    if _mel_kernel is not None and _kernel_transforms(frames.n_fft):
        _mel_kernel.mel_power(
            _mel_kernel.LANES,
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
    """Yield the power spectra of some frames at a time.

    SciPy's FFT takes a fourth of the time of NumPy's for many short transforms.

    Parameters
    ----------
    frames : Frames
    weights : ndarray of shape (n_fft,), float32
        The window.

    Yields
    ------
    int
        Position of the first frame of the block.
    ndarray of shape (1 + n_fft // 2, n_block_frames), float32
    """
    view = frames.view()
    for start in range(0, len(view), _BLOCK_FRAMES):
        windowed = view[start : start + _BLOCK_FRAMES] * weights
        spectrum = scipy.fft.rfft(windowed.T, axis=0)
        # (n_bins, n_block_frames), in this order in memory as well, as the filters want it
        yield start, spectrum.real**2 + spectrum.imag**2


def _kernel_transforms(n_fft: int) -> bool:
    return n_fft >= _MIN_KERNEL_FFT and n_fft & (n_fft - 1) == 0


@lru_cache(maxsize=16)
def window_of(window: Any, win_length: int, n_fft: int) -> Floats:
    """Return a periodic window in the middle of n_fft samples, read-only."""
    from scipy.signal import get_window

    padded = np.zeros(n_fft, dtype=np.float32)
    start = (n_fft - win_length) // 2
    padded[start : start + win_length] = get_window(window, win_length, fftbins=True)
    return read_only(padded)


class _KernelTables(NamedTuple):
    """What the kernel needs to know of a size of the FFT, see `plan` in ``_mel_kernel.c``."""

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
    # Each pass of the transform puts the results that are congruent modulo 4 (or 2) side by side.
    order = np.arange(half)[None]
    while order.shape[1] > 1:
        radix = 4 if order.shape[1] >= 4 else 2
        order = order.reshape(len(order), -1, radix).transpose(0, 2, 1)
        order = order.reshape(len(order) * radix, -1)
    return _KernelTables(
        np.cos(angle).astype(np.float32),
        np.sin(angle).astype(np.float32),
        np.cos(real_angle).astype(np.float32),
        np.sin(real_angle).astype(np.float32),
        np.argsort(order.ravel()).astype(np.int32),
    )


def read_only(array: Floats) -> Floats:
    """Protect an array that every caller and thread shares."""
    array.setflags(write=False)
    return array
