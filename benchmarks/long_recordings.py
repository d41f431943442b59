"""Time and memory of long recordings among short clips, as ratios to what they cost alone.

    python benchmarks/long_recordings.py /path/to/short-clips

The short clips are joined to recordings of 10 and 30 minutes. Every measurement is a fresh process;
the calls that are compared take turns, and the medians of their times and peaks are printed.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

N_PREDICTED, N_TRAINED, N_EPOCHS = 198, 192, 4
MINUTES = {"predict": 30, "fit": 10}


def main() -> None:
    """Measure every call in turn and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder with at least 198 short clips")
    parser.add_argument("--runs", type=int, default=3, help="fresh processes of each call")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        print(json.dumps(measure(**json.loads(arguments.worker))))
        return
    kinds = (".wav", ".flac")
    clips = sorted(str(p) for p in arguments.folder.rglob("*") if p.suffix.lower() in kinds)
    clips = clips[:: max(1, len(clips) // N_PREDICTED)][:N_PREDICTED]
    if len(clips) < N_PREDICTED:
        parser.error(f"{arguments.folder} has {len(clips)} clips; expected at least {N_PREDICTED}")
    with tempfile.TemporaryDirectory() as folder:
        run_all(clips, Path(folder), arguments.runs)


def run_all(clips: list[str], folder: Path, n_runs: int) -> None:
    """Run the calls and print time and peak memory of each."""
    for minutes in MINUTES.values():
        join(clips, minutes, folder / f"{minutes}.flac")
    long, model = str(folder / f"{MINUTES['predict']}.flac"), str(folder / "model.joblib")
    run({"call": "save", "clips": clips[:32], "model": model})
    half = N_PREDICTED // 2
    predictions = {
        f"{N_PREDICTED} short clips": clips,
        f"one of {MINUTES['predict']} minutes": [long],
        "all in one call": [*clips[:half], long, *clips[half:]],
    }
    short, whole = clips[:N_TRAINED], str(folder / f"{MINUTES['fit']}.flac")
    fits = {
        f"{N_TRAINED} short clips": short,
        f"and one of {MINUTES['fit']} minutes": [*short, whole],
    }
    found: dict[str, list[tuple[float, float]]] = {}
    for _ in range(n_runs):
        for name, chosen in predictions.items():
            job = {"call": "predict", "clips": chosen, "model": model}
            found.setdefault(f"predict, {name}", []).append(run(job))
        for name, chosen in fits.items():
            found.setdefault(f"fit, {name}", []).append(run({"call": "fit", "clips": chosen}))
    rows = {
        name: [statistics.median(v) for v in zip(*of, strict=True)] for name, of in found.items()
    }
    print(f"median of {n_runs} fresh processes{'':<16}{'seconds':>9}{'GB':>7}")
    for name, (seconds, peak) in rows.items():
        print(f"{name:<46}{seconds:>9.2f}{peak:>7.2f}")
    few, one, together, shorter, longer = rows.values()
    print("ratios")
    print(f"time of prediction, one call to two:{'':<10}{together[0] / (few[0] + one[0]):>9.2f}")
    print(f"peak, one call to the larger of two:{'':<10}{together[1] / max(few[1], one[1]):>9.2f}")
    print(f"time of an epoch, with the long clip:{'':<9}{longer[0] / shorter[0]:>9.2f}")


def join(clips: list[str], minutes: float, path: Path) -> None:
    """Write a recording that consists of short clips."""
    import soundfile

    sounds = [soundfile.read(clip, dtype="float32", always_2d=True) for clip in clips]
    sr = sounds[0][1]
    whole = np.concatenate([samples[:, 0] for samples, _ in sounds])
    soundfile.write(path, np.resize(whole, int(60 * minutes * sr)), sr)


def run(job: dict) -> tuple[float, float]:
    """Measure a call in a fresh process."""
    command = [sys.executable, __file__, ".", "--worker", json.dumps(job)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, peak = json.loads(done.stdout.splitlines()[-1])
    return seconds, peak


def measure(call: str, clips: list[str], model: str = "") -> tuple[float, float]:
    """Return the seconds of a call, or of an epoch of a fit, and the peak memory in GB."""
    import joblib

    from ser_estimators import CNNEmbedder, MFCCTransformer, make_ser_pipeline

    labels = np.arange(len(clips)) % 8
    if call == "save":
        pipe = make_ser_pipeline(random_state=0).set_params(cnn__max_epochs=1)
        joblib.dump(pipe.fit(clips, labels), model)
        return 0.0, 0.0
    if call == "predict":
        pipe = joblib.load(model)
        pipe.predict(clips[:1] if len(clips) > 1 else [np.zeros(16000, np.float32) + 1e-3])
        start = time.perf_counter()
        pipe.predict(clips)
        seconds = time.perf_counter() - start
    else:
        frames = MFCCTransformer().transform(clips)
        cnn = CNNEmbedder(max_epochs=N_EPOCHS, random_state=0).fit(frames, labels)
        seconds = statistics.median(row["dur"] for row in cnn.history_)
    # In kilobytes on Linux.
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
