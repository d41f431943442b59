"""Recognition on RAVDESS: speakers that the model never heard, and random splits beside them.

    python benchmarks/ravdess.py /path/to/ravdess --folds 1 2 3 --kfold 10 --random 1 --seeds 0 1 2

The folds of speakers are EmoBox's six, of four actors each (https://arxiv.org/abs/2406.07162). The
CNN and the logistic regression are the defaults of ``make_ser_pipeline``, the other systems those
of the docs; nothing is chosen on a test fold. Each run is appended to a file as it ends, and a
second call goes on where the first one stopped, unless the code of the package or a version has
changed.
"""

import argparse
import hashlib
import json
import time
from pathlib import Path

import numpy as np
import sklearn
import torch
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import ser_estimators
from ser_estimators import AcousticFeatures, CNNEmbedder, make_ser_pipeline
from ser_estimators.datasets import load_ravdess

FOLDS = (
    (1, 11, 20, 21),
    (4, 10, 12, 14),
    (8, 9, 19, 23),
    (3, 5, 7, 24),
    (2, 15, 16, 18),
    (6, 13, 17, 22),
)
VERSIONS = {
    "ser_estimators": ser_estimators.__version__,
    "torch": torch.__version__,
    "scikit-learn": sklearn.__version__,
    "numpy": np.__version__,
}
# What was looked at while the defaults were chosen, and what was not.
HALVES = {"folds 1-3": (0, 1, 2), "folds 4-6": (3, 4, 5)}
SOFTMAX, LOGISTIC = "CNN softmax", "CNN + logistic regression"
SVM, MLP = "SVM on acoustic features", "fully connected network on them"
# Systems that are trained together.
RUNS = {"cnn": (SOFTMAX, LOGISTIC), "svm": (SVM,), "mlp": (MLP,)}


def main() -> None:
    """Run what is asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path, help="folder of RAVDESS")
    parser.add_argument(
        "--folds", type=int, nargs="*", default=[1, 2, 3, 4, 5, 6], help="of speakers, from 1"
    )
    parser.add_argument("--kfold", type=int, default=0, help="folds of a random cross-validation")
    parser.add_argument("--random", type=int, default=0, help="number of random 80/20 splits")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--systems", nargs="+", default=list(RUNS), choices=RUNS)
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results/ravdess.jsonl"))
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="NAME=VALUE", help="parameters of the pipeline"
    )
    args = parser.parse_args()
    corpus = load_ravdess(args.root)
    parameters = {name: json.loads(value) for name, value in (s.split("=", 1) for s in args.set)}

    code = hash_of_package()
    parts = [("speakers", fold - 1) for fold in args.folds]
    parts += [(f"random {args.kfold}-fold", part) for part in range(args.kfold)]
    parts += [("random 80/20", part) for part in range(args.random)]
    # Random splits need no second seed to have a spread.
    tasks = [
        (system, protocol, part, seed)
        for seed in args.seeds
        for protocol, part in parts
        for system in args.systems
        if protocol == "speakers" or seed == args.seeds[0]
    ]
    args.results.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, (system, protocol, part, seed) in enumerate(tasks, start=1):
        key = {"system": system, "protocol": protocol, "part": part, "seed": seed}
        key |= {"parameters": parameters, "code": code, "versions": VERSIONS}
        row = find(args.results, key)
        if row is None:
            label = f"{system}, {protocol}, part {part + 1}, seed {seed}"
            print(f"run {number}/{len(tasks)}: {label} ...", flush=True)
            row = key | run(corpus, system, protocol, part, seed, parameters)
            with args.results.open("a") as file:
                file.write(json.dumps(row) + "\n")
            scores = ", ".join(f"{name} UA {row[name]['ua']:.3f}" for name in RUNS[system])
            print(f"  {scores}, {row['fit_seconds']:.0f} s", flush=True)
        rows.append(row)
    print_table(rows)


def hash_of_package() -> str:
    """Return a hash of the package's code, so that figures of older code are not taken for new."""
    root = Path(ser_estimators.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def find(path: Path, key: dict) -> dict | None:
    """Return the row of a run that has ended before, if there is one."""
    if not path.exists():
        return None
    rows = (json.loads(line) for line in path.read_text().splitlines())
    return next((row for row in rows if all(row[name] == key[name] for name in key)), None)


def split(corpus, protocol: str, part: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which clips a protocol trains and tests on."""
    clips = np.arange(len(corpus.data))
    if protocol == "speakers":
        is_test = np.isin(corpus.speakers.astype(int), FOLDS[part])
        return clips[~is_test], clips[is_test]
    if protocol == "random 80/20":
        train, test = train_test_split(
            clips, test_size=0.2, stratify=corpus.target, random_state=part
        )
        return train, test
    n_folds = int(protocol.removeprefix("random ").removesuffix("-fold"))
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=0)
    return list(folds.split(clips, corpus.target))[part]


def make_system(system: str, seed: int, parameters: dict) -> Pipeline:
    """Return a system before it is trained."""
    if system == "cnn":
        return make_ser_pipeline(random_state=seed, n_jobs=-1).set_params(**parameters)
    if system == "svm":
        return make_pipeline(AcousticFeatures(n_jobs=-1), StandardScaler(), SVC(C=10))
    return make_pipeline(AcousticFeatures(n_jobs=-1), CNNEmbedder(network="mlp", random_state=seed))


def run(corpus, system: str, protocol: str, part: int, seed: int, parameters: dict) -> dict:
    """Train on one side of a split and score on the other."""
    paths = np.array(corpus.data)
    train, test = split(corpus, protocol, part)
    pipe = make_system(system, seed, parameters)
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
    scores = {
        name: {
            "ua": balanced_accuracy_score(truth, predicted),
            "wa": accuracy_score(truth, predicted),
        }
        for name, predicted in predictions.items()
    }
    return scores | {"fit_seconds": seconds, "n_train": len(train), "n_test": len(test)}


def print_table(rows: list[dict]) -> None:
    """Print mean and standard deviation over the runs of each protocol."""
    print("\n" + ", ".join(f"{name} {version}" for name, version in VERSIONS.items()))
    print("UA: balanced accuracy, WA: accuracy; mean ± standard deviation over the runs\n")
    print(f"{'split':<22}{'runs':>5}  {'system':<33}{'UA':>15}{'WA':>16}{'fit':>8}")
    for protocol in dict.fromkeys(row["protocol"] for row in rows):
        of_protocol = [row for row in rows if row["protocol"] == protocol]
        print_rows(protocol, of_protocol)
        if protocol == "speakers":
            for half, folds in HALVES.items():
                print_rows(f"  {half}", [row for row in of_protocol if row["part"] in folds])


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
