"""
=====================================
Train and predict on the command line
=====================================

What ``ser train``, ``ser info``, ``ser predict`` and ``ser evaluate`` print. No Python is needed;
here, it only makes the recordings and runs the commands.
"""

# %%
# Recordings in folders
# ---------------------
# ``ser`` reads folders of the form ``<speaker>/<emotion>/<file>``, and CSV tables. The voices are
# synthetic.
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from ser_estimators.datasets import make_emotional_speech

scratch = TemporaryDirectory()
folder = Path(scratch.name)
corpus = make_emotional_speech(
    n_speakers=6,
    n_per_emotion=4,
    emotions=("anger", "neutral", "sadness"),
    out_dir=folder / "voices",
    random_state=0,
)
for path, speaker, emotion in zip(corpus.data, corpus.speakers, corpus.target, strict=True):
    place = folder / ("new" if speaker == "06" else f"recordings/{speaker}/{emotion}")
    place.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, place)
(folder / "new" / "empty.mp3").touch()


def ser(arguments):
    """Run a command as in a terminal, and print what it prints."""
    print(f"$ ser {arguments}")
    done = subprocess.run(
        [sys.executable, "-m", "ser_estimators", *shlex.split(arguments)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"COLUMNS": "80"},
    )
    print(done.stdout, end="")
    print(f"(exit status {done.returncode})" if done.returncode else "")


# %%
# Training
# --------
# Any parameter of the pipeline can be set.
ser("train recordings/ -o model.safetensors --set cnn__max_epochs=20")

# %%
# The model is a :doc:`model file </model_files>`.
ser("info model.safetensors")

# %%
# Prediction
# ----------
# Each recording has a row, even if it cannot be read. The exit status tells scripts about failures.
ser("predict -m model.safetensors new/")

# %%
# ``--csv`` and ``--json`` are for other programs.
ser("predict -m model.safetensors --csv --probabilities new/anger_01.wav")

# %%
# Evaluation
# ----------
# Every speaker is predicted by a model that was trained on others. ``--html report.html`` writes
# the same as a page. :doc:`/command_line` describes all commands.
ser("evaluate recordings/ --set cnn__max_epochs=20 --quiet")
scratch.cleanup()
