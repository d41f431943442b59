"""Import time of ser_estimators, without the start-up of the interpreter.

    python benchmarks/import_time.py

Fresh interpreters run in turn, with and without the import; the medians are printed.
"""

import statistics
import subprocess
import sys
import time

N_RUNS = 20
STATEMENTS = {
    "nothing": "pass",
    "import ser_estimators": "import ser_estimators",
    "import sklearn.pipeline": "import sklearn.pipeline",
    "import torch": "import torch",
}


def main() -> None:
    """Time every statement and print the table."""
    times: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for _ in range(N_RUNS):
        for name, code in STATEMENTS.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            times[name].append(time.perf_counter() - start)
    base = statistics.median(times["nothing"])
    print(f"median of {N_RUNS} fresh interpreters, in seconds above one without imports")
    for name, values in times.items():
        print(f"{name:<26}{statistics.median(values) - base:>8.3f}")


if __name__ == "__main__":
    main()
