"""Compare classical models on a table of acoustic features
========================================================

An SVM, a random forest and a fully connected network learn from the table of ``AcousticFeatures``.
The parameters of each are searched by cross-validation over the training speakers, and the best
ones are tested on four unseen speakers. Features are computed once and kept in a folder, so that
the searches do not read the files again.

.. code-block:: shell

    python examples/classical.py                   # synthetic voices, half a minute
    python examples/classical.py /path/to/ravdess  # minutes
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ser_estimators import AcousticFeatures, CNNEmbedder
from ser_estimators.datasets import load_ravdess, make_emotional_speech

HELD_OUT = 4
SYSTEMS = {
    "SVM": (SVC(), {"model__C": [1, 10], "model__gamma": ["scale", 5e-4]}),
    "random forest": (
        RandomForestClassifier(300, random_state=0),
        {"model__max_features": ["sqrt", 0.1]},
    ),
    "fully connected network": (
        CNNEmbedder(network="mlp", random_state=0),
        {"model__network__hidden_layer_sizes": [(256,), (256, 128)], "model__dropout": [0.3, 0.5]},
    ),
}


def main() -> None:
    """Search and test the three systems, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", nargs="?", type=Path, help="folder of RAVDESS")
    parser.add_argument("--jobs", type=int, default=-1, help="workers of the searches")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if args.root is None:
            corpus = make_emotional_speech(12, 4, out_dir=Path(folder) / "voices", random_state=0)
        else:
            corpus = load_ravdess(args.root)
        compare(corpus, Path(folder) / "features", args.jobs)


def compare(corpus, memory: Path, n_jobs: int) -> None:
    """Search each system on some speakers and test it on the others."""
    is_test = np.isin(corpus.speakers, np.unique(corpus.speakers)[-HELD_OUT:])
    train, test = np.flatnonzero(~is_test), np.flatnonzero(is_test)
    paths = np.array(corpus.data)
    print(f"{len(train)} clips to train on, {len(test)} of {HELD_OUT} unseen speakers to test\n")
    start = time.perf_counter()
    acoustic = AcousticFeatures(memory=memory, n_jobs=n_jobs, verbose=1)
    n_features = acoustic.transform(corpus.data).shape[1]
    print(f"{n_features} features of each clip, {time.perf_counter() - start:.0f} s\n", flush=True)
    print(f"{'':<24}{'balanced accuracy':>18}{'search':>9}  chosen")
    for name, (model, grid) in SYSTEMS.items():
        pipe = Pipeline(
            [
                ("features", AcousticFeatures(memory=memory)),
                ("scale", StandardScaler()),
                ("model", model),
            ]
        )
        search = GridSearchCV(
            pipe,
            grid,
            scoring="balanced_accuracy",
            cv=StratifiedGroupKFold(4),
            n_jobs=n_jobs,
            error_score="raise",
        )
        start = time.perf_counter()
        search.fit(paths[train], corpus.target[train], groups=corpus.speakers[train])
        seconds = time.perf_counter() - start
        score = balanced_accuracy_score(corpus.target[test], search.predict(paths[test]))
        chosen = ", ".join(
            f"{key.removeprefix('model__')}={value!r}" for key, value in search.best_params_.items()
        )
        print(f"{name:<24}{score:>18.3f}{seconds:>7.0f} s  {chosen}", flush=True)


if __name__ == "__main__":
    main()
