"""WaveformDisplay: samples, the envelope of long clips, and parameters."""

import time

import matplotlib.pyplot as plt
import numpy as np
import pytest
import soundfile

from ser_estimators.display import WaveformDisplay

from .helpers import SR, chirp


def test_short_clip_is_drawn_sample_by_sample():
    for clip in (chirp(0.2), chirp(0.2).astype(np.float32)):
        display = WaveformDisplay.from_clip(clip)
        time, samples = display.line_.get_data()
        np.testing.assert_allclose(samples, chirp(0.2), atol=1e-6)
        np.testing.assert_allclose(time, np.arange(3200) / SR)
    assert display.ax_.get_xlim() == (0, 0.2)
    assert display.ax_.get_xlabel() == "Time (s)"
    assert display.ax_.get_ylabel() == "Amplitude"


def test_file_is_read_like_in_the_estimators():
    stereo = np.column_stack([chirp(), np.zeros(SR)])
    soundfile.write("stereo.wav", stereo, SR, subtype="PCM_16")
    display = WaveformDisplay.from_clip("stereo.wav", sr=8000)
    assert display.waveform.shape == (8000,)
    assert display.sr == 8000
    assert display.ax_.get_xlim() == (0, 1)
    pcm = WaveformDisplay.from_clip((chirp() * 32767).astype(np.int16))
    np.testing.assert_allclose(pcm.waveform, chirp(), atol=1e-4)


def test_envelope_keeps_every_peak():
    clip = np.zeros(SR * 30)
    clip[[12345, 300000]] = 0.9, -0.7
    display = WaveformDisplay.from_clip(clip, max_columns=500)
    time, samples = display.line_.get_data()
    assert len(samples) == 1000
    assert samples.max() == np.float32(0.9)
    assert samples.min() == np.float32(-0.7)
    assert time[samples.argmax()] == pytest.approx(12345 / SR, abs=30 / 500)
    assert time[samples.argmin()] == pytest.approx(300000 / SR, abs=30 / 500)


def test_ten_minutes_are_drawn_quickly():
    clip = np.random.default_rng(0).normal(0, 0.1, SR * 600).astype(np.float32)
    start = time.perf_counter()
    WaveformDisplay(clip).plot().figure_.canvas.draw()
    assert time.perf_counter() - start < 5  # it takes about a tenth of a second
    assert len(plt.gca().lines[0].get_xdata()) == 4000


def test_waveform_parameters_are_checked():
    with pytest.raises(ValueError, match="sr == 0, must be >= 1"):
        WaveformDisplay.from_clip(chirp(), sr=0)
    with pytest.raises(TypeError, match="max_columns must be an instance of int"):
        WaveformDisplay.from_clip(chirp(), max_columns=2.5)
    display = WaveformDisplay.from_clip(chirp(), line_kwargs={"lw": 3, "c": "red"})
    assert (display.line_.get_linewidth(), display.line_.get_color()) == (3, "red")
