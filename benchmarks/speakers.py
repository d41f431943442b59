"""How many clips of a speaker adaptation needs.

    python benchmarks/speakers.py ravdess:/path/to/ravdess --encoder openai/whisper-base

A system is fitted on the training speakers of each fold. The clips of each test speaker are then
divided at random into groups of 1, 2, 5, 10, 20 and 60, and each group is predicted as if its clips
were all that is known of the speaker. Rows are balanced accuracies, means over folds and repeats.
"Without" has no speakers in prediction, and "one emotion" groups clips of a single emotion, for
which adaptation must not be used. Without ``--encoder``, the system is ``make_ser_pipeline()``.

The second table is of labeled clips: the model is adapted to some clips of each emotion of a test
speaker with `adapt_model`, and tested on the other clips of this speaker, beside the model as it
was.
"""

import argparse

import numpy as np
from encoders import folds_of
from sklearn.metrics import balanced_accuracy_score

from ser_estimators import adapt_model, datasets, make_ser_pipeline
from ser_estimators._estimators.fit_routing import speakers_for_fit

SIZES = (1, 2, 5, 10, 20, 60)
LABELED = (1, 2, 3, 5, 10)


def main() -> None:
    """Print the curve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", help="name and folder of a corpus, such as ravdess:/path")
    parser.add_argument("--encoder", help="folder or name of a pretrained encoder")
    parser.add_argument("--folds", type=int, nargs="+", help="numbers from 1; default: all")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory", help="folder of a cache")
    parser.add_argument("--random-state", type=int, default=0)
    args = parser.parse_args()
    name, _, root = args.corpus.partition(":")
    corpus = getattr(datasets, f"load_{name}")(root)
    paths, y, speakers = np.array(corpus.data), corpus.target, np.asarray(corpus.speakers)
    folds = folds_of(name, corpus, 5)
    rows: dict[str, list[float]] = {}
    labeled: dict[int, list] = {}
    for number in args.folds or range(1, 1 + len(folds)):
        train, test = folds[number - 1]
        pipe = make_ser_pipeline(
            encoder=args.encoder, memory=args.memory, n_jobs=-1, random_state=args.random_state
        )
        pipe.fit(paths[train], y[train], **speakers_for_fit(pipe, speakers[train]))
        table = pipe[:-1].transform(paths[test])
        rng = np.random.default_rng(args.random_state)
        own = np.char.add(np.char.add(speakers[test].astype(str), " "), y[test].astype(str))
        ways = {f"{size} clips": (speakers[test], size) for size in SIZES}
        ways["5 clips, one emotion"] = own, 5
        predicted = pipe[-1].predict(table)
        rows.setdefault("without", []).append(balanced_accuracy_score(y[test], predicted))
        for way, (names, size) in ways.items():
            for _ in range(args.repeats):
                predicted = pipe[-1].predict(table, groups=divided(names, size, rng))
                rows.setdefault(way, []).append(balanced_accuracy_score(y[test], predicted))
        for size in LABELED:
            for _ in range(args.repeats):
                found = with_labels(pipe[-1:], table, y[test], speakers[test], size, rng)
                labeled.setdefault(size, []).append(found)
    for way, scores in rows.items():
        print(f"{way:<24}{np.mean(scores):.3f}", flush=True)
    print(f"\n{'labeled clips':<24}before  after  with speakers: before  after")
    for size, scores in labeled.items():
        before, after, known, both = np.mean(scores, axis=0)
        print(f"{f'up to {size} of each emotion':<24}{before:>6.3f}{after:>7.3f}", end="")
        print(f"{known:>23.3f}{both:>7.3f}", flush=True)


def with_labels(last, table, y, speakers, size: int, rng) -> list[float]:
    """Return the scores of the clips that are left, before and after adaptation.

    Then those of predictions with the speakers, who have all of their clips.
    """
    found, truth = [], []
    for speaker in np.unique(speakers):
        own = rng.permutation(np.flatnonzero(speakers == speaker))
        by_emotion = [own[y[own] == emotion] for emotion in np.unique(y[own])]
        # At least half of the clips of each emotion are for the test.
        given = np.concatenate([clips[: min(size, len(clips) // 2)] for clips in by_emotion])
        rest = np.setdiff1d(own, given)
        name = np.full(len(own), "a")
        adapted = adapt_model(last, table[given], y[given])
        both = adapt_model(last, table[given], y[given], groups=name[: len(given)])
        kept = np.flatnonzero(np.isin(own, rest))
        found.append(
            [
                last.predict(table[own])[kept],
                adapted.predict(table[own])[kept],
                last.predict(table[own], groups=name)[kept],
                both.predict(table[own], groups=name)[kept],
            ]
        )
        truth.append(y[own[kept]])
    labels = np.concatenate(truth)
    return [balanced_accuracy_score(labels, row) for row in np.concatenate(found, axis=1)]


def divided(speakers: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Return the names of random groups of clips of one speaker each."""
    names = np.empty(len(speakers), dtype=object)
    for speaker in np.unique(speakers):
        own = rng.permutation(np.flatnonzero(speakers == speaker))
        for start in range(0, len(own), size):
            names[own[start : start + size]] = f"{speaker} {start}"
    return names


if __name__ == "__main__":
    main()
