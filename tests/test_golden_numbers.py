"""Features and predictions of small fits that must not change between versions.

A change of these numbers is a change of behavior. If it is intended, increase the version of the
features, which is part of the key of the feature cache, and write the file again with::

    python -m tests.test_golden_numbers
"""

from pathlib import Path

import numpy as np
import pytest

from ser_estimators import AcousticFeatures, CNNEmbedder, MFCCTransformer

FILE = Path(__file__).parent / "data" / "golden_numbers.npz"


def waveforms():
    """Return eight clips of up to half a second: vowels of several pitches with noise."""
    rng = np.random.default_rng(0)
    time = np.arange(8000) / 16000
    clips = []
    for number in range(8):
        f0 = 110 + 25 * number
        phase = 2 * np.pi * (f0 * time + 20 * (number % 2) * time**2)
        voice = sum(np.sin(k * phase) / k for k in range(1, 12))
        clip = 0.1 * voice * np.hanning(8000) + 0.003 * rng.normal(size=8000)
        clips.append(clip[: 8000 - 300 * number].astype(np.float32))
    return clips


def compute():
    """Return all arrays by name."""
    clips = waveforms()
    settings = {
        "default": {},
        "deltas": {"n_mfcc": 13, "deltas": 2, "normalization": "mean_variance"},
        "other": {
            "n_mfcc": 13,
            "n_fft": 800,
            "win_length": 600,
            "hop_length": 400,
            "window": "hamming",
            "center": False,
            "htk": True,
            "mel_norm": None,
            "dct_type": 3,
            "norm": None,
            "lifter": 22,
            "trim_db": 30.0,
            "loudness": -23.0,
            "preemphasis": 0.97,
        },
    }
    arrays = {
        f"mfcc_{name}": MFCCTransformer(**parameters).fit_transform(clips[:3])[:, :13, ::4]
        for name, parameters in settings.items()
    }
    arrays["acoustic_features"] = AcousticFeatures().fit_transform(clips[:3])
    return arrays | predictions()


def predictions():
    """Return the predictions of two small networks after a few steps.

    They are trained on random numbers instead of features, because clips are sorted by their
    content: processors round features differently, and one different bit leads to another network.
    """
    rng = np.random.default_rng(1)
    labels = ["fear", "joy"] * 8
    frames = rng.normal(scale=20, size=(16, 20, 40)).astype(np.float32)
    frames[:, 0] -= 200
    frames[::3, :, 30:] = 0
    small = {"max_epochs": 3, "lr": 3e-4, "batch_size": 8, "device": "cpu", "random_state": 0}
    cnn = CNNEmbedder(12, precision="float32", **small).fit(frames, labels)
    table = frames[:, :, 0]
    mlp = CNNEmbedder(network="mlp", **small).fit(table, labels)
    return {
        "cnn_probabilities": cnn.predict_proba(frames),
        "cnn_embedding": cnn.transform(frames),
        "mlp_probabilities": mlp.predict_proba(table),
    }


@pytest.fixture(scope="module")
def computed():
    return compute()


@pytest.mark.parametrize("name", sorted(np.load(FILE)) if FILE.exists() else [])
def test_numbers_are_unchanged(name, computed):
    # Processors round differently, but another method changes features by whole units, and these
    # probabilities by hundredths.
    np.testing.assert_allclose(computed[name], np.load(FILE)[name], rtol=1e-3, atol=1e-3)


def test_changes_are_detected(computed):
    saved = np.load(FILE)
    assert set(saved) == set(computed)
    other = MFCCTransformer(fmin=20.0).fit_transform(waveforms()[:3])[:, :13, ::4]
    assert np.abs(other - saved["mfcc_default"]).max() > 0.1


if __name__ == "__main__":
    np.savez_compressed(FILE, **compute())
    print(f"wrote {FILE}")
