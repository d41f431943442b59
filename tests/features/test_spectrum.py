"""Power spectra: the compiled kernel and the fallback give the same values."""

import os
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_estimators import _kernels
from ser_estimators._features.mel import MelOptions, mel_filter_bank, mel_power_spectrogram
from ser_estimators._features.spectrum import as_frames, band_powers, padded_window, power_blocks

kernel = _kernels.mel
needs_kernel = pytest.mark.skipif(kernel is None, reason="the kernel was not compiled")


def powers(waveform, n_fft, hop_length, lanes=None, **options):
    """Return powers by the fallback, or by the kernel with a number of lanes."""
    filters = mel_filter_bank(16000, n_fft, 20, 0.0, None)
    frames = as_frames(waveform, n_fft=n_fft, hop_length=hop_length, center=True)
    with pytest.MonkeyPatch.context() as patch:
        if lanes is None:
            patch.setattr(_kernels, "mel", None)
        else:
            patch.setattr(_kernels, "mel", Lanes(lanes))
        return band_powers(frames, filters, **{"win_length": None, "window": "hann"} | options)


class Lanes:
    """The kernel as on a processor with narrower vectors."""

    def __init__(self, lanes):
        self.LANES = lanes

    def mel_power(self, *args):
        kernel.mel_power(*args)


@needs_kernel
@pytest.mark.parametrize("lanes", [4, 8, 16])
@given(
    n_samples=st.integers(1, 9000),
    power=st.integers(3, 12),
    hop_length=st.integers(1, 900),
    seed=st.integers(0, 99),
)
@settings(max_examples=40)
def test_kernel_equals_the_fallback(lanes, n_samples, power, hop_length, seed):
    if lanes > kernel.LANES:
        pytest.skip("this processor has fewer lanes")
    waveform = np.random.default_rng(seed).normal(size=n_samples).astype(np.float32)
    expected = powers(waveform, 2**power, hop_length)
    actual = powers(waveform, 2**power, hop_length, lanes)
    # Each power is a sum of squares of float32, whose rounding error grows with the largest bin.
    np.testing.assert_allclose(actual, expected, rtol=2e-4, atol=1e-6 * expected.max())


@needs_kernel
@pytest.mark.parametrize("options", [{"win_length": 300}, {"window": ("kaiser", 5.0)}])
def test_kernel_uses_the_window(options):
    waveform = np.random.default_rng(0).normal(size=4000).astype(np.float32)
    np.testing.assert_allclose(
        powers(waveform, 512, 100, kernel.LANES, **options),
        powers(waveform, 512, 100, **options),
        rtol=2e-4,
    )


def test_power_of_a_tone_is_in_its_bin():
    t = np.arange(16000) / 16000
    tone = np.sin(2 * np.pi * 1000 * t).astype(np.float32)
    frames = as_frames(tone, n_fft=1024, hop_length=256, center=False)
    blocks = list(power_blocks(frames, padded_window("hann", 1024, 1024)))
    power = np.concatenate([block for _, block in blocks], axis=1)
    assert power.shape == (513, frames.n_frames)
    assert (power.argmax(axis=0) == 64).all()


def test_any_fft_length_works():
    waveform = np.random.default_rng(0).normal(size=4000).astype(np.float32)
    for n_fft in (1, 2, 4, 8, 400, 512, 1023):
        mel = mel_power_spectrogram(
            waveform, MelOptions(sr=16000, n_fft=n_fft, hop_length=100, n_mels=3)
        )
        assert mel.shape == (3, 1 + 4000 // 100 if n_fft % 2 == 0 else 1 + 3999 // 100)
        assert np.isfinite(mel).all()


def test_frames_are_views():
    frames = as_frames(np.arange(10, dtype=np.float32), n_fft=4, hop_length=3, center=False)
    assert frames.n_frames == 3
    np.testing.assert_array_equal(frames.view(), [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]])


def test_window_is_padded_and_read_only():
    np.testing.assert_allclose(padded_window("boxcar", 2, 6), [0, 0, 1, 1, 0, 0])
    with pytest.raises(ValueError, match="read-only"):
        padded_window("hann", 8, 8)[0] = 1


@needs_kernel
def test_package_works_without_the_kernel():
    code = (
        "import numpy as np\n"
        "from ser_estimators import MFCCTransformer, _kernels\n"
        "assert _kernels.mel is None\n"
        "print(float(MFCCTransformer().transform([np.ones(8000)]).sum()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"SER_ESTIMATORS_KERNELS": "0"},
    )
    from ser_estimators import MFCCTransformer

    assert float(done.stdout) == pytest.approx(
        float(MFCCTransformer().transform([np.ones(8000)]).sum()), rel=1e-4
    )


@needs_kernel
def test_kernel_releases_the_gil():
    frames = as_frames(
        np.zeros(3_000_000, dtype=np.float32), n_fft=4096, hop_length=64, center=True
    )
    filters = mel_filter_bank(16000, 4096, 20, 0.0, None)
    done = threading.Event()

    def work():
        band_powers(frames, filters, win_length=None, window="hann")
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    start = before = time.perf_counter()
    longest = 0.0
    while not done.is_set():
        now = time.perf_counter()
        longest, before = max(longest, now - before), now
    thread.join()
    # If the kernel held the GIL, this loop would be blocked for all of that time.
    assert longest < (before - start) / 2


@pytest.mark.skipif(os.environ.get(_kernels.VARIABLE) == "0", reason="kernels are switched off")
def test_kernel_is_compiled_if_there_is_a_compiler():
    compiler = (sysconfig.get_config_var("CC") or "").split()[:1]
    headers = Path(sysconfig.get_path("include"), "Python.h")
    if not (compiler and shutil.which(*compiler) and headers.exists()):
        pytest.skip("no C compiler or no headers of Python")
    assert kernel is not None, "installed without a compiler: run make kernels"
