"""The synthetic voices follow the emotions and the vocal tract of the speaker."""

import librosa
import numpy as np

from ser_estimators.datasets._voice import PROSODY, Voice, synthesize


def speak(emotion, sex="female", seed=0, **changes):
    """Synthesize an average speaker, who expresses emotions exactly as in PROSODY."""
    voice = Voice(
        sex=sex,
        pitch=200.0,
        formant_scale=1.0,
        tilt=0.0,
        breath=0.0,
        tempo=1.0,
        expression=PROSODY,
    )
    voice = Voice(**{**vars(voice), **changes})
    return synthesize(
        voice, emotion, sr=16000, n_syllables=6, rng=np.random.default_rng(seed)
    ).astype(np.float32)


def measure(emotion):
    """Return pitch (Hz), its spread (semitones), level (dB), duration (s) and centroid (Hz)."""
    rows = []
    for seed in range(6):
        y = speak(emotion, seed=seed)
        pitch = librosa.yin(y, fmin=100, fmax=600, sr=16000)
        level = librosa.feature.rms(y=y, frame_length=2048)[0]
        voiced = pitch[: len(level)][level[: len(pitch)] > 0.3 * level.max()]
        # Percentiles, because YIN is an octave too low in some frames.
        low_pitch, high_pitch = np.percentile(12 * np.log2(voiced / 200), [15, 85])
        spectrum = np.abs(librosa.stft(y)).mean(axis=1) ** 2
        frequencies = librosa.fft_frequencies(sr=16000)
        low = frequencies < 4000
        slope = np.average(frequencies[low], weights=spectrum[low])
        rows.append(
            (
                np.median(voiced),
                high_pitch - low_pitch,
                20 * np.log10(y.std()),
                len(y) / 16000,
                slope,
            )
        )
    return np.median(rows, axis=0)


def test_voices_follow_the_emotions():
    pitch, spread, level, seconds, centroid = (
        dict(zip(PROSODY, column, strict=True))
        for column in np.transpose([measure(emotion) for emotion in PROSODY])
    )
    assert pitch["fear"] > pitch["neutral"] > pitch["sadness"]
    assert pitch["anger"] > 1.15 * pitch["neutral"]
    assert spread["surprise"] > spread["happiness"] > spread["neutral"] > spread["fear"]
    assert level["anger"] > level["happiness"] > level["neutral"] > level["sadness"]
    assert seconds["sadness"] > seconds["neutral"] > seconds["fear"]
    assert centroid["anger"] > centroid["neutral"] > centroid["sadness"]


def test_longer_vocal_tract_lowers_the_spectrum():
    def centroid(y):
        return librosa.feature.spectral_centroid(y=y, sr=16000).mean()

    assert centroid(speak("neutral", formant_scale=1.2)) > centroid(
        speak("neutral", formant_scale=0.9)
    )
