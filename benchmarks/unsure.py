"""How often a wished precision is reached by the answers for new speakers.

    python benchmarks/unsure.py

fits ``SelectiveClassifier`` on 100 draws of synthetic speakers, whose voices shift the features of
all their clips, and tests each on 200 other speakers. Takes four minutes on one core.
"""

import warnings

import numpy as np
from sklearn.linear_model import LogisticRegression

from ser_estimators import SelectiveClassifier

N_FITS, N_NEW = 100, 200
COVERAGES = (0.5, 0.75)
EMOTIONS = np.array(["anger", "fear", "joy", "sadness"])


def draw(n_speakers, n_clips, centers, rng):
    """Return clips, labels and speakers."""
    columns = rng.integers(4, size=n_speakers * n_clips)
    speakers = np.repeat(np.arange(n_speakers), n_clips)
    voices = rng.normal(0, 0.8, size=(n_speakers, 6))
    X = centers[columns] + voices[speakers] + rng.normal(size=(len(columns), 6))
    return X, EMOTIONS[columns], speakers


def measure(n_speakers, precision):
    """Print a row of the table."""
    n_silent, found, shares, covered = 0, [], [], {coverage: [] for coverage in COVERAGES}
    for seed in range(N_FITS):
        rng = np.random.default_rng(seed)
        centers = rng.normal(size=(4, 6))
        X, y, speakers = draw(n_speakers, 40, centers, rng)
        X_new, y_new, _ = draw(N_NEW, 20, centers, rng)
        model = SelectiveClassifier(LogisticRegression(C=10), precision=precision)
        model.fit(X, y, groups=speakers)
        columns = np.searchsorted(EMOTIONS, y_new)
        for coverage, rates in covered.items():
            sets = model.predict_set(X_new, coverage=coverage)
            rates.append(sets[np.arange(len(sets)), columns].mean())
        answers = model.predict(X_new)
        answered = answers != "unsure"
        if not answered.any():
            n_silent += 1
            continue
        shares.append(answered.mean())
        found.append(np.mean((answers == y_new)[answered]))
    n_reached = np.sum(np.array(found) >= precision)
    sets = " ".join(f"{np.mean(rates):8.3f}" for rates in covered.values())
    print(
        f"{n_speakers:8} {precision:9} {n_reached:8} {n_silent:7} {np.mean(found):9.3f} "
        f"{np.mean(shares):8.2f} {sets}",
        flush=True,
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print("speakers precision  reached  silent precision answered  sets 0.5 sets 0.75")
    for n_speakers in (4, 8, 20):
        for precision in (0.7, 0.85):
            measure(n_speakers, precision)
