"""Time from a fresh process to the first prediction, with a model file and with joblib.

    python benchmarks/model_files.py

Fresh interpreters on one core run in turn. The medians of their processor time are printed, which
is the time that passes on a core without other work. The model is the default pipeline, trained for
two epochs on synthetic voices, which has the size of any other.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import joblib

from ser_estimators import make_ser_pipeline, save_model
from ser_estimators.datasets import make_emotional_speech

N_RUNS = 11
IMPORTS = "import sklearn.linear_model, sklearn.pipeline, torch"
FILE = "from ser_estimators import load_model; model = load_model('model.safetensors')"
PICKLE = "import joblib; model = joblib.load('model.joblib')"
PREDICT = "; model.predict_proba(['{path}'])"
INFO = "from ser_estimators.models import model_info; model_info('model.safetensors')"


def main() -> None:
    """Save a model in both ways, and print the sizes and the times."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        corpus = make_emotional_speech(4, 4, out_dir="voices", random_state=0)
        pipe = make_ser_pipeline(random_state=0).set_params(cnn__max_epochs=2)
        pipe.fit(corpus.data, corpus.target)
        sizes = {
            "model file": save_model(pipe, "model.safetensors").stat().st_size,
            "joblib": Path(joblib.dump(pipe, "model.joblib")[0]).stat().st_size,
        }
        print(", ".join(f"{name}: {size / 1e6:.2f} MB" for name, size in sizes.items()))
        predict = PREDICT.format(path=corpus.data[0])
        report(
            {
                "the imports alone": IMPORTS,
                "model_info": INFO,
                "load_model": FILE,
                "joblib.load": PICKLE,
                "load_model and predict": FILE + predict,
                "joblib.load and predict": PICKLE + predict,
            }
        )


def report(statements: dict[str, str]) -> None:
    """Time every statement in fresh interpreters that take turns, and print a table."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if cores:
        os.sched_setaffinity(0, cores[:1])
    times: dict[str, list[float]] = {name: [] for name in statements}
    for _ in range(N_RUNS):
        for name, code in statements.items():
            before = processor_time()
            subprocess.run([sys.executable, "-c", code], check=True)
            times[name].append(processor_time() - before)
    print(f"median of {N_RUNS} fresh interpreters on one core, in seconds of the processor")
    for name, values in times.items():
        print(f"{name:<26}{statistics.median(values):>8.2f}")


def processor_time() -> float:
    """Return the processor time of all child processes so far, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
