"""Recognition on RAVDESS: speakers that the model never heard, and the random split beside it.

    python benchmarks/ravdess.py /path/to/ravdess --folds 0 1 2 --random 1 --seeds 0

The folds are EmoBox's six, of four actors each (https://arxiv.org/abs/2406.07162). Everything is
trained with the defaults of ``make_ser_pipeline``; nothing is chosen on a test fold. Each run is
appended to a file as it ends, and a second call goes on where the first one stopped, unless the
code of the package or a version has changed.
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
from sklearn.model_selection import train_test_split

import ser_estimators
from ser_estimators import make_ser_pipeline
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
SYSTEMS = ("cnn softmax", "cnn + logistic regression")


def main() -> None:
    """Run what is asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path, help="folder of RAVDESS")
    parser.add_argument("--folds", type=int, nargs="*", default=list(range(len(FOLDS))))
    parser.add_argument("--random", type=int, default=0, help="number of random 80/20 splits")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results/ravdess.jsonl"))
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="NAME=VALUE", help="parameters of the pipeline"
    )
    args = parser.parse_args()
    corpus = load_ravdess(args.root)
    parameters = {name: json.loads(value) for name, value in (s.split("=", 1) for s in args.set)}

    code = hash_of_package()
    tasks = [("speakers", fold, seed) for seed in args.seeds for fold in args.folds]
    tasks += [("random", split, seed) for seed in args.seeds for split in range(args.random)]
    args.results.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, (protocol, part, seed) in enumerate(tasks, start=1):
        key = {"protocol": protocol, "part": part, "seed": seed, "parameters": parameters}
        key |= {"code": code, "versions": VERSIONS}
        row = find(args.results, key)
        if row is None:
            print(f"run {number}/{len(tasks)}: {protocol} {part}, seed {seed} ...", flush=True)
            row = key | run(corpus, protocol, part, seed, parameters)
            with args.results.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print("  " + ", ".join(f"{s}: UA {row[s]['ua']:.3f}" for s in SYSTEMS), flush=True)
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


def run(corpus, protocol: str, part: int, seed: int, parameters: dict) -> dict:
    """Train on one side of a split and score both systems on the other."""
    paths = np.array(corpus.data)
    if protocol == "speakers":
        is_test = np.isin(corpus.speakers.astype(int), FOLDS[part])
        train, test = np.flatnonzero(~is_test), np.flatnonzero(is_test)
    else:
        train, test = train_test_split(
            np.arange(len(paths)), test_size=0.2, stratify=corpus.target, random_state=part
        )
    pipe = make_ser_pipeline(random_state=seed, n_jobs=-1).set_params(**parameters)
    start = time.perf_counter()
    pipe.fit(paths[train], corpus.target[train])
    seconds = time.perf_counter() - start
    frames, truth = pipe["mfcc"].transform(paths[test]), corpus.target[test]
    predictions = {
        "cnn softmax": pipe["cnn"].predict(frames),
        "cnn + logistic regression": pipe["lr"].predict(pipe["cnn"].transform(frames)),
    }
    scores = {
        system: {
            "ua": balanced_accuracy_score(truth, predicted),
            "wa": accuracy_score(truth, predicted),
        }
        for system, predicted in predictions.items()
    }
    return scores | {"fit_seconds": seconds, "n_train": len(train), "n_test": len(test)}


def print_table(rows: list[dict]) -> None:
    """Print mean and standard deviation over the runs of each protocol."""
    print("\n" + ", ".join(f"{name} {version}" for name, version in VERSIONS.items()))
    print("UA: balanced accuracy, WA: accuracy; mean ± standard deviation over the runs\n")
    print(f"{'split':<10}{'runs':>5}  {'system':<27}{'UA':>15}{'WA':>16}{'fit':>8}")
    for protocol in dict.fromkeys(row["protocol"] for row in rows):
        chosen = [row for row in rows if row["protocol"] == protocol]
        seconds = np.mean([row["fit_seconds"] for row in chosen])
        for system in SYSTEMS:
            cells = []
            for metric in ("ua", "wa"):
                values = [row[system][metric] for row in chosen]
                cells.append(f"{np.mean(values):.3f} ± {np.std(values):.3f}")
            print(
                f"{protocol:<10}{len(chosen):>5}  {system:<27}{cells[0]:>15}{cells[1]:>16}"
                f"{seconds:>6.0f} s"
            )


if __name__ == "__main__":
    main()
