"""Costs of a cluster: a search on Dask and on local processes, and what one clip costs.

    python benchmarks/cluster.py                      # synthetic voices
    python benchmarks/cluster.py /path/to/recordings  # costs of these files

The first part runs the same grid search on a Dask cluster of two processes and on two processes of
joblib, which take turns, each with warm workers. The second measures the processor time of each
step of a prediction, in one thread, of files that have been read before. The third measures what
the scheduler does for a task, and what paths cost to send. Finally, the time for many hours of
recordings is estimated from these costs.
"""

import argparse
import os
import pickle
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from _workers import THREADS, load_before, progress

# Before torch and NumPy are loaded, here and in workers.
os.environ.update(dict.fromkeys(THREADS, "1"))

from distributed import Client, LocalCluster
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.model_selection import GridSearchCV, GroupKFold

from ser_estimators import make_ser_pipeline, predict_table
from ser_estimators._audio.files import read_audio
from ser_estimators.cluster import use_dask
from ser_estimators.datasets import make_emotional_speech

N_WORKERS = 2
EPOCHS = 3  # of each fit in the search
MAX_CLIPS = 200  # that the costs of a clip are measured on
N_TASKS = 2000  # that the scheduler is measured with
N_PATHS = 100_000
HOURS = 10_000
CORES = (16, 128, 1024)
PART = 1000  # clips of a partition


def main() -> None:
    """Run all parts, and print their results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path, nargs="?", help="folder of WAV or FLAC files")
    parser.add_argument("--pairs", type=int, default=5, help="of searches that are compared")
    args = parser.parse_args()
    print(f"load before: {load_before()}")
    with tempfile.TemporaryDirectory() as folder:
        corpus = make_emotional_speech(6, 2, out_dir=Path(folder, "voices"), random_state=0)
        files = corpus.data if args.root is None else find_files(args.root)
        with (
            LocalCluster(
                n_workers=N_WORKERS, threads_per_worker=1, dashboard_address=":0"
            ) as local,
            Client(local) as client,
        ):
            scheduler = measure_scheduler(client)
            compare_searches(client, corpus, args.pairs)
        estimate(measure_clip(corpus, files, Path(folder)), scheduler)


def find_files(root: Path) -> list[str]:
    """Return some files of a folder, spread over all of it."""
    found = sorted(str(path) for path in root.rglob("*") if path.suffix in (".wav", ".flac"))
    return found[:: max(1, len(found) // MAX_CLIPS)][:MAX_CLIPS]


class Waiting(ClassifierMixin, BaseEstimator):
    """A classifier whose fit waits, so that other programs on the machine do not disturb it."""

    def __init__(self, seconds: float = 0.5) -> None:
        self.seconds = seconds

    def fit(self, X, y):
        """Wait."""
        self.classes_ = np.unique(y)
        time.sleep(self.seconds)
        return self

    def predict(self, X):
        """Return the first class."""
        return np.full(len(X), self.classes_[0])


def compare_searches(client: Client, corpus, n_pairs: int) -> None:
    """Print the duration of searches on Dask divided by that on processes of joblib."""
    pipe = make_ser_pipeline(recordings="studio", random_state=0)
    pipe.set_params(cnn__max_epochs=EPOCHS)
    paths = np.array(corpus.data)
    for name, estimator, grid in (
        ("fits that wait", Waiting(), {"seconds": [0.49, 0.5, 0.51, 0.5]}),
        ("fits of the pipeline", pipe, {"lr__C": [0.01, 0.1, 1.0, 10.0]}),
    ):
        found = GridSearchCV(estimator, grid, cv=GroupKFold(2), n_jobs=N_WORKERS, refit=False)
        processes = partial(found.fit, paths, corpus.target, groups=corpus.speakers)
        compare(name, client, processes, n_pairs)


def compare(name: str, client: Client, search: Callable[[], GridSearchCV], n_pairs: int) -> None:
    """Print the durations of one search on both, and their ratio."""

    def on_dask() -> GridSearchCV:
        with use_dask(client):
            return search()

    # Not timed, because workers import modules.
    scores = [run().cv_results_["mean_test_score"] for run in (search, on_dask)]
    if not np.array_equal(*scores):
        raise SystemExit("the scores differ")
    ratios, seconds = [], []
    for pair in range(n_pairs):
        # In turns, so that neither is always first.
        runs = (on_dask, search) if pair % 2 else (search, on_dask)
        taken = {run: timed(run) for run in runs}
        ratios.append(taken[on_dask] / taken[search])
        seconds.append((taken[on_dask], taken[search]))
        progress(f"{name}, pair {pair + 1}/{n_pairs}: {ratios[-1]:.3f}")
    dask, processes = np.median(seconds, axis=0)
    print(
        f"search of 8 {name}, {N_WORKERS} workers: Dask {dask:.2f} s, processes {processes:.2f} s"
    )
    print(f"  ratio: median {statistics.median(ratios):.3f} of", *(f"{r:.3f}" for r in ratios))


def measure_clip(corpus, files: list[str], folder: Path) -> dict[str, float]:
    """Return and print the costs of one clip, in one thread."""
    pipe = make_ser_pipeline(random_state=0).set_params(cnn__max_epochs=1)
    pipe.fit(corpus.data, corpus.target)
    joblib.dump(pipe, folder / "emotion.joblib")
    table = pd.DataFrame({"path": files})
    waveforms = [read_audio(file, 16000) for file in files]
    mfcc = pipe["mfcc"]
    frames = mfcc.transform(waveforms)
    cached = clone(mfcc).set_params(memory=folder / "cache")
    cached.transform(files)
    entries = [path.stat().st_size for path in (folder / "cache").glob("*/*/??/*")]

    def per_clip(function: Callable[[], object]) -> float:
        function()
        times = [timed(function, time.process_time) for _ in range(5)]
        return 1000 * statistics.median(times) / len(files)

    costs = {
        "decode": per_clip(lambda: [read_audio(file, 16000) for file in files]),
        "features": per_clip(lambda: mfcc.transform(waveforms)),
        "cached": per_clip(lambda: cached.transform(files)),
        "network": per_clip(lambda: pipe[1:].predict_proba(frames)),
        "table": per_clip(lambda: predict_table(table, folder / "emotion.joblib")),
        "seconds": float(np.mean([waveform.size / 16000 for waveform in waveforms])),
        "kilobytes": float(np.mean([os.path.getsize(file) for file in files])) / 1e3,
        "cached kilobytes": float(np.mean(entries)) / 1e3,
    }
    print(f"\n{len(files)} clips of {costs['seconds']:.2f} s, {costs['kilobytes']:.0f} kB each:")
    names = {
        "decode": "decode and resample",
        "features": "MFCCs of a waveform",
        "network": "network and classifiers",
        "table": "all of it, predict_table",
        "cached": "MFCCs from the cache instead",
    }
    for name, title in names.items():
        print(f"  {title:<34}{costs[name]:8.2f} ms")
    print(f"  {'size in the cache':<34}{costs['cached kilobytes']:8.0f} kB")
    return costs


def measure_scheduler(client: Client) -> dict[str, float]:
    """Return and print the time of an empty task, and the size of paths."""

    def run() -> None:
        client.gather(client.map(abs, range(N_TASKS), pure=False))

    run()
    task = 1000 * statistics.median(timed(run) for _ in range(3)) / N_TASKS
    paths = [f"/shared/recordings/{number // 1000:04}/{number:08}.wav" for number in range(N_PATHS)]
    seconds = timed(lambda: pickle.dumps(paths, protocol=5))
    size = len(pickle.dumps(paths, protocol=5)) / N_PATHS
    print(f"scheduler: {task:.2f} ms a task")
    print(
        f"paths: {size:.0f} bytes and {1e6 * seconds / N_PATHS:.2f} µs each, whenever they are sent"
    )
    return {"task": task, "path": size}


def estimate(costs: dict[str, float], scheduler: dict[str, float]) -> None:
    """Print the time for many hours of recordings, and what limits it."""
    n_clips = HOURS * 3600 / costs["seconds"]
    core_hours = n_clips * costs["table"] / 3.6e6
    terabytes = n_clips * costs["kilobytes"] / 1e9
    print(f"\n{HOURS} hours: {n_clips / 1e6:.1f} million clips, {terabytes:.1f} TB,")
    print(f"  {n_clips * scheduler['path'] / 1e6:.0f} MB of paths, {core_hours:.1f} core hours")
    print(f"  {n_clips * costs['cached kilobytes'] / 1e6:.0f} GB of features in a cache")
    for cores in CORES:
        clips = cores * 1000 / costs["table"]  # a second
        megabytes = clips * costs["kilobytes"] / 1e3
        print(
            f"  {cores:>5} cores: {60 * core_hours / cores:7.1f} minutes, reading "
            f"{megabytes:6.0f} MB/s, {clips / PART:6.2f} tasks/s of {PART} clips"
        )
    print(f"  scheduler: at most {1000 / scheduler['task']:.0f} tasks/s")


def timed(function: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Return the seconds that a call takes."""
    start = clock()
    function()
    return clock() - start


if __name__ == "__main__":
    main()
