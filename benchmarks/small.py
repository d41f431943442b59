"""The default system and classical ones on small corpora.

    python benchmarks/small.py /path/to/ravdess --seeds 0 1 2 3 4

A forest and an SVM on `AcousticFeatures`, and ``make_ser_pipeline``, are trained on few speakers
and tested on others: on the synthetic voices of ``make demo``, eight speakers of twelve that are
drawn for each seed, and on RAVDESS, four speakers that are drawn for each seed from those of
EmoBox's folds 1 to 3, tested on the other speakers of these folds. The table has balanced
accuracies, and the difference to the better of both, paired over seeds, with its standard error.
"""

import argparse
import json
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from _recognition import FOLDS, mean_and_error
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ser_estimators import AcousticFeatures, make_ser_pipeline
from ser_estimators._estimators.fit_routing import speakers_for_fit
from ser_estimators.datasets import load_ravdess, make_emotional_speech

N_VOICES, N_DRAWN = 8, 4


def main() -> None:
    """Train and test every system with each seed, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", nargs="?", type=Path, help="folder of RAVDESS")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--memory", type=Path, help="folder of a cache")
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="NAME=VALUE", help="parameters of the pipeline"
    )
    args = parser.parse_args()
    pairs = (pair.split("=", 1) for pair in args.set)
    parameters = {name: json.loads(value) for name, value in pairs}
    with tempfile.TemporaryDirectory() as folder:
        voices = make_emotional_speech(12, 4, out_dir=Path(folder) / "voices", random_state=0)
        make = partial(systems, memory=args.memory or folder, parameters=parameters)
        run("synthetic voices", voices, np.unique(voices.speakers), N_VOICES, args.seeds, make)
        if args.root is not None:
            ravdess = load_ravdess(args.root)
            known = np.array([f"{actor:02d}" for fold in FOLDS[:3] for actor in fold])
            run("RAVDESS", ravdess, known, N_DRAWN, args.seeds, make)


def run(title: str, corpus, speakers: np.ndarray, n_train: int, seeds: list[int], make) -> None:
    """Print the scores of a corpus."""
    paths, scores = np.array(corpus.data), {}
    for seed in seeds:
        drawn = np.random.default_rng(seed).choice(speakers, n_train, replace=False)
        train = np.flatnonzero(np.isin(corpus.speakers, drawn))
        test = np.flatnonzero(np.isin(corpus.speakers, np.setdiff1d(speakers, drawn)))
        for name, model in make(seed).items():
            known = speakers_for_fit(model, corpus.speakers[train])
            model.fit(paths[train], corpus.target[train], **known)
            found = balanced_accuracy_score(corpus.target[test], model.predict(paths[test]))
            scores.setdefault(name, []).append(found)
        last = ", ".join(f"{name} {found[-1]:.3f}" for name, found in scores.items())
        print(f"{title}, seed {seed}, {len(train)} clips: {last}", flush=True)
    print(f"\n{title}: {n_train} training speakers, {len(seeds)} seeds")
    for name, found in scores.items():
        print(f"{name:<20}{np.mean(found):.3f} ± {np.std(found):.3f}")
    own = np.array(scores.pop("make_ser_pipeline"))
    for name, found in scores.items():
        print(f"difference to {name:<8}{mean_and_error(own - np.array(found))}")
    best = np.max(list(scores.values()), axis=0)
    print(f"difference to the better of both, seed by seed {mean_and_error(own - best)}\n")


def systems(seed: int, memory, parameters: dict) -> dict:
    """Return untrained systems."""
    features = AcousticFeatures(memory=memory, n_jobs=-1)
    pipe = make_ser_pipeline(random_state=seed, n_jobs=-1, memory=memory)
    return {
        "forest": make_pipeline(features, RandomForestClassifier(300, random_state=seed)),
        "SVM": make_pipeline(features, StandardScaler(), SVC()),
        "make_ser_pipeline": pipe.set_params(**parameters),
    }


if __name__ == "__main__":
    main()
