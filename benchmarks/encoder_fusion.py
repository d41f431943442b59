"""Whether other systems add to a pretrained encoder, on speakers that none was trained on.

   python benchmarks/encoder_fusion.py ravdess:/path/to/ravdess /path/to/whisper-base --folds 1 2 3

Rows are balanced accuracies, means over the folds: the encoder with one and with three speeds and
with different classifiers; the CNN of ``make_ser_pipeline(recordings="studio")``;
``AcousticFeatures`` with a linear discriminant analysis (LDA); and pairs of them. In a pair, the
columns of both are side by side, or their log-probabilities are averaged with a weight, after both
have been scaled to the same mean absolute value. ``--memory`` keeps features, hidden states and
trained networks.
"""

import argparse

import numpy as np
from encoders import folds_of
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import balanced_accuracy_score
from sklearn.preprocessing import StandardScaler

from ser_estimators import (
    AcousticFeatures,
    EncoderEmbedder,
    datasets,
    make_ser_pipeline,
)

LAYERS = (2, 3, 4)  # those that layers="auto" chooses most often for Whisper base
SPEEDS = (0.95, 1.0, 1.05)
WEIGHTS = (0.1, 0.2, 0.3)
# Standardized columns of short clips can be huge.
MAX_DEVIATION = 5


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", help="name and folder of a corpus, such as ravdess:/path")
    parser.add_argument("model", help="folder or name of an encoder")
    parser.add_argument("--folds", type=int, nargs="+", help="numbers from 1; default: all")
    parser.add_argument("--memory", help="folder of a cache")
    parser.add_argument("--random-state", type=int, default=0)
    args = parser.parse_args()
    name, _, root = args.corpus.partition(":")
    corpus = getattr(datasets, f"load_{name}")(root)
    paths, y = np.array(corpus.data), corpus.target
    options = {"memory": args.memory, "n_jobs": -1}
    acoustic = AcousticFeatures(loudness=-23.0, **options).fit_transform(paths)
    encoder = EncoderEmbedder(args.model, layers=LAYERS, speeds=SPEEDS, **options)
    embeddings = encoder.fit_transform(paths)
    folds = folds_of(name, corpus, 5)
    rows: dict[str, list[float]] = {}
    for number in args.folds or range(1, 1 + len(folds)):
        train, test = folds[number - 1]
        cnn = make_ser_pipeline(recordings="studio", random_state=args.random_state, **options)
        cnn.fit(paths[train], y[train])
        scores = Fold(y, train, test).scores(
            embeddings, acoustic, cnn[:-1].transform(paths), cnn.predict_log_proba(paths[test])
        )
        for row, score in scores.items():
            rows.setdefault(row, []).append(score)
        print(f"fold {number}: CNN {scores['CNN']:.3f}, encoder {scores['three speeds']:.3f}")
    for row, values in rows.items():
        print(f"{row:<52}{np.mean(values):.3f}  ({' '.join(f'{one:.3f}' for one in values)})")


class Fold:
    """The labels of a fold, and the scores of systems on it."""

    def __init__(self, y: np.ndarray, train: np.ndarray, test: np.ndarray) -> None:
        self.y, self.train, self.test = y, train, test
        self.classes = np.unique(y[train])

    def scores(self, embeddings, acoustic, cnn, cnn_logs) -> dict[str, float]:
        """Return the balanced accuracy of every system."""
        middle = np.split(embeddings, len(SPEEDS), axis=1)[1]
        three = {
            name: self.logs(embeddings, model, len(SPEEDS)) for name, model in classifiers().items()
        }
        one = self.logs(middle, lda(), 1)
        others = {"CNN": cnn_logs, "AcousticFeatures": self.logs(acoustic, lda(), 1)}
        found = {"one speed": self.score(one)}
        found |= {f"three speeds{name}": self.score(logs) for name, logs in three.items()}
        found |= {name: self.score(logs) for name, logs in others.items()}
        for name, logs in others.items():
            for weight in WEIGHTS:
                for start, own in (("one speed", one), ("three speeds", three[""])):
                    joined = (1 - weight) * scaled(own) + weight * scaled(logs)
                    found[f"{start} and {name}, weight {weight}"] = self.score(joined)
        for name, table in (("CNN", cnn), ("AcousticFeatures", acoustic)):
            logs = self.logs(np.hstack([middle, table]), lda(), 1)
            found[f"one speed and {name}, side by side"] = self.score(logs)
        return found

    def logs(self, table, model, n_views: int) -> np.ndarray:
        """Return log-probabilities of the test clips, or decisions, up to a constant."""
        # The views of a clip are standardized alike, as clips of their own.
        views = table.reshape(len(table) * n_views, -1)
        in_train = np.repeat(np.isin(np.arange(len(table)), self.train), n_views)
        scaler = StandardScaler().fit(views[in_train])
        views = np.clip(scaler.transform(views), -MAX_DEVIATION, MAX_DEVIATION)
        model.fit(views[in_train], np.repeat(self.y[self.train], n_views))
        has_probabilities = hasattr(model, "predict_log_proba")
        decide = model.predict_log_proba if has_probabilities else model.decision_function
        decisions = decide(views[~in_train])
        return decisions.reshape(len(self.test), n_views, -1).mean(axis=1)

    def score(self, logs) -> float:
        """Return the balanced accuracy."""
        predicted = self.classes[logs.argmax(axis=1)]
        return balanced_accuracy_score(self.y[self.test], predicted)


def lda() -> LinearDiscriminantAnalysis:
    """Return the classifier of one table for all layers."""
    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5)


def classifiers() -> dict[str, object]:
    """Return the classifiers on three speeds, by the end of the name of their row."""
    return {
        "": lda(),
        ", ridge classifier": RidgeClassifier(alpha=3600, class_weight="balanced"),
        ", logistic regression": LogisticRegression(
            C=0.001, class_weight="balanced", max_iter=1000
        ),
    }


def scaled(logs: np.ndarray) -> np.ndarray:
    """Return log-probabilities of a mean absolute value of 1 around their mean."""
    logs = logs - logs.mean(axis=1, keepdims=True)
    return logs / np.abs(logs).mean()


if __name__ == "__main__":
    main()
