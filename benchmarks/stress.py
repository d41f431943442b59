"""What is left of the accuracy on new speakers outside the studio.

    python benchmarks/stress.py /path/to/ravdess --seeds 0 1 2 --memory cache

``make_ser_pipeline`` is trained on RAVDESS without actors 01, 11, 20 and 21, the first fold of
EmoBox, and tested on them under all conditions of `ser_estimators.conditions`. The table has the
balanced accuracy, its standard deviation over seeds, its change from the clips as recorded, the
ratio of both, and the share of labels that stay. With ``--memory``, features and trained networks
are kept, and a second call repeats only the predictions.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from _recognition import FOLDS

from ser_estimators import make_ser_pipeline
from ser_estimators._estimators.fit_routing import speakers_for_fit
from ser_estimators.conditions import standard_conditions
from ser_estimators.datasets import load_ravdess
from ser_estimators.evaluation import StressTest, stress_test


def main() -> None:
    """Train with each seed, test, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path, help="folder of RAVDESS")
    parser.add_argument("--fold", type=int, default=1, help="of EmoBox's six, from 1")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--encoder", help="folder or name of a pretrained encoder")
    parser.add_argument("--epochs", type=int, help="of the network; its default if unset")
    parser.add_argument("--conditions", nargs="+", choices=list(standard_conditions()))
    parser.add_argument("--memory", help="folder of a cache")
    parser.add_argument("--html", type=Path, help="write the page of the first seed")
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="NAME=VALUE", help="parameters of the pipeline"
    )
    args = parser.parse_args()
    if args.encoder and args.epochs:
        parser.error("with --encoder, there is no network to train: leave out --epochs")
    corpus = load_ravdess(args.root)
    is_test = np.isin(corpus.speakers.astype(int), FOLDS[args.fold - 1])
    paths = np.array(corpus.data)
    results = []
    for seed in args.seeds:
        start = time.perf_counter()
        pipe = make_system(args, seed)
        known = speakers_for_fit(pipe, corpus.speakers[~is_test])
        pipe.fit(paths[~is_test], corpus.target[~is_test], **known)
        fitted = time.perf_counter()
        stress = stress_test(
            pipe,
            paths[is_test],
            corpus.target[is_test],
            corpus.speakers[is_test],
            conditions=args.conditions or "standard",
            metadata={"sex": corpus.sex[is_test]},
            corpus="ravdess",
            n_jobs=-1,
            verbose=1,
        )
        tested = time.perf_counter()
        print(f"seed {seed}: fitted in {fitted - start:.0f} s, tested in {tested - fitted:.0f} s")
        results.append(stress)
    if args.html:
        results[0].to_html(args.html)
    if len(results) == 1:
        print(f"\n{results[0]}\n")
    print_table(results)


def make_system(args: argparse.Namespace, seed: int):
    """Return an untrained pipeline."""
    pipe = make_ser_pipeline(encoder=args.encoder, random_state=seed, n_jobs=-1, memory=args.memory)
    if args.epochs is not None:
        pipe.set_params(cnn__max_epochs=args.epochs)
    pairs = (pair.split("=", 1) for pair in args.set)
    return pipe.set_params(**{name: json.loads(value) for name, value in pairs})


def print_table(results: list[StressTest]) -> None:
    """Print the mean over seeds of every condition."""
    summaries = [result.summary() for result in results]
    print(f"{'':<24}{'UAR':>7}{'± seeds':>9}{'change':>9}{'kept':>7}{'labels kept':>13}")
    for rows in zip(*summaries, strict=True):
        scores = np.array(
            [
                [getattr(row, name)[0] for row in rows]
                for name in ("balanced_accuracy", "difference", "accuracy_kept", "labels_kept")
            ]
        )
        means = scores.mean(axis=1)
        print(f"{rows[0].condition:<24}{means[0]:>7.3f}{scores[0].std():>9.3f}", end="")
        print(f"{means[1]:>+9.3f}{means[2]:>7.2f}{means[3]:>13.2f}")


if __name__ == "__main__":
    main()
