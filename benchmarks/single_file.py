"""Time to label one file of three seconds: the pickled pipeline, and its ONNX file.

    python benchmarks/single_file.py

Every measurement is a fresh process on one core; the systems take turns, and medians are printed.
The networks have the default size. They are trained for one epoch on synthetic voices, because
weights have no effect on the time.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SCRIPT = str(Path(__file__).resolve())
SR, SECONDS, N_WARM = 16000, 3, 50
# What a process imports before it can load the model.
IMPORTS = {
    "nothing": "pass",
    "pipeline": "import joblib, sklearn.linear_model, sklearn.pipeline, torch\n"
    "from ser_estimators import CNNEmbedder, LogisticRegression, MFCCTransformer",
    "onnx": "import json, numpy, onnxruntime, soundfile, soxr",
}
TITLES = {"nothing": "no import", "pipeline": "pipeline, torch", "onnx": "ONNX, onnxruntime"}


def main() -> None:
    """Measure both systems in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10, help="fresh processes of each kind")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        print(json.dumps(label(arguments.worker)))
        return
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        prepare()
        # Inherited by the processes that are measured.
        os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        if hasattr(os, "sched_setaffinity"):  # Linux
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        imports: dict[str, list[float]] = {name: [] for name in IMPORTS}
        whole: dict[str, list[float]] = {name: [] for name in ("pipeline", "onnx")}
        warm: dict[str, list[float]] = {name: [] for name in whole}
        for _ in range(arguments.runs):
            for name, code in IMPORTS.items():
                imports[name].append(timed([sys.executable, "-c", code])[0])
            for name in whole:
                seconds, output = timed([sys.executable, SCRIPT, "--worker", name])
                # Without the warm calls, which come last.
                found = json.loads(output)
                whole[name].append(seconds - found["seconds_of_warm_calls"])
                warm[name].append(found["warm"])
        sizes = {name: Path(f"model.{name}").stat().st_size for name in whole}
    print(f"median of {arguments.runs} fresh processes on one core, one file of {SECONDS} s")
    print(f"{'':<20}{'imports, s':>12}{'process, s':>12}{'warm, ms':>10}{'model, MB':>11}")
    for name, title in TITLES.items():
        row = f"{title:<20}{statistics.median(imports[name]):>12.3f}"
        if name in whole:
            row += f"{statistics.median(whole[name]):>12.3f}"
            row += f"{1000 * statistics.median(warm[name]):>10.1f}{sizes[name] / 1e6:>11.1f}"
        print(row)


def prepare() -> None:
    """Write both models and the file."""
    import joblib
    import soundfile

    from ser_estimators import export_onnx, make_ser_pipeline
    from ser_estimators.datasets import make_emotional_speech

    corpus = make_emotional_speech(4, 2, out_dir="voices", random_state=0)
    pipe = make_ser_pipeline(random_state=0).set_params(cnn__max_epochs=1)
    pipe.fit(corpus.data, corpus.target)
    joblib.dump(pipe, "model.pipeline")
    export_onnx(pipe, "model.onnx")
    voices = np.concatenate([soundfile.read(path)[0] for path in corpus.data[:4]])
    soundfile.write("voice.wav", np.resize(voices, SR * SECONDS), SR)


def timed(command: list[str]) -> tuple[float, str]:
    """Return the seconds of a command, and its output."""
    start = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return time.perf_counter() - start, done.stdout


def label(name: str) -> dict[str, float]:
    """Label the file, then measure further calls."""
    predict = pipeline() if name == "pipeline" else onnx()
    assert abs(predict().sum() - 1) < 1e-3
    loaded = {"torch", "sklearn", "ser_estimators"} & set(sys.modules)
    assert loaded == ({"torch", "sklearn", "ser_estimators"} if name == "pipeline" else set())
    begin = time.perf_counter()
    times = []
    for _ in range(N_WARM):
        start = time.perf_counter()
        predict()
        times.append(time.perf_counter() - start)
    return {
        "warm": statistics.median(times),
        "seconds_of_warm_calls": time.perf_counter() - begin,
    }


def pipeline():
    """Load the pickled pipeline."""
    import joblib

    model = joblib.load("model.pipeline")
    return lambda: model.predict_proba(["voice.wav"])[0]


def onnx():
    """Load the ONNX file, as examples/onnx_predict.py does, but on one thread."""
    import onnxruntime
    import soundfile
    import soxr

    options = onnxruntime.SessionOptions()
    # By default, a thread for every core of the machine, which would wait for each other.
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession("model.onnx", options)
    rate = int(session.get_modelmeta().custom_metadata_map["sampling_rate"])

    def predict():
        samples, own_rate = soundfile.read("voice.wav", dtype="float32", always_2d=True)
        waveform = soxr.resample(samples.mean(axis=1), own_rate, rate)
        lengths = np.array([waveform.size])
        return session.run(None, {"waveform": waveform[None], "lengths": lengths})[0][0]

    return predict


if __name__ == "__main__":
    main()
