"""The examples that need no ser_estimators: a script, and a page in a real browser."""

import ast
import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ..browser import CHROMIUM, Browser
from .test_onnx import noise

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

EXAMPLES = Path(__file__).parents[2] / "examples"
SCRIPT = EXAMPLES / "onnx_predict.py"
PAGE = EXAMPLES / "browser" / "index.html"
# Packages that a machine without ser_estimators does not need.
BLOCKED = ("ser_estimators", "torch", "sklearn", "scipy", "librosa", "joblib", "onnx")


@pytest.mark.parametrize("rate", [16000, 44100])
def test_script_labels_a_recording(pipe, onnx_file, rate):
    """In a process without this package; stereo, and resampled as by the pipeline."""
    channels = np.stack([noise(2 * rate), 0.5 * noise(2 * rate, seed=1)], axis=1)
    soundfile.write("voice.wav", channels, rate)
    code = (
        f"import runpy, sys; sys.modules |= dict.fromkeys({BLOCKED!r})\n"
        f"sys.argv[1:] = [{str(onnx_file)!r}, 'voice.wav']\nrunpy.run_path({str(SCRIPT)!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [name for name, _ in rows] == pipe.classes_.tolist()
    expected = pipe.predict_proba(["voice.wav"])[0]
    np.testing.assert_allclose([float(number) for _, number in rows], expected, atol=1e-3)


@pytest.mark.parametrize("arguments", [[], ["model.onnx"]])
def test_script_without_a_recording_prints_its_usage(arguments):
    done = subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "Usage: onnx_predict.py MODEL FILE\n"


def test_script_is_short():
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import)
                for alias in node.names}  # fmt: skip
    assert imported == {"json", "sys", "numpy", "onnxruntime", "soundfile", "soxr"}
    lines = [node.end_lineno for node in tree.body]
    assert lines[-1] - lines[0] <= 20


def runtime_files():
    """Return the folder of onnxruntime-web, or skip the test."""
    folder = Path(
        os.environ.get("SER_ONNXRUNTIME_WEB")
        or EXAMPLES.parent / "node_modules" / "onnxruntime-web" / "dist"
    )
    if not folder.is_dir():
        pytest.skip("no onnxruntime-web: npm install --no-save onnxruntime-web@VERSION")
    return folder


@pytest.fixture
def site(tmp_path):
    """Return a function that serves files beside the page; the address is that of the page."""
    folder = tmp_path / "site"
    folder.mkdir()
    shutil.copy(PAGE, folder)
    (folder / "onnxruntime-web").symlink_to(runtime_files())

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    handler = functools.partial(Handler, directory=os.fspath(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield folder, f"http://127.0.0.1:{server.server_port}/index.html"
        server.shutdown()


@pytest.fixture
def browser(tmp_path):
    if CHROMIUM is None:
        pytest.skip("no Chromium")
    with Browser(tmp_path / "profile") as browser:
        yield browser


STATUS = "document.querySelector('#status')?.textContent"
DROP = """
fetch('dropped.wav').then((response) => response.blob()).then((blob) => {
  const data = new DataTransfer();
  data.items.add(new File([blob], '<b>dropped</b>.wav'));
  document.body.dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true}));
})
"""


def scores_on(browser, name):
    """Return the probabilities that the page shows for a file, by class."""
    article = (
        f"[...document.querySelectorAll('article')].find((a) => a.innerText.includes({name!r}))"
    )
    browser.wait_for(f"{article}?.querySelector('dl') != null")
    rows = (
        f"[...{article}.querySelectorAll('dl > div')].map((row) => [row.querySelector('dt')"
        ".textContent, Number(row.querySelector('data').value)])"
    )
    return dict(browser.evaluate(rows))


def test_page_labels_recordings(pipe, onnx_file, voices, site, browser, tmp_path):
    folder, url = site
    shutil.copy(onnx_file, folder)
    shutil.copy(voices.data[0], folder / "dropped.wav")
    stereo = np.stack([noise(20000), noise(20000, seed=1)], axis=1)
    soundfile.write("stereo.wav", stereo, 16000, subtype="FLOAT")
    Path("damaged.wav").write_text("<!DOCTYPE html>")

    browser.open(url)
    browser.wait_for(f"{STATUS} == 'Ready.'")
    browser.choose_files("#files", [voices.data[5], "stereo.wav", "damaged.wav"])
    browser.evaluate(DROP)

    for name, clip in (
        (Path(voices.data[5]).name, voices.data[5]),
        ("stereo.wav", "stereo.wav"),
        ("<b>dropped</b>.wav", voices.data[0]),
    ):
        shown = scores_on(browser, name)
        assert list(shown.values()) == sorted(shown.values(), reverse=True)
        found = [shown[label] for label in pipe.classes_]
        np.testing.assert_allclose(found, pipe.predict_proba([clip])[0], atol=1e-4)
    error = browser.evaluate("document.querySelector('article .error').textContent")
    assert error == "No label: this browser cannot decode it; convert it to WAV or MP3."
    browser.screenshot(tmp_path / "page.png")
    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "model.onnx is not beside this page (404). Write it there with export_onnx."),
        (b"\x0f" * 9, "model.onnx cannot be read: it is not an ONNX file. Write it again with"),
        (
            b"\x08\xff",
            "model.onnx cannot be read: it is truncated. Write it again with export_onnx",
        ),
        (b"\x08\x07", "model.onnx has no metadata of export_onnx. Write it with export_onnx."),
    ],
)
def test_page_without_a_model_says_so(site, browser, content, message):
    folder, url = site
    if content is not None:
        (folder / "model.onnx").write_bytes(content)
    browser.open(url)
    status = browser.wait_for(f"!{STATUS}?.startsWith('Loading') && {STATUS}")
    assert status.startswith(message)
    assert browser.evaluate("document.querySelector('#files').disabled")


def test_page_names_the_tested_version():
    package = json.loads((runtime_files().parent / "package.json").read_text())
    (version,) = re.findall(r"onnxruntime-web@([\d.]+)/", PAGE.read_text(encoding="utf-8"))
    assert package["version"] == version
