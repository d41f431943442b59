"""Common code of the recognition benchmarks: splits, scores, and runs that can be resumed."""

import ast
import hashlib
import inspect
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
from ser_estimators import (
    AcousticFeatures,
    CNNEmbedder,
    FeatureMLP,
    SpectrogramAugmentation,
    SpectrogramCNN,
    make_ser_pipeline,
)
from ser_estimators._network.devices import resolve_device, resolve_precision

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
    "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU",
    "precision": str(resolve_precision("auto", resolve_device("auto"))).removeprefix("torch."),
}
# Folds that were used to choose the defaults, and folds that were not.
HALVES = {"folds 1-3": (0, 1, 2), "folds 4-6": (3, 4, 5)}


def resumed(path: Path, key: dict, run: Callable[[], dict], changes: dict | None = None) -> dict:
    """Return the row of a finished run, or run it and append its row to a file.

    A row is valid as long as the code is the same, on any processor, or the small fits of
    `fingerprint` give the same results. `changes` are parameters of ``make_ser_pipeline`` that
    differ from those of ``recordings="studio"``.
    """
    # Compared in the form of JSON, in which tuples are lists.
    key = json.loads(json.dumps(key | {"versions": VERSIONS}))
    marks = [code(), fingerprint(json.dumps(changes or {}))]
    row = find(path, key, marks)
    if row is None:
        row = key | run() | {"marks": marks}
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(json.dumps(row) + "\n")
    elif missing := [mark for mark in marks if mark not in row["marks"]]:
        add_marks(path, row, missing)
    return row


def add_marks(path: Path, row: dict, marks: list[str]) -> None:
    """Add marks to a row of a file, so that it is found on another processor or with later code."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[rows.index(row)]["marks"] += marks
    row["marks"] += marks
    beside = path.with_suffix(".part")
    beside.write_text("".join(json.dumps(row) + "\n" for row in rows))
    beside.replace(path)


def score(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Return balanced accuracy and accuracy."""
    return {
        "ua": balanced_accuracy_score(truth, predicted),
        "wa": accuracy_score(truth, predicted),
    }


@cache
def code() -> str:
    """Return a hash of the code of the package, except for comments, docstrings and file names."""
    package = Path(ser_estimators.__file__).parent
    paths = [path for path in package.rglob("*") if path.suffix in {".py", ".c", ".h"}]
    texts = (
        without_docstrings(path.read_text()) if path.suffix == ".py" else path.read_text()
        for path in paths
    )
    digests = sorted(hashlib.sha256(text.encode()).hexdigest() for text in texts)
    return hashlib.sha256("".join(digests).encode()).hexdigest()[:16]


def without_docstrings(source: str) -> str:
    """Return the code of a module without comments and docstrings, in a canonical layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        can_have_one = isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        if can_have_one and ast.get_docstring(node):
            node.body[0] = ast.Pass()
    return ast.unparse(tree)


@cache
def fingerprint(changes: str = "{}") -> str:
    """Return a hash of the defaults, and of the exact results of small fits.

    It depends on the kind of processor. The fits run on the CPU, because fits on a GPU are not
    reproducible. The logistic regression is not included.

    Parameters
    ----------
    changes : str
        Parameters of the pipeline, in JSON.
    """
    rng = np.random.default_rng(0)
    lengths = rng.integers(12_000, 24_000, size=24)
    waveforms = [rng.normal(scale=0.1, size=length).astype(np.float32) for length in lengths]
    emotions = np.tile(["anger", "calm", "sadness"], 8)
    digest = hashlib.sha256()
    pipe = make_ser_pipeline(recordings="studio", random_state=0)
    digest.update(repr(pipe["mfcc"].get_params()).encode())
    digest.update(repr(flat_parameters(pipe["cnn"])).encode())
    small = {"max_epochs": 4, "batch_size": 8, "device": "cpu"}
    pipe.set_params(**{f"cnn__{name}": value for name, value in small.items()})
    pipe.set_params(**json.loads(changes))
    frames = pipe["mfcc"].fit_transform(waveforms)
    cnn = pipe["cnn"].fit(frames, emotions)
    digest.update(frames.tobytes())
    digest.update(cnn.predict_proba(frames).tobytes())
    digest.update(cnn.transform(frames).tobytes())
    table = AcousticFeatures().fit_transform(waveforms)
    mlp = CNNEmbedder(network="mlp", random_state=0, **small)
    digest.update(mlp.fit(table, emotions).predict_proba(table).tobytes())
    return digest.hexdigest()[:16]


def flat_parameters(cnn: CNNEmbedder) -> dict:
    """Return all parameters in one dict, as they were when the first rows were written."""
    parameters = cnn.get_params(deep=False)
    del parameters["augmentation"]
    parameters |= SpectrogramAugmentation().get_params() | SpectrogramCNN().get_params()
    del parameters["statistics"]
    parameters |= FeatureMLP().get_params() | {"input_channels": 1}
    return dict(sorted(parameters.items()))


def hash_of_source(*objects: Callable) -> str:
    """Return a hash of the code of functions or classes, which makes their rows depend on it."""
    source = "".join(inspect.getsource(thing) for thing in objects)
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def find(path: Path, key: dict, marks: list[str]) -> dict | None:
    """Return the row that has a key and one of some marks, or None."""
    if not path.exists():
        return None
    rows = (row for row in map(json.loads, path.read_text().splitlines()) if row | key == row)
    return next((row for row in rows if set(marks) & set(row["marks"])), None)


def mean_and_error(differences: np.ndarray) -> str:
    """Return the mean of differences between runs with its standard error, as a string."""
    n_runs = len(differences)
    error = differences.std(ddof=1) / np.sqrt(n_runs) if n_runs > 1 else np.nan
    return f"{differences.mean():+.3f} ± {error:.3f}"


def split(corpus, protocol: str, part: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the training clips and the test clips of a protocol."""
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
