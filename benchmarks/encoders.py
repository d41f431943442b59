"""Accuracy of pretrained encoders on new speakers, layer by layer, and their cost.

    python benchmarks/encoders.py ravdess:/path/to/ravdess --models openai/whisper-base

Every layer of each encoder is scored on held-out speakers, with a linear discriminant analysis of
its mean and standard deviation over time. The next rows are ``layers="auto"``, which chooses on the
training speakers of each fold, with this classifier or a logistic regression of all five layers.
The last ones are ``make_ser_pipeline(encoder=...)`` as it is and without its parts, without and
with the speakers of the test clips ("adapted"), and differences paired over speakers.

With ``--memory``, a second call runs no encoder. RAVDESS has the six folds of EmoBox, nEMO the
three of docs/encoders.md; other corpora are divided into ``--cv`` groups of speakers.
"""

import argparse
import resource
import time
from pathlib import Path

import numpy as np
from _recognition import FOLDS
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ser_estimators import EncoderEmbedder, datasets, make_ser_pipeline
from ser_estimators.evaluation import compare, evaluate

NEMO_FOLDS = (("EB0", "KS0", "TP0"), ("IC0", "MP0", "WR0"), ("KD0", "MK0", "SM0"))
TIMED_CLIPS = 64


def main() -> None:
    """Print a table for each encoder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", help="name and folder of a corpus, such as ravdess:/path")
    parser.add_argument("--models", nargs="+", default=["openai/whisper-base"])
    parser.add_argument("--folds", type=int, nargs="+", help="numbers from 1; default: all")
    parser.add_argument("--cv", type=int, default=5, help="number of folds, at most the speakers")
    parser.add_argument("--memory", help="folder of a cache")
    parser.add_argument("--precision", default="auto")
    args = parser.parse_args()
    name, _, root = args.corpus.partition(":")
    corpus = getattr(datasets, f"load_{name}")(root)
    folds = folds_of(name, corpus, args.cv)
    chosen = [number - 1 for number in args.folds or range(1, 1 + len(folds))]
    print(f"{name}: {len(corpus.data)} clips, {len(set(corpus.speakers))} speakers")
    for model in args.models:
        report(model, corpus, [folds[number] for number in chosen], args)


def folds_of(name: str, corpus, n_splits: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the positions of training and test clips of each fold."""
    speakers = np.asarray(corpus.speakers)
    known = {"ravdess": [[f"{actor:02d}" for actor in fold] for fold in FOLDS], "nemo": NEMO_FOLDS}
    if name in known:
        masks = [np.isin(speakers, fold) for fold in known[name]]
        return [(np.flatnonzero(~mask), np.flatnonzero(mask)) for mask in masks]
    n_speakers = len(set(speakers))
    if n_speakers < 2:
        raise SystemExit("there is a single speaker; expected at least two, to hold one out")
    return list(GroupKFold(min(n_splits, n_speakers)).split(speakers, groups=speakers))


def report(model: str, corpus, folds: list, args: argparse.Namespace) -> None:
    """Print the scores of all layers of an encoder, and its cost."""
    paths, y, speakers = np.array(corpus.data), corpus.target, np.asarray(corpus.speakers)
    options = {"model": model, "precision": args.precision, "n_jobs": -1}
    embedder = EncoderEmbedder(**options, layers=-1).fit(paths)
    n_layers = embedder.layers_[0]
    started = time.perf_counter()
    embedder.transform(paths[:TIMED_CLIPS])  # loads the encoder
    started = time.perf_counter()
    embedder.transform(paths[:TIMED_CLIPS])
    milliseconds = 1000 * (time.perf_counter() - started) / TIMED_CLIPS
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    name = Path(model).name
    print(f"\n{name}: {n_layers} layers of {embedder.embedding_dim_ // 2}, license ", end="")
    print(f"{embedder.license_ or 'unknown'}, {milliseconds:.0f} ms a clip, peak {peak:.1f} GB")
    every = EncoderEmbedder(**options, layers=range_of(n_layers), memory=args.memory, verbose=1)
    tables = every.fit_transform(paths).reshape(len(paths), 1 + n_layers, -1)
    for layer in range(1 + n_layers):
        scores = [score(discriminant(), tables[:, layer], y, fold) for fold in folds]
        show(f"layer {layer}", scores)
    scores: dict[str, list[float]] = {"LDA": [], "logistic regression": []}
    chosen = []
    for fold in folds:
        train, _ = fold
        auto = EncoderEmbedder(**options, memory=args.memory)
        auto.fit(paths[train], y[train], groups=speakers[train])
        chosen.append(auto.layers_)
        table = tables[:, list(auto.layers_)].reshape(len(paths), -1)
        scores["LDA"].append(score(discriminant(), table, y, fold))
        scores["logistic regression"].append(score(regression(), table, y, fold))
    for last, values in scores.items():
        show(f"auto, {last}", values)
    print("chosen:", "; ".join(", ".join(map(str, layers)) for layers in chosen))
    show_systems(model, corpus, folds, args)


def show_systems(model: str, corpus, folds: list, args: argparse.Namespace) -> None:
    """Print the scores of the complete systems, and their differences over speakers."""
    pipe = make_ser_pipeline(encoder=model, n_jobs=-1, memory=args.memory)
    pipe.set_params(encoder__precision=args.precision)
    systems = {
        "make_ser_pipeline": pipe,
        "without normalizer": clone(pipe).set_params(voting__normalizer=None),
        "one speed": clone(pipe).set_params(encoder__speeds=(1.0,)),
    }
    reports = {}
    for name, system in systems.items():
        reports[name] = evaluate(
            system, corpus.data, corpus.target, corpus.speakers, cv=folds, check_leaks=False
        )
        for protocol in reports[name].protocols.values():
            adapted = ", adapted" if "adapted" in protocol.name else ""
            show(f"{name}{adapted}", scores_by_fold(protocol))
            found = protocol.scores.value
            print(f"    log loss {found.log_loss:.3f}, ", end="")
            print(f"calibration error {found.calibration_error:.3f}")
    print(compare(reports))


def scores_by_fold(protocol) -> list[float]:
    """Return the balanced accuracy of each fold."""
    ends = np.cumsum([len(fold.test) for fold in protocol.folds])[:-1]
    parts = zip(np.split(protocol.y_true, ends), np.split(protocol.y_pred, ends), strict=True)
    return [balanced_accuracy_score(truth, predicted) for truth, predicted in parts]


def range_of(n_layers: int) -> list[int]:
    """Return the numbers of all layers."""
    return list(range(1 + n_layers))


def discriminant():
    """Return the classifier of the tables."""
    lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5)
    return make_pipeline(StandardScaler(), lda)


def regression():
    """Return a logistic regression with a strong penalty."""
    lr = LogisticRegression(C=0.003, class_weight="balanced", max_iter=1000)
    return make_pipeline(StandardScaler(), lr)


def score(model, table: np.ndarray, y: np.ndarray, fold: tuple) -> float:
    """Return the balanced accuracy on the test clips of a fold."""
    train, test = fold
    return balanced_accuracy_score(y[test], model.fit(table[train], y[train]).predict(table[test]))


def show(name: str, scores: list[float]) -> None:
    """Print the mean, and the score of each fold."""
    values = " ".join(f"{value:.3f}" for value in scores)
    print(f"{name:<26} {np.mean(scores):.3f}  ({values})", flush=True)


if __name__ == "__main__":
    main()
