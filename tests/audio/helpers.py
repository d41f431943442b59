"""Clips that resemble speech, and audio files in memory."""

import io

import numpy as np
import soundfile

SR = 16000


def speechlike(n_samples, sr=SR, *, n_channels=1, seed=0):
    """Return voiced syllables with pauses, shape (n_samples, n_channels)."""
    rng = np.random.default_rng(seed)
    time = np.arange(n_samples) / sr
    f0 = 150 * 2 ** (0.3 * np.sin(2 * np.pi * 2 * time))
    phase = 2 * np.pi * np.cumsum(f0) / sr
    voice = sum(np.sin(number * phase) / number for number in range(1, 12))
    envelope = np.clip(np.sin(2 * np.pi * 3 * time + rng.uniform(0, 6)), 0, 1)
    samples = 0.1 * envelope * voice
    noise = 0.003 * rng.normal(size=(n_samples, n_channels))
    return np.clip(samples[:, None] + noise, -1, 1)


def encode(samples, sr=SR, *, file_format="WAV", subtype="PCM_16", **kwargs):
    """Return the content of an audio file."""
    file = io.BytesIO()
    soundfile.write(file, samples, sr, format=file_format, subtype=subtype, **kwargs)
    return file.getvalue()


def without_first_frame(content):
    """Return an MP3 without its first frame, which holds nothing but the length."""
    version, rate, bitrate = content[1] >> 3 & 3, content[2] >> 2 & 3, content[2] >> 4
    kbps = (
        (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
        if version == 3
        else (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
    )[bitrate]
    hertz = (44100, 48000, 32000)[rate] >> {3: 0, 2: 1, 0: 2}[version]
    length = (144000 if version == 3 else 72000) * kbps // hertz + (content[2] >> 1 & 1)
    assert {b"Xing", b"Info"} & {content[at : at + 4] for at in (13, 21, 36)}
    return content[length:]
