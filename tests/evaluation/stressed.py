"""Models and clips that the tests of stress tests share."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

SR = 16000


class Level(ClassifierMixin, BaseEstimator):
    """Recognizes waveforms by their level, and remembers what it received."""

    def __init__(self, sr=SR):
        self.sr = sr

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        levels = np.array([level_of(clip) for clip in X])
        self.means_ = np.array([levels[np.asarray(y) == name].mean() for name in self.classes_])
        return self

    def predict(self, X):
        self.seen_ = [*getattr(self, "seen_", []), list(X)]
        levels = np.array([level_of(clip) for clip in X])
        return self.classes_[np.abs(levels[:, None] - self.means_).argmin(axis=1)]


def level_of(clip):
    samples = clip[0] if isinstance(clip, tuple) else clip
    return 20 * np.log10(np.std(samples) + 1e-9)


def clips_of(n_speakers=4, n_each=3, seed=0):
    """Return waveforms, loud or quiet, with labels and speakers."""
    rng = np.random.default_rng(seed)
    clips, labels, speakers = [], [], []
    for speaker in range(n_speakers):
        for label, level in (("calm", 0.02), ("loud", 0.2)):
            for _ in range(n_each):
                factor = level * 10 ** rng.uniform(-0.3, 0.3)
                clips.append((factor * rng.normal(size=4000)).astype(np.float32))
                labels.append(label)
                speakers.append(f"s{speaker}")
    return clips, np.array(labels), np.array(speakers)


def fitted(sr=SR):
    clips, labels, _ = clips_of(seed=1)
    return Level(sr).fit(clips, labels)


def identity(waveform, sr):
    return waveform


def quiet(waveform, sr):
    return 0.1 * waveform


def noisy(waveform, sr, rng):
    return waveform + 0.05 * rng.standard_normal(waveform.size)
