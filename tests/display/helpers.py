"""Clips, points, a training history and a stress test to draw, the same on every machine."""

import numpy as np

from ser_estimators.evaluation import StressTest

SR = 16000
HISTORY = [
    {
        "epoch": epoch,
        "train_loss": 2 / epoch,
        "valid_loss": 2 / epoch + 0.05 * epoch,
        "train_accuracy": 1 - 0.8 / epoch,
        "valid_accuracy": 0.8 - 0.6 / epoch,
        "dur": 0.1,
    }
    for epoch in range(1, 13)
]


def chirp(seconds=1.0):
    """Return a tone whose frequency rises from 200 to 6000 Hz and whose level rises too."""
    time = np.arange(int(SR * seconds)) / SR
    phase = 2 * np.pi * (200 * time + (6000 - 200) / seconds * time**2 / 2)
    return (0.1 + 0.8 * time / seconds) * np.sin(phase)


def clusters(n_labels, n_each):
    """Return points around random centers in eight dimensions, and labels from 1."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(1, n_labels + 1), n_each)
    centers = 3 * rng.normal(size=(n_labels, 8))
    return centers[labels - 1] + rng.normal(size=(len(labels), 8)), labels


def emotions(n_each=10):
    """Return points in eight dimensions with the names of eight emotions as labels."""
    embedding, labels = clusters(8, n_each)
    names = ["anger", "calm", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"]
    return embedding, np.array(names)[labels - 1]


def stress_test(seed=0):
    """Return drawn predictions of three emotions under three conditions."""
    rng = np.random.default_rng(seed)
    names = np.array(["anger", "fear", "joy"])
    y_true, wrong = np.tile(names, 20), np.roll(np.tile(names, 20), 1)
    shares = {"as recorded": 0.9, "white noise 20 dB": 0.5, "room 0.4 s": 0.7, "silence cut": 0.85}
    predictions = {
        name: np.where(rng.random(60) < share, y_true, wrong) for name, share in shares.items()
    }
    return StressTest("CNN", predictions, y_true, np.repeat(list("abcde"), 12), [None] * 60)


def predictions(n_clips=200, seed=0):
    """Return true labels, probabilities that are too sure, and speakers."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet([1, 1, 1], size=n_clips)
    names = np.array(["anger", "fear", "joy"])
    truth = np.array([rng.choice(names, p=row) for row in probabilities])
    sharper = probabilities**1.7
    return truth, sharper / sharper.sum(axis=1, keepdims=True), np.arange(n_clips) % 8
