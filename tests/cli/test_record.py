"""ser record, with a stand-in for sounddevice, because test machines have no microphone."""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile


class PortAudioError(Exception):
    pass


def sounddevice(samples=None, error=None):
    def rec(frames, samplerate, channels, dtype, device):
        calls.append((frames, samplerate, channels, dtype, device))
        if error:
            raise error
        return samples[:frames, None] if samples is not None else np.zeros((frames, 1), np.int16)

    calls = []
    return SimpleNamespace(rec=rec, wait=lambda: None, PortAudioError=PortAudioError, calls=calls)


@pytest.fixture
def microphone(monkeypatch, voices):
    samples, sr = soundfile.read(voices.data[0], dtype="int16")
    assert sr == 16000
    module = sounddevice(np.tile(samples, 10))
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    return module


def test_a_recording(run, microphone):
    done = run("record", "-o", "x.wav", "--seconds", "0.5", "--device", "2")
    assert (done.status, done.out) == (0, "")
    assert done.err == "Recording 0.5 s; speak now\nSaved x.wav\n"
    assert soundfile.info("x.wav").frames == 8000
    assert microphone.calls == [(8000, 16000, 1, "int16", 2)]


def test_a_recording_is_predicted(run, microphone, model_file):
    done = run("record", "--predict", "-m", model_file, "--device", "USB")
    assert done.status == 0
    assert done.out.splitlines()[1].startswith("recording  ")
    assert microphone.calls == [(80000, 16000, 1, "int16", "USB")]
    assert not list(Path.cwd().iterdir())
    done = run("record", "--predict", "-m", model_file, "-o", "x.flac")
    assert done.out.splitlines()[1].startswith("x.flac  ")
    assert soundfile.info("x.flac").samplerate == 16000


@pytest.mark.usefixtures("microphone", "without_model_package")
@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "pass -o FILE, --predict, or both"),
        (["-o", "x.mp4"], "'x.mp4' ends in neither .wav nor .flac"),
        (["-o", "no/x.wav"], "there is no folder 'no'; create it first"),
        (["-o", "x.wav", "--seconds", "0"], "Invalid value for '--seconds'"),
        (["--predict"], "there is no model: pass one with --model FILE"),
    ],
)
def test_wrong_usage(run, args, message):
    done = run("record", *args)
    assert (done.status, done.out) == (2, "")
    assert message in done.err
    assert "speak now" not in done.err


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PortAudioError("Error querying device -1"), "the microphone cannot be used: Error quer"),
        (ValueError("No input device matching 'x'"), "the microphone cannot be used: No input de"),
    ],
)
def test_no_microphone(run, monkeypatch, error, message):
    monkeypatch.setitem(sys.modules, "sounddevice", sounddevice(error=error))
    done = run("record", "-o", "x.wav")
    assert done.status == 1
    assert f"ser: error: {message}" in done.err
    assert "'python -m sounddevice' lists the devices" in done.err
    assert not Path("x.wav").exists()


def test_without_sounddevice(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    done = run("record", "-o", "x.wav")
    assert done.status == 2
    assert "needs the package sounddevice, which is not installed; run 'pip install" in done.err
    monkeypatch.delitem(sys.modules, "sounddevice")
    Path("sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    monkeypatch.syspath_prepend(Path.cwd())
    done = run("record", "-o", "x.wav")
    assert done.status == 2
    assert "does not work here (PortAudio library not found); install PortAudio" in done.err
