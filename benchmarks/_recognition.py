"""What the benchmarks of recognition share: splits, scores, and runs that are resumed."""

import ast
import hashlib
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import sklearn
import torch
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold, train_test_split

import ser_estimators

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
# EmoBox's folds of speakers.
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


def resumed(path: Path, key: dict, run: Callable[[], dict], *, without: str = "") -> dict:
    """Return the row of a run that has ended before, or run it and append its row to a file.

    It counts as the same run where the code is the same, but for the module `without`.
    """
    key = key | {"code": hash_of_package(without), "versions": VERSIONS}
    row = find(path, key)
    if row is None:
        row = key | run()
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(json.dumps(row) + "\n")
    return row


def score(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Return balanced accuracy and accuracy."""
    return {
        "ua": balanced_accuracy_score(truth, predicted),
        "wa": accuracy_score(truth, predicted),
    }


@cache
def hash_of_package(without: str) -> str:
    """Return a hash of the package's code, so that figures of older code are not taken for new.

    Comments and docstrings do not count.
    """
    root = Path(ser_estimators.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*.py") if path.name != without):
        tree = ast.parse(path.read_bytes())
        for node in ast.walk(tree):
            if isinstance(node, DOCUMENTED) and ast.get_docstring(node) is not None:
                del node.body[0]
        digest.update(ast.dump(tree).encode())
    return digest.hexdigest()[:16]


def find(path: Path, key: dict) -> dict | None:
    """Return the row of a run that has ended before, if there is one."""
    if not path.exists():
        return None
    rows = (json.loads(line) for line in path.read_text().splitlines())
    return next((row for row in rows if row | key == row), None)


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
