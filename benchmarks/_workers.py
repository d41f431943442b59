"""What the benchmarks share: environments of their own, and fresh processes that take turns."""

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
    """Make an environment for other libraries, or complete it, and return its interpreter.

    What cannot be installed is told and left out; its row will say so.
    """
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        progress(f"making the environment {folder} ...")
        try:
            venv.create(folder, with_pip=True, symlinks=os.name != "nt")
        except (OSError, subprocess.CalledProcessError) as error:
            progress(f"could not make it: {error}")
            return str(python)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pip += ["-c", HERE.parent / "constraints.txt"]
    progress("installing what is missing in it ...")
    if subprocess.run([*pip, "-r", requirements], capture_output=True).returncode:
        # One that has no wheel here must not keep the others out.
        for line in requirements.read_text().splitlines():
            if not line.startswith("#") and subprocess.run([*pip, line]).returncode:
                progress(f"could not install {line}")
    return str(python)


def run_worker(python: str, script: str, job: dict, variables: Mapping[str, str]) -> dict:
    """Run ``script --worker`` in a fresh process; what goes wrong there becomes the row's error."""
    with tempfile.TemporaryDirectory() as folder:
        # Processes of a pool are ended without notice, so this one tidies up after them.
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
    # A library may have written to the output as well, before.
    return json.loads(result.stdout.splitlines()[-1])


def load_before() -> float | None:
    """Return how many processes ran on average in the last minute, where that is known."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def shorten(text: str, width: int) -> str:
    """Cut a text that is too long for its place."""
    return text if len(text) <= width else text[: width - 3] + "..."


def progress(message: str) -> None:
    """Say what goes on, apart from the tables."""
    print(message, file=sys.stderr, flush=True)
