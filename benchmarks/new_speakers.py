"""Recognition from scratch on new speakers of any corpus.

    python benchmarks/new_speakers.py ravdess:/path/to/ravdess --seeds 0 1 2 --resume results

``make_ser_pipeline`` is trained and tested in the folds of encoders.py. The table has the balanced
accuracy, its standard deviation over the folds of all seeds, the log loss and the calibration error
of single clips, and of clips whose speakers are known ("adapted"). With ``--resume``, a second call
continues where the first one stopped. ``--recordings studio`` measures the other preset.
"""

import argparse
import json

import numpy as np
from encoders import folds_of, scores_by_fold

from ser_estimators import datasets, make_ser_pipeline
from ser_estimators.evaluation import evaluate


def main() -> None:
    """Train and test with each seed, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", help="name and folder of a corpus, such as ravdess:/path")
    parser.add_argument("--recordings", default="any", choices=("any", "studio"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--folds", type=int, nargs="+", help="numbers from 1; default: all")
    parser.add_argument("--cv", type=int, default=5, help="number of folds of other corpora")
    parser.add_argument("--memory", help="folder of a cache")
    parser.add_argument("--resume", help="folder of finished folds")
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="NAME=VALUE", help="parameters of the pipeline"
    )
    args = parser.parse_args()
    name, _, root = args.corpus.partition(":")
    corpus = getattr(datasets, f"load_{name}")(root)
    folds = folds_of(name, corpus, args.cv)
    chosen = [folds[number - 1] for number in args.folds or range(1, 1 + len(folds))]
    parameters = {name: json.loads(value) for name, value in (s.split("=", 1) for s in args.set)}
    protocols: dict[str, list] = {}
    for seed in args.seeds:
        pipe = make_ser_pipeline(
            recordings=args.recordings, random_state=seed, memory=args.memory, n_jobs=-1
        )
        report = evaluate(
            pipe.set_params(**parameters),
            corpus.data,
            corpus.target,
            corpus.speakers,
            cv=chosen,
            check_leaks=False,
            resume=args.resume,
            verbose=1,
        )
        for protocol in report.protocols.values():
            way = "adapted" if protocol.is_adapted else "single clips"
            protocols.setdefault(way, []).append(protocol)
    print(f"\n{name}, {len(chosen)} folds, {len(args.seeds)} seeds, recordings: {args.recordings}")
    print(f"{'':<14}{'UAR':>7}{'±':>7}{'log loss':>10}{'calibration error':>19}  by fold")
    for way, found in protocols.items():
        scores = np.array([scores_by_fold(protocol) for protocol in found])
        values = [protocol.scores.value for protocol in found]
        losses = np.mean([value.log_loss for value in values])
        errors = np.mean([value.calibration_error for value in values])
        by_fold = " ".join(f"{score:.3f}" for score in scores.mean(axis=0))
        print(f"{way:<14}{scores.mean():>7.3f}{scores.std():>7.3f}", end="")
        print(f"{losses:>10.3f}{errors:>19.3f}  {by_fold}")


if __name__ == "__main__":
    main()
