"""The command as a process: streams, pipes, terminals, signals, and how soon it answers."""

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import joblib
import pytest

import ser_estimators

from ..test_package import HEAVY, loaded_after
from .helpers import COMMAND, on_terminal, ser, start

needs_posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no such thing")


def test_help_and_version():
    assert ser("--help").status == 0
    assert ser("--version").out.decode().split() == ["ser_estimators", ser_estimators.__version__]


@pytest.mark.parametrize(
    "args", [["--help"], ["predict", "--help"], ["predict", "-m", "x.joblib", "x.wav"], ["x"]]
)
def test_nothing_heavy_is_imported_before_it_is_needed(args):
    loaded = loaded_after(f"from ser_estimators.cli._main import _run; _run({args})")
    assert "click" in loaded
    assert not {*HEAVY, "numpy", "joblib", "tqdm"} & set(loaded)


@needs_posix
@pytest.mark.parametrize("args", [["predict", "-m"], ["predict", "--json", "-m"]])
def test_closed_pipes(args, model_file, folder):
    """As in ``ser predict ... | head -1``."""
    with start(*args, model_file, *[folder] * 30) as process:
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


@needs_posix
def test_closed_streams(model_file, voices):
    command = " ".join([*COMMAND, "predict", "-q", "-m", str(model_file)])
    for streams, status in (("<&- >&- 2>&-", 0), (">&-", 0), ("2>&-", 0)):
        done = subprocess.run(["sh", "-c", f"{command} '{voices.data[0]}' {streams}"])
        assert done.returncode == status


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("args", [["--help"], ["predict", "-m"]])
def test_full_disk(args, model_file, voices):
    args += [str(model_file), voices.data[0]] if len(args) > 1 else []
    with open("/dev/full", "w") as full:
        done = subprocess.run([*COMMAND, *args], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr == b"ser: error: No space left on device\n"


@pytest.mark.skipif(sys.platform != "linux", reason="file names of other systems are text")
def test_names_that_are_not_valid_text(model_file, voices):
    name = os.fsdecode(b"\xfc \xe4.wav")
    shutil.copy(voices.data[0], name)
    done = ser("predict", "-m", model_file, name, "nothing\udcff.wav")
    assert done.status == 1
    assert rb"\udcfc \udce4.wav" in done.out
    done = ser("predict", "-m", model_file, "--json", "-", stdin=b"\xfc \xe4.wav\n")
    assert os.fsencode(json.loads(done.out)[0]["path"]) == b"\xfc \xe4.wav"
    assert done.status == 0


def test_terminals_with_another_encoding(model_file, voices):
    shutil.copy(voices.data[0], "世界.wav")
    done = ser("predict", "-m", model_file, "世界.wav", env={"PYTHONIOENCODING": "latin-1"})
    assert done.status == 0
    assert rb"\u4e16\u754c.wav" in done.out


def test_standard_output_has_the_results_only(model_file, voices):
    Path("bad.mp3").write_bytes(b"\xff\xfb\x90\x64" + b"\0\1\2\3" * 500)
    done = ser("predict", "-m", model_file, "--json", "bad.mp3", voices.data[0])
    assert [bool(row["error"]) for row in json.loads(done.out)] == [True, False]
    assert done.err == b"1 of 2 files could not be predicted\n"  # nothing from the decoder


def test_audio_through_a_pipe(model_file, voices):
    done = ser("predict", "-m", model_file, "--csv", "-", stdin=Path(voices.data[0]).read_bytes())
    assert done.out.splitlines()[1].startswith(b"-,")
    assert done.status == 0


def test_shell_completion():
    env = {"_SER_COMPLETE": "bash_complete", "COMP_WORDS": "ser pre", "COMP_CWORD": "1"}
    assert ser(env=env).out.split() == [b"plain,predict"]
    env |= {"COMP_WORDS": "ser predict --prob", "COMP_CWORD": "2"}
    assert ser(env=env).out.split() == [b"plain,--probabilities"]
    for shell in ("zsh", "fish"):
        assert b"_SER_COMPLETE" in ser(env={"_SER_COMPLETE": f"{shell}_source"}).out


@needs_posix
@pytest.mark.parametrize("columns", [40, 80])
def test_on_a_terminal(columns, model_file, folder):
    (folder.parent / "empty.wav").touch()
    status, text = on_terminal(
        "predict", "-m", model_file, folder, folder.parent / "empty.wav", columns=columns
    )
    assert status == 1
    assert "\x1b[1mfile" in text
    assert "\x1b[31m" in text
    lines = re.sub(r"\x1b\[\d*m", "", text).splitlines()
    assert len(lines) >= 39
    assert all(len(line) <= columns for line in lines)


@needs_posix
@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_without_colors(env, model_file, voices):
    status, text = on_terminal("predict", "-m", model_file, voices.data[0], "x.wav", env=env)
    assert status == 1
    assert "\x1b" not in text
    wrong = ("predict", "-m", "nothing.joblib", "x.wav")
    assert "\x1b" not in on_terminal(*wrong, env=env)[1]
    assert "\x1b[31mser: error:" in on_terminal(*wrong)[1]


@needs_posix
@pytest.mark.parametrize("columns", [30, 60])
def test_messages_on_a_terminal_end_between_words(columns):
    text = on_terminal("predict", "-m", "nothing.joblib", "x.wav", columns=columns)[1]
    whole = ser("predict", "-m", "nothing.joblib", "x.wav").err.decode()
    lines = re.sub(r"\x1b\[\d*m", "", text).splitlines()
    assert len(lines) > 1
    assert all(len(line) <= columns for line in lines)
    assert " ".join(lines) == whole.rstrip("\n")  # which is one line


SLOW = """
import time
import numpy as np

class Slow:
    classes_ = np.array(["joy"])

    def predict(self, X):
        time.sleep(0.5)
        return np.repeat(self.classes_, len(X))
"""


@needs_posix
def test_progress_on_a_terminal(folder, monkeypatch):
    Path("slow_model.py").write_text(SLOW)
    monkeypatch.syspath_prepend(Path.cwd())
    joblib.dump(importlib.import_module("slow_model").Slow(), "slow.joblib")
    args = ["predict", "-m", "slow.joblib", *[folder] * 2]
    text = on_terminal(*args)[1]
    assert re.search(r"prediction: +\d+%", text)
    assert text.count(".wav") == 2 * 36
    assert "prediction:" not in on_terminal(*args, "-q")[1]
    assert ser(*args).err == b""


@needs_posix
def test_ctrl_c(model_file, folder):
    status, text = on_terminal(
        "predict", "-m", model_file, *[folder] * 200, interrupt_after="probability"
    )
    assert status == 130
    assert text.splitlines()[-1] == "ser: interrupted"
    assert "Traceback" not in text
