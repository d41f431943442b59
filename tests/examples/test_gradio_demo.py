"""The page for the microphone: a real process, and its API."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sklearn.pipeline import make_pipeline

from ser_estimators import AcousticFeatures, LogisticRegression, save_model

from .servers import EXAMPLES, wait_for

gradio_client = pytest.importorskip("gradio_client")
pytest.importorskip("gradio")

SCRIPT = EXAMPLES / "gradio_demo.py"


@pytest.fixture(scope="module")
def model(voices):
    features = AcousticFeatures(features=["rms", "centroid"], statistics=["mean"])
    return make_pipeline(features, LogisticRegression()).fit(voices.data, voices.target)


@pytest.fixture(scope="module")
def page(model, tmp_path_factory):
    """Start the demo and return a client of it."""
    folder = tmp_path_factory.mktemp("gradio")
    path = save_model(model, folder / "emotion.safetensors")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {"GRADIO_SERVER_PORT": str(port), "GRADIO_TEMP_DIR": str(folder)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, SCRIPT, path], stdout=log, stderr=log, env=environment
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: urllib.request.urlopen(url).close(), process)
        client = gradio_client.Client(url, verbose=False, download_files=folder)
        yield client
        client.close()
        process.send_signal(signal.SIGINT)
        process.wait(60)
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in (folder / "log").read_text()


def ask(page, path):
    clip = None if path is None else gradio_client.handle_file(str(path))
    return page.predict(clip, api_name="/label")


def test_script_is_short():
    assert len(SCRIPT.read_text().splitlines()) < 40


def test_script_without_a_model_prints_its_usage():
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "Usage: gradio_demo.py MODEL\n"


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.ogg"])
def test_voices_are_labeled(page, model, name):
    soundfile.write(name, 0.1 * np.random.default_rng(0).normal(size=(22050, 2)), 22050)
    answer = ask(page, name)
    expected = dict(zip(model.classes_, model.predict_proba([name])[0], strict=True))
    found = {row["label"]: row["confidence"] for row in answer["confidences"]}
    assert found == pytest.approx(expected, abs=1e-5)
    assert answer["label"] == max(expected, key=expected.get)


def test_voices_that_cannot_be_used(page):
    Path("empty.wav").touch()
    Path("text.wav").write_text("hello")
    soundfile.write("long.wav", np.zeros(61 * 8000), 8000)
    for path, reason in (
        (None, "Record or upload a voice first."),
        ("empty.wav", "the file is empty"),
        ("text.wav", "it is text, not audio"),
        ("long.wav", "it is 61.0 s long"),
    ):
        with pytest.raises(gradio_client.exceptions.AppError, match=reason):
            ask(page, path)
