"""Recognition on RAVDESS: unseen speakers and, for comparison, random splits.

    python benchmarks/ravdess.py /path/to/ravdess --folds 1 2 3 --kfold 10 --random 1 --seeds 0 1 2

The folds of speakers are the six of EmoBox (https://arxiv.org/abs/2406.07162), with four actors
each. The CNN and the logistic regression are ``make_ser_pipeline(recordings="studio")``; for the
default, see new_speakers.py. The SVM, with
C = 10, and the fully connected network, with its defaults, are trained on the features of
``AcousticFeatures`` with its defaults. No parameter is chosen on a test fold. Finished runs are
appended to a file, and a second call resumes where the first one stopped, unless the code or a
version has changed. The time of a fit includes reading the files, but the acoustic features, which
two systems share, are computed only once.
"""

import argparse
import json
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
from _recognition import HALVES, VERSIONS, mean_and_error, resumed, score, split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ser_estimators import AcousticFeatures, CNNEmbedder, make_ser_pipeline
from ser_estimators.datasets import load_ravdess

SOFTMAX, LOGISTIC = "CNN softmax", "CNN + logistic regression"
SVM, MLP = "SVM on acoustic features", "fully connected network on them"
# Systems that are trained together.
RUNS = {"cnn": (SOFTMAX, LOGISTIC), "svm": (SVM,), "mlp": (MLP,)}


def main() -> None:
    """Run the requested systems and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path, help="folder of RAVDESS")
    parser.add_argument(
        "--folds", type=int, nargs="*", default=[1, 2, 3, 4, 5, 6], help="of speakers, from 1"
    )
    parser.add_argument("--kfold", type=int, default=0, help="folds of a random cross-validation")
    parser.add_argument("--random", type=int, default=0, help="number of random 80/20 splits")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--systems", nargs="+", default=list(RUNS), choices=RUNS)
    parser.add_argument("--results", type=Path, default=Path("benchmarks/rows/ravdess.jsonl"))
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="NAME=VALUE", help="parameters of the CNN pipeline"
    )
    args = parser.parse_args()
    corpus = load_ravdess(args.root)
    parameters = {name: json.loads(value) for name, value in (s.split("=", 1) for s in args.set)}

    parts = [("speakers", fold - 1) for fold in args.folds]
    parts += [(f"random {args.kfold}-fold", part) for part in range(args.kfold)]
    parts += [("random 80/20", part) for part in range(args.random)]
    # Random splits vary without further seeds, and the SVM is deterministic.
    tasks = [
        (system, protocol, part, seed)
        for seed in args.seeds
        for protocol, part in parts
        for system in args.systems
        if seed == args.seeds[0] or (protocol == "speakers" and system != "svm")
    ]
    rows = []
    with tempfile.TemporaryDirectory() as memory:
        for number, (system, protocol, part, seed) in enumerate(tasks, start=1):
            changes = parameters if system == "cnn" else {}
            pipe = make_system(system, seed, changes, memory)
            key = {"system": system, "protocol": protocol, "part": part, "seed": seed}
            key |= {"last_step": pipe[-1].get_params(), "parameters": changes}
            label = f"{system}, {protocol}, part {part + 1}, seed {seed}"
            print(f"run {number}/{len(tasks)}: {label} ...", flush=True)
            task = partial(run, corpus, pipe, system, protocol, part)
            row = resumed(args.results, key, task, changes)
            scores = ", ".join(f"{name} UAR {row[name]['ua']:.3f}" for name in RUNS[system])
            print(f"  {scores}, {row['fit_seconds']:.0f} s", flush=True)
            rows.append(row)
    print_table(rows)


def make_system(system: str, seed: int, parameters: dict, memory: str) -> Pipeline:
    """Return an untrained system."""
    if system == "cnn":
        return make_ser_pipeline(recordings="studio", random_state=seed, n_jobs=-1).set_params(
            **parameters
        )
    features = AcousticFeatures(n_jobs=-1, memory=memory)
    if system == "svm":
        return make_pipeline(features, StandardScaler(), SVC(C=10))
    return make_pipeline(features, CNNEmbedder(network="mlp", random_state=seed))


def run(corpus, pipe: Pipeline, system: str, protocol: str, part: int) -> dict:
    """Train a system on the training part of a split and score it on the test part."""
    paths = np.array(corpus.data)
    train, test = split(corpus, protocol, part)
    start = time.perf_counter()
    pipe.fit(paths[train], corpus.target[train])
    seconds = time.perf_counter() - start
    truth = corpus.target[test]
    if system == "cnn":
        frames = pipe["mfcc"].transform(paths[test])
        predictions = {
            SOFTMAX: pipe["cnn"].predict(frames),
            LOGISTIC: pipe["lr"].predict(pipe["cnn"].transform(frames)),
        }
    else:
        predictions = dict.fromkeys(RUNS[system], pipe.predict(paths[test]))
    scores = {name: score(truth, predicted) for name, predicted in predictions.items()}
    return scores | {"fit_seconds": seconds, "n_train": len(train), "n_test": len(test)}


def print_table(rows: list[dict]) -> None:
    """Print the mean and standard deviation over the runs of each protocol."""
    print("\n" + ", ".join(f"{name} {version}" for name, version in VERSIONS.items()))
    print("UAR: balanced accuracy, WA: accuracy; mean ± standard deviation over the runs\n")
    print(f"{'split':<22}{'runs':>5}  {'system':<33}{'UAR':>15}{'WA':>16}{'fit':>8}")
    for protocol in dict.fromkeys(row["protocol"] for row in rows):
        of_protocol = [row for row in rows if row["protocol"] == protocol]
        print_rows(protocol, of_protocol)
        if protocol == "speakers":
            for half, folds in HALVES.items():
                print_rows(f"  {half}", [row for row in of_protocol if row["part"] in folds])
    print("\nUAR that the logistic regression adds to softmax, mean ± standard error over the runs")
    for protocol in dict.fromkeys(row["protocol"] for row in rows if SOFTMAX in row):
        of_protocol = [row for row in rows if row["protocol"] == protocol and SOFTMAX in row]
        gains = np.array([row[LOGISTIC]["ua"] - row[SOFTMAX]["ua"] for row in of_protocol])
        print(f"{protocol:<22}{mean_and_error(gains)}")


def print_rows(label: str, rows: list[dict]) -> None:
    """Print a line for each system."""
    for system in (name for names in RUNS.values() for name in names):
        chosen = [row for row in rows if system in row]
        if not chosen:
            continue
        cells = []
        for metric in ("ua", "wa"):
            values = [row[system][metric] for row in chosen]
            cells.append(f"{np.mean(values):.3f} ± {np.std(values):.3f}")
        seconds = np.mean([row["fit_seconds"] for row in chosen])
        print(f"{label:<22}{len(chosen):>5}  {system:<33}", end="")
        print(f"{cells[0]:>15}{cells[1]:>16}{seconds:>6.0f} s")


if __name__ == "__main__":
    main()
