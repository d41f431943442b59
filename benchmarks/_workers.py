"""Common code of the benchmarks: separate environments, and fresh processes that take turns."""

import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
MAX_SECONDS = 600


def make_environment(folder: Path, requirements: Path) -> str:
    """Create or complete an environment for other libraries, and return its interpreter.

    Packages that cannot be installed are reported here and in the results.
    """
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        progress(f"creating the environment {folder} ...")
        try:
            venv.create(folder, with_pip=True, symlinks=os.name != "nt")
        except (OSError, subprocess.CalledProcessError) as error:
            progress(f"could not create the environment: {error}")
            return str(python)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pip += ["-c", HERE.parent / "constraints.txt"]
    progress("installing missing packages ...")
    if subprocess.run([*pip, "-r", requirements], capture_output=True).returncode:
        # Install the packages one by one, because one of them may have no wheel.
        for line in requirements.read_text().splitlines():
            if not line.startswith("#") and subprocess.run([*pip, line]).returncode:
                progress(f"could not install {line}")
    return str(python)


def run_worker(python: str, script: str, job: dict, variables: Mapping[str, str]) -> dict:
    """Run ``script --worker`` in a fresh process, and return its row or a row with an error."""
    with tempfile.TemporaryDirectory() as folder:
        # Processes of a pool may be killed, so their temporary files are removed here.
        environment = {**os.environ, **variables, "TMPDIR": folder, "TEMP": folder}
        try:
            result = subprocess.run(
                [python, script, "--worker"],
                input=json.dumps(job),
                env=environment,
                capture_output=True,
                text=True,
                timeout=MAX_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return {"error": f"not run: {error}"}
    if result.returncode:
        last = (result.stderr.strip().splitlines() or ["no message"])[-1]
        kind = "not installed" if last.startswith("ModuleNotFoundError") else "not run"
        return {"error": f"{kind}: {last}"}
    # A library may have printed other lines before.
    return json.loads(result.stdout.splitlines()[-1])


def load_before() -> float | None:
    """Return the load average of the last minute, or None if it is unknown."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def shorten(text: str, width: int) -> str:
    """Shorten a string to a maximum width."""
    return text if len(text) <= width else text[: width - 3] + "..."


def progress(message: str) -> None:
    """Print progress to standard error, apart from the tables."""
    print(message, file=sys.stderr, flush=True)
